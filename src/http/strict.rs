//! What every request with a token keeps to, whatever its operation: headers of a bounded length, each once, and no query
//! where the operation takes none.

use actix_web::HttpRequest;
use actix_web::http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderName, IF_MATCH, IF_NONE_MATCH};

use super::decode::escape;
use super::problem::{ApiError, Kind};
use super::routing::Routed;
use crate::service::Fault;

/// The most characters that a header has, of those that operations read.
pub const HEADER_LIMIT: usize = 1000;

/// Checks a request.
///
/// # Errors
/// Problems of the kinds [`Kind::InvalidHeader`] and [`Kind::InvalidParameter`].
pub fn check(request: &HttpRequest) -> Result<(), ApiError> {
    let faults = header_faults(request);
    if !faults.is_empty() {
        return Err(ApiError::new(Kind::InvalidHeader).faults(faults));
    }
    let routed = Routed::of(request);
    if request.query_string().is_empty() || routed.takes_query() || routed.pattern().is_none() {
        return Ok(());
    }
    let faults = match pairs(request.query_string()) {
        Ok(pairs) => pairs.iter().map(|(name, _)| unknown_parameter(name)).collect(),
        Err(fault) => vec![fault],
    };
    Err(ApiError::new(Kind::InvalidParameter).faults(faults))
}

fn unknown_parameter(name: &str) -> Fault {
    Fault::new(format!("/{}", escape(name)), "unknown_field", format!("`{name}` is not a parameter here; there is none in the query"))
}

fn header_faults(request: &HttpRequest) -> Vec<Fault> {
    let (key, prefer) = (HeaderName::from_static("idempotency-key"), HeaderName::from_static("prefer"));
    // Lists may be given in several lines; of the others a second one says the contrary of the first.
    let read = [(IF_MATCH, true), (IF_NONE_MATCH, true), (prefer, true), (key, false), (CONTENT_TYPE, false), (CONTENT_ENCODING, false)];
    let mut faults = Vec::new();
    for (name, is_list) in read {
        let values: Vec<_> = request.headers().get_all(&name).collect();
        let mut refuse = |why: String| faults.push(Fault::new(format!("/{name}"), "invalid_header", why));
        if values.len() > 1 && !is_list {
            refuse("the header comes more than once".into());
        } else if values.iter().any(|value| value.to_str().is_err()) {
            refuse("a header holds visible ASCII characters only".into());
        } else if values.iter().map(|value| value.len()).sum::<usize>() > HEADER_LIMIT {
            refuse(format!("the header is limited to {HEADER_LIMIT} characters"));
        }
    }
    faults
}

/// The names and values of a query.
///
/// # Errors
/// `malformed_query` for a `%` without two hexadecimal digits after it, and for what is not UTF-8.
pub fn pairs(query: &str) -> Result<Vec<(String, String)>, Fault> {
    let malformed = |why: String| Fault::new("", "malformed_query", why);
    let mut bytes = query.bytes();
    while let Some(byte) = bytes.next() {
        if byte == b'%' && !(bytes.next().is_some_and(|b| b.is_ascii_hexdigit()) && bytes.next().is_some_and(|b| b.is_ascii_hexdigit())) {
            return Err(malformed("in a query, `%` is followed by two hexadecimal digits; a `%` itself is `%25`".into()));
        }
    }
    let pairs: Vec<(String, String)> = serde_urlencoded::from_str(query).map_err(|cause| malformed(cause.to_string()))?;
    // What is not UTF-8 is replaced while it is decoded; what was sent as the replacement itself stays.
    let replaced = |text: &str| text.matches('\u{fffd}').count();
    let sent = query.matches('\u{fffd}').count() + query.to_ascii_uppercase().matches("%EF%BF%BD").count();
    if pairs.iter().map(|(name, value)| replaced(name) + replaced(value)).sum::<usize>() > sent {
        return Err(malformed("a query is UTF-8".into()));
    }
    Ok(pairs)
}
