//! How public answers and pages go out: kept by caches for a while, tagged, and without scripts.

use std::sync::LazyLock;

use actix_web::HttpResponse;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, ETAG, HeaderName, VARY};
use askama::Template;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::civil::Date;

use crate::http::extract::Preconditions;
use crate::http::media::{HTML, SVG};
use crate::http::problem::{ApiError, Kind};
use crate::http::respond;

/// The style sheet of every page.
pub const STYLE: &str = include_str!("../../../templates/style.css");

/// For how long whoever asks may take an answer for current: a certificate that is revoked is seen to be within a minute.
const PUBLIC: &str = "public, max-age=60";

/// A page may apply its own style sheet and send its own form, and nothing else.
static CONTENT_POLICY: LazyLock<String> = LazyLock::new(|| {
    let digest = STANDARD.encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, STYLE.as_bytes()));
    format!("default-src 'none'; style-src 'sha256-{digest}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
});

/// A template as text.
///
/// # Errors
/// A problem of kind [`Kind::Internal`]; text is all that templates show, so none is expected.
pub fn rendered(template: &impl Template) -> Result<String, ApiError> {
    template.render().map_err(|cause| {
        let mut error = ApiError::new(Kind::Internal);
        error.cause = Some(format!("a page can't be shown: {cause}"));
        error
    })
}

/// 200 for anybody, of a media type that may depend on `Accept`; 304 where the caller has it.
pub fn public(preconditions: &Preconditions, media_type: &str, body: impl Into<Vec<u8>>) -> HttpResponse {
    let mut response = tagged(preconditions, media_type, body.into(), PUBLIC);
    // Anybody may show it on pages of their own.
    response
        .headers_mut()
        .insert(HeaderName::from_static("cross-origin-resource-policy"), actix_web::http::header::HeaderValue::from_static("cross-origin"));
    response
}

/// 200 for the caller alone, of a media type that may depend on `Accept`; 304 where the caller has it.
pub fn private(preconditions: &Preconditions, media_type: &str, body: impl Into<Vec<u8>>) -> HttpResponse {
    tagged(preconditions, media_type, body.into(), "private, no-cache")
}

fn tagged(preconditions: &Preconditions, media_type: &str, body: Vec<u8>, caching: &'static str) -> HttpResponse {
    let tag = respond::etag(&body);
    let known = preconditions.has(&tag);
    let mut response = if known { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    response.insert_header((ETAG, tag)).insert_header((CACHE_CONTROL, caching)).insert_header((VARY, "accept"));
    if known {
        return response.finish();
    }
    if media_type == HTML {
        response.insert_header((CONTENT_SECURITY_POLICY, CONTENT_POLICY.as_str()));
    }
    let text = media_type.starts_with("text/") || media_type == SVG;
    let content_type = if text { format!("{media_type}; charset=utf-8") } else { media_type.to_owned() };
    response.content_type(content_type).body(body)
}

/// A day as people write it.
pub fn day(day: Date) -> String {
    day.strftime("%-d %B %Y").to_string()
}

/// A word of the contract as people write it.
pub fn words(word: &str) -> String {
    let mut text = word.replace('_', " ");
    if let Some(first) = text.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    text
}

/// A number as people write it.
pub fn number(count: usize) -> String {
    let digits = count.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_read_words_days_and_numbers() {
        assert_eq!(words("municipal_police"), "Municipal police");
        assert_eq!(words(""), "");
        assert_eq!(day(jiff::civil::date(2026, 3, 6)), "6 March 2026");
        assert_eq!([0, 999, 1000, 18_459, 1_000_000].map(number), ["0", "999", "1,000", "18,459", "1,000,000"]);
    }
}
