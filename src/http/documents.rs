//! What an agency receives: its certificate and letter as PDF, and its badge as a credential; and the list by which a revoked badge is known.

use std::sync::Arc;

use actix_web::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, ETAG, HeaderName, HeaderValue};
use actix_web::web::{self, Data};
use actix_web::{HttpRequest, HttpResponse, get};
use deserr::Deserr;
use utoipa::IntoParams;

use super::auth::{Allowed, CertificationsRead};
use super::decode::{Faults, Ref};
use super::extract::{IdPath, Preconditions, Query};
use super::problem::{ApiError, ApiResult, Kind};
use super::registry::Registry;
use super::respond::etag;
use crate::documents::{Award, Badge, DocumentError, Stationery, StatusList, badge_of, certificate, letter, status_list_of};
use crate::service::certifications::{self as service, Given};
use crate::tokens::CredentialError;

const PDF: &str = "application/pdf";
const CREDENTIAL: &str = "application/vc+jwt";

/// How a document is made.
type Making = fn(&Stationery, &Award) -> Result<Vec<u8>, DocumentError>;

/// Get a certificate
///
/// The certificate as PDF, tagged and with its fonts in it: US Letter, landscape, with a QR code that leads to its public check. It says what was so at the
/// award. One that was revoked says so, and since when. The same award makes the same bytes. An application that was not awarded answers 409 `not_awarded`.
#[utoipa::path(tag = "certifications", params(("id" = Ref, Path)), security(("bearer" = ["certifications:read"])),
    responses((status = 200, description = "The certificate.", body = Vec<u8>, content_type = "application/pdf")))]
#[get("/v1/certifications/{id}/certificate.pdf")]
async fn get_certificate(caller: Allowed<CertificationsRead>, path: IdPath, preconditions: Preconditions) -> ApiResult {
    paper(&caller, path, &preconditions, "certificate", certificate).await
}

/// Get the letter that comes with a certificate
///
/// The letter as PDF, to whoever signed the pledge. Who signs it, and what it says, is a setting of the service, and stays as it was at the award. An
/// application that was not awarded answers 409 `not_awarded`.
#[utoipa::path(tag = "certifications", params(("id" = Ref, Path)), security(("bearer" = ["certifications:read"])),
    responses((status = 200, description = "The letter.", body = Vec<u8>, content_type = "application/pdf")))]
#[get("/v1/certifications/{id}/letter.pdf")]
async fn get_letter(caller: Allowed<CertificationsRead>, path: IdPath, preconditions: Preconditions) -> ApiResult {
    paper(&caller, path, &preconditions, "letter", letter).await
}

/// Get a certification as a credential
///
/// An `OpenBadgeCredential` of Open Badges 3.0, as a JWT that is signed with a key of `/.well-known/jwks.json`. Whether it was revoked tells the status list
/// that it names. An application that was not awarded answers 409 `not_awarded`.
#[utoipa::path(tag = "certifications", params(("id" = Ref, Path)), security(("bearer" = ["certifications:read"])),
    responses((status = 200, description = "The credential, as a compact JWS.", body = String, content_type = "application/vc+jwt",
        example = "eyJhbGciOiJSUzI1NiJ9.e30.c2lnbmF0dXJl")))]
#[get("/v1/certifications/{id}/credential")]
async fn get_credential(caller: Allowed<CertificationsRead>, path: IdPath, preconditions: Preconditions) -> ApiResult {
    let given = caller.read(move |tx| service::given(tx, path.0)).await?;
    let registry = caller.registry().clone();
    let signed = web::block(move || {
        let public = registry.tokens.issuer();
        let award = award_of(&given, public);
        // By the key of the award, so that an award has one credential, whichever key signs by now.
        let key = registry.credentials.signing(given.awarded_at)?;
        let claims = badge_of(&Badge {
            id: given.id,
            agency: given.frozen.agency.id,
            number: given.awarded.number,
            standard: &given.frozen.standard.code,
            awarded_at: given.awarded_at,
            award: &award,
            key: &key,
            issuer: given.frozen.stationery.as_ref().map_or(&registry.stationery.issuer, |kept| &kept.issuer),
            public,
        });
        registry.credentials.sign(&claims, &key)
    });
    let signed = signed.await.map_err(failed)?.map_err(failed)?;
    Ok(answer(&preconditions, CREDENTIAL, "private, no-cache", None, signed.into_bytes()))
}

