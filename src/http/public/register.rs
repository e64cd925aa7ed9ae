//! `/public/register`

use actix_web::{HttpRequest, get, web};
use askama::Template;
use deserr::Deserr;
use jiff::civil::Date;
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use super::page::{day, number, public, rendered, words};
use crate::domain::agency::{AgencyKind, Country, Subdivision};
use crate::domain::register::RegisterStage;
use crate::domain::text::Name;
use crate::http::decode::{Day, Faults, parsed};
use crate::http::extract::{Preconditions, read_query};
use crate::http::media::{self, CSV, HTML, JSON};
use crate::http::page::{self, Cursor, Limit, Page};
use crate::http::problem::{ApiError, ApiResult, Kind};
use crate::http::registry::Registry;
use crate::http::respond;
use crate::service::ServiceError;
use crate::service::page::PageOf;
use crate::service::register as service;
use crate::storage::agencies::AgencyFilter;
use crate::storage::register::Listed;

parsed!(RegisterStage);

/// An agency on the public register.
#[derive(Debug, Serialize, ToSchema)]
struct RegisterEntry {
    /// Its primary ORI; agencies outside the United States have none.
    #[schema(required, example = "TX2270000")]
    ori: Option<String>,
    #[schema(example = "Travis County Sheriff's Office")]
    name: String,
    #[schema(value_type = AgencyKind)]
    kind: String,
    #[schema(example = "US")]
    country: String,
    #[schema(required, example = "US-TX")]
    subdivision: Option<String>,
    stage: RegisterStage,
    /// The code of the standard.
    #[schema(example = "one-mind")]
    standard: String,
    /// The day of the pledge.
    pledged_on: Day,
    /// The last day of the pledge.
    due_on: Day,
    /// The day on which the agency was certified.
    #[schema(required)]
    awarded_on: Option<Day>,
    /// The number of the certificate, by which `/public/certificates/{number}` finds it.
    #[schema(required, example = "OMC-2026-000123")]
    number: Option<String>,
}

#[derive(Debug, Deserr, IntoParams)]
#[deserr(error = Faults, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct RegisterQuery {
    /// Only agencies in this country.
    #[deserr(default)]
    #[param(inline)]
    country: Option<Country>,
    /// Only agencies in this subdivision.
    #[deserr(default)]
    #[param(inline)]
    subdivision: Option<Subdivision>,
    /// Only agencies of this kind.
    #[deserr(default)]
    #[param(inline)]
    kind: Option<AgencyKind>,
    /// Only agencies that stand there.
    #[deserr(default)]
    #[param(inline)]
    stage: Option<RegisterStage>,
    /// Only agencies with these words in their name, or words that begin so, whatever their case and accents.
    #[deserr(default)]
    #[param(inline)]
    name: Option<Name>,
    /// How many items a page has; CSV is not paged.
    #[deserr(default)]
    #[param(value_type = Option<u16>, minimum = 1, maximum = 500)]
    limit: Option<Limit>,
    /// Where the page begins, as the page before gave it.
    #[deserr(default)]
    #[param(value_type = Option<String>)]
    cursor: Option<Cursor>,
}

impl RegisterEntry {
    fn of(listed: Listed) -> Self {
        let stage = stage_of(&listed);
        let (number, awarded_on) = listed.award.map(|award| (award.number, Day(award.awarded_on))).unzip();
        let agency = listed.agency;
        Self {
            ori: agency.ori,
            name: agency.name,
            kind: agency.kind,
            country: agency.country,
            subdivision: agency.subdivision,
            stage,
            standard: listed.standard,
            pledged_on: Day(listed.pledged_on),
            due_on: Day(listed.due_on),
            awarded_on,
            number,
        }
    }
}

fn stage_of(listed: &Listed) -> RegisterStage {
    if listed.award.is_some() { RegisterStage::Certified } else { RegisterStage::Pledged }
}

/// The public register
///
/// Agencies that pledged (`pledged`: the latest pledge is not withdrawn, its term runs or is over, and the agency lets it be listed) and
/// agencies that are One Mind Certified (`certified`: a certificate that holds), in the order of names, as JSON, CSV or a page for people,
/// by `Accept`. CSV is the whole register at once, first those who are certified.
#[utoipa::path(tag = "public", security(()), params(RegisterQuery), responses((status = 200, description = "A page of the register.",
    content((Page<RegisterEntry> = "application/json"), (String = "text/csv"), (String = "text/html")))))]
