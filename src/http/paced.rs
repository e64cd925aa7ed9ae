//! A body that must come fast enough, so that slow senders don't hold the places of others.

use std::time::{Duration, Instant};

use actix_web::HttpRequest;
use actix_web::dev::Payload;
use actix_web::error::PayloadError;
use actix_web::web::{Bytes, Data};
use futures_util::StreamExt as _;

use super::problem::{ApiError, Kind};
use super::registry::Registry;
use crate::config::BodyPace;

/// A body on its way. Whoever reads one reads it through this.
pub struct Paced {
    payload: Payload,
    pace: BodyPace,
    /// How long its sender was waited for; not how long we were at work between two pieces.
    waited: Duration,
    bytes: usize,
}

impl Paced {
    /// The body of a request.
    pub fn new(request: &HttpRequest, payload: Payload) -> Self {
        let pace = request.app_data::<Data<Registry>>().map_or_else(BodyPace::default, |registry| registry.limits.settings.body);
        Self { payload, pace, waited: Duration::ZERO, bytes: 0 }
    }

    /// A body of any length, which may take as long as its sender keeps to the pace.
    pub fn streamed(request: &HttpRequest, payload: Payload) -> Self {
        let mut body = Self::new(request, payload);
        body.pace.total = Duration::MAX;
        body
    }

    /// The next piece, or `None` at the end.
    ///
    /// # Errors
    /// [`Kind::RequestTimeout`] where none comes in time. What is wrong with the transfer is in the piece.
    pub async fn next(&mut self) -> Result<Option<Result<Bytes, PayloadError>>, ApiError> {
        let patience = self.pace.patience(self.waited, self.bytes);
        let began = Instant::now();
        let next = tokio::time::timeout(patience, self.payload.next()).await;
        self.waited += began.elapsed();
        let piece = next.map_err(|_| ApiError::new(Kind::RequestTimeout).detail(self.pace.to_string()))?;
        self.bytes += piece.as_ref().and_then(|piece| piece.as_ref().ok()).map_or(0, Bytes::len);
        Ok(piece)
    }
}
