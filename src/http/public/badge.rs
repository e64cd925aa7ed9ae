//! `/public/agencies/{ori}/badge.svg`

use actix_web::{HttpRequest, get, web};
use askama::Template;

use super::page::{public, rendered};
use crate::domain::agency::AgencyKey;
use crate::domain::ori::Ori;
use crate::http::extract::Preconditions;
use crate::http::media::SVG;
use crate::http::problem::{ApiError, ApiResult, Kind};
use crate::http::registry::Registry;
use crate::service::{ServiceError, register as service};
use crate::storage::register::Listed;

#[derive(Template)]
#[template(path = "badge.svg")]
struct Badge {
    label: &'static str,
    detail: String,
    name: String,
    color: &'static str,
    certified: bool,
}

impl From<Listed> for Badge {
    fn from(listed: Listed) -> Self {
        let certified = listed.award.is_some();
        let (label, color) = if certified { ("One Mind Certified", "#14315c") } else { ("One Mind Pledged", "#4a5665") };
        let since = listed.award.map_or(listed.pledged_on, |award| award.awarded_on);
        Self { label, detail: format!("since {}", since.strftime("%B %Y")), name: listed.agency.name, color, certified }
    }
}

/// A badge for an agency's own site
///
/// A picture that says whether the agency is certified or pledged, as of now: 404 where it is not on the public register. On a page:
/// `<a href="…/public/certificates/OMC-2026-000123"><img src="…/public/agencies/TX2270000/badge.svg" alt="One Mind Certified" width="240" height="72"></a>`.
#[utoipa::path(tag = "public", security(()),
    params(("ori" = String, Path, min_length = 1, max_length = 40, description = "An ORI of the agency; or its id, for an agency outside the United States has no ORI.", example = "TX2270000")),
    responses((status = 200, description = "The badge.", body = String, content_type = "image/svg+xml")))]
#[get("/public/agencies/{ori}/badge.svg")]
async fn get_badge(registry: web::Data<Registry>, request: HttpRequest, preconditions: Preconditions) -> ApiResult {
    let named = request.match_info().get("ori").unwrap_or_default();
    let key = Ori::parse(named).map(AgencyKey::Ori).or_else(|_| AgencyKey::parse(named)).map_err(|_| ApiError::new(Kind::NotFound))?;
    let today = registry.clock.today();
    let listed = registry.store.read::<_, ServiceError>(move |conn| service::of_agency(conn, today, &key)).await?;
    Ok(public(&preconditions, SVG, rendered(&Badge::from(listed))?))
}

/// Every operation of this file.
pub fn routes(config: &mut utoipa_actix_web::service_config::ServiceConfig<'_>) {
    config.service(get_badge);
}
