//! `/openapi.json`, `/openapi-3.0.json`, `/docs`: the contract, to read and to try; nothing is loaded from elsewhere.

use actix_web::http::header::CACHE_CONTROL;
use actix_web::{HttpResponse, web};
use utoipa_swagger_ui::{Config, SwaggerUi};

use super::registry::Registry;

/// What the page may load: Swagger UI runs scripts and styles of its own page.
pub const CONTENT_POLICY: &str = "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// What this file answers, below no operation of the document.
pub const PATHS: [&str; 4] = ["/openapi.json", "/openapi-3.0.json", "/docs", "/docs/{_:.*}"];

async fn get_openapi(registry: web::Data<Registry>) -> HttpResponse {
    json(registry.documents.current())
}

async fn get_openapi_3_0(registry: web::Data<Registry>) -> HttpResponse {
    json(registry.documents.for_3_0())
}

fn json(document: &str) -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").insert_header((CACHE_CONTROL, "no-cache")).body(document.to_owned())
}

async fn to_docs() -> HttpResponse {
    HttpResponse::Found().insert_header(("Location", "/docs/")).finish()
}

/// The documents and the page.
pub fn routes(config: &mut web::ServiceConfig) {
    let page = SwaggerUi::new("/docs/{_:.*}")
        .config(Config::from("/openapi.json").validator_url("none").try_it_out_enabled(true).persist_authorization(false));
    config
        .route("/openapi.json", web::get().to(get_openapi))
        .route("/openapi-3.0.json", web::get().to(get_openapi_3_0))
        .route("/docs", web::get().to(to_docs))
        .service(page);
}
