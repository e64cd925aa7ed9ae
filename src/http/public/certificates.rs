//! `/public/certificates/{number}`

use actix_web::{HttpRequest, get, web};
use askama::Template;
use serde::Serialize;
use utoipa::ToSchema;

use super::page::{day, public, rendered};
use crate::domain::certification::CertificateNumber;
use crate::http::decode::Day;
use crate::http::extract::Preconditions;
use crate::http::media::{self, HTML, JSON};
use crate::http::problem::{ApiError, ApiResult, Kind};
use crate::http::registry::Registry;
use crate::http::respond;
use crate::service::{ServiceError, register as service};
use crate::storage::register::Certificate;

/// A certificate, and whether it holds.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PublicCertificate)]
struct CertificateView {
    #[schema(example = "OMC-2026-000123")]
    number: String,
    /// Whether it holds: it was not revoked.
    valid: bool,
    agency: CertifiedAgency,
    /// The code of the standard that the agency met.
    #[schema(example = "one-mind")]
    standard: String,
    awarded_on: Day,
    /// The day on which it was revoked.
    #[schema(required)]
    revoked_on: Option<Day>,
}

/// To whom a certificate was awarded.
#[derive(Debug, Serialize, ToSchema)]
struct CertifiedAgency {
    #[schema(required, example = "TX2270000")]
    ori: Option<String>,
    #[schema(example = "Travis County Sheriff's Office")]
    name: String,
}

#[derive(Template)]
#[template(path = "certificate.html")]
struct CertificatePage {
    number: String,
    name: String,
    place: String,
    ori: Option<String>,
    standard: String,
    awarded_on: String,
    revoked_on: Option<String>,
}

impl From<Certificate> for CertificateView {
    fn from(certificate: Certificate) -> Self {
        Self {
            number: certificate.award.number,
            valid: certificate.revoked_on.is_none(),
            agency: CertifiedAgency { ori: certificate.agency.ori, name: certificate.agency.name },
            standard: certificate.standard,
            awarded_on: Day(certificate.award.awarded_on),
            revoked_on: certificate.revoked_on.map(Day),
        }
    }
}

impl From<Certificate> for CertificatePage {
    fn from(certificate: Certificate) -> Self {
        Self {
            number: certificate.award.number,
            name: certificate.agency.name,
            place: certificate.agency.subdivision.unwrap_or(certificate.agency.country),
            ori: certificate.agency.ori,
            standard: certificate.standard_title,
            awarded_on: day(certificate.award.awarded_on),
            revoked_on: certificate.revoked_on.map(day),
        }
    }
}

/// Check a certificate
///
/// Whether a certificate is valid, what it said, and whether it was revoked; a page for people where `Accept` prefers HTML.
#[utoipa::path(tag = "public", security(()), params(("number" = String, Path, description = "The number of the certificate.",
    max_length = 20, pattern = "^OMC-[0-9]{4}-[0-9]{6,10}$", example = "OMC-2026-000001")),
    responses((status = 200, description = "The certificate.", content((CertificateView = "application/json"), (String = "text/html")))))]
#[get("/public/certificates/{number}")]
async fn get_public_certificate(registry: web::Data<Registry>, request: HttpRequest, preconditions: Preconditions) -> ApiResult {
    // As a person may copy it from paper.
    let written = request.match_info().get("number").unwrap_or_default().trim().to_ascii_uppercase();
    let number = CertificateNumber::parse(&written).map_err(|_| ApiError::new(Kind::NotFound))?;
    let certificate = registry.store.read::<_, ServiceError>(move |conn| service::certificate(conn, number)).await?;
    match media::preferred(&request, &[JSON, HTML]) {
        HTML => Ok(public(&preconditions, HTML, rendered(&CertificatePage::from(certificate))?)),
        _ => Ok(public(&preconditions, JSON, respond::json(&CertificateView::from(certificate))?)),
    }
}

/// Every operation of this file.
pub fn routes(config: &mut utoipa_actix_web::service_config::ServiceConfig<'_>) {
    config.service(get_public_certificate);
}
