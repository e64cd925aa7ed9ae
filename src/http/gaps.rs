//! `/v1/agencies/{agency}/training-gaps`

use actix_web::{HttpRequest, get};
use deserr::Deserr;
use jiff::civil::Date;
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::auth::{Allowed, OfficersRead, StatusRead};
use super::decode::{Day, Faults, parsed};
use super::extract::{AgencyPath, Query};
use super::page::{self, Cursor, Limit, Page};
use super::problem::ApiResult;
use crate::domain::agency::AgencyKey;
use crate::domain::gaps::Lack;
use crate::domain::invalid::Invalid;
use crate::domain::text::{Name, Number};
use crate::service::gaps::{self as service, GapFilter, OfficerGap};

/// `within_days`, 0..=3,660.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct WithinDays(u16);

impl WithinDays {
    /// # Errors
    /// `invalid_number`.
    fn parse(text: &str) -> Result<Self, Invalid> {
        match text.parse::<u16>() {
            Ok(days @ 0..=3660) if text.bytes().all(|b| b.is_ascii_digit()) => Ok(Self(days)),
            _ => Err(Invalid::new("invalid_number", "must be a whole number from 0 to 3660")),
        }
    }
}

parsed!(Lack, WithinDays);

/// A sworn officer who lacks training, or whose credit is about to lapse.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TrainingGap)]
pub struct GapView {
    officer: OfficerName,
    /// The number within the agency.
    #[schema(required)]
    employee_number: Option<Number>,
    /// The badge within the agency.
    #[schema(required)]
    badge_number: Option<Number>,
    /// What the officer lacks on the day; nothing for one who is listed because credit lapses.
    lacks: Vec<Lack>,
    /// The first day on which the officer is no longer trained; null where the officer isn't now, or for good.
    #[schema(required)]
    trained_until: Option<Date>,
    /// The first day on which crisis intervention training has lapsed; null where the officer doesn't hold it now, or for good.
    #[schema(required)]
    crisis_intervention_until: Option<Date>,
}

#[derive(Debug, Serialize, ToSchema)]
struct OfficerName {
    id: Uuid,
    given_name: Name,
    family_name: Name,
}

#[derive(Debug, Deserr, IntoParams)]
#[deserr(error = Faults, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct GapQuery {
    /// The day, past or future; today (UTC) when absent.
    #[deserr(default)]
    #[param(inline)]
    as_of: Option<Day>,
    /// Also those whose credit lapses within so many days after the day.
    #[deserr(default)]
    #[param(value_type = Option<u16>, minimum = 0, maximum = 3660)]
    within_days: Option<WithinDays>,
    /// Only by this training. Absent: those who lack `trained`, and with `within_days` those of whom either lapses, since crisis
    /// intervention training is needed by a share of the officers alone.
    #[deserr(default)]
    #[param(inline)]
    missing: Option<Lack>,
    /// How many items a page has.
    #[deserr(default)]
    #[param(value_type = Option<u16>, minimum = 1, maximum = 500)]
    limit: Option<Limit>,
    /// Where the page begins, as the page before gave it.
    #[deserr(default)]
    #[param(value_type = Option<String>)]
    cursor: Option<Cursor>,
}

impl From<OfficerGap> for GapView {
    fn from(OfficerGap { officer, appointment, gap }: OfficerGap) -> Self {
        Self {
            officer: OfficerName { id: officer.id, given_name: officer.given_name, family_name: officer.family_name },
            employee_number: appointment.employee_number,
            badge_number: appointment.badge_number,
            lacks: gap.lacks(),
            trained_until: gap.trained_until,
            crisis_intervention_until: gap.crisis_until,
        }
    }
}

/// List training gaps
///
/// The officers sworn at the agency on a day who lack the training that the standard asks of everybody, in the order of their ids.
#[utoipa::path(tag = "status", params(("agency" = AgencyKey, Path), GapQuery), security(("bearer" = ["status:read", "officers:read"])),
    responses((status = 200, description = "A page of officers.", body = Page<GapView>)))]
#[get("/v1/agencies/{agency}/training-gaps")]
async fn list_training_gaps(
    caller: Allowed<(StatusRead, OfficersRead)>,
    request: HttpRequest,
    path: AgencyPath,
    query: Query<GapQuery>,
) -> ApiResult {
    let query = query.0;
    let asked = page::requested(&request, query.limit, query.cursor.as_ref())?;
    let filter = GapFilter { as_of: query.as_of.map(|day| day.0), within_days: query.within_days.map(|days| days.0), missing: query.missing };
    let found = caller.read(move |tx| service::list(tx, &path.0, filter, asked)).await?;
    page::respond(&request, found, asked.limit, GapView::from)
}

/// Every operation of this file.
pub fn routes(config: &mut utoipa_actix_web::service_config::ServiceConfig<'_>) {
    config.service(list_training_gaps);
}
