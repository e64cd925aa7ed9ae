//! `/v1/csv-mappings`

use actix_web::{HttpRequest, delete, get, post, put};
use deserr::Deserr;
use jiff::civil::Date;
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::auth::{Allowed, MappingsRead, MappingsWrite};
use super::decode::{AtMost, Faults, Ref};
use super::extract::{Body, IdPath, IdempotencyKey, Preconditions, Query};
use super::once::once;
use super::page::{self, Cursor, Limit, Page};
use super::problem::ApiResult;
use super::respond::{self, Answer, etag_of};
use super::rules::Rules;
use crate::domain::csv_mapping::{CsvKind, CsvMappingDraft, DateFormat, Delimiter, MappedColumn, SetValue};
use crate::domain::invalid::Faults as DomainFaults;
use crate::domain::text::{Name, Text};
use crate::service::csv_mappings as service;
use crate::storage::csv_mappings::CsvMapping;

/// How the calling client's CSV files are written, and which of their columns are which fields.
#[derive(Debug, Clone, Deserr, Serialize, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[serde(deny_unknown_fields)]
pub struct CsvMappingInput {
    /// What the client calls it.
    #[schema(example = "nightly export")]
    name: Name,
    /// What the rows of the files are.
    kind: CsvKind,
    /// Fields that come from columns; a column named like a field needs none.
    #[deserr(default)]
    #[schema(value_type = Vec<MappedColumnInput>, required = false, max_items = 100)]
    map: AtMost<MappedColumnInput, 100>,
    /// Fields that are the same in every row.
    #[deserr(default)]
    #[schema(value_type = Vec<SetValueInput>, required = false, max_items = 100)]
    set: AtMost<SetValueInput, 100>,
    /// What stands between cells; found out where it isn't said.
    #[deserr(default)]
    delimiter: Option<Delimiter>,
    /// What the files are written in, where a byte order mark doesn't say: `utf-8` (the default), `windows-1252` and so on.
    #[deserr(default)]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 50, pattern = "^[^\\s\\x00-\\x1f\\x7f-\\x9f]+$", example = "windows-1252")]
    encoding: Option<Text<50>>,
    /// How dates are written.
    #[deserr(default = DateFormat::Iso)]
    #[schema(required = false, default = "iso")]
    date_format: DateFormat,
    /// How the first row after the last record begins: nothing is read from there on.
    #[deserr(default)]
    #[schema(example = "Total")]
    footer: Option<Name>,
}

/// A field that comes from a column.
#[derive(Debug, Clone, Deserr, Serialize, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[serde(deny_unknown_fields)]
#[schema(as = MappedColumn)]
pub struct MappedColumnInput {
    /// The field, dotted as in the JSON.
    #[schema(example = "completed_on")]
    field: Name,
    /// The column, as the header names it.
    #[schema(example = "Session end")]
    column: Name,
}

/// A field that is the same in every row.
#[derive(Debug, Clone, Deserr, Serialize, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[serde(deny_unknown_fields)]
#[schema(as = SetValue)]
pub struct SetValueInput {
    /// The field, dotted as in the JSON.
    #[schema(example = "training.code")]
    field: Name,
    /// Its value, as a cell would have it.
    #[schema(example = "CIT-40")]
    value: Name,
}

/// How the calling client's CSV files are written.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CsvMapping)]
pub struct CsvMappingView {
    id: Uuid,
    /// What the client calls it.
    #[schema(example = "nightly export")]
    name: Name,
    /// What the rows of the files are.
    kind: CsvKind,
    /// Fields that come from columns; a column named like a field needs none.
    map: Vec<MappedColumnInput>,
    /// Fields that are the same in every row.
    set: Vec<SetValueInput>,
    /// What stands between cells; found out where it isn't said.
    delimiter: Option<Delimiter>,
    /// What the files are written in, where a byte order mark doesn't say.
    #[schema(value_type = Option<String>, example = "windows-1252")]
    encoding: Option<Text<50>>,
    /// How dates are written.
    date_format: DateFormat,
    /// How the first row after the last record begins: nothing is read from there on.
    #[schema(example = "Total")]
    footer: Option<Name>,
    created_at: jiff::Timestamp,
    updated_at: jiff::Timestamp,
}

/// Which page.
#[derive(Debug, Deserr, IntoParams)]
#[deserr(error = Faults, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct CsvMappingQuery {
    /// How many items a page has.
    #[deserr(default)]
    #[param(value_type = Option<u16>, minimum = 1, maximum = 500)]
    limit: Option<Limit>,
    /// Where the page begins, as the page before gave it.
    #[deserr(default)]
    #[param(value_type = Option<String>)]
    cursor: Option<Cursor>,
}

impl Rules for CsvMappingInput {
    fn broken(self, _: Date) -> DomainFaults {
        service::faults(&self.into())
    }
}

