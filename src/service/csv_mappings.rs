//! How a client's CSV files are written. A client sees its own mappings alone.

use std::collections::HashSet;

use uuid::Uuid;

use super::audit::{fields_between, fields_of};
use super::page::{PageOf, PageRequest};
use super::{Fault, ServiceError, ServiceResult, Tx};
use crate::domain::csv_mapping::{CsvKind, CsvMappingDraft};
use crate::domain::invalid::{Faults, Invalid};
use crate::rows::encoding;
use crate::rows::fields::{COMPLETIONS, ROSTER, Table};
use crate::storage::csv_mappings::{self as rows, CsvMapping};
use crate::storage::dialect::lock_client;

/// How many mappings a client has at the most.
const MOST: i64 = 500;

/// The fields that a file of a kind can fill.
pub fn table(kind: CsvKind) -> &'static Table {
    match kind {
        CsvKind::Completions => &COMPLETIONS,
        CsvKind::Roster => &ROSTER,
    }
}

/// What is wrong with a mapping: fields that there are not, or that are given twice, and an encoding that isn't known.
pub fn faults(draft: &CsvMappingDraft) -> Faults {
    let table = table(draft.kind);
    let mapped = draft.map.iter().enumerate().map(|(at, item)| (format!("/map/{at}/field"), &item.field));
    let set = draft.set.iter().enumerate().map(|(at, item)| (format!("/set/{at}/field"), &item.field));
    let mut faults = Faults::new();
    let mut seen = HashSet::new();
    for (pointer, field) in mapped.chain(set) {
        if table.find(field.as_str()).is_none() {
            faults.push((pointer, Invalid::new("unknown_field", format_args!("there is no such field; the fields are {}", table.names()))));
        } else if !seen.insert(field.as_str()) {
            faults.push((pointer, Invalid::new("repeated", "the field is given more than once")));
        }
    }
    if let Some(Err(detail)) = draft.encoding.as_ref().map(|name| encoding::named(name.as_str())) {
        faults.push(("/encoding".into(), Invalid::new("unknown_encoding", detail)));
    }
    faults
}

/// A mapping of the client.
///
/// # Errors
/// [`ServiceError::NotFound`].
pub fn get(tx: &mut Tx<'_>, id: Uuid) -> ServiceResult<CsvMapping> {
    rows::by_id(tx.conn, tx.client, id)?.ok_or(ServiceError::NotFound)
}

/// A page of the client's mappings.
///
/// # Errors
/// Where the database fails.
pub fn list(tx: &mut Tx<'_>, page: PageRequest) -> ServiceResult<PageOf<CsvMapping>> {
    let fetched = rows::list(tx.conn, tx.client, page.after, page.fetch())?;
    Ok(page.cut(fetched, |mapping| mapping.id))
}

/// Keeps a mapping for the client.
///
/// # Errors
/// Its faults; `too_many_mappings`.
pub fn create(tx: &mut Tx<'_>, draft: &CsvMappingDraft) -> ServiceResult<CsvMapping> {
    ServiceError::check(Fault::all(faults(draft)))?;
    lock_client(tx.conn, tx.client)?;
    if rows::count(tx.conn, tx.client)? >= MOST {
        return Err(ServiceError::conflict("too_many_mappings", format!("a client has at most {MOST} mappings")));
    }
    let mapping = CsvMapping { id: tx.new_id(), draft: draft.clone(), created_at: tx.now, updated_at: tx.now };
    rows::insert(tx.conn, tx.client, &mapping)?;
    tx.changed("csv_mapping", mapping.id, fields_of(draft));
    Ok(mapping)
}

/// Replaces a mapping. `guard` is asked with what is there.
///
/// # Errors
/// [`ServiceError::NotFound`], what `guard` says, and its faults.
pub fn replace(
    tx: &mut Tx<'_>,
    id: Uuid,
    draft: &CsvMappingDraft,
    guard: impl FnOnce(&CsvMapping) -> ServiceResult<()>,
) -> ServiceResult<CsvMapping> {
    lock_client(tx.conn, tx.client)?;
    let current = get(tx, id)?;
    guard(&current)?;
    ServiceError::check(Fault::all(faults(draft)))?;
    if *draft == current.draft {
        return Ok(current);
    }
    let fields = fields_between(&current.draft, draft);
    let mapping = CsvMapping { draft: draft.clone(), updated_at: tx.now, ..current };
    rows::update(tx.conn, tx.client, &mapping)?;
    tx.changed("csv_mapping", id, fields);
    Ok(mapping)
}

/// Takes a mapping away. `guard` is asked with what is there.
///
/// # Errors
/// [`ServiceError::NotFound`], and what `guard` says.
pub fn delete(tx: &mut Tx<'_>, id: Uuid, guard: impl FnOnce(&CsvMapping) -> ServiceResult<()>) -> ServiceResult<()> {
    lock_client(tx.conn, tx.client)?;
    guard(&get(tx, id)?)?;
    tx.changed("csv_mapping", id, Vec::new());
    Ok(rows::delete(tx.conn, tx.client, id)?)
}
