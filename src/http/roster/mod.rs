//! `/v1/agencies/{agency}/roster`

mod body;

use actix_web::{HttpRequest, get, put};
use deserr::Deserr;
use serde::Serialize;
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use self::body::{RosterBody, read_rows, read_values};
use super::auth::{Allowed, OfficersRead, OfficersWrite};
use super::decode::{AtMost, Day, Faults, Flag, Ref};
use super::doors::{CsvQuery, Given, layout_of};
use super::extract::{AgencyPath, ListQuery, Preconditions, Query, prefers_minimal};
use super::media;
use super::officers::{IdentifierInput, OfficerView, identifiers, views};
use super::page::{self, Cursor, Limit, Page};
use super::problem::{ApiError, ApiResult, Kind, Problem};
use super::respond;
use crate::domain::agency::AgencyKey;
use crate::domain::appointment::Employment;
use crate::domain::csv_mapping::{CsvKind, DateFormat, Delimiter};
use crate::domain::roster::{RosterEntry, RosterMode};
use crate::domain::text::{Email, Name, Number, Text};
use crate::rows::read::Format;
use crate::rows::sheet::Layout;
use crate::service::Fault;
use crate::service::roster::{self as service, EntryResult, Outcome, Report, Roster};
use crate::telemetry::RECORDS;

/// The whole roster of an agency.
#[derive(Debug, Clone, Deserr, Serialize, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[serde(deny_unknown_fields)]
pub struct RosterInput {
    /// The day on which it is true: who is left out ends on this day, and numbers that differ are borne from this day.
    as_of: Day,
    /// Everybody who serves at the agency.
    #[schema(value_type = Vec<RosterEntryInput>, max_items = 100_000)]
    officers: Vec<Value>,
}

/// An officer with one appointment, flattened.
#[derive(Debug, Clone, Deserr, Serialize, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[serde(deny_unknown_fields)]
#[schema(as = RosterEntry)]
pub struct RosterEntryInput {
    #[schema(example = "Rivera")]
    family_name: Name,
    #[schema(example = "Maria")]
    given_name: Name,
    /// What is held stays where this is absent or null.
    #[deserr(default)]
    email: Option<Email>,
    /// Number in the agency's payroll.
    #[deserr(default)]
    employee_number: Option<Number>,
    /// Badge or star.
    #[deserr(default)]
    #[schema(example = "88")]
    badge_number: Option<Number>,
    #[deserr(default)]
    #[schema(example = "Sergeant")]
    rank: Option<Name>,
    #[deserr(default = Employment::FullTime)]
    #[schema(required = false, default = "full_time")]
    employment: Employment,
    /// Whether the officer is sworn; others are tracked and never counted.
    sworn: bool,
    /// First day.
    started_on: Day,
    /// The day after the last, when it is known.
    #[deserr(default)]
    ended_on: Option<Day>,
    /// Keys in other systems; they are added to those that are held.
    #[deserr(default)]
    #[schema(value_type = Vec<IdentifierInput>, required = false, max_items = 100)]
    identifiers: AtMost<IdentifierInput, 100>,
}

/// What the roster changed, or would change.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RosterOutcome)]
struct RosterView {
    summary: RosterSummaryView,
    /// One for each officer of the roster, in its order; with `Prefer: return=minimal` without those that are `created` or `unchanged`.
    results: Vec<RosterResultView>,
    /// Who was left out.
    ended: Vec<EndedView>,
}

/// How many officers fared how.
#[derive(Debug, Default, Serialize, ToSchema)]
#[schema(as = RosterSummary)]
struct RosterSummaryView {
    received: usize,
    created: usize,
    updated: usize,
    unchanged: usize,
    /// Current appointments that the roster leaves out.
    ended: usize,
    rejected: usize,
    /// Whether nothing was changed, since that was asked.
    dry_run: bool,
    /// Whether more than half of the current appointments end: refused unless `allow_shrink=true`.
    shrinks: bool,
}

