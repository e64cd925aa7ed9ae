//! Errors as RFC 9457 `application/problem+json`: one table of kinds, and the way from a [`ServiceError`] to an answer.

use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::{HttpResponse, ResponseError};
use serde::Serialize;
use utoipa::ToSchema;

use crate::service::{Fault, ServiceError};
use crate::storage::StorageError;

/// The kinds of problem that the service answers with; each has a page at `/problems/{slug}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// 400
    MalformedJson,
    /// 400
    InvalidParameter,
    /// 400
    InvalidHeader,
    /// 400
    InvalidStatement,
    /// 401
    Unauthorized,
    /// 403
    MissingScope,
    /// 403
    OutsideGrant,
    /// 404
    NotFound,
    /// 405
    MethodNotAllowed,
    /// 408
    RequestTimeout,
    /// 409
    Conflict,
    /// 409
    RequestInFlight,
    /// 412
    PreconditionFailed,
    /// 413
    ContentTooLarge,
    /// 414
    UriTooLong,
    /// 415
    UnsupportedMediaType,
    /// 422
    InvalidContent,
    /// 422
    IdempotencyKeyReused,
    /// 429
    TooManyRequests,
    /// 431
    HeadersTooLarge,
    /// 500
    Internal,
    /// 503
    Unavailable,
}

/// A row of the table of problems.
pub struct KindRow {
    /// The kind.
    pub kind: Kind,
    /// The last segment of its `type`.
    pub slug: &'static str,
    /// Its status.
    pub status: u16,
    /// Its title.
    pub title: &'static str,
    /// What it means, and what a caller does about it.
    pub explanation: &'static str,
}

const fn row(kind: Kind, slug: &'static str, status: u16, title: &'static str, explanation: &'static str) -> KindRow {
    KindRow { kind, slug, status, title, explanation }
}