#[get("/public/register")]
async fn list_register(registry: web::Data<Registry>, request: HttpRequest, preconditions: Preconditions) -> ApiResult {
    let media_type = media::preferred(&request, &[JSON, HTML, CSV]);
    // A form sends the fields as well that nobody filled in.
    let asked = if media_type == HTML { filled_in(request.query_string()) } else { request.query_string().to_owned() };
    let query: RegisterQuery = read_query(&asked, &[]).map_err(|faults| ApiError::new(Kind::InvalidParameter).faults(faults))?;
    let wanted = page::requested(&request, query.limit, query.cursor.as_ref())?;
    let place = AgencyFilter { kind: query.kind, country: query.country, subdivision: query.subdivision, name: query.name.map(Name::into_string) };
    let (today, stage) = (registry.clock.today(), query.stage);
    if media_type == CSV {
        let all = registry.store.read::<_, ServiceError>(move |conn| service::whole(conn, today, stage, &place)).await?;
        return Ok(public(&preconditions, CSV, csv_of(all)?));
    }
    if media_type == JSON {
        let found = registry.store.read::<_, ServiceError>(move |conn| service::page(conn, today, stage, &place, wanted)).await?;
        let next = found.next;
        let (link, next_cursor) = (page::next_link(&request, next, wanted.limit), page::next_cursor(&request, next));
        let items = found.items.into_iter().map(RegisterEntry::of).collect();
        let mut response = public(&preconditions, JSON, respond::json(&Page { items, next_cursor })?);
        respond::add_next(&mut response, link);
        return Ok(response);
    }
    let sections = stage.map_or(vec![RegisterStage::Certified, RegisterStage::Pledged], |stage| vec![stage]);
    let (stages, asked) = (sections.clone(), place.clone());
    let pages = registry
        .store
        .read::<_, ServiceError>(move |conn| {
            stages.iter().map(|stage| service::page(conn, today, Some(*stage), &asked, wanted)).collect::<Result<Vec<_>, _>>()
        })
        .await?;
    let shown = Shown { request: &request, stage, place: &place, continued: query.cursor.is_some(), limit: wanted.limit, today };
    Ok(public(&preconditions, HTML, rendered(&RegisterPage::of(&shown, sections.into_iter().zip(pages)))?))
}

/// The parameters of a form that are not blank; codes as they are written officially.
fn filled_in(query: &str) -> String {
    let pairs: Vec<(String, String)> = serde_urlencoded::from_str(query).unwrap_or_default();
    let filled = pairs.into_iter().filter(|(_, value)| !value.trim().is_empty()).map(|(name, value)| {
        let value = if name == "country" || name == "subdivision" { value.to_ascii_uppercase() } else { value };
        (name, value.trim().to_owned())
    });
    serde_urlencoded::to_string(filled.collect::<Vec<_>>()).unwrap_or_default()
}

/// RFC 4180, with a line of names.
fn csv_of(all: Vec<Listed>) -> Result<Vec<u8>, ApiError> {
    let failed = |cause: String| {
        let mut error = ApiError::new(Kind::Internal);
        error.cause = Some(format!("the register can't be written as CSV: {cause}"));
        error
    };
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    let names = ["ori", "name", "kind", "country", "subdivision", "stage", "standard", "pledged_on", "due_on", "awarded_on", "number"];
    writer.write_record(names).map_err(|cause| failed(cause.to_string()))?;
    for listed in all {
        let RegisterEntry { ori, name, kind, country, subdivision, stage, standard, pledged_on, due_on, awarded_on, number } =
            RegisterEntry::of(listed);
        let dates = (pledged_on.0.to_string(), due_on.0.to_string(), awarded_on.map_or_else(String::new, |day| day.0.to_string()));
        let cells = [
            ori.unwrap_or_default(),
            name,
            kind,
            country,
            subdivision.unwrap_or_default(),
            stage.as_str().to_owned(),
            standard,
            dates.0,
            dates.1,
            dates.2,
            number.unwrap_or_default(),
        ];
        writer.write_record(cells.map(harmless)).map_err(|cause| failed(cause.to_string()))?;
    }
    writer.into_inner().map_err(|cause| failed(cause.to_string()))
}

/// A cell that no spreadsheet takes for a formula (OWASP, CSV injection).
fn harmless(cell: String) -> String {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{cell}") } else { cell }
}

/// What a page is asked to show.
struct Shown<'a> {
    request: &'a HttpRequest,
    stage: Option<RegisterStage>,
    place: &'a AgencyFilter,
    /// Whether it is not the first page.
    continued: bool,
    limit: u16,
    today: Date,
}