#[derive(Debug, Deserr, IntoParams)]
#[deserr(error = Faults, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListQuery {
    /// The `kid` of the key that is to sign the list; the key of now when absent. One that is published no more answers 404.
    #[deserr(default)]
    #[param(inline, max_length = 64)]
    key: Option<String>,
}

/// Which certifications of a year were revoked
///
/// A `BitstringStatusListCredential` (Bitstring Status List 1.0) as a JWT: the bit at the place that a credential names is set where it was revoked. It holds
/// for a day, so that nobody goes by one that was kept from before. A credential names the list that the key signs which signed the credential.
#[utoipa::path(tag = "certifications", params(("year" = i16, Path, description = "The year of the awards.", minimum = 1900, maximum = 9999, example = 2026), ListQuery), security(()),
    responses((status = 200, description = "The list, as a compact JWS.", body = String, content_type = "application/vc+jwt",
        example = "eyJhbGciOiJSUzI1NiJ9.e30.c2lnbmF0dXJl")))]
#[get("/public/status-lists/{year}")]
async fn get_status_list(request: HttpRequest, query: Query<ListQuery>, registry: Data<Registry>, preconditions: Preconditions) -> ApiResult {
    let year: i16 = request.match_info().get("year").and_then(|year| year.parse().ok()).ok_or_else(|| ApiError::new(Kind::NotFound))?;
    let revoked = registry.store.read(move |conn| service::revoked_of(conn, year)).await?;
    let now = registry.clock.now();
    let registry = registry.into_inner();
    let signed = web::block(move || {
        let asked = query.0.key.as_deref();
        let key = asked.map_or_else(|| registry.credentials.signing(now), |key| Ok(key.to_owned())).map_err(|cause| cause.to_string())?;
        let list = StatusList { year, revoked: &revoked, key: asked, issuer: &registry.stationery.issuer, public: registry.tokens.issuer() };
        let claims = status_list_of(&list, now).map_err(|cause| cause.to_string())?;
        match registry.credentials.sign(&claims, &key) {
            Err(CredentialError::NoSuchKey) => Ok(None),
            signed => signed.map(Some).map_err(|cause| cause.to_string()),
        }
    });
    let signed = signed.await.map_err(failed)?.map_err(failed)?.ok_or_else(|| ApiError::new(Kind::NotFound))?;
    let mut response = answer(&preconditions, CREDENTIAL, "public, max-age=300", None, signed.into_bytes());
    // Whoever checks a badge may do so in a page of their own.
    response.headers_mut().insert(HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("cross-origin"));
    Ok(response)
}

async fn paper(caller: &Allowed<CertificationsRead>, path: IdPath, preconditions: &Preconditions, name: &str, making: Making) -> ApiResult {
    let given = caller.read(move |tx| service::given(tx, path.0)).await?;
    let registry: Arc<Registry> = caller.registry().clone();
    let file = format!("inline; filename=\"{name}-{}.pdf\"", given.awarded.number);
    let made = web::block(move || {
        let kept = given.frozen.stationery.as_ref().map(Stationery::of).transpose()?;
        making(kept.as_ref().unwrap_or(&registry.stationery), &award_of(&given, registry.tokens.issuer()))
    });
    let bytes = made.await.map_err(failed)?.map_err(failed)?;
    Ok(answer(preconditions, PDF, "private, no-cache", Some(file), bytes))
}

fn award_of(given: &Given, public: &str) -> Award {
    Award::of(&given.awarded, given.revoked_on, &given.frozen, public)
}

/// 200 with the bytes and their `ETag`; 304 where the caller has them.
fn answer(preconditions: &Preconditions, kind: &'static str, cache: &'static str, file: Option<String>, bytes: Vec<u8>) -> HttpResponse {
    let tag = etag(&bytes);
    if preconditions.has(&tag) {
        return HttpResponse::NotModified().insert_header((ETAG, tag)).insert_header((CACHE_CONTROL, cache)).finish();
    }
    let mut response = HttpResponse::Ok();
    response.insert_header((ETAG, tag)).insert_header((CACHE_CONTROL, cache)).content_type(kind);
    if let Some(file) = file {
        response.insert_header((CONTENT_DISPOSITION, file));
    }
    response.body(bytes)
}

fn failed(cause: impl std::fmt::Display) -> ApiError {
    let mut error = ApiError::new(Kind::Internal);
    error.cause = Some(cause.to_string());
    error
}

/// Every operation of this file.
pub fn routes(config: &mut utoipa_actix_web::service_config::ServiceConfig<'_>) {
    config.service(get_certificate).service(get_letter).service(get_credential).service(get_status_list);
}
