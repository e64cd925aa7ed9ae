//! A body that is read on a thread of its own, at the pace at which its records are taken: what is held of it is bounded.

use std::io::{self, Read};
use std::sync::{Arc, Mutex, PoisonError};

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

/// How many records are given at once, where they come without a pause: who takes them is not woken for each.
const AT_ONCE: usize = 64;

/// How many such lots wait to be taken: as much as a transaction takes, so that the next is read while one is written.
const LOTS_AHEAD: usize = 16;

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
    lots: mpsc::Receiver<Vec<Item<T>>>,
    /// What was not given yet of the last lot.
    lot: std::vec::IntoIter<Item<T>>,
}

/// Where the thread that reads puts what it has read.
struct Outlet<T> {
    lots: mpsc::Sender<Vec<Item<T>>>,
    lot: Mutex<Vec<Item<T>>>,
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
        let (outlet, feed) = Outlet::new();
        let waiting = outlet.clone();
        // What was read is given before the thread waits for more.
        let before_waiting = Box::new(move || drop(waiting.give()));
        let raw = Box::new(Incoming { pieces: incoming, current: Bytes::new(), ended: false, before_waiting });
        let reading = move || {
            match Door::open(raw, format, table, &layout) {
                Ok(door) => read_all(door, &outlet, &read),
                Err(OpenError::Read(_)) => {}
                Err(error) => drop(outlet.put(Item::Refused(unreadable(&error)))),
            }
            // Whoever takes the records may be gone.
            let _ = outlet.give();
        };
        spawn(reading)?;
        Ok((feed, Inlet(pieces)))
    }

    /// The records of a body that is whole in memory; `make` reads it, on the thread.
    ///
    /// # Errors
    /// Where the system gives no thread.
    pub fn of<I: Iterator<Item = Taken<T>>>(make: impl FnOnce() -> I + Send + 'static) -> Result<Self, ApiError> {
        let (outlet, feed) = Outlet::new();
        spawn(move || {
            for item in make().map(Item::Record).chain(std::iter::once(Item::End)) {
                if outlet.put(item).is_err() {
                    return;
                }
            }
            let _ = outlet.give();
        })?;
        Ok(feed)
    }

    /// What comes next; nothing where the body broke off.
    pub async fn next(&mut self) -> Option<Item<T>> {
        loop {
            if let Some(item) = self.lot.next() {
                return Some(item);
            }
            self.lot = self.lots.recv().await?.into_iter();
        }
    }
}

/// Nobody takes the records any more.
struct Untaken;

impl<T> Outlet<T> {
    fn new() -> (Arc<Self>, Feed<T>) {
        let (sender, lots) = mpsc::channel(LOTS_AHEAD);
        let outlet = Arc::new(Self { lots: sender, lot: Mutex::new(Vec::with_capacity(AT_ONCE)) });
        (outlet, Feed { lots, lot: Vec::new().into_iter() })
    }

    /// Puts an item to those that are given next, and gives them where they are enough.
    fn put(&self, item: Item<T>) -> Result<(), Untaken> {
        let full = {
            let mut lot = self.lot.lock().unwrap_or_else(PoisonError::into_inner);
            lot.push(item);
            lot.len() >= AT_ONCE
        };
        if full { self.give() } else { Ok(()) }
    }

    /// Gives what was put.
    fn give(&self) -> Result<(), Untaken> {
        let lot = std::mem::take(&mut *self.lot.lock().unwrap_or_else(PoisonError::into_inner));
        if lot.is_empty() { Ok(()) } else { self.lots.blocking_send(lot).map_err(|_| Untaken) }
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

/// Puts every record, while somebody takes them.
fn read_all<T>(mut door: Door, outlet: &Outlet<T>, read: &impl Fn(Value) -> Result<T, Vec<Fault>>) {
    loop {
        let item = match door.take(read) {
            Ok(Some(taken)) => Item::Record(taken),
            Ok(None) => Item::End,
            // Who brings the body knows what is wrong with it.
            Err(_) => return,
        };
        let last = matches!(item, Item::End);
        if outlet.put(item).is_err() || last {
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
    /// Done before the thread waits for a piece.
    before_waiting: Box<dyn FnMut() + Send>,
}

impl Read for Incoming {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.current.is_empty() && !self.ended {
            let piece = self.pieces.try_recv().ok().or_else(|| {
                (self.before_waiting)();
                self.pieces.blocking_recv()
            });
            match piece {
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
