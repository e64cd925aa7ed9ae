//! The outcomes of an import, a piece at a time.

use std::sync::Arc;

use actix_web::HttpResponse;
use actix_web::http::header::{CACHE_CONTROL, ETAG, RETRY_AFTER};
use actix_web::web::Bytes;
use futures_util::{Stream, stream};
use serde_json::json;

use super::LOOK_AGAIN;
use crate::http::auth::Caller;
use crate::http::extract::Preconditions;
use crate::http::media::NDJSON;
use crate::http::registry::Registry;
use crate::http::respond::etag;
use crate::storage::imports::{self as rows, Import};

/// Answers what is told of an import so far.
pub fn answer(caller: &Caller, import: &Import, preconditions: &Preconditions) -> HttpResponse {
    let tag = etag(format!("outcomes {} {} {} {}", import.id, import.state, import.outcome_pieces, import.updated_at).as_bytes());
    if preconditions.has(&tag) {
        return HttpResponse::NotModified().insert_header((ETAG, tag)).insert_header((CACHE_CONTROL, "private, no-cache")).finish();
    }
    let mut response = HttpResponse::Ok();
    if !import.state.is_over() {
        response.insert_header((RETRY_AFTER, LOOK_AGAIN));
    }
    response.insert_header((ETAG, tag)).insert_header((CACHE_CONTROL, "private, no-cache")).content_type(NDJSON);
    response.streaming(pieces(caller.registry().clone(), import))
}

/// The pieces that there were when the import was asked for, and the summary where it had ended. One that is deleted meanwhile breaks off.
fn pieces(registry: Arc<Registry>, import: &Import) -> impl Stream<Item = std::io::Result<Bytes>> + use<> {
    let (count, id) = (import.outcome_pieces, import.id);
    let last = import.state.is_over().then(|| last_line(import));
    stream::unfold((0, registry, last), move |(at, registry, mut last)| async move {
        if at >= count {
            let line = last.take()?;
            return Some((Ok(Bytes::from(line)), (at, registry, last)));
        }
        let piece = registry.store.ask(move |conn| rows::outcome_piece(conn, id, at)).await;
        let piece = match piece {
            Ok(Some(text)) => Ok(Bytes::from(text)),
            Ok(None) => Err(std::io::Error::other("the import was deleted")),
            Err(cause) => Err(std::io::Error::other(cause.to_string())),
        };
        Some((piece, (at + 1, registry, last)))
    })
}

fn last_line(import: &Import) -> String {
    let mut last = json!({"summary": import.summary});
    if let Some(problem) = &import.problem {
        last["problem"] = problem.clone();
    }
    format!("{last}\n")
}