/// What became of an officer of the roster.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RosterResult)]
struct RosterResultView {
    /// Its place in the roster, from 0.
    index: usize,
    /// `created`, `updated`, `unchanged` or `rejected`.
    #[schema(example = "updated")]
    outcome: &'static str,
    /// Absent when rejected, and in a dry run when created.
    #[serde(skip_serializing_if = "Option::is_none")]
    officer_id: Option<Uuid>,
    /// The fields that changed, `appointment` for a new one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = json!(["badge_number"]))]
    changes: Option<Vec<&'static str>>,
    /// Why it can't be told who it is; nobody whom it may mean was ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<Problem>,
}

/// Somebody whom the roster leaves out.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RosterEnded)]
struct EndedView {
    officer_id: Uuid,
    appointment_id: Uuid,
    #[schema(example = "Rivera")]
    family_name: Name,
    #[schema(example = "Maria")]
    given_name: Name,
}

/// How a roster is put.
#[derive(Debug, Deserr, IntoParams)]
#[deserr(error = Faults, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct PutRosterQuery {
    /// Answer what would change, and change nothing.
    #[deserr(default)]
    #[param(value_type = Option<bool>)]
    dry_run: Option<Flag>,
    /// Let more than half of the agency end.
    #[deserr(default)]
    #[param(value_type = Option<bool>)]
    allow_shrink: Option<Flag>,
    /// Whether it is the whole roster (`full`, the default), or names changes alone (`delta`): then those who are left out stay as they are.
    #[deserr(default)]
    #[param(inline)]
    mode: Option<RosterMode>,
    /// Let it undo a roster of a later day, which was taken before.
    #[deserr(default)]
    #[param(value_type = Option<bool>)]
    allow_older: Option<Flag>,
    /// Of NDJSON and CSV: the day on which it is true, needed; JSON has it in the body.
    #[deserr(default)]
    #[param(inline)]
    as_of: Option<Day>,
    /// Of CSV: a CSV mapping of the client, by its id. What else the query says is stronger.
    #[deserr(default)]
    #[param(inline)]
    mapping: Option<Ref>,
    /// Of CSV: `field=column`, any number of times. A column named like a field needs none.
    #[deserr(default)]
    #[param(value_type = Option<Vec<Given>>, inline, explode = true, max_items = 200, example = json!(["badge_number=Star"]))]
    map: AtMost<Given, 200>,
    /// Of CSV: `field=value`, the same for every row, any number of times.
    #[deserr(default)]
    #[param(value_type = Option<Vec<Given>>, inline, explode = true, max_items = 200, example = json!(["sworn=yes"]))]
    set: AtMost<Given, 200>,
    /// Of CSV: what stands between cells; found out where it isn't said.
    #[deserr(default)]
    #[param(inline)]
    delimiter: Option<Delimiter>,
    /// Of CSV: what it is written in, where neither a byte order mark nor the media type says; UTF-8 otherwise.
    #[deserr(default)]
    #[param(value_type = Option<String>, max_length = 50, example = "windows-1252")]
    encoding: Option<Text<50>>,
    /// Of CSV: how dates are written.
    #[deserr(default)]
    #[param(inline)]
    date_format: Option<DateFormat>,
    /// Of CSV: how the first row after the last officer begins.
    #[deserr(default)]
    #[param(inline)]
    footer: Option<Name>,
}

impl PutRosterQuery {
    fn csv(&mut self) -> CsvQuery {
        CsvQuery {
            mapping: self.mapping,
            map: std::mem::take(&mut self.map.0),
            set: std::mem::take(&mut self.set.0),
            delimiter: self.delimiter,
            encoding: self.encoding.take(),
            date_format: self.date_format,
            footer: self.footer.take(),
        }
    }
}

/// Which day and page of the roster.
#[derive(Debug, Deserr, IntoParams)]
#[deserr(error = Faults, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct RosterQuery {
    /// The day; today, unless given.
    #[deserr(default)]
    #[param(inline)]
    as_of: Option<Day>,
    /// How many items a page has.
    #[deserr(default)]
    #[param(value_type = Option<u16>, minimum = 1, maximum = 500)]
    limit: Option<Limit>,
    /// Where the page begins, as the page before gave it.
    #[deserr(default)]
    #[param(value_type = Option<String>)]
    cursor: Option<Cursor>,
}