/// Every kind of problem, in the order of their status.
pub const KINDS: &[KindRow] = &[
    row(
        Kind::MalformedJson,
        "malformed-json",
        400,
        "The body is not JSON",
        "The body could not be read as JSON, or nests deeper than 32 levels. `detail` names the line and column at which reading stopped. Nothing was changed.",
    ),
    row(
        Kind::InvalidParameter,
        "invalid-parameter",
        400,
        "A query parameter is not valid",
        "A query parameter is unknown, comes twice, or has a value that it can't have. `errors` names each. A cursor is valid only as the service gave it, for the list and filters that it was given for.",
    ),
    row(Kind::InvalidHeader, "invalid-header", 400, "A header is not valid", "A request header has a value that it can't have; `errors` names it."),
    row(
        Kind::InvalidStatement,
        "invalid-statement",
        400,
        "A statement is not valid",
        "An xAPI statement is not as the specification has it, or the parts of a multipart body don't fit it; `errors` names every fault. None of the request's statements was kept.",
    ),
    row(
        Kind::Unauthorized,
        "unauthorized",
        401,
        "A valid access token is needed",
        "Send `Authorization: Bearer <token>` with an access token that this service accepts and that has not expired.",
    ),
    row(
        Kind::MissingScope,
        "missing-scope",
        403,
        "The token lacks a scope",
        "The token is valid but doesn't carry the scope that this operation needs; `detail` names it. `GET /v1/whoami` tells what a token may do.",
    ),
    row(
        Kind::OutsideGrant,
        "outside-grant",
        403,
        "The client's grants don't allow this",
        "The operation needs a grant that the client doesn't have, such as one for all agencies.",
    ),
    row(
        Kind::NotFound,
        "not-found",
        404,
        "Not found",
        "There is no such resource, or it belongs to an agency outside the client's grants; the two can't be told apart.",
    ),
    row(
        Kind::MethodNotAllowed,
        "method-not-allowed",
        405,
        "The method is not allowed here",
        "The path exists, the method on it doesn't. The `Allow` header lists those that do.",
    ),
    row(
        Kind::RequestTimeout,
        "request-timeout",
        408,
        "The body came too slowly",
        "The body paused for too long, or came too slowly on the whole. Nothing was changed, and the connection is closed. Send it again, or in smaller parts.",
    ),
    row(
        Kind::Conflict,
        "conflict",
        409,
        "The request contradicts what the registry holds",
        "The request is well formed, but what the registry holds stands against it: a natural key that is taken, a state that doesn't allow the change. `errors` says what.",
    ),
    row(
        Kind::RequestInFlight,
        "request-in-flight",
        409,
        "The same request is still being worked on",
        "A request with this `Idempotency-Key` has not been answered yet. Try again shortly: the answer will be the first one's.",
    ),
    row(
        Kind::PreconditionFailed,
        "precondition-failed",
        412,
        "The resource has changed",
        "The `If-Match` header names a version that is no longer the current one. Read the resource again, and repeat the change on what it is now.",
    ),
    row(
        Kind::ContentTooLarge,
        "content-too-large",
        413,
        "The body is too large",
        "The body, or the number of records in it, is above the limit of this operation; `detail` names the limit. Send it in parts.",
    ),
    row(
        Kind::UriTooLong,
        "uri-too-long",
        414,
        "The path and query are too long",
        "The path and query together are above the limit, which `detail` names. Ask with fewer or shorter parameters.",
    ),
    row(
        Kind::UnsupportedMediaType,
        "unsupported-media-type",
        415,
        "The media type is not supported",
        "The `Content-Type` or `Content-Encoding` is not one that this operation reads; `Accept-Post` or `Accept-Patch` lists those that are.",
    ),
    row(
        Kind::InvalidContent,
        "invalid-content",
        422,
        "The content breaks a rule",
        "The body is JSON, but not what this operation takes. `errors` lists every fault with a JSON pointer (RFC 6901) to it. Nothing was changed.",
    ),
    row(
        Kind::IdempotencyKeyReused,
        "idempotency-key-reused",
        422,
        "The idempotency key was used for another request",
        "This `Idempotency-Key` came with another body or path within the last 24 hours. A new request takes a new key.",
    ),
    row(
        Kind::TooManyRequests,
        "too-many-requests",
        429,
        "Too many requests",
        "The client, or the address where there is no valid token, sent more requests than it may, or failed to authenticate too often. Try again after the seconds in `Retry-After`; nothing was changed.",
    ),
    row(
        Kind::HeadersTooLarge,
        "headers-too-large",
        431,
        "The headers are too large",
        "The headers together are above a limit, which `detail` names. Send fewer or shorter ones.",
    ),
    row(
        Kind::Internal,
        "internal-error",
        500,
        "The service failed",
        "Something went wrong that is not the caller's doing. The request id in `instance` finds it in the log.",
    ),
    row(
        Kind::Unavailable,
        "unavailable",
        503,
        "The service can't answer right now",
        "The database is busy or can't be reached, or too many requests are being worked on. Try again after the seconds in `Retry-After`; repeating a push is safe.",
    ),
];

impl Kind {
    /// Its row of the table.
    pub fn row(self) -> &'static KindRow {
        KINDS.iter().find(|row| row.kind == self).unwrap_or(&KINDS[KINDS.len() - 2])
    }
}

/// A problem (RFC 9457).
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Problem {
    /// A URL reference that this service answers with an explanation.
    #[serde(rename = "type")]
    #[schema(format = "uri-reference", example = "/problems/invalid-content")]
    pub kind: String,
    /// The kind of problem in a few words; the same for every problem of a `type`.
    #[schema(example = "The content breaks a rule")]
    pub title: String,
    /// The HTTP status.
    #[schema(minimum = 400, maximum = 599, example = 422)]
    pub status: u16,
    /// What happened this time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// The request id, which is in the log and in the `X-Request-Id` header.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = "uri-reference", example = "urn:uuid:0199c1f0-0000-7000-8000-000000000000")]
    pub instance: Option<String>,
    /// Every fault of the input.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<ProblemError>,
}

/// A fault of the input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ProblemError {
    /// Where: a JSON pointer (RFC 6901) into the body, or `/name` of a query parameter.
    #[schema(example = "/sworn_strength/count")]
    pub pointer: String,
    /// A stable word for programs.
    #[schema(example = "required")]
    pub code: String,
    /// A sentence for people.
    #[schema(example = "`count` is required")]
    pub detail: String,
    /// Of NDJSON and CSV: on which line of the body, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1)]
    pub line: Option<u64>,
    /// Of CSV: in which column, as the header names it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "Badge No.")]
    pub column: Option<String>,
}

impl From<Fault> for ProblemError {
    fn from(fault: Fault) -> Self {
        Self { pointer: fault.pointer, code: fault.code.to_owned(), detail: fault.detail, line: None, column: None }
    }
}

