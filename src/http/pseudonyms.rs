//! `/v1/officers/{id}/pseudonymization`

use actix_web::post;
use deserr::Deserr;
use serde::Serialize;
use utoipa::ToSchema;

use super::auth::{Allowed, OfficersWrite};
use super::decode::{Faults, Ref};
use super::extract::{Body, IdPath, IdempotencyKey};
use super::officers::{OfficerView, view};
use super::once::once;
use super::problem::ApiResult;
use super::respond::Answer;
use crate::domain::text::Note;
use crate::service::pseudonyms as service;

/// Why an officer gets a pseudonym.
#[derive(Debug, Clone, Deserr, Serialize, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[serde(deny_unknown_fields)]
#[schema(as = Pseudonymization)]
pub struct PseudonymizationInput {
    /// It is kept with the officer: name nobody in it.
    #[schema(example = "Request of 3 May, file 17")]
    reason: Note,
}

super::rules::unruled!(PseudonymizationInput);

/// Put a pseudonym in the place of an officer
///
/// For IACP staff: needs a grant for all agencies. Names become a pseudonym; e-mail, identifiers, badge and employee numbers are taken away, and so
/// they are in what was pushed of the officer's completions, with every former revision. Appointments and credit stay, and no status changes.
/// It can't be undone.
#[utoipa::path(tag = "officers", params(("id" = Ref, Path, description = "The officer.")), request_body = PseudonymizationInput,
    security(("bearer" = ["officers:write"])), responses((status = 200, description = "The officer as they are now.", body = OfficerView)))]
#[post("/v1/officers/{id}/pseudonymization")]
pub async fn pseudonymize_officer(caller: Allowed<OfficersWrite>, path: IdPath, key: IdempotencyKey, body: Body<PseudonymizationInput>) -> ApiResult {
    let reason = body.value.reason;
    once(&caller, key, body.fingerprint, move |tx| {
        let officer = service::pseudonymize(tx, path.0, &reason)?;
        Answer::ok(&view(tx, &officer)?)
    })
    .await
}
