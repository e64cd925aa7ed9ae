//! What handlers take: JSON bodies, queries, path keys, preconditions and the idempotency key, each refusing with a problem.

use std::future::{Ready, ready};
use std::pin::Pin;
use std::sync::Arc;

use actix_web::dev::Payload;
use actix_web::http::Method;
use actix_web::http::header::{ACCEPT, HeaderMap, HeaderName};
use actix_web::web::{Bytes, Data};
use actix_web::{FromRequest, HttpRequest};
use deserr::Deserr;
use serde_json::Value;
use uuid::Uuid;

use super::decode::{Faults, decode};
use super::paced::Paced;
use super::problem::{ApiError, Kind};
use super::registry::Registry;
use super::rules::Rules;
use super::{fallback, media, strict, unique};
use crate::domain::agency::AgencyKey;
use crate::domain::standard_draft::StandardKey;
use crate::service::{Fault, ServiceError};
use crate::storage::StorageError;

/// The most bytes that a body of one resource has.
pub const BODY_LIMIT: usize = 1024 * 1024;

/// The most bytes that a batch or a roster has.
pub const BATCH_LIMIT: usize = 16 * 1024 * 1024;

/// A JSON body of at most `LIMIT` bytes, read as a `T`.
pub struct Body<T, const LIMIT: usize = BODY_LIMIT> {
    /// What it says.
    pub value: T,
    /// What marks this very request, for `Idempotency-Key`.
    pub fingerprint: String,
}

/// A merge patch (RFC 7396).
pub struct MergePatch {
    patch: Value,
    registry: Arc<Registry>,
}

type Pending<T> = Pin<Box<dyn Future<Output = Result<T, ApiError>>>>;

impl<T: Rules + 'static, const LIMIT: usize> FromRequest for Body<T, LIMIT> {
    type Error = ApiError;
    type Future = Pending<Self>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            // RFC 9110 §15.5.16 has `Accept` for methods that have no header of their own.
            let accepted = if request.method() == Method::POST { HeaderName::from_static("accept-post") } else { ACCEPT };
            let bytes = read(&request, payload, LIMIT, "application/json", accepted).await?;
            let registry = registry(&request)?;
            let value = registry.decode(parse(&bytes)?).map_err(|faults| ApiError::new(Kind::InvalidContent).faults(faults))?;
            Ok(Self { value, fingerprint: fingerprint(&request, &bytes) })
        })
    }
}

impl FromRequest for MergePatch {
    type Error = ApiError;
    type Future = Pending<Self>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let accepted = HeaderName::from_static("accept-patch");
            let bytes = read(&request, payload, BODY_LIMIT, "application/merge-patch+json", accepted).await?;
            match parse(&bytes)? {
                Value::Object(patch) => Ok(Self { patch: Value::Object(patch), registry: registry(&request)? }),
                _ => Err(ApiError::new(Kind::InvalidContent).faults(vec![Fault::new("", "wrong_type", "a merge patch of a resource is an object")])),
            }
        })
    }
}

impl MergePatch {
    /// Applies the patch to `current`, a resource as its `PUT` takes it, and reads the outcome as that body.
    ///
    /// # Errors
    /// The faults of the outcome.
    pub fn apply<T: Rules + serde::Serialize>(&self, current: &T) -> Result<T, ServiceError> {
        let mut merged = serde_json::to_value(current).map_err(|cause| StorageError::Other(format!("an input is not JSON: {cause}")))?;
        json_patch::merge(&mut merged, &self.patch);
        self.registry.decode(merged).map_err(ServiceError::Invalid)
    }
}

/// What the process shares.
///
/// # Errors
/// A problem of the kind [`Kind::Internal`], which none is expected to meet.
pub fn registry(request: &HttpRequest) -> Result<Arc<Registry>, ApiError> {
    request.app_data::<Data<Registry>>().map(|registry| registry.clone().into_inner()).ok_or_else(|| ApiError::new(Kind::Internal))
}

async fn read(request: &HttpRequest, payload: Payload, limit: usize, media_type: &'static str, accepted: HeaderName) -> Result<Bytes, ApiError> {
    media::expect(request, &[media_type], accepted)?;
    read_bytes(request, payload, limit).await
}