/// An error as a handler or extractor gives it; the answer gets its request id from the outermost middleware.
#[derive(Debug, thiserror::Error)]
#[error("{kind:?}: {}", detail.as_deref().unwrap_or("-"))]
pub struct ApiError {
    /// The kind of problem.
    pub kind: Kind,
    /// What happened this time.
    pub detail: Option<String>,
    /// Every fault of the input.
    pub faults: Vec<Fault>,
    /// Faults of which the line is known, too.
    pub located: Box<[ProblemError]>,
    /// Headers that the answer bears.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// What is logged and not answered.
    pub cause: Option<String>,
}

/// The result of a handler.
pub type ApiResult = Result<HttpResponse, ApiError>;

impl ApiError {
    /// A problem of a kind.
    pub fn new(kind: Kind) -> Self {
        Self { kind, detail: None, faults: Vec::new(), located: Box::default(), headers: Vec::new(), cause: None }
    }

    /// With what happened this time.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// With faults of the input.
    #[must_use]
    pub fn faults(mut self, faults: Vec<Fault>) -> Self {
        self.faults = faults;
        self
    }

    /// With faults of the input, of which the line is known.
    #[must_use]
    pub fn located(mut self, located: Vec<ProblemError>) -> Self {
        self.located = located.into();
        self
    }

    /// With a header.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// The same problem, to be answered to somebody else.
    #[must_use]
    pub fn again(&self) -> Self {
        let Self { kind, detail, faults, located, headers, cause } = self;
        Self { kind: *kind, detail: detail.clone(), faults: faults.clone(), located: located.clone(), headers: headers.clone(), cause: cause.clone() }
    }

    /// The problem that the answer holds, still without its request id.
    pub fn problem(&self) -> Problem {
        let row = self.kind.row();
        Problem {
            kind: format!("/problems/{}", row.slug),
            title: row.title.to_owned(),
            status: row.status,
            detail: self.detail.clone(),
            instance: None,
            errors: self.faults.iter().cloned().map(Into::into).chain(self.located.iter().cloned()).collect(),
        }
    }
}

impl From<ServiceError> for ApiError {
    fn from(error: ServiceError) -> Self {
        match error {
            ServiceError::NotFound => Self::new(Kind::NotFound),
            ServiceError::Invalid(faults) => Self::new(Kind::InvalidContent).faults(faults),
            ServiceError::Conflict { code, detail } => Self::new(Kind::Conflict).detail(detail.clone()).faults(vec![Fault::new("", code, detail)]),
            ServiceError::Conflicts(faults) => Self::new(Kind::Conflict).faults(faults),
            ServiceError::PreconditionFailed => Self::new(Kind::PreconditionFailed),
            ServiceError::Forbidden(detail) => Self::new(Kind::OutsideGrant).detail(detail),
            ServiceError::MissingScope(scope) => super::auth::missing_scopes(&[scope], &[scope]),
            ServiceError::KeyReused => Self::new(Kind::IdempotencyKeyReused),
            ServiceError::Storage(error) => error.into(),
        }
    }
}

impl From<StorageError> for ApiError {
    fn from(error: StorageError) -> Self {
        match error {
            StorageError::NotFound => Self::new(Kind::NotFound),
            StorageError::Busy(_) | StorageError::Unavailable(_) => {
                let mut busy = Self::new(Kind::Unavailable).header(actix_web::http::header::RETRY_AFTER, HeaderValue::from_static("2"));
                busy.cause = Some(error.to_string());
                busy
            }
            other => {
                let mut internal = Self::new(Kind::Internal);
                internal.cause = Some(other.to_string());
                internal
            }
        }
    }
}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.kind.row().status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse {
        if let Some(cause) = &self.cause {
            tracing::error!(problem = self.kind.row().slug, cause, "a request failed");
        }
        let mut response = HttpResponse::build(self.status_code());
        response.content_type("application/problem+json");
        if self.kind == Kind::RequestTimeout {
            // What is left of the body is not waited for.
            response.force_close();
        }
        for (name, value) in &self.headers {
            response.append_header((name.clone(), value.clone()));
        }
        let problem = self.problem();
        let mut response = response.body(serde_json::to_vec(&problem).unwrap_or_default());
        response.extensions_mut().insert(problem);
        response
    }
}
