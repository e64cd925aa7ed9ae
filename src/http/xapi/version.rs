//! The `X-Experience-API-Version` header.

use std::future::{Ready, ready};

use actix_web::body::MessageBody;
use actix_web::dev::{Payload, ServiceResponse};
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use actix_web::{FromRequest, HttpRequest};

use crate::http::problem::{ApiError, Kind};
use crate::service::Fault;
use crate::xapi::Version;

/// Its name.
pub const NAME: HeaderName = HeaderName::from_static("x-experience-api-version");

/// The edition that a request follows.
pub struct ApiVersion(pub Version);

/// The edition that the header names, where it comes once and names one.
pub fn asked(headers: &HeaderMap) -> Option<Version> {
    let mut values = headers.get_all(&NAME);
    let value = values.next()?.to_str().ok()?;
    Version::parse(value).filter(|_| values.next().is_none())
}

impl FromRequest for ApiVersion {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(asked(request.headers()).map(Self).ok_or_else(|| {
            let detail = "say once which edition the request follows: 1.0.0 to 1.0.3, or 2.0.0";
            ApiError::new(Kind::InvalidHeader).faults(vec![Fault::new(format!("/{NAME}"), "invalid_version", detail)])
        }))
    }
}

/// Says on an answer which edition it follows: that of the request, else the latest.
pub fn mark<B: MessageBody>(response: &mut ServiceResponse<B>) {
    if response.request().path().starts_with("/xapi/") {
        let version = asked(response.request().headers()).unwrap_or(Version::Two);
        response.headers_mut().insert(NAME, HeaderValue::from_static(version.as_str()));
    }
}
