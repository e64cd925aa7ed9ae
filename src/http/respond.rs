//! Answers: resources with an `ETag`, pages with a `Link`, and creations that an idempotency key repeats.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, ETAG, HeaderValue, LINK, LOCATION};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;

use super::extract::Preconditions;
use super::problem::{ApiError, ApiResult, Kind};
use crate::service::ServiceResult;
use crate::service::timelines::Told;

/// The strong entity tag of a representation: a digest of its JSON.
pub fn etag(json: &[u8]) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, json);
    format!("\"{}\"", URL_SAFE_NO_PAD.encode(&digest.as_ref()[..16]))
}

/// The JSON of a view.
///
/// # Errors
/// A problem of kind [`Kind::Internal`]; views have string keys and finite numbers, so none is expected.
pub fn json<T: Serialize>(view: &T) -> Result<Vec<u8>, ApiError> {
    serde_json::to_vec(view).map_err(|cause| {
        let mut error = ApiError::new(Kind::Internal);
        error.cause = Some(format!("a view is not JSON: {cause}"));
        error
    })
}

/// The entity tag that a view has when it is answered.
///
/// # Errors
/// As [`json`].
pub fn etag_of<T: Serialize>(view: &T) -> ServiceResult<String> {
    let json = serde_json::to_vec(view).map_err(|cause| crate::storage::StorageError::Other(format!("a view is not JSON: {cause}")))?;
    Ok(etag(&json))
}

/// 200 with the resource and its `ETag`; 304 where the caller has it.
///
/// # Errors
/// As [`json`].
pub fn resource<T: Serialize>(preconditions: &Preconditions, view: &T) -> ApiResult {
    let body = json(view)?;
    let tag = etag(&body);
    if preconditions.has(&tag) {
        return Ok(HttpResponse::NotModified().insert_header((ETAG, tag)).insert_header((CACHE_CONTROL, "private, no-cache")).finish());
    }
    Ok(HttpResponse::Ok().insert_header((ETAG, tag)).insert_header((CACHE_CONTROL, "private, no-cache")).content_type("application/json").body(body))
}

/// As [`resource`], with a body that is kept as it goes out.
pub fn kept(preconditions: &Preconditions, told: Told) -> HttpResponse {
    if preconditions.has(&told.tag) {
        return HttpResponse::NotModified().insert_header((ETAG, told.tag)).insert_header((CACHE_CONTROL, "private, no-cache")).finish();
    }
    let mut response = HttpResponse::Ok();
    response.insert_header((ETAG, told.tag)).insert_header((CACHE_CONTROL, "private, no-cache")).content_type("application/json");
    response.body(told.body)
}

/// 200 with what a resource has become.
///
/// # Errors
/// As [`json`].
pub fn changed<T: Serialize>(view: &T) -> ApiResult {
    Answer::ok(view).map_err(ApiError::from).map(Answer::respond)
}

/// 204.
///
/// # Errors
/// None; the type is that of handlers.
pub fn no_content() -> ApiResult {
    Ok(HttpResponse::NoContent().finish())
}

/// A page `{items, next_cursor}`, with a `Link` to the next.
///
/// # Errors
/// As [`json`].
pub fn page<T: Serialize>(view: &T, next_link: Option<String>) -> ApiResult {
    let mut response = HttpResponse::Ok();
    response.insert_header((CACHE_CONTROL, "private, no-cache"));
    if let Some(link) = next_link {
        response.insert_header((LINK, format!("<{link}>; rel=\"next\"")));
    }
    Ok(response.content_type("application/json").body(json(view)?))
}

/// Adds a `Link` to the next page, where there is one.
pub fn add_next(response: &mut HttpResponse, next_link: Option<String>) {
    if let Some(value) = next_link.and_then(|link| HeaderValue::try_from(format!("<{link}>; rel=\"next\"")).ok()) {
        response.headers_mut().insert(LINK, value);
    }
}

/// An answer that is settled within the transaction whose outcome it tells, so that it can be kept under an idempotency key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The path of what was created.
    pub location: Option<String>,
    /// What became of a record that was pushed, for the `X-Outcome` header.
    pub outcome: Option<String>,
    /// The JSON body.
    pub body: String,
    /// The JSON body of the first answer, where it shows what is not kept, such as a secret.
    pub shown_once: Option<String>,
}

impl Answer {
    /// An answer with a status and a view.
    ///
    /// # Errors
    /// As [`json`].
    pub fn of<T: Serialize>(status: u16, view: &T) -> ServiceResult<Self> {
        let body = serde_json::to_string(view).map_err(|cause| crate::storage::StorageError::Other(format!("a view is not JSON: {cause}")))?;
        Ok(Self { status, location: None, outcome: None, body, shown_once: None })
    }

    /// 200.
    ///
    /// # Errors
    /// As [`json`].
    pub fn ok<T: Serialize>(view: &T) -> ServiceResult<Self> {
        Self::of(200, view)
    }

    /// 201 with where the new resource is.
    ///
    /// # Errors
    /// As [`json`].
    pub fn created<T: Serialize>(location: String, view: &T) -> ServiceResult<Self> {
        Ok(Self { location: Some(location), ..Self::of(201, view)? })
    }

    /// The same answer with another body, which is not kept under an idempotency key.
    ///
    /// # Errors
    /// As [`json`].
    pub fn showing_once<T: Serialize>(self, view: &T) -> ServiceResult<Self> {
        Ok(Self { shown_once: Some(Self::ok(view)?.body), ..self })
    }

    /// The answer on the wire.
    pub fn respond(self) -> HttpResponse {
        let mut response = HttpResponse::build(StatusCode::from_u16(self.status).unwrap_or(StatusCode::OK));
        if let Some(location) = self.location {
            response.insert_header((LOCATION, location));
        }
        if let Some(outcome) = self.outcome {
            response.insert_header(("x-outcome", outcome));
        }
        if let Some(body) = self.shown_once {
            return response.insert_header((CACHE_CONTROL, "no-store")).content_type("application/json").body(body);
        }
        if matches!(self.status, 200..=202) {
            response.insert_header((ETAG, etag(self.body.as_bytes())));
        }
        response.insert_header((CACHE_CONTROL, "private, no-cache")).content_type("application/json").body(self.body)
    }
}