super::rules::ruled!(RosterEntryInput => RosterEntry);
super::rules::unruled!(RosterInput);

impl From<RosterEntryInput> for RosterEntry {
    fn from(input: RosterEntryInput) -> Self {
        Self {
            family_name: input.family_name,
            given_name: input.given_name,
            email: input.email,
            employee_number: input.employee_number,
            badge_number: input.badge_number,
            rank: input.rank,
            employment: input.employment,
            sworn: input.sworn,
            started_on: input.started_on.0,
            ended_on: input.ended_on.map(|day| day.0),
            identifiers: identifiers(input.identifiers.0),
        }
    }
}

impl RosterView {
    fn of(report: Report, dry_run: bool, minimal: bool) -> Self {
        let count = |outcome| report.results.iter().filter(|result| result.outcome == outcome).count();
        let summary = RosterSummaryView {
            received: report.results.len(),
            created: count(Outcome::Created),
            updated: count(Outcome::Updated),
            unchanged: count(Outcome::Unchanged),
            ended: report.ended.len(),
            rejected: count(Outcome::Rejected),
            dry_run,
            shrinks: report.shrinks,
        };
        let told = |result: &EntryResult| !minimal || !matches!(result.outcome, Outcome::Created | Outcome::Unchanged);
        let results = report.results.into_iter().enumerate().filter(|(_, result)| told(result)).map(RosterResultView::of).collect();
        let ended = report.ended.into_iter().map(|ended| EndedView {
            officer_id: ended.officer,
            appointment_id: ended.appointment,
            family_name: ended.family_name,
            given_name: ended.given_name,
        });
        Self { summary, results, ended: ended.collect() }
    }

    fn count_metrics(&self) {
        let counts = [
            ("created", self.summary.created),
            ("updated", self.summary.updated),
            ("unchanged", self.summary.unchanged),
            ("ended", self.summary.ended),
            ("rejected", self.summary.rejected),
        ];
        for (outcome, count) in counts {
            metrics::counter!(RECORDS, "kind" => "roster", "outcome" => outcome).increment(count as u64);
        }
    }
}

impl RosterResultView {
    fn of((index, result): (usize, EntryResult)) -> Self {
        Self {
            index,
            outcome: match result.outcome {
                Outcome::Created => "created",
                Outcome::Updated => "updated",
                Outcome::Unchanged => "unchanged",
                Outcome::Rejected => "rejected",
            },
            officer_id: result.officer,
            changes: Some(result.changes).filter(|changes| !changes.is_empty()),
            problem: result.problem.map(|fault| ApiError::new(Kind::Conflict).faults(vec![fault]).problem()),
        }
    }
}

/// Put an agency's whole roster
///
/// At most 100,000 officers and 16 MiB, in JSON, NDJSON (one officer a line) or CSV: it is written in one transaction. Each is matched one to one to whom the registry holds: by identifier, numbers, names and first
/// day. Who is new is appointed; who is held is brought up to date; whoever has a current appointment and is left out gets
/// `ended_on` = `as_of`. An officer of whom it can't be told who it is, is `rejected`, and nobody whom it may mean is ended. A fault in any
/// entry refuses the whole roster, and so does one that would end more than half of the agency, unless `allow_shrink=true`. A roster of an
/// earlier day than one that was taken already is refused (409 `roster_outdated`), unless `allow_older=true`. With `mode=delta` it names
/// changes alone: those who are left out stay as they are, and who leaves is named with `ended_on`. Sending the same roster again changes
/// nothing. A roster has no `ETag`: any `If-Match` is 412. `Prefer: return=minimal` leaves out the results that are `created` or `unchanged`.
#[utoipa::path(tag = "roster",
    request_body(content((RosterInput = "application/json"),
        (String = "application/x-ndjson", example = json!("{\"family_name\": \"Rivera\", \"given_name\": \"Maria\", \"sworn\": true, \"started_on\": \"2019-05-01\"}\n")),
        (String = "text/csv", example = json!("family_name,given_name,sworn,started_on\nRivera,Maria,yes,2019-05-01\n")))),
    security(("bearer" = ["officers:write"])),
    params(("agency" = AgencyKey, Path), PutRosterQuery,
        ("Prefer" = Option<String>, Header, description = "`return=minimal` (RFC 7240) leaves out the results that are `created` or `unchanged`.", example = "return=minimal")),
    responses((status = 200, description = "What became of every officer.", body = RosterView)))]