impl From<CsvMappingInput> for CsvMappingDraft {
    fn from(input: CsvMappingInput) -> Self {
        Self {
            name: input.name,
            kind: input.kind,
            map: input.map.0.into_iter().map(|item| MappedColumn { field: item.field, column: item.column }).collect(),
            set: input.set.0.into_iter().map(|item| SetValue { field: item.field, value: item.value }).collect(),
            delimiter: input.delimiter,
            encoding: input.encoding,
            date_format: input.date_format,
            footer: input.footer,
        }
    }
}

impl From<&CsvMapping> for CsvMappingView {
    fn from(mapping: &CsvMapping) -> Self {
        let draft = mapping.draft.clone();
        Self {
            id: mapping.id,
            name: draft.name,
            kind: draft.kind,
            map: draft.map.into_iter().map(|item| MappedColumnInput { field: item.field, column: item.column }).collect(),
            set: draft.set.into_iter().map(|item| SetValueInput { field: item.field, value: item.value }).collect(),
            delimiter: draft.delimiter,
            encoding: draft.encoding,
            date_format: draft.date_format,
            footer: draft.footer,
            created_at: mapping.created_at,
            updated_at: mapping.updated_at,
        }
    }
}

/// List CSV mappings
///
/// The calling client's own.
#[utoipa::path(tag = "completions", params(CsvMappingQuery), security(("bearer" = ["mappings:read"])),
    responses((status = 200, description = "A page of CSV mappings.", body = Page<CsvMappingView>)))]
#[get("/v1/csv-mappings")]
async fn list_csv_mappings(caller: Allowed<MappingsRead>, request: HttpRequest, query: Query<CsvMappingQuery>) -> ApiResult {
    let asked = page::requested(&request, query.0.limit, query.0.cursor.as_ref())?;
    let found = caller.read(move |tx| service::list(tx, asked)).await?;
    page::respond(&request, found, asked.limit, |mapping| CsvMappingView::from(&mapping))
}

/// Keep a CSV mapping
///
/// Name it by `mapping` when a CSV file of completions or a roster is sent: the file is then read as the mapping says. At most 500.
#[utoipa::path(tag = "completions", request_body = CsvMappingInput, security(("bearer" = ["mappings:write"])),
    responses((status = 201, description = "The mapping is kept.", body = CsvMappingView)))]
#[post("/v1/csv-mappings")]
async fn create_csv_mapping(caller: Allowed<MappingsWrite>, key: IdempotencyKey, body: Body<CsvMappingInput>) -> ApiResult {
    let draft = CsvMappingDraft::from(body.value);
    once(&caller, key, body.fingerprint, move |tx| {
        let mapping = service::create(tx, &draft)?;
        Answer::created(format!("/v1/csv-mappings/{}", mapping.id), &CsvMappingView::from(&mapping))
    })
    .await
}

/// Get a CSV mapping
#[utoipa::path(tag = "completions", params(("id" = Ref, Path)), security(("bearer" = ["mappings:read"])),
    responses((status = 200, description = "The CSV mapping.", body = CsvMappingView)))]
#[get("/v1/csv-mappings/{id}")]
async fn get_csv_mapping(caller: Allowed<MappingsRead>, path: IdPath, preconditions: Preconditions) -> ApiResult {
    let mapping = caller.read(move |tx| service::get(tx, path.0)).await?;
    respond::resource(&preconditions, &CsvMappingView::from(&mapping))
}

/// Replace a CSV mapping
#[utoipa::path(tag = "completions", params(("id" = Ref, Path)), request_body = CsvMappingInput, security(("bearer" = ["mappings:write"])),
    responses((status = 200, description = "The CSV mapping is as sent.", body = CsvMappingView)))]
#[put("/v1/csv-mappings/{id}")]
async fn replace_csv_mapping(caller: Allowed<MappingsWrite>, path: IdPath, preconditions: Preconditions, body: Body<CsvMappingInput>) -> ApiResult {
    let draft = CsvMappingDraft::from(body.value);
    let mapping = caller
        .write(move |tx| service::replace(tx, path.0, &draft, |current| preconditions.check(Some(&etag_of(&CsvMappingView::from(current))?))))
        .await?;
    respond::changed(&CsvMappingView::from(&mapping))
}

/// Delete a CSV mapping
#[utoipa::path(tag = "completions", params(("id" = Ref, Path)), security(("bearer" = ["mappings:write"])),
    responses((status = 204, description = "The CSV mapping is gone.")))]
#[delete("/v1/csv-mappings/{id}")]
async fn delete_csv_mapping(caller: Allowed<MappingsWrite>, path: IdPath, preconditions: Preconditions) -> ApiResult {
    caller.write(move |tx| service::delete(tx, path.0, |current| preconditions.check(Some(&etag_of(&CsvMappingView::from(current))?)))).await?;
    respond::no_content()
}

/// Every operation of this file.
pub fn routes(config: &mut utoipa_actix_web::service_config::ServiceConfig<'_>) {
    config.service(list_csv_mappings).service(create_csv_mapping).service(get_csv_mapping);
    config.service(replace_csv_mapping).service(delete_csv_mapping);
}
