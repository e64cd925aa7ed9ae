//! Places of bodies that are streamed: each holds a thread, a batch of records and a part of its answer in memory, for as long as it lasts.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use actix_web::http::header::{HeaderValue, RETRY_AFTER};
use uuid::Uuid;

use super::problem::{ApiError, Kind};

/// The places of a process.
#[derive(Debug, Clone)]
pub struct Streams {
    most: usize,
    held: Arc<Mutex<HashMap<Uuid, usize>>>,
}

/// A place, until it is dropped.
#[derive(Debug)]
pub struct StreamPlace {
    streams: Streams,
    client: Uuid,
}

impl Streams {
    /// As many places as may be taken at once.
    pub fn new(most: usize) -> Self {
        Self { most, held: Arc::default() }
    }

    /// Takes a place for a client, which has half of them at the most.
    ///
    /// # Errors
    /// A problem of the kind [`Kind::Unavailable`].
    pub fn enter(&self, client: Uuid) -> Result<StreamPlace, ApiError> {
        let mut held = self.held();
        let own = held.get(&client).copied().unwrap_or(0);
        if held.values().sum::<usize>() >= self.most || own >= self.most.div_ceil(2) {
            let problem = ApiError::new(Kind::Unavailable).detail("as many bodies are being streamed as may be at once");
            return Err(problem.header(RETRY_AFTER, HeaderValue::from_static("5")));
        }
        held.insert(client, own + 1);
        Ok(StreamPlace { streams: self.clone(), client })
    }

    fn held(&self) -> MutexGuard<'_, HashMap<Uuid, usize>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for StreamPlace {
    fn drop(&mut self) {
        let mut held = self.streams.held();
        let left = held.get(&self.client).map_or(0, |own| own.saturating_sub(1));
        if left == 0 {
            held.remove(&self.client);
        } else {
            held.insert(self.client, left);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_client_leaves_half_of_the_places_to_others() {
        let streams = Streams::new(4);
        let (one, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let first = streams.enter(one).unwrap();
        let _second = streams.enter(one).unwrap();
        assert_eq!(streams.enter(one).unwrap_err().kind, Kind::Unavailable);
        let _others = [streams.enter(other).unwrap(), streams.enter(other).unwrap()];
        assert_eq!(streams.enter(Uuid::from_u128(3)).unwrap_err().kind, Kind::Unavailable);
        drop(first);
        assert!(streams.enter(one).is_ok());
        assert_eq!(streams.held().len(), 2);
    }
}
