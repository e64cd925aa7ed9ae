//! `/livez`, `/readyz`, `/metrics`

use actix_web::{HttpResponse, get, web};
use serde::Serialize;
use utoipa::ToSchema;

use super::problem::{ApiError, ApiResult, Kind};
use super::registry::Registry;
use crate::storage::{StorageError, migrations};
use crate::telemetry::POOL;

/// How the service is.
#[derive(Debug, Serialize, ToSchema)]
struct Health {
    /// `ok`
    #[schema(example = "ok")]
    status: &'static str,
    /// `sqlite` or `postgresql`; only from `/readyz`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "sqlite")]
    database: Option<&'static str>,
}

/// Is the process alive?
///
/// Answers without asking the database.
#[utoipa::path(tag = "operations", security(()), responses((status = 200, description = "The process answers.", body = Health)))]
#[get("/livez")]
async fn get_livez() -> HttpResponse {
    HttpResponse::Ok().json(Health { status: "ok", database: None })
}

/// Can the service answer?
///
/// Asks the database, and whether its schema is up to date.
#[utoipa::path(tag = "operations", security(()), responses((status = 200, description = "The service can answer.", body = Health),
    (status = 503, description = "The database can't be reached, or its schema is not up to date.", body = super::problem::Problem, content_type = "application/problem+json")))]
#[get("/readyz")]
async fn get_readyz(registry: web::Data<Registry>) -> ApiResult {
    let pending = registry.store.read::<_, StorageError>(migrations::lacking).await.map_err(|cause| {
        let mut problem = ApiError::new(Kind::Unavailable).detail("the database can't be reached");
        problem.cause = Some(cause.to_string());
        problem
    })?;
    if !pending.is_empty() {
        return Err(ApiError::new(Kind::Unavailable).detail(format!("the database lacks migrations: {}", pending.join(", "))));
    }
    Ok(HttpResponse::Ok().json(Health { status: "ok", database: Some(registry.store.system()) }))
}

/// Metrics
///
/// In the text format of Prometheus: requests by route and status, their duration, records by outcome, use of the connection pool.
#[utoipa::path(tag = "operations", security(()), responses((status = 200, description = "The metrics of this process.", body = String, content_type = "text/plain")))]
#[get("/metrics")]
async fn get_metrics(registry: web::Data<Registry>) -> HttpResponse {
    let pool = registry.store.pool_use();
    metrics::gauge!(POOL, "state" => "busy").set(f64::from(pool.busy));
    metrics::gauge!(POOL, "state" => "max").set(f64::from(pool.size));
    HttpResponse::Ok().content_type("text/plain; version=0.0.4; charset=utf-8").body(registry.metrics.render())
}

/// Every operation of this file.
pub fn routes(config: &mut utoipa_actix_web::service_config::ServiceConfig<'_>) {
    config.service(get_livez).service(get_readyz).service(get_metrics);
}
