//! The log and the metrics.

use std::io::IsTerminal as _;
use std::sync::OnceLock;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tracing::Span;
use tracing_actix_web::{RootSpanBuilder, TracingLogger};
use tracing_subscriber::EnvFilter;

use crate::http::routing;

/// The metrics of the process.
pub type Metrics = PrometheusHandle;

/// How long requests take, in seconds.
pub const REQUEST_DURATION: &str = "http_server_request_duration_seconds";
/// Requests answered, by method, route and status.
pub const REQUESTS: &str = "http_server_requests_total";
/// Records of pushes, by kind and outcome.
pub const RECORDS: &str = "onemind_records_total";
/// Imports that this process brought to an end, by state.
pub const IMPORTS: &str = "onemind_imports_total";
/// Connections to the database, in use and at the most.
pub const POOL: &str = "onemind_database_connections";

/// Sends the log to standard error: lines for a terminal, JSON otherwise.
///
/// # Errors
/// Where the filter is none.
pub fn start_log(filter: &str) -> Result<(), String> {
    let filter = EnvFilter::try_new(filter).map_err(|cause| format!("log filter: {cause}"))?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    if std::io::stderr().is_terminal() {
        builder.init();
    } else {
        builder.json().flatten_event(true).with_current_span(true).with_span_list(false).init();
    }
    Ok(())
}

/// The recorder of this process, installed at the first call.
pub fn metrics() -> Metrics {
    static RECORDER: OnceLock<Metrics> = OnceLock::new();
    RECORDER
        .get_or_init(|| {
            const SECONDS: &[f64] = &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];
            let builder = PrometheusBuilder::new();
            let builder = match builder.set_buckets_for_metric(Matcher::Full(REQUEST_DURATION.into()), SECONDS) {
                Ok(builder) => builder,
                Err(_) => PrometheusBuilder::new(),
            };
            let recorder = builder.build_recorder();
            let handle = recorder.handle();
            if metrics::set_global_recorder(recorder).is_err() {
                tracing::warn!("another metrics recorder is installed: /metrics stays empty");
            }
            metrics::describe_histogram!(REQUEST_DURATION, metrics::Unit::Seconds, "How long requests took, by route.");
            metrics::describe_counter!(REQUESTS, "Requests answered, by method, route and status.");
            metrics::describe_counter!(RECORDS, "Records pushed, by kind and outcome.");
            metrics::describe_counter!(IMPORTS, "Imports that this process brought to an end, by state.");
            metrics::describe_gauge!(POOL, "Connections to the database, by state.");
            handle
        })
        .clone()
}

/// A span a request, with its id, and a line when it is answered.
pub fn request_span() -> TracingLogger<RequestSpan> {
    TracingLogger::new()
}

/// What a request's span holds.
pub struct RequestSpan;

impl RootSpanBuilder for RequestSpan {
    fn on_request_start(request: &ServiceRequest) -> Span {
        let id = actix_web::HttpMessage::extensions(request).get::<tracing_actix_web::RequestId>().copied();
        tracing::info_span!(
            "request",
            http.request.method = %request.method(),
            http.route = routing::label(request.request()),
            request.id = id.map(|id| id.to_string()),
        )
    }

    fn on_request_end<B: MessageBody>(span: Span, outcome: &Result<ServiceResponse<B>, actix_web::Error>) {
        span.in_scope(|| match outcome {
            Ok(response) => tracing::info!(http.response.status_code = response.status().as_u16(), "answered"),
            Err(error) => tracing::error!(error = %error, "not answered"),
        });
    }
}
