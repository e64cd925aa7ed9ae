//! Rows read and converted on a thread of their own, at the pace at which they are sent.

use std::{io, sync::Arc, thread::JoinHandle};

use serde_json::{Map, Value};
use tokio::sync::mpsc;

use super::problem::Stop;
use crate::rows::mapping::Mapping;
use crate::rows::read::{Row, Source};
use crate::rows::record::Fault;

/// How many rows are read ahead.
const AHEAD: usize = 256;

/// A row and the record that it makes, or why it makes none.
pub struct Item {
    /// The row.
    pub row: Row,
    /// The record.
    pub record: Result<Map<String, Value>, Vec<Fault>>,
}

/// The rows of a file, in order.
pub struct Feed {
    items: mpsc::Receiver<io::Result<Item>>,
    reader: Option<JoinHandle<()>>,
}

impl Feed {
    /// Begins to read.
    pub fn start(mut source: Source, mapping: Arc<Mapping>) -> Self {
        let (sender, items) = mpsc::channel(AHEAD);
        let reader = std::thread::spawn(move || {
            loop {
                let read = match source.next_row() {
                    Ok(None) => return,
                    Ok(Some(row)) => Ok(Item { record: mapping.record(&row), row }),
                    Err(error) => Err(error),
                };
                let last = read.is_err();
                if sender.blocking_send(read).is_err() || last {
                    return;
                }
            }
        });
        Self { items, reader: Some(reader) }
    }

    /// The next row.
    ///
    /// # Errors
    /// Where the file can't be read on.
    pub async fn next(&mut self) -> Result<Option<Item>, Stop> {
        match self.items.recv().await {
            Some(Ok(item)) => Ok(Some(item)),
            Some(Err(error)) => Err(Stop::Refused(format!("the file {error}"))),
            None => match self.reader.take().map(JoinHandle::join) {
                Some(Err(_)) => Err(Stop::Refused("reading the file broke off".to_owned())),
                _ => Ok(None),
            },
        }
    }
}
