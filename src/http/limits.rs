//! What callers may ask at once: requests a minute, requests in flight, and the size of a request's head.

use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{AUTHORIZATION, HeaderName, HeaderValue, RETRY_AFTER};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage as _, HttpRequest, ResponseError as _, web};
use uuid::Uuid;

use super::address::{client_address, counted};
use super::attempts::{Attempts, RetryAfter};
use super::bucket::{Buckets, Standing, seconds};
use super::problem::{ApiError, Kind};
use super::registry::Registry;
use super::routing::Routed;
use super::streams::Streams;
use crate::config;

/// Paths that ask whether the service is well, which it says however busy it is.
pub const UNLIMITED: [&str; 3] = ["/livez", "/readyz", "/metrics"];

/// The most bytes of a path and its query.
pub const TARGET_LIMIT: usize = 8 * 1024;

/// The most bytes of all headers, names and values.
pub const HEAD_LIMIT: usize = 16 * 1024;

/// The most headers.
pub const HEADER_COUNT: usize = 64;

/// How often buckets that are full again are forgotten.
const UPKEEP: Duration = Duration::from_secs(30);

/// The limits of a process, and how far they are used up. Several processes count each for itself.
pub struct Limits {
    /// The settings.
    pub settings: config::Limits,
    /// Failed authentications.
    pub attempts: Attempts,
    clients: Option<Buckets<Uuid>>,
    addresses: Option<Buckets<IpAddr>>,
    /// Bodies that are streamed.
    pub streams: Streams,
    in_flight: AtomicUsize,
}

impl Limits {
    /// Nothing used up yet.
    pub fn new(settings: &config::Limits) -> Self {
        Self {
            attempts: Attempts::new(settings.auth_failures),
            clients: settings.client.map(|rate| Buckets::new("client", rate)),
            addresses: settings.address.map(|rate| Buckets::new("address", rate)),
            streams: Streams::new(settings.max_streams),
            in_flight: AtomicUsize::new(0),
            settings: settings.clone(),
        }
    }

    /// Counts a request of a client whose token is valid.
    ///
    /// # Errors
    /// [`Kind::TooManyRequests`].
    pub fn count_client(&self, request: &HttpRequest, client: Uuid) -> Result<(), ApiError> {
        count(request, self.clients.as_ref().map(|buckets| buckets.take(client)), "of this client")
    }

    /// Counts a request of an address without a client.
    ///
    /// # Errors
    /// [`Kind::TooManyRequests`].
    pub fn count_address(&self, request: &HttpRequest) -> Result<(), ApiError> {
        let standing = self.addresses.as_ref().map(|buckets| buckets.take(counted(client_address(request))));
        count(request, standing, "without a valid token from this address")
    }

    /// Counts a request whose token was refused. A valid token gets by, however many others are refused from its address.
    ///
    /// # Errors
    /// Always: `refused`, or [`Kind::TooManyRequests`] in its place.
    pub fn count_bad_token(&self, request: &HttpRequest, refused: ApiError) -> ApiError {
        if let Err(problem) = self.count_address(request) {
            return problem;
        }
        let address = client_address(request);
        let may_try = self.attempts.may_try(address, None);
        self.attempts.failed(address, None);
        may_try.map_or_else(ApiError::from, |()| refused)
    }

    /// Forgets what need not be remembered, again and again; never ends.
    pub async fn upkeep(&self) {
        loop {
            tokio::time::sleep(UPKEEP).await;
            if let Some(buckets) = &self.clients {
                buckets.forget_idle();
            }
            if let Some(buckets) = &self.addresses {
                buckets.forget_idle();
            }
        }
    }

    /// Takes a place among the requests in flight, until it is dropped.
    fn enter(&self) -> Result<Place<'_>, ApiError> {
        let place = Place(&self.in_flight);
        let others = self.in_flight.fetch_add(1, Ordering::Relaxed);
        if self.settings.max_in_flight > 0 && others >= self.settings.max_in_flight {
            let problem = ApiError::new(Kind::Unavailable).detail("as many requests are being worked on as may be at once");
            return Err(problem.header(RETRY_AFTER, HeaderValue::from_static("1")));
        }
        Ok(place)
    }
}

/// A place among the requests in flight.
struct Place<'a>(&'a AtomicUsize);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl From<RetryAfter> for ApiError {
    fn from(RetryAfter(wait): RetryAfter) -> Self {
        let problem = ApiError::new(Kind::TooManyRequests).detail("too many authentications failed");
        problem.header(RETRY_AFTER, HeaderValue::from(seconds(wait).max(1)))
    }
}

/// Keeps how the caller stands, for the headers of the answer.
fn count(request: &HttpRequest, standing: Option<Standing>, whose: &str) -> Result<(), ApiError> {
    let Some(standing) = standing else { return Ok(()) };
    request.extensions_mut().insert(standing);
    match standing.wait {
        None => Ok(()),
        Some(wait) => {
            let problem = ApiError::new(Kind::TooManyRequests).detail(format!("too many requests {whose}; `RateLimit-Policy` names the limit"));
            Err(problem.header(RETRY_AFTER, HeaderValue::from(seconds(wait).max(1))))
        }
    }
}

/// Refuses what is above a limit, and says on every other answer how the caller stands.
///
/// # Errors
/// Those of the services within.
pub async fn keep(request: ServiceRequest, next: Next<impl MessageBody + 'static>) -> Result<ServiceResponse<BoxBody>, Error> {
    let registry = request.app_data::<web::Data<Registry>>().cloned();
    let Some(registry) = registry.filter(|_| !UNLIMITED.contains(&request.path())) else {
        return Ok(next.call(request).await?.map_into_boxed_body());
    };
    let admitted = admit(&request, &registry);
    let mut response = match admitted {
        Ok(_place) => next.call(request).await?.map_into_boxed_body(),
        Err(problem) => {
            let answer = problem.error_response();
            request.into_response(answer)
        }
    };
    let standing = response.request().extensions().get::<Standing>().copied();
    if let Some(standing) = standing {
        for (name, value) in [("ratelimit-policy", standing.policy()), ("ratelimit", standing.state())] {
            if let Ok(value) = HeaderValue::from_str(&value) {
                response.headers_mut().insert(HeaderName::from_static(name), value);
            }
        }
    }
    Ok(response)
}

fn admit<'a>(request: &ServiceRequest, registry: &'a Registry) -> Result<Place<'a>, ApiError> {
    // What brings a token where one is asked for is counted when the token has been read.
    if !Routed::of(request.request()).takes_token() || !request.headers().contains_key(AUTHORIZATION) {
        registry.limits.count_address(request.request())?;
    }
    let place = registry.limits.enter()?;
    check_sizes(request)?;
    Ok(place)
}

fn check_sizes(request: &ServiceRequest) -> Result<(), ApiError> {
    let target = request.uri().path_and_query().map_or(0, |target| target.as_str().len());
    if target > TARGET_LIMIT {
        let detail = format!("path and query have {target} bytes, and {TARGET_LIMIT} are the limit");
        return Err(ApiError::new(Kind::UriTooLong).detail(detail));
    }
    let (count, bytes) =
        request.headers().iter().fold((0, 0), |(count, bytes), (name, value)| (count + 1, bytes + name.as_str().len() + value.len()));
    if count > HEADER_COUNT || bytes > HEAD_LIMIT {
        let detail = format!("there are {count} headers of {bytes} bytes, and {HEADER_COUNT} of {HEAD_LIMIT} bytes are the limit");
        return Err(ApiError::new(Kind::HeadersTooLarge).detail(detail));
    }
    Ok(())
}
