//! What no route answers: 405 with `Allow` where the path has other methods, 404 otherwise.

use actix_web::http::header::{ALLOW, HeaderValue};
use actix_web::{HttpRequest, web};

use super::problem::{ApiError, ApiResult, Kind};
use super::registry::Registry;

/// Answers what no route does.
///
/// # Errors
/// Always: 405 or 404.
pub async fn answer(request: HttpRequest, registry: web::Data<Registry>) -> ApiResult {
    Err(refusal(&request, &registry))
}

/// The problem of a request that nothing answers.
pub fn refusal(request: &HttpRequest, registry: &Registry) -> ApiError {
    let allowed = registry.documents.methods_at(request.path());
    if allowed.is_empty() || allowed.iter().any(|method| method == request.method().as_str()) {
        return ApiError::new(Kind::NotFound);
    }
    let allow = allowed.join(", ");
    let problem = ApiError::new(Kind::MethodNotAllowed).detail(format!("{} is not allowed here; {allow} is", request.method()));
    match HeaderValue::from_str(&allow) {
        Ok(value) => problem.header(ALLOW, value),
        Err(_) => problem,
    }
}
