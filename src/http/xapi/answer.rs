//! Statements in answers.

use actix_web::http::header::{CACHE_CONTROL, HeaderName, HeaderValue, LAST_MODIFIED};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};
use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimePrinter;

use super::query::{Found, Statements};
use super::schema::StatementResult;
use crate::http::audit::PageSize;
use crate::http::problem::ApiResult;
use crate::http::{page, respond};
use crate::xapi::{Format, formatted};

/// Says up to when all that was stored of the client is to be read.
pub fn consistent(mut response: HttpResponseBuilder, through: Timestamp) -> HttpResponseBuilder {
    if let Ok(value) = HeaderValue::from_str(&through.to_string()) {
        response.insert_header((HeaderName::from_static("x-experience-api-consistent-through"), value));
    }
    response.insert_header((CACHE_CONTROL, "private, no-cache"));
    response
}

/// Answers what was found, in a form.
///
/// # Errors
/// As [`respond::json`].
pub fn respond(request: &HttpRequest, found: Found, format: &Format, multipart: bool) -> ApiResult {
    let mut response = consistent(HttpResponse::Ok(), found.consistent_through);
    let mut count = None;
    let body = match found.statements {
        Statements::One(statement) => {
            let stored = statement["stored"].as_str().and_then(|stored| stored.parse::<Timestamp>().ok());
            if let Some(stored) = stored.and_then(|stored| DateTimePrinter::new().timestamp_to_rfc9110_string(&stored).ok()) {
                response.insert_header((LAST_MODIFIED, stored));
            }
            respond::json(&formatted(*statement, format))?
        }
        Statements::Several(statements, last, limit) => {
            count = Some(PageSize(statements.len()));
            let more = last.map(|last| page::further(request, last, limit)).unwrap_or_default();
            let statements = statements.into_iter().map(|statement| formatted(statement, format)).collect();
            respond::json(&StatementResult { statements, more })?
        }
    };
    let mut response = if multipart { as_part(response, &body) } else { response.content_type("application/json").body(body) };
    if let Some(count) = count {
        response.extensions_mut().insert(count);
    }
    Ok(response)
}

/// The statements as the first and only part: files aren't kept.
fn as_part(mut response: HttpResponseBuilder, body: &[u8]) -> HttpResponse {
    let boundary = respond::etag(body).replace('"', "");
    let mut whole = format!("--{boundary}\r\nContent-Type: application/json\r\n\r\n").into_bytes();
    whole.extend_from_slice(body);
    whole.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
    response.content_type(format!("multipart/mixed; boundary=\"{boundary}\"")).body(whole)
}