/// A whole body of at most `limit` bytes that is not compressed, whatever its media type.
///
/// # Errors
/// 400 where it breaks off, 408, 413, 415.
pub async fn read_bytes(request: &HttpRequest, payload: Payload, limit: usize) -> Result<Bytes, ApiError> {
    media::refuse_compressed(request)?;
    let too_large = || ApiError::new(Kind::ContentTooLarge).detail(format!("the body is limited to {limit} bytes"));
    let announced = header(request.headers(), &actix_web::http::header::CONTENT_LENGTH)?.and_then(|length| length.parse::<usize>().ok());
    if announced.is_some_and(|length| length > limit) {
        return Err(too_large());
    }
    // What is announced is not yet there: an empty promise costs no memory.
    let mut bytes = bytes::BytesMut::with_capacity(announced.unwrap_or(8192).min(64 * 1024));
    let mut payload = Paced::new(request, payload);
    while let Some(chunk) = payload.next().await? {
        let chunk = chunk.map_err(|cause| ApiError::new(Kind::MalformedJson).detail(format!("the body broke off: {cause}")))?;
        if bytes.len() + chunk.len() > limit {
            return Err(too_large());
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes.freeze())
}

/// Reads a body as JSON.
///
/// # Errors
/// [`Kind::MalformedJson`].
pub(super) fn parse(bytes: &[u8]) -> Result<Value, ApiError> {
    unique::from_slice(bytes).map_err(|cause| ApiError::new(Kind::MalformedJson).detail(format!("{cause}")))
}

/// A digest of method, path, query and body.
fn fingerprint(request: &HttpRequest, bytes: &[u8]) -> String {
    let mut digest = Fingerprint::of(request);
    digest.update(bytes);
    digest.finish()
}

/// What marks a request, of a body that comes in pieces.
pub struct Fingerprint(aws_lc_rs::digest::Context);

impl Fingerprint {
    /// That of a request, before its body.
    pub fn of(request: &HttpRequest) -> Self {
        let mut digest = aws_lc_rs::digest::Context::new(&aws_lc_rs::digest::SHA256);
        digest.update(request.method().as_str().as_bytes());
        digest.update(request.uri().to_string().as_bytes());
        digest.update(b"\n");
        Self(digest)
    }

    /// With the next piece of the body.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// That of the whole.
    pub fn finish(self) -> String {
        base64::Engine::encode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, self.0.finish())
    }
}

/// A header's value, which must be visible ASCII.
///
/// # Errors
/// A problem of the kind [`Kind::InvalidHeader`].
pub fn header<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>, ApiError> {
    headers
        .get(name)
        .map(|value| {
            value.to_str().map_err(|_| {
                ApiError::new(Kind::InvalidHeader).faults(vec![Fault::new(
                    format!("/{name}"),
                    "invalid_header",
                    "a header holds visible ASCII characters only",
                )])
            })
        })
        .transpose()
}

/// The query parameters, read as a `T`; unknown and repeated ones are refused.
pub struct Query<T>(pub T);

impl<T: Deserr<Faults>> FromRequest for Query<T> {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(read_query(request.query_string(), &[]).map(Self).map_err(|faults| ApiError::new(Kind::InvalidParameter).faults(faults)))
    }
}

/// The query parameters, read as a `T`, of which `map` and `set` may come any number of times.
pub struct ListQuery<T>(pub T);

impl<T: Deserr<Faults>> FromRequest for ListQuery<T> {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let query = read_query(request.query_string(), &["map", "set"]);
        ready(query.map(Self).map_err(|faults| ApiError::new(Kind::InvalidParameter).faults(faults)))
    }
}

/// Reads the parameters of a query, of which those of `lists` may come any number of times.
///
/// # Errors
/// Every fault.
pub(super) fn read_query<T: Deserr<Faults>>(query: &str, lists: &[&str]) -> Result<T, Vec<Fault>> {
    let pairs = strict::pairs(query).map_err(|fault| vec![fault])?;
    let mut parameters = serde_json::Map::new();
    let mut faults = Vec::new();
    for (name, value) in pairs {
        if lists.contains(&name.as_str()) {
            if let Value::Array(items) = parameters.entry(name).or_insert_with(|| Value::Array(Vec::new())) {
                items.push(Value::String(value));
            }
        } else if parameters.insert(name.clone(), Value::String(value)).is_some() {
            faults.push(Fault::new(format!("/{}", super::decode::escape(&name)), "repeated", format!("`{name}` comes more than once")));
        }
    }
    match decode(Value::Object(parameters)) {
        Ok(value) if faults.is_empty() => Ok(value),
        Ok(_) => Err(faults),
        Err(more) => Err(faults.into_iter().chain(more).collect()),
    }
}

/// The last key of the path, as an id. What is no id is the id of nothing: 404.
pub struct IdPath(pub Uuid);

/// The agency that the path names, by id or by `ori:…`.
pub struct AgencyPath(pub AgencyKey);

/// The standard that the path names, by id or by code.
pub struct StandardPath(pub StandardKey);

fn path_key<T>(request: &HttpRequest, name: &str, parse: impl Fn(&str) -> Option<T>) -> Result<T, ApiError> {
    request.match_info().get(name).and_then(parse).ok_or_else(|| match request.app_data::<Data<Registry>>() {
        // A fixed path such as `/v1/completions/batch` also looks like one with a key.
        Some(registry) => fallback::refusal(request, registry),
        None => ApiError::new(Kind::NotFound),
    })
}

/// The id of what a path is about, and that of something of it.
fn two_ids(request: &HttpRequest, second: &str) -> Result<(Uuid, Uuid), ApiError> {
    let id = |name| path_key(request, name, |text| Uuid::try_parse(text).ok());
    Ok((id("id")?, id(second)?))
}