#[put("/v1/agencies/{agency}/roster")]
async fn put_roster(
    caller: Allowed<OfficersWrite>,
    request: HttpRequest,
    path: AgencyPath,
    query: ListQuery<PutRosterQuery>,
    preconditions: Preconditions,
    body: RosterBody,
) -> ApiResult {
    // A roster is read in pages, which have no version: none that a caller names is the current one.
    preconditions.check(None)?;
    let on = |flag: Option<Flag>| flag.is_some_and(|flag| flag.0);
    let mut query = query.0;
    let csv = query.csv();
    let (as_of, entries) = match body {
        RosterBody::Json(body) => {
            csv.refuse()?;
            if query.as_of.is_some() {
                return Err(day_fault("in_the_body", "a roster in JSON says its day in the body"));
            }
            (body.value.as_of.0, read_values(body.value.officers, caller.registry())?)
        }
        RosterBody::Rows(format, bytes) => {
            let layout = if format == Format::Csv {
                layout_of(&caller, csv, CsvKind::Roster, media::charset(&request)).await?
            } else {
                csv.refuse()?;
                Layout::default()
            };
            let as_of = query.as_of.ok_or_else(|| day_fault("required", "`as_of` is required: the day on which the roster is true"))?;
            let registry = caller.registry().clone();
            let reading = actix_web::web::block(move || read_rows(bytes, format, &layout, &registry)).await;
            (as_of.0, reading.map_err(|_| ApiError::new(Kind::Internal))??)
        }
    };
    let dry_run = on(query.dry_run);
    let (allow_shrink, allow_older) = (on(query.allow_shrink), on(query.allow_older));
    let roster = Roster { as_of, entries, dry_run, allow_shrink, mode: query.mode.unwrap_or_default(), allow_older };
    let report = if dry_run {
        caller.read(move |tx| service::put(tx, &path.0, &roster)).await?
    } else {
        caller.write(move |tx| service::put(tx, &path.0, &roster)).await?
    };
    let view = RosterView::of(report, dry_run, prefers_minimal(&request));
    if !dry_run {
        view.count_metrics();
    }
    respond::changed(&view)
}

fn day_fault(code: &'static str, detail: &str) -> ApiError {
    ApiError::new(Kind::InvalidParameter).faults(vec![Fault::new("/as_of", code, detail)])
}

/// Get an agency's roster
///
/// The officers who have an appointment at the agency in force on the day, each with that appointment.
#[utoipa::path(tag = "roster", params(("agency" = AgencyKey, Path), RosterQuery), security(("bearer" = ["officers:read"])),
    responses((status = 200, description = "A page of officers.", body = Page<OfficerView>)))]
#[get("/v1/agencies/{agency}/roster")]
async fn get_roster(caller: Allowed<OfficersRead>, request: HttpRequest, path: AgencyPath, query: Query<RosterQuery>) -> ApiResult {
    let query = query.0;
    let asked = page::requested(&request, query.limit, query.cursor.as_ref())?;
    let found = caller
        .read(move |tx| {
            let page = service::list(tx, &path.0, query.as_of.map(|day| day.0), asked)?;
            views(tx, page)
        })
        .await?;
    page::respond(&request, found, asked.limit, |view| view)
}

/// Every operation of this file.
pub fn routes(config: &mut utoipa_actix_web::service_config::ServiceConfig<'_>) {
    config.service(put_roster).service(get_roster);
}
