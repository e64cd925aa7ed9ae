//! `/v1/whoami`

use actix_web::get;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::auth::Caller;
use super::extract::Preconditions;
use super::problem::ApiResult;
use super::respond;

/// What the caller may do.
#[derive(Debug, Serialize, ToSchema)]
struct WhoAmI {
    /// The client whose records the caller's are.
    client: Uuid,
    /// Who acts.
    #[schema(example = "riverside-lms")]
    subject: String,
    /// The scopes of the token.
    #[schema(example = json!(["completions:write", "status:read"]))]
    scopes: Vec<String>,
    /// The agencies that it may act for, as the grant names them; null: all.
    #[schema(example = json!(["ori:TX2270000"]))]
    agencies: Option<Vec<String>>,
}

/// Who am I?
///
/// What the token is for: client, scopes and agencies. Needs no scope.
#[utoipa::path(tag = "operations", security(("bearer" = [])), responses((status = 200, description = "The caller.", body = WhoAmI)))]
#[get("/v1/whoami")]
async fn whoami(caller: Caller, preconditions: Preconditions) -> ApiResult {
    let view = WhoAmI {
        client: caller.client,
        subject: caller.subject.to_string(),
        scopes: caller.scopes.to_vec(),
        agencies: caller.agencies().map(|keys| keys.iter().map(ToString::to_string).collect()),
    };
    respond::resource(&preconditions, &view)
}

/// Every operation of this file.
pub fn routes(config: &mut utoipa_actix_web::service_config::ServiceConfig<'_>) {
    config.service(whoami);
}