impl FromRequest for IdPath {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(path_key(request, "id", |text| Uuid::try_parse(text).ok()).map(Self))
    }
}

impl FromRequest for AgencyPath {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(path_key(request, "agency", |text| AgencyKey::parse(text).ok()).map(Self))
    }
}

impl FromRequest for StandardPath {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(path_key(request, "standard", |text| StandardKey::parse(text).ok()).map(Self))
    }
}

/// An officer and one of their appointments, as the path names them.
pub struct AppointmentPath {
    /// Whose.
    pub officer: Uuid,
    /// Which.
    pub appointment: Uuid,
}

impl FromRequest for AppointmentPath {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(two_ids(request, "appointment").map(|(officer, appointment)| Self { officer, appointment }))
    }
}

/// A client and one of its secrets, as the path names them.
pub struct ClientSecretPath {
    /// Whose.
    pub client: Uuid,
    /// Which.
    pub secret: Uuid,
}

impl FromRequest for ClientSecretPath {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(two_ids(request, "secret").map(|(client, secret)| Self { client, secret }))
    }
}

/// A webhook and one of its deliveries, as the path names them.
pub struct DeliveryPath {
    /// Whose.
    pub webhook: Uuid,
    /// Which.
    pub delivery: Uuid,
}

impl FromRequest for DeliveryPath {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(two_ids(request, "delivery").map(|(webhook, delivery)| Self { webhook, delivery }))
    }
}

/// A request that is told by its path alone: what marks it, for `Idempotency-Key`.
pub struct NoBody {
    /// What marks this very request.
    pub fingerprint: String,
}

impl FromRequest for NoBody {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(Self { fingerprint: fingerprint(request, b"") }))
    }
}

/// Whether the caller prefers `return=minimal` (RFC 7240).
pub fn prefers_minimal(request: &HttpRequest) -> bool {
    prefers(request, "return=minimal")
}

/// Whether the caller prefers `respond-async` (RFC 7240 §4.1).
pub fn prefers_async(request: &HttpRequest) -> bool {
    prefers(request, "respond-async")
}

fn prefers(request: &HttpRequest, wanted: &str) -> bool {
    let values = request.headers().get_all(HeaderName::from_static("prefer"));
    values.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(',')).any(|preference| preference.trim().eq_ignore_ascii_case(wanted))
}

/// `If-Match` and `If-None-Match` (RFC 9110 §13).
#[derive(Debug, Clone, Default)]
pub struct Preconditions {
    if_match: Option<Vec<String>>,
    if_none_match: Option<Vec<String>>,
}

impl FromRequest for Preconditions {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let list = |name: HeaderName| {
            let mut tags: Option<Vec<String>> = None;
            for value in request.headers().get_all(&name) {
                let value = value.to_str().unwrap_or("");
                tags.get_or_insert_default().extend(value.split(',').map(|tag| tag.trim().to_owned()));
            }
            tags
        };
        ready(Ok(Self { if_match: list(actix_web::http::header::IF_MATCH), if_none_match: list(actix_web::http::header::IF_NONE_MATCH) }))
    }
}

impl Preconditions {
    /// Checks `If-Match` against the tag of what is there now; strong comparison.
    ///
    /// # Errors
    /// [`ServiceError::PreconditionFailed`] where the caller read something else.
    pub fn check(&self, current: Option<&str>) -> Result<(), ServiceError> {
        let matches = |tags: &Vec<String>| current.is_some_and(|current| tags.iter().any(|tag| tag == "*" || tag == current));
        let failed_match = self.if_match.as_ref().is_some_and(|tags| !matches(tags));
        if failed_match || self.if_none_match.as_ref().is_some_and(matches) {
            return Err(ServiceError::PreconditionFailed);
        }
        Ok(())
    }

    /// Whether the caller has `current` already, by `If-None-Match`; weak comparison.
    pub fn has(&self, current: &str) -> bool {
        let plain = |tag: &str| tag.trim_start_matches("W/").to_owned();
        self.if_none_match.as_ref().is_some_and(|tags| tags.iter().any(|tag| tag == "*" || plain(tag) == plain(current)))
    }
}

/// The `Idempotency-Key` header.
#[derive(Debug, Clone)]
pub struct IdempotencyKey(pub Option<String>);

impl FromRequest for IdempotencyKey {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let name = HeaderName::from_static("idempotency-key");
        ready(header(request.headers(), &name).and_then(|key| match key.map(str::trim) {
            None => Ok(Self(None)),
            Some(key) if (1..=255).contains(&key.len()) && key.bytes().all(|b| b.is_ascii_graphic()) => Ok(Self(Some(key.to_owned()))),
            Some(_) => {
                let fault =
                    Fault::new("/idempotency-key", "invalid_header", "an idempotency key has 1 to 255 visible ASCII characters, and no space");
                Err(ApiError::new(Kind::InvalidHeader).faults(vec![fault]))
            }
        }))
    }
}
