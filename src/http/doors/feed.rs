//! A body that is read on a thread of its own, at the pace at which its records are taken: what is held of it is bounded.

use std::io::{self, Read};

use actix_web::web::Bytes;
use serde_json::Value;
use tokio::sync::mpsc;

use super::door::{Door, Taken};
use crate::http::paced::Paced;
use crate::http::problem::{ApiError, Kind};
use crate::rows::fields::Table;
use crate::rows::read::Format;
use crate::rows::sheet::{Layout, OpenError};
use crate::service::Fault;

/// How many pieces of the body wait to be read.
const PIECES_AHEAD: usize = 4;

/// How many records wait to be taken.
const RECORDS_AHEAD: usize = 256;

/// A piece of the body, or its end: where there is neither, it broke off.
enum Piece {
    Bytes(Bytes),
    End,
}

/// What comes of a body.
pub enum Item<T> {
    /// A record.
    Record(Taken<T>),
    /// It can't be read at all.
    Refused(ApiError),
    /// It was read to its end.
    End,
}

/// The records of a body. Where it gives none and no end either, the body broke off.
pub struct Feed<T> {
    items: mpsc::Receiver<Item<T>>,
}

/// Brings the body to the thread that reads it.
pub struct Pump {
    body: Paced,
    inlet: Inlet,
    limit: u64,
}

/// Where the pieces of a body go in, to be read.
pub struct Inlet(mpsc::Sender<Piece>);

impl Inlet {
    /// Gives the next piece; answers whether anybody reads it.
    pub async fn give(&self, bytes: Bytes) -> bool {
        self.0.send(Piece::Bytes(bytes)).await.is_ok()
    }

    /// Says that the body is whole. Without it, it broke off.
    pub async fn end(self) {
        // Where nobody reads it, it is left.
        let _ = self.0.send(Piece::End).await;
    }
}

impl<T: Send + 'static> Feed<T> {
    /// Begins to read a body of at most `limit` bytes, each record by `read`.
    ///
    /// # Errors
    /// Where the system gives no thread.
    pub fn start(
        body: Paced,
        limit: u64,
        form: (Format, &'static Table, Layout),
        read: impl Fn(Value) -> Result<T, Vec<Fault>> + Send + 'static,
    ) -> Result<(Self, Pump), ApiError> {
        let (feed, inlet) = Self::open(form, read)?;
        Ok((feed, Pump { body, inlet, limit }))
    }

    /// Begins to read a body whose pieces are given, each record by `read`.
    ///
    /// # Errors
    /// Where the system gives no thread.
    pub fn open(
        (format, table, layout): (Format, &'static Table, Layout),
        read: impl Fn(Value) -> Result<T, Vec<Fault>> + Send + 'static,
    ) -> Result<(Self, Inlet), ApiError> {
        let (pieces, incoming) = mpsc::channel(PIECES_AHEAD);
        let (sender, items) = mpsc::channel(RECORDS_AHEAD);
        let raw = Box::new(Incoming { pieces: incoming, current: Bytes::new(), ended: false });
        let reading = move || {
            match Door::open(raw, format, table, &layout) {
                Ok(door) => read_all(door, &sender, &read),
                Err(OpenError::Read(_)) => {}
                // Whoever takes the records may be gone.
                Err(error) => drop(sender.blocking_send(Item::Refused(unreadable(&error)))),
            }
        };
        spawn(reading)?;
        Ok((Self { items }, Inlet(pieces)))
    }

    /// The records of a body that is whole in memory; `make` reads it, on the thread.
    ///
    /// # Errors
    /// Where the system gives no thread.
    pub fn of<I: Iterator<Item = Taken<T>>>(make: impl FnOnce() -> I + Send + 'static) -> Result<Self, ApiError> {
        let (sender, items) = mpsc::channel(RECORDS_AHEAD);
        spawn(move || {
            for item in make().map(Item::Record).chain(std::iter::once(Item::End)) {
                if sender.blocking_send(item).is_err() {
                    return;
                }
            }
        })?;
        Ok(Self { items })
    }

    /// What comes next; nothing where the body broke off.
    pub async fn next(&mut self) -> Option<Item<T>> {
        self.items.recv().await
    }
}

fn spawn(reading: impl FnOnce() + Send + 'static) -> Result<(), ApiError> {
    let spawned = std::thread::Builder::new().name("door".into()).spawn(reading);
    spawned.map(drop).map_err(|cause| {
        let mut problem = ApiError::new(Kind::Unavailable);
        problem.cause = Some(format!("no thread for a body: {cause}"));
        problem
    })
}

/// What is wrong with a CSV body as a whole: its header, or the mapping.
pub fn unreadable(error: &OpenError) -> ApiError {
    ApiError::new(Kind::InvalidContent).faults(vec![Fault::new("", "invalid_csv", format!("the body can't be read as CSV: {error}"))])
}

/// Gives every record, while somebody takes them.
fn read_all<T>(mut door: Door, sender: &mpsc::Sender<Item<T>>, read: &impl Fn(Value) -> Result<T, Vec<Fault>>) {
    loop {
        let item = match door.take(read) {
            Ok(Some(taken)) => Item::Record(taken),
            Ok(None) => Item::End,
            // Who brings the body knows what is wrong with it.
            Err(_) => return,
        };
        let last = matches!(item, Item::End);
        if sender.blocking_send(item).is_err() || last {
            return;
        }
    }
}

impl Pump {
    /// Brings the whole body, also where nobody reads it any more: many senders read no answer before they have sent everything.
    ///
    /// # Errors
    /// Where it breaks off, comes too slowly, or is too large.
    pub async fn run(mut self) -> Result<(), ApiError> {
        let mut bytes = 0;
        while let Some(piece) = self.body.next().await? {
            let piece = piece.map_err(|cause| ApiError::new(Kind::MalformedJson).detail(format!("the body broke off: {cause}")))?;
            bytes += piece.len() as u64;
            if bytes > self.limit {
                return Err(ApiError::new(Kind::ContentTooLarge).detail(format!("a streamed body is limited to {} bytes", self.limit)));
            }
            // Where nobody reads it, it is left.
            let _ = self.inlet.give(piece).await;
        }
        self.inlet.end().await;
        Ok(())
    }
}

/// The body, as the thread reads it.
struct Incoming {
    pieces: mpsc::Receiver<Piece>,
    current: Bytes,
    ended: bool,
}

impl Read for Incoming {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.current.is_empty() && !self.ended {
            match self.pieces.blocking_recv() {
                Some(Piece::Bytes(bytes)) => self.current = bytes,
                Some(Piece::End) => self.ended = true,
                None => return Err(io::ErrorKind::UnexpectedEof.into()),
            }
        }
        let read = self.current.len().min(buffer.len());
        buffer[..read].copy_from_slice(&self.current.split_to(read));
        Ok(read)
    }
}
