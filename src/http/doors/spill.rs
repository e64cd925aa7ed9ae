//! An answer on its way to somebody who may not read it yet: a little of it in memory, the rest in a temporary file without a name.
//!
//! Many clients send the whole body before they read a byte of the answer. If the answer waited for them, and the body for the answer, both
//! would wait for ever. So whoever writes here waits for nobody, unless there is no room for a file.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use actix_web::web::Bytes;
use tokio::sync::Notify;

/// How much of an answer is in memory.
const IN_MEMORY: usize = 256 * 1024;

/// How much of it is read from the file at once.
const AT_ONCE: u64 = 64 * 1024;

/// The answer, for one who writes and one who reads.
#[derive(Debug, Clone, Default)]
pub struct Spill(Arc<Shared>);

/// Nobody reads the answer any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gone;

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    written: Notify,
    read: Notify,
}

/// What is in memory is older than what is in the file.
#[derive(Debug, Default)]
struct State {
    memory: VecDeque<Bytes>,
    held: usize,
    file: Option<File>,
    file_end: u64,
    file_read: u64,
    ended: bool,
    gone: bool,
}

impl Spill {
    /// Adds to the answer.
    ///
    /// # Errors
    /// [`Gone`].
    pub async fn write(&self, bytes: Vec<u8>) -> Result<(), Gone> {
        let bytes = Bytes::from(bytes);
        loop {
            {
                let mut state = self.state();
                if state.gone {
                    return Err(Gone);
                }
                if state.unread_in_file() == 0 && (state.held == 0 || state.held + bytes.len() <= IN_MEMORY) {
                    state.held += bytes.len();
                    state.memory.push_back(bytes);
                    self.0.written.notify_one();
                    return Ok(());
                }
            }
            let (shared, copy) = (self.clone(), bytes.clone());
            let spilt = tokio::task::spawn_blocking(move || shared.state().spill(&copy)).await;
            match spilt {
                Ok(Ok(())) => {
                    self.0.written.notify_one();
                    return Ok(());
                }
                Ok(Err(cause)) => tracing::warn!(error = %cause, "an answer finds no room in a temporary file, and waits for its reader"),
                Err(cause) => tracing::error!(error = %cause, "an answer could not be put into a temporary file"),
            }
            self.0.read.notified().await;
        }
    }

    /// Says that nothing more will come.
    pub fn end(&self) {
        self.state().ended = true;
        self.0.written.notify_one();
    }

    /// The next part of the answer; nothing at its end.
    ///
    /// # Errors
    /// Where the temporary file can't be read, or the answer was given up.
    pub async fn read(&self) -> io::Result<Option<Bytes>> {
        loop {
            let from_file = {
                let mut state = self.state();
                if let Some(bytes) = state.memory.pop_front() {
                    state.held -= bytes.len();
                    self.0.read.notify_one();
                    return Ok(Some(bytes));
                }
                if state.gone {
                    return Err(io::Error::other("the answer was not read for too long"));
                }
                if state.unread_in_file() == 0 && state.ended {
                    self.0.read.notify_one();
                    return Ok(None);
                }
                state.unread_in_file() > 0
            };
            if from_file {
                let shared = self.clone();
                let bytes = tokio::task::spawn_blocking(move || shared.state().unspill()).await.map_err(io::Error::other)??;
                self.0.read.notify_one();
                return Ok(Some(bytes));
            }
            self.0.written.notified().await;
        }
    }

    /// Waits until all is read, as long as something is read every `patience`; gives the answer up otherwise.
    pub async fn wait_for_reader(&self, patience: Duration) {
        loop {
            {
                let state = self.state();
                if state.gone || (state.memory.is_empty() && state.unread_in_file() == 0) {
                    return;
                }
            }
            if tokio::time::timeout(patience, self.0.read.notified()).await.is_err() {
                tracing::info!("an answer is given up: nobody reads it");
                return self.close();
            }
        }
    }

    /// Gives the answer up: nobody reads it any more.
    pub fn close(&self) {
        *self.state() = State { gone: true, ..State::default() };
        self.0.read.notify_one();
        self.0.written.notify_one();
    }

    /// Whether nobody reads the answer any more.
    pub fn is_gone(&self) -> bool {
        self.state().gone
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn unread_in_file(&self) -> u64 {
        self.file_end - self.file_read
    }

    /// Adds to the file.
    fn spill(&mut self, bytes: &[u8]) -> io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            None => self.file.insert(tempfile::tempfile()?),
        };
        file.seek(SeekFrom::Start(self.file_end))?;
        file.write_all(bytes)?;
        self.file_end += bytes.len() as u64;
        Ok(())
    }

    /// Takes from the file, which is empty again when all of it was read.
    fn unspill(&mut self) -> io::Result<Bytes> {
        let length = self.unread_in_file().min(AT_ONCE);
        let Some(file) = &mut self.file else { return Ok(Bytes::new()) };
        file.seek(SeekFrom::Start(self.file_read))?;
        let mut bytes = Vec::new();
        let read = file.take(length).read_to_end(&mut bytes)? as u64;
        if read < length {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.file_read += read;
        if self.file_read == self.file_end {
            file.set_len(0)?;
            (self.file_end, self.file_read) = (0, 0);
        }
        Ok(bytes.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(number: usize) -> Vec<u8> {
        format!("{number},").repeat(20_000).into_bytes()
    }

    #[actix_web::test]
    async fn what_was_written_is_read_in_order_however_late() {
        let spill = Spill::default();
        let mut expected = Vec::new();
        for number in 0..50 {
            spill.write(piece(number)).await.unwrap();
            expected.extend(piece(number));
        }
        assert!(spill.state().held <= IN_MEMORY + piece(0).len());
        let mut read = Vec::new();
        while read.len() < expected.len() {
            read.extend(spill.read().await.unwrap().unwrap());
        }
        spill.write(piece(50)).await.unwrap();
        expected.extend(piece(50));
        spill.end();
        while let Some(bytes) = spill.read().await.unwrap() {
            read.extend(bytes);
        }
        assert!(read == expected);
        assert_eq!(spill.state().file_end, 0);
    }

    #[actix_web::test]
    async fn who_reads_waits_for_who_writes() {
        let spill = Spill::default();
        let writing = spill.clone();
        let writer = actix_web::rt::spawn(async move {
            for number in 0..200 {
                writing.write(vec![b'a'; number]).await.unwrap();
                tokio::task::yield_now().await;
            }
            writing.end();
        });
        let mut read = 0;
        while let Some(bytes) = spill.read().await.unwrap() {
            read += bytes.len();
        }
        writer.await.unwrap();
        assert_eq!(read, 199 * 200 / 2);
    }

    #[actix_web::test]
    async fn an_answer_that_nobody_reads_is_given_up() {
        let spill = Spill::default();
        for number in 0..10 {
            spill.write(piece(number)).await.unwrap();
        }
        spill.wait_for_reader(Duration::from_millis(10)).await;
        assert_eq!(spill.write(vec![1]).await, Err(Gone));
        assert!(spill.read().await.is_err());
    }
}
