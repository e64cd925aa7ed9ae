//! `/v1/officers/{id}/appointments`

use std::collections::HashMap;

use actix_web::{HttpRequest, delete, get, patch, post};
use deserr::Deserr;
use jiff::civil::Date;
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::agencies::AgencyBriefView;
use super::auth::{Allowed, OfficersRead, OfficersWrite};
use super::decode::{Day, Faults};
use super::extract::{AppointmentPath, Body, IdPath, IdempotencyKey, MergePatch, Preconditions, Query};
use super::once::once;
use super::page::{self, Cursor, Limit, Page};
use super::problem::ApiResult;
use super::respond::{self, Answer, etag_of};
use crate::domain::agency::AgencyKey;
use crate::domain::appointment::{AppointmentDraft, Employment};
use crate::domain::text::{Name, Number};
use crate::service::appointments::{self as service, AppointmentChange};
use crate::service::{ServiceResult, Tx};
use crate::storage::agencies::{AgencyBrief, briefs};
use crate::storage::appointments::Appointment;

/// A dated spell of an officer at an agency.
#[derive(Debug, Clone, Deserr, Serialize, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[serde(deny_unknown_fields)]
pub struct AppointmentInput {
    agency: AgencyKey,
    /// Whether the officer is sworn; others are tracked and never counted.
    sworn: bool,
    #[deserr(default = Employment::FullTime)]
    #[schema(required = false, default = "full_time")]
    employment: Employment,
    #[deserr(default)]
    #[schema(example = "Sergeant")]
    rank: Option<Name>,
    /// Number in the agency's payroll.
    #[deserr(default)]
    employee_number: Option<Number>,
    /// Badge or star.
    #[deserr(default)]
    #[schema(example = "88")]
    badge_number: Option<Number>,
    /// First day.
    started_on: Day,
    /// The day after the last, when it is known.
    #[deserr(default)]
    ended_on: Option<Day>,
}

/// What may be changed of an appointment. Ending it is to set `ended_on`.
#[derive(Debug, Clone, Deserr, Serialize, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[serde(deny_unknown_fields)]
pub struct AppointmentChangeInput {
    /// Whether the officer is sworn; others are tracked and never counted.
    sworn: bool,
    #[deserr(default = Employment::FullTime)]
    #[schema(required = false, default = "full_time")]
    employment: Employment,
    #[deserr(default)]
    #[schema(example = "Sergeant")]
    rank: Option<Name>,
    /// Number in the agency's payroll.
    #[deserr(default)]
    employee_number: Option<Number>,
    /// Badge or star.
    #[deserr(default)]
    #[schema(example = "88")]
    badge_number: Option<Number>,
    /// First day.
    started_on: Day,
    /// The day after the last, when it is known.
    #[deserr(default)]
    ended_on: Option<Day>,
    /// The first day of the numbers that differ; completions of earlier days are matched by the former ones. Without it, the
    /// numbers were wrong and are corrected.
    #[deserr(default)]
    numbers_effective_on: Option<Day>,
}

/// An appointment as it is held.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Appointment)]
pub struct AppointmentView {
    id: Uuid,
    officer_id: Uuid,
    agency: AgencyBriefView,
    sworn: bool,
    employment: Employment,
    #[schema(example = "Sergeant")]
    rank: Option<Name>,
    employee_number: Option<Number>,
    #[schema(example = "88")]
    badge_number: Option<Number>,
    /// First day.
    started_on: Date,
    /// The day after the last; null while it is not known.
    #[schema(required)]
    ended_on: Option<Date>,
    created_at: jiff::Timestamp,
    updated_at: jiff::Timestamp,
}

/// Which page.
#[derive(Debug, Deserr, IntoParams)]
#[deserr(error = Faults, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct AppointmentQuery {
    /// How many items a page has.
    #[deserr(default)]
    #[param(value_type = Option<u16>, minimum = 1, maximum = 500)]
    limit: Option<Limit>,
    /// Where the page begins, as the page before gave it.
    #[deserr(default)]
    #[param(value_type = Option<String>)]
    cursor: Option<Cursor>,
}

super::rules::ruled!(AppointmentInput => AppointmentDraft);

impl super::rules::Rules for AppointmentChangeInput {
    fn broken(self, _: Date) -> crate::domain::invalid::Faults {
        service::faults_of(&self.at(Uuid::nil()))
    }
}

impl From<AppointmentInput> for AppointmentDraft {
    fn from(input: AppointmentInput) -> Self {
        Self {
            agency: input.agency,
            sworn: input.sworn,
            employment: input.employment,
            rank: input.rank,
            employee_number: input.employee_number,
            badge_number: input.badge_number,
            started_on: input.started_on.0,
            ended_on: input.ended_on.map(|day| day.0),
        }
    }
}

impl AppointmentChangeInput {
    fn of(appointment: &Appointment) -> Self {
        Self {
            sworn: appointment.sworn,
            employment: appointment.employment,
            rank: appointment.rank.clone(),
            employee_number: appointment.employee_number.clone(),
            badge_number: appointment.badge_number.clone(),
            started_on: Day(appointment.started_on),
            ended_on: appointment.ended_on.map(Day),
            numbers_effective_on: None,
        }
    }

    fn at(self, agency: Uuid) -> AppointmentChange {
        let draft = AppointmentDraft {
            agency: AgencyKey::Id(agency),
            sworn: self.sworn,
            employment: self.employment,
            rank: self.rank,
            employee_number: self.employee_number,
            badge_number: self.badge_number,
            started_on: self.started_on.0,
            ended_on: self.ended_on.map(|day| day.0),
        };
        AppointmentChange { draft, numbers_effective_on: self.numbers_effective_on.map(|day| day.0) }
    }
}

