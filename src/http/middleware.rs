//! What every answer gets: its request id, in a header and in a problem's `instance`, safe headers, and a count in the metrics.

use std::time::Instant;

use actix_cors::CorsError;
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage as _, ResponseError as _};
use tracing_actix_web::RequestId;

use super::problem::{ApiError, Kind, Problem};
use super::{cors, hardening, routing, xapi};
use crate::telemetry::{REQUEST_DURATION, REQUESTS};

/// Finishes every answer.
///
/// # Errors
/// None of its own: what a handler or extractor refuses is an answer by then.
pub async fn answer(mut request: ServiceRequest, next: Next<impl MessageBody + 'static>) -> Result<ServiceResponse<BoxBody>, Error> {
    let began = Instant::now();
    let method = request.method().to_string();
    let id = request.extensions().get::<RequestId>().copied();
    if request.method() == Method::HEAD {
        // The same answer as to GET; the connection leaves the body out (RFC 9110 §9.3.2).
        request.head_mut().method = Method::GET;
    }
    let mut response = next.call(request).await?.map_into_boxed_body();
    let route = routing::label(response.request());
    if let Some(problem) = unexplained(&response) {
        response = ServiceResponse::new(response.into_parts().0, problem.error_response());
    }
    response = super::audit::settle(response).await;
    if let Some(id) = id {
        let problem = response.response_mut().extensions_mut().remove::<Problem>();
        if let Some(mut problem) = problem {
            problem.instance = Some(format!("urn:uuid:{id}"));
            let body = serde_json::to_vec(&problem).unwrap_or_default();
            response = response.map_body(|_, _| BoxBody::new(body));
        }
        if let Ok(value) = HeaderValue::from_str(&id.to_string()) {
            response.headers_mut().insert(HeaderName::from_static("x-request-id"), value);
        }
    }
    hardening::add(&mut response);
    xapi::mark(&mut response);
    let status = response.status().as_u16().to_string();
    metrics::histogram!(REQUEST_DURATION, "http_route" => route.clone()).record(began.elapsed().as_secs_f64());
    metrics::counter!(REQUESTS, "http_request_method" => method, "http_route" => route, "http_response_status_code" => status).increment(1);
    Ok(response)
}

/// The problem of an error that is none of ours, and so no problem yet.
fn unexplained(response: &ServiceResponse<BoxBody>) -> Option<ApiError> {
    let error = response.response().error()?;
    if let Some(error) = error.as_error::<CorsError>() {
        return Some(cors::problem(error));
    }
    let explained = response.response().extensions().get::<Problem>().is_some();
    (!explained && response.status().is_server_error()).then(|| ApiError::new(Kind::Internal))
}
