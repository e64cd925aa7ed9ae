//! Media types: of bodies, and of answers.

use actix_web::HttpRequest;
use actix_web::http::header::{ACCEPT, ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE, HeaderName, HeaderValue};

use super::extract::header;
use super::problem::{ApiError, Kind};

/// JSON.
pub const JSON: &str = "application/json";

/// One JSON object a line.
pub const NDJSON: &str = "application/x-ndjson";

/// Comma-separated values (RFC 4180).
pub const CSV: &str = "text/csv";

/// A page for people.
pub const HTML: &str = "text/html";

/// A picture that is drawn by numbers.
pub const SVG: &str = "image/svg+xml";

/// A feed (RFC 4287).
pub const ATOM: &str = "application/atom+xml";

/// A feed (JSON Feed 1.1).
pub const JSON_FEED: &str = "application/feed+json";

/// The one of `expected` that the body is, plain and not compressed. `accepted` is the header that names them in a refusal.
///
/// # Errors
/// A problem of the kind [`Kind::UnsupportedMediaType`].
pub fn expect(request: &HttpRequest, expected: &[&'static str], accepted: HeaderName) -> Result<&'static str, ApiError> {
    let content_type = header(request.headers(), &CONTENT_TYPE)?.unwrap_or_default();
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    let Some(found) = expected.iter().find(|media_type| essence.eq_ignore_ascii_case(media_type)) else {
        let detail = format!("the body's media type is `{essence}`, and {} is expected", expected.join(" or "));
        let names = HeaderValue::from_str(&expected.join(", ")).unwrap_or(HeaderValue::from_static(JSON));
        return Err(ApiError::new(Kind::UnsupportedMediaType).detail(detail).header(accepted, names));
    };
    refuse_compressed(request)?;
    Ok(found)
}

/// Refuses a body that is compressed.
///
/// # Errors
/// A problem of the kind [`Kind::UnsupportedMediaType`].
pub fn refuse_compressed(request: &HttpRequest) -> Result<(), ApiError> {
    if header(request.headers(), &CONTENT_ENCODING)?.is_some_and(|encoding| !encoding.eq_ignore_ascii_case("identity")) {
        let problem = ApiError::new(Kind::UnsupportedMediaType).detail("a compressed body is not read here");
        return Err(problem.header(ACCEPT_ENCODING, HeaderValue::from_static("identity")));
    }
    Ok(())
}

/// The `charset` of the body's media type.
pub fn charset(request: &HttpRequest) -> Option<String> {
    let content_type = request.headers().get(CONTENT_TYPE)?.to_str().ok()?;
    let mut parameters = content_type.split(';').skip(1).filter_map(|parameter| parameter.split_once('='));
    let (_, charset) = parameters.find(|(name, _)| name.trim().eq_ignore_ascii_case("charset"))?;
    Some(charset.trim().trim_matches('"').to_owned())
}

/// The one of `offers` that the caller likes best (RFC 9110 §12.5.1); of those that it likes alike, the first. A caller that likes none gets
/// the first as well, as §12.4.1 allows: an answer that may be of use, in the place of none.
pub fn preferred(request: &HttpRequest, offers: &[&'static str]) -> &'static str {
    let ranges: Vec<&str> = request.headers().get_all(ACCEPT).filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(',')).collect();
    let quality = |offer: &str| {
        let whole_type = format!("{}/*", offer.split('/').next().unwrap_or_default());
        // The most specific range that fits decides.
        [offer, &whole_type, "*/*"].into_iter().find_map(|name| ranges.iter().find_map(|range| quality_of(range, name))).unwrap_or(0)
    };
    let mut best = (offers.first().copied().unwrap_or(JSON), 0);
    for offer in offers {
        let weight = quality(offer);
        if weight > best.1 {
            best = (offer, weight);
        }
    }
    best.0
}

/// Whether the caller would rather have NDJSON than JSON; of what it likes as well as the other, JSON.
pub fn prefers_ndjson(request: &HttpRequest) -> bool {
    preferred(request, &[JSON, NDJSON]) == NDJSON
}

/// The weight of a range, in thousandths, where it is the range `name`.
fn quality_of(range: &str, name: &str) -> Option<u16> {
    let mut parts = range.split(';').map(str::trim);
    if !parts.next()?.eq_ignore_ascii_case(name) {
        return None;
    }
    let weight = parts.find_map(|parameter| parameter.strip_prefix("q=").or_else(|| parameter.strip_prefix("Q=")));
    let thousandths =
        weight.map_or(Some(1000.0), |weight| weight.parse::<f32>().ok().filter(|weight| (0.0..=1.0).contains(weight)).map(|w| w * 1000.0));
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to 1000")]
    thousandths.map(|weight| weight as u16)
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn ndjson_is_answered_where_it_is_asked_for() {
        for (accept, expected) in [
            (None, false),
            (Some("*/*"), false),
            (Some("application/json"), false),
            (Some("application/x-ndjson"), true),
            (Some("application/x-ndjson, */*;q=0.1"), true),
            (Some("application/x-ndjson;q=0.5, application/json"), false),
            (Some("application/json;q=0.5, Application/X-NDJSON; q=0.7"), true),
            (Some("text/html"), false),
        ] {
            let request = accept.map_or_else(TestRequest::default, |accept| TestRequest::default().insert_header((ACCEPT, accept)));
            assert_eq!(prefers_ndjson(&request.to_http_request()), expected, "{accept:?}");
        }
    }

    #[test]
    fn the_representation_that_is_liked_best_is_answered() {
        let offers = [JSON, HTML, CSV];
        for (accept, expected) in [
            (None, JSON),
            (Some("*/*"), JSON),
            (Some("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"), HTML),
            (Some("text/*"), HTML),
            (Some("text/*, text/html;q=0.2"), CSV),
            (Some("text/html;q=0.4, text/csv;q=0.5, application/json;q=0.3"), CSV),
            (Some("text/html;level=1;Q=0.5, application/*;q=0.4"), HTML),
            (Some("*/*;q=0.1, application/json;q=0"), HTML),
            (Some("application/json;q=2, TEXT/CSV"), CSV),
            (Some("image/png"), JSON),
            (Some("text/html;q=0"), JSON),
            (Some(""), JSON),
        ] {
            let request = accept.map_or_else(TestRequest::default, |accept| TestRequest::default().insert_header((ACCEPT, accept)));
            assert_eq!(preferred(&request.to_http_request(), &offers), expected, "{accept:?}");
        }
    }

    #[test]
    fn a_charset_is_a_parameter_of_the_media_type() {
        for (content_type, expected) in [("text/csv", None), ("text/csv; header=present; Charset=\"Windows-1252\"", Some("Windows-1252"))] {
            let request = TestRequest::default().insert_header((CONTENT_TYPE, content_type)).to_http_request();
            assert_eq!(charset(&request).as_deref(), expected);
        }
    }
}