impl AppointmentView {
    /// An appointment, given its agency among others.
    pub(super) fn of(appointment: &Appointment, agencies: &HashMap<Uuid, AgencyBrief>) -> Self {
        let unnamed = || AgencyBrief { id: appointment.agency, ori: None, name: String::new() };
        Self {
            id: appointment.id,
            officer_id: appointment.officer,
            agency: AgencyBriefView::from(&agencies.get(&appointment.agency).cloned().unwrap_or_else(unnamed)),
            sworn: appointment.sworn,
            employment: appointment.employment,
            rank: appointment.rank.clone(),
            employee_number: appointment.employee_number.clone(),
            badge_number: appointment.badge_number.clone(),
            started_on: appointment.started_on,
            ended_on: appointment.ended_on,
            created_at: appointment.created_at,
            updated_at: appointment.updated_at,
        }
    }
}

fn view(tx: &mut Tx<'_>, appointment: &Appointment) -> ServiceResult<AppointmentView> {
    Ok(AppointmentView::of(appointment, &briefs(tx.conn, [appointment.agency])?))
}

/// List an officer's appointments
#[utoipa::path(tag = "officers", params(("id" = Uuid, Path, description = "The officer."), AppointmentQuery), security(("bearer" = ["officers:read"])),
    responses((status = 200, description = "A page of appointments.", body = Page<AppointmentView>)))]
#[get("/v1/officers/{id}/appointments")]
async fn list_appointments(caller: Allowed<OfficersRead>, request: HttpRequest, path: IdPath, query: Query<AppointmentQuery>) -> ApiResult {
    let asked = page::requested(&request, query.0.limit, query.0.cursor.as_ref())?;
    let found = caller
        .read(move |tx| {
            let page = service::list(tx, path.0, asked)?;
            let agencies = briefs(tx.conn, page.items.iter().map(|appointment| appointment.agency))?;
            Ok(page.map(|appointment| AppointmentView::of(&appointment, &agencies)))
        })
        .await?;
    page::respond(&request, found, asked.limit, |view| view)
}

/// Appoint an officer
///
/// Spells at one agency must not overlap; at different agencies they may.
#[utoipa::path(tag = "officers", params(("id" = Uuid, Path, description = "The officer.")), request_body = AppointmentInput, security(("bearer" = ["officers:write"])),
    responses((status = 201, description = "The officer is appointed.", body = AppointmentView)))]
#[post("/v1/officers/{id}/appointments")]
async fn create_appointment(caller: Allowed<OfficersWrite>, path: IdPath, key: IdempotencyKey, body: Body<AppointmentInput>) -> ApiResult {
    let draft = AppointmentDraft::from(body.value);
    once(&caller, key, body.fingerprint, move |tx| {
        let appointment = service::create(tx, path.0, &draft)?;
        Answer::created(format!("/v1/officers/{}/appointments/{}", path.0, appointment.id), &view(tx, &appointment)?)
    })
    .await
}

/// Get an appointment
#[utoipa::path(tag = "officers", params(("id" = Uuid, Path, description = "The officer."), ("appointment" = Uuid, Path, description = "The appointment.")), security(("bearer" = ["officers:read"])),
    responses((status = 200, description = "The appointment.", body = AppointmentView)))]
#[get("/v1/officers/{id}/appointments/{appointment}")]
async fn get_appointment(caller: Allowed<OfficersRead>, path: AppointmentPath, preconditions: Preconditions) -> ApiResult {
    let found = caller.read(move |tx| service::get(tx, path.officer, path.appointment).and_then(|appointment| view(tx, &appointment))).await?;
    respond::resource(&preconditions, &found)
}

/// Change or end an appointment
#[utoipa::path(tag = "officers", params(("id" = Uuid, Path, description = "The officer."), ("appointment" = Uuid, Path, description = "The appointment.")), security(("bearer" = ["officers:write"])),
    request_body(content = AppointmentChangeInput, content_type = "application/merge-patch+json"),
    responses((status = 200, description = "The appointment as it is now.", body = AppointmentView)))]
#[patch("/v1/officers/{id}/appointments/{appointment}")]
async fn change_appointment(caller: Allowed<OfficersWrite>, path: AppointmentPath, preconditions: Preconditions, patch: MergePatch) -> ApiResult {
    let changed = caller
        .write(move |tx| {
            let appointment = service::change(tx, path.officer, path.appointment, |tx, current| {
                preconditions.check(Some(&etag_of(&view(tx, current)?)?))?;
                patch.apply(&AppointmentChangeInput::of(current)).map(|changed| changed.at(current.agency))
            })?;
            view(tx, &appointment)
        })
        .await?;
    respond::changed(&changed)
}

/// Delete an appointment
///
/// One that was recorded in error. An appointment that is over is ended, not deleted.
#[utoipa::path(tag = "officers", params(("id" = Uuid, Path, description = "The officer."), ("appointment" = Uuid, Path, description = "The appointment.")), security(("bearer" = ["officers:write"])),
    responses((status = 204, description = "The appointment is gone.")))]
#[delete("/v1/officers/{id}/appointments/{appointment}")]
async fn delete_appointment(caller: Allowed<OfficersWrite>, path: AppointmentPath, preconditions: Preconditions) -> ApiResult {
    caller
        .write(move |tx| service::delete(tx, path.officer, path.appointment, |tx, current| preconditions.check(Some(&etag_of(&view(tx, current)?)?))))
        .await?;
    respond::no_content()
}

/// Every operation of this file.
pub fn routes(config: &mut utoipa_actix_web::service_config::ServiceConfig<'_>) {
    config.service(list_appointments).service(create_appointment).service(get_appointment).service(change_appointment).service(delete_appointment);
}