#[derive(Template)]
#[template(path = "register.html")]
struct RegisterPage {
    title: String,
    asked: Asked,
    stages: Vec<Choice>,
    kinds: Vec<Choice>,
    /// Whether it is asked for a part of the register.
    narrowed: bool,
    /// Whether it is not the first page.
    continued: bool,
    first: String,
    sections: Vec<Section>,
}

struct Asked {
    name: String,
    country: String,
    subdivision: String,
}

struct Choice {
    value: &'static str,
    label: String,
    chosen: bool,
}

struct Section {
    id: &'static str,
    title: &'static str,
    about: &'static str,
    rows: Vec<Row>,
    next: Option<String>,
    next_label: String,
}

struct Row {
    name: String,
    kind: String,
    place: String,
    ori: Option<String>,
    pledged_on: String,
    /// When the pledge ends or ended.
    due_on: String,
    /// The number of the certificate and the day of the award.
    award: Option<(String, String)>,
}

impl RegisterPage {
    fn of(shown: &Shown<'_>, found: impl Iterator<Item = (RegisterStage, PageOf<Listed>)>) -> Self {
        let &Shown { stage, place, continued, .. } = shown;
        let sections = found.map(|(of, page)| Section::of(shown, of, page)).collect();
        let narrowed = stage.is_some() || *place != AgencyFilter::default();
        let title = match stage {
            None => "Pledged and certified agencies",
            Some(RegisterStage::Certified) => "One Mind Certified agencies",
            Some(RegisterStage::Pledged) => "Pledged agencies",
        };
        Self {
            title: title.to_owned(),
            asked: Asked {
                name: place.name.clone().unwrap_or_default(),
                country: place.country.as_ref().map_or_else(String::new, |country| country.as_str().to_owned()),
                subdivision: place.subdivision.as_ref().map_or_else(String::new, |subdivision| subdivision.as_str().to_owned()),
            },
            stages: RegisterStage::ALL
                .iter()
                .map(|one| Choice { value: one.as_str(), label: words(one.as_str()), chosen: stage == Some(*one) })
                .collect(),
            kinds: AgencyKind::ALL
                .iter()
                .map(|one| Choice { value: one.as_str(), label: words(one.as_str()), chosen: place.kind == Some(*one) })
                .collect(),
            narrowed,
            continued,
            first: link(place, stage),
            sections,
        }
    }
}

/// Where the first page of a part of the register is.
fn link(place: &AgencyFilter, stage: Option<RegisterStage>) -> String {
    let mut pairs: Vec<(&str, &str)> = Vec::new();
    pairs.extend(place.name.as_deref().map(|name| ("name", name)));
    pairs.extend(place.country.as_ref().map(|country| ("country", country.as_str())));
    pairs.extend(place.subdivision.as_ref().map(|subdivision| ("subdivision", subdivision.as_str())));
    pairs.extend(place.kind.map(|kind| ("kind", kind.as_str())));
    pairs.extend(stage.map(|stage| ("stage", stage.as_str())));
    let query = serde_urlencoded::to_string(pairs).unwrap_or_default();
    if query.is_empty() { "/public/register".to_owned() } else { format!("/public/register?{query}") }
}

impl Section {
    /// Where the page shows no other, it leads on within this one.
    fn of(shown: &Shown<'_>, stage: RegisterStage, page: PageOf<Listed>) -> Self {
        let (id, title, about) = match stage {
            RegisterStage::Certified => ("certified", "One Mind Certified", "They meet the standard, and the IACP has certified it."),
            RegisterStage::Pledged => ("pledged", "Pledged", "They pledged to meet the standard, and are on their way."),
        };
        let (next, next_label) = if shown.stage.is_some() {
            (page::next_link(shown.request, page.next, shown.limit), "Next page".to_owned())
        } else {
            let label = format!("All agencies in “{title}”, after the first {}", number(page.items.len()));
            (page.next.map(|_| link(shown.place, Some(stage))), label)
        };
        Self { id, title, about, rows: page.items.into_iter().map(|listed| Row::of(listed, shown.today)).collect(), next, next_label }
    }
}

impl Row {
    fn of(listed: Listed, today: Date) -> Self {
        let agency = listed.agency;
        let ends = if listed.due_on < today { "ended" } else { "ends" };
        Self {
            name: agency.name,
            kind: words(&agency.kind),
            place: agency.subdivision.unwrap_or(agency.country),
            ori: agency.ori,
            pledged_on: day(listed.pledged_on),
            due_on: format!("Pledge {ends} {}", day(listed.due_on)),
            award: listed.award.map(|award| (award.number, day(award.awarded_on))),
        }
    }
}

/// Every operation of this file.
pub fn routes(config: &mut utoipa_actix_web::service_config::ServiceConfig<'_>) {
    config.service(list_register);
}
