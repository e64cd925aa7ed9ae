//! Headers that tell browsers what not to do with an answer (OWASP Secure Headers).

use actix_web::body::MessageBody;
use actix_web::dev::ServiceResponse;
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY,
    X_CONTENT_TYPE_OPTIONS,
};
use actix_web::web;

use super::registry::Registry;

/// What an answer may load, where it is no page of its own rules: nothing.
const CONTENT_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'";

/// What a page may use of the machine that it is shown on: nothing.
const PERMISSIONS_POLICY: &str = "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()";

/// A year without plain HTTP.
const STRICT_TRANSPORT: &str = "max-age=31536000";

/// Adds them. What a handler has set stays, but for the type of the content, which is never guessed at.
pub fn add<B: MessageBody>(response: &mut ServiceResponse<B>) {
    let content_policy = if response.request().path().starts_with("/docs") { super::docs::CONTENT_POLICY } else { CONTENT_POLICY };
    let https_only = response.request().app_data::<web::Data<Registry>>().is_some_and(|registry| registry.web.https_only);
    let failed = response.status().is_client_error() || response.status().is_server_error();
    let headers = response.headers_mut();
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    default(headers, CONTENT_SECURITY_POLICY, content_policy);
    default(headers, REFERRER_POLICY, "no-referrer");
    default(headers, HeaderName::from_static("cross-origin-resource-policy"), "same-origin");
    if headers.get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/html")) {
        default(headers, HeaderName::from_static("permissions-policy"), PERMISSIONS_POLICY);
    }
    if https_only {
        default(headers, STRICT_TRANSPORT_SECURITY, STRICT_TRANSPORT);
    }
    if failed {
        // What was refused may be allowed a moment later, and tells what was asked.
        default(headers, CACHE_CONTROL, "no-store");
    }
}

fn default(headers: &mut HeaderMap, name: HeaderName, value: &'static str) {
    if !headers.contains_key(&name) {
        headers.insert(name, HeaderValue::from_static(value));
    }
}
