//! Pages of other origins: none may call the service from a browser, unless a setting names them.

use actix_cors::{Cors, CorsError};
use actix_web::http::Method;
use actix_web::http::header::HeaderName;
use actix_web::middleware::Condition;

use super::problem::{ApiError, Kind};
use crate::config::Web;
use crate::service::Fault;

/// The headers that operations read.
const SENT: [&str; 8] =
    ["authorization", "content-type", "accept", "if-match", "if-none-match", "idempotency-key", "prefer", "x-experience-api-version"];

/// The headers of answers that a page may read, beyond those that any may.
const READ: [&str; 14] = [
    "allow",
    "accept-patch",
    "accept-post",
    "etag",
    "link",
    "location",
    "ratelimit",
    "ratelimit-policy",
    "retry-after",
    "www-authenticate",
    "x-experience-api-consistent-through",
    "x-experience-api-version",
    "x-outcome",
    "x-request-id",
];

/// Lets pages of the named origins call every operation. Tokens are sent by hand, so no cookies are allowed. Without a named origin no
/// answer says anything of it.
pub fn policy(web: &Web) -> Condition<Cors> {
    let mut cors = Cors::default()
        .allowed_methods([Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE])
        .allowed_headers(SENT.map(HeaderName::from_static))
        .expose_headers(READ.map(HeaderName::from_static))
        .block_on_origin_mismatch(false)
        .max_age(3600);
    for origin in &web.cors_origins {
        cors = cors.allowed_origin(origin.as_str());
    }
    Condition::new(!web.cors_origins.is_empty(), cors)
}

/// What a page asked for before it calls, and may not have.
pub fn problem(error: &CorsError) -> ApiError {
    let header = match error {
        CorsError::MissingRequestMethod | CorsError::BadRequestMethod | CorsError::MethodNotAllowed => "access-control-request-method",
        CorsError::BadRequestHeaders | CorsError::HeadersNotAllowed => "access-control-request-headers",
        _ => "origin",
    };
    ApiError::new(Kind::InvalidHeader).faults(vec![Fault::new(format!("/{header}"), "invalid_header", error.to_string())])
}
