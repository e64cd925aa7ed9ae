//! Agencies and the ORIs they go by.

use std::collections::{HashMap, HashSet};

use diesel::prelude::*;
use jiff::Timestamp;
use uuid::Uuid;

use super::StorageError;
use super::conn::{AnyConn, MultiBackend};
use super::dialect::{MAX_BINDS, per_backend};
use super::directory;
use super::error::corrupt;
use super::schema::{agencies, agency_oris};
use super::types::{At, Id, On};
use crate::domain::agency::{AgencyDraft, AgencyKind, Country, Subdivision, SwornStrength};
use crate::domain::ori::Ori;
use crate::domain::reach::Reach;
use crate::domain::text::Name;

/// An agency as it is held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agency {
    /// Its id.
    pub id: Uuid,
    /// What it is.
    pub draft: AgencyDraft,
    /// When it was registered.
    pub created_at: Timestamp,
    /// When it changed.
    pub updated_at: Timestamp,
}

/// An agency in a few words, as other resources name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgencyBrief {
    /// Its id.
    pub id: Uuid,
    /// Its primary ORI.
    pub ori: Option<String>,
    /// Its name.
    pub name: String,
}

/// Which agencies a list holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AgencyFilter {
    /// Only of this kind.
    pub kind: Option<AgencyKind>,
    /// Only in this country.
    pub country: Option<Country>,
    /// Only in this subdivision.
    pub subdivision: Option<Subdivision>,
    /// Only those whose name begins so, to the letter.
    pub name: Option<String>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = agencies)]
struct AgencyRow {
    id: Id,
    name: String,
    kind: String,
    country: String,
    subdivision: Option<String>,
    sworn_count: Option<i32>,
    sworn_as_of: Option<On>,
    created_at: At,
    updated_at: At,
}

#[derive(Insertable, AsChangeset)]
#[diesel(table_name = agencies, treat_none_as_default_value = false, treat_none_as_null = true)]
struct AgencyValues<'a> {
    ori: Option<&'a str>,
    name: &'a str,
    kind: &'a str,
    country: &'a str,
    subdivision: Option<&'a str>,
    sworn_count: Option<i32>,
    sworn_as_of: Option<On>,
    updated_at: At,
}

impl AgencyRow {
    fn into_agency(self, oris: &[(String, bool, bool)]) -> Result<Agency, StorageError> {
        let read = |code: &str, assumed: bool| Ori::restore(code, assumed).map_err(corrupt("agency_oris.ori"));
        let mut ori = None;
        let mut other_oris = Vec::new();
        for (code, assumed, is_primary) in oris {
            if *is_primary {
                ori = Some(read(code, *assumed)?);
            } else {
                other_oris.push(read(code, *assumed)?);
            }
        }
        let sworn_strength = match (self.sworn_count, self.sworn_as_of) {
            (Some(count), Some(On(as_of))) => {
                Some(SwornStrength { count: u32::try_from(count).map_err(|_| StorageError::Corrupt("agencies.sworn_count".into()))?, as_of })
            }
            _ => None,
        };
        Ok(Agency {
            id: self.id.0,
            draft: AgencyDraft {
                ori,
                other_oris,
                name: Name::parse(&self.name).map_err(corrupt("agencies.name"))?,
                kind: AgencyKind::parse(&self.kind).map_err(corrupt("agencies.kind"))?,
                country: Country::parse(&self.country).map_err(corrupt("agencies.country"))?,
                subdivision: self.subdivision.as_deref().map(Subdivision::parse).transpose().map_err(corrupt("agencies.subdivision"))?,
                sworn_strength,
            },
            created_at: self.created_at.0,
            updated_at: self.updated_at.0,
        })
    }
}

impl<'a> AgencyValues<'a> {
    fn of(draft: &'a AgencyDraft, now: Timestamp) -> Result<Self, StorageError> {
        let strength = draft.sworn_strength;
        Ok(Self {
            ori: draft.ori.as_ref().map(Ori::as_str),
            name: draft.name.as_str(),
            kind: draft.kind.as_str(),
            country: draft.country.as_str(),
            subdivision: draft.subdivision.as_ref().map(Subdivision::as_str),
            sworn_count: strength
                .map(|strength| i32::try_from(strength.count))
                .transpose()
                .map_err(|_| StorageError::Other("a sworn strength above 2,147,483,647".into()))?,
            sworn_as_of: strength.map(|strength| On(strength.as_of)),
            updated_at: At(now),
        })
    }
}

/// Each of `oris` that an agency has, with the agency's id.
///
/// # Errors
/// Where the database fails.
pub fn ids_by_ori(conn: &mut AnyConn, oris: &[String]) -> Result<Vec<(String, Uuid)>, StorageError> {
    let mut found = Vec::new();
    for some in oris.chunks(MAX_BINDS) {
        let rows: Vec<(String, Id)> = per_backend!(conn, c => agency_oris::table.filter(agency_oris::ori.eq_any(some)).select((agency_oris::ori, agency_oris::agency_id)).load(c))?;
        found.extend(rows.into_iter().map(|(ori, id)| (ori, id.0)));
    }
    Ok(found)
}

/// The agencies with these ids, within reach, by id.
///
/// # Errors
/// Where the database fails.
pub fn by_ids(conn: &mut AnyConn, reach: &Reach, ids: &[Uuid]) -> Result<Vec<Agency>, StorageError> {
    let wanted: Vec<Id> = ids.iter().filter(|id| reach.holds(**id)).map(|id| Id(*id)).collect();
    let mut rows = Vec::new();
    for some in wanted.chunks(MAX_BINDS) {
        rows.extend(agencies::table.filter(agencies::id.eq_any(some)).order(agencies::id).select(AgencyRow::as_select()).load(conn)?);
    }
    with_oris(conn, rows)
}

/// The agencies with these ids in a few words, whatever the reach: for what is within reach by itself and names its agency.
///
/// # Errors
/// Where the database fails.
pub fn briefs(conn: &mut AnyConn, ids: impl IntoIterator<Item = Uuid>) -> Result<HashMap<Uuid, AgencyBrief>, StorageError> {
    let mut ids: Vec<Id> = ids.into_iter().map(Id).collect();
    ids.sort_unstable_by_key(|id| id.0);
    ids.dedup();
    let mut found = HashMap::with_capacity(ids.len());
    for some in ids.chunks(MAX_BINDS) {
        let rows: Vec<(Id, Option<String>, String)> =
            agencies::table.filter(agencies::id.eq_any(some)).select((agencies::id, agencies::ori, agencies::name)).load(conn)?;
        found.extend(rows.into_iter().map(|(id, ori, name)| (id.0, AgencyBrief { id: id.0, ori, name })));
    }
    Ok(found)
}

/// A page of agencies within reach, in the order of their ids.
///
/// # Errors
/// Where the database fails.
pub fn list(conn: &mut AnyConn, reach: &Reach, filter: &AgencyFilter, after: Option<Uuid>, fetch: i64) -> Result<Vec<Agency>, StorageError> {
    let rows = page(reach, filter, after, fetch).select(AgencyRow::as_select()).load(conn)?;
    with_oris(conn, rows)
}

/// The query for such a page, whatever it selects.
pub(super) fn page<'a>(reach: &Reach, filter: &'a AgencyFilter, after: Option<Uuid>, fetch: i64) -> agencies::BoxedQuery<'a, MultiBackend> {
    let mut query = agencies::table.order(agencies::id).limit(fetch).into_boxed();
    if let Some(ids) = reach.ids() {
        query = query.filter(agencies::id.eq_any(ids.iter().map(|id| Id(*id)).collect::<Vec<_>>()));
    }
    if let Some(kind) = filter.kind {
        query = query.filter(agencies::kind.eq(kind.as_str()));
    }
    if let Some(country) = &filter.country {
        query = query.filter(agencies::country.eq(country.as_str()));
    }
    if let Some(subdivision) = &filter.subdivision {
        query = query.filter(agencies::subdivision.eq(Some(subdivision.as_str())));
    }
    if let Some(name) = &filter.name {
        query = query.filter(agencies::name.ge(name)).filter(agencies::name.lt(format!("{name}\u{10ffff}")));
    }
    if let Some(after) = after {
        query = query.filter(agencies::id.gt(Id(after)));
    }
    query
}

/// The ids of a page of agencies within reach, in order.
///
/// # Errors
/// Where the database fails.
pub fn ids(conn: &mut AnyConn, reach: &Reach, filter: &AgencyFilter, after: Option<Uuid>, fetch: i64) -> Result<Vec<Uuid>, StorageError> {
    Ok(page(reach, filter, after, fetch).select(agencies::id).load::<Id>(conn)?.into_iter().map(|id| id.0).collect())
}

/// The ids of all agencies, in order.
///
/// # Errors
/// Where the database fails.
pub fn all_ids(conn: &mut AnyConn) -> Result<Vec<Uuid>, StorageError> {
    Ok(agencies::table.order(agencies::id).select(agencies::id).load::<Id>(conn)?.into_iter().map(|id| id.0).collect())
}

fn with_oris(conn: &mut AnyConn, rows: Vec<AgencyRow>) -> Result<Vec<Agency>, StorageError> {
    let mut oris: HashMap<Uuid, Vec<(String, bool, bool)>> = HashMap::new();
    let ids: Vec<Id> = rows.iter().map(|row| row.id).collect();
    for some in ids.chunks(MAX_BINDS) {
        let found: Vec<(Id, String, bool, bool)> = agency_oris::table
            .filter(agency_oris::agency_id.eq_any(some))
            .order(agency_oris::ori)
            .select((agency_oris::agency_id, agency_oris::ori, agency_oris::assumed, agency_oris::is_primary))
            .load(conn)?;
        for (id, ori, assumed, is_primary) in found {
            oris.entry(id.0).or_default().push((ori, assumed, is_primary));
        }
    }
    rows.into_iter()
        .map(|row| {
            let own = oris.remove(&row.id.0).unwrap_or_default();
            row.into_agency(&own)
        })
        .collect()
}

/// Writes a new agency.
///
/// # Errors
/// [`super::Constraint::AgencyOri`] where another agency has one of the ORIs.
pub fn insert(conn: &mut AnyConn, id: Uuid, draft: &AgencyDraft, now: Timestamp) -> Result<(), StorageError> {
    directory::change(conn)?;
    let values = AgencyValues::of(draft, now)?;
    diesel::insert_into(agencies::table).values((agencies::id.eq(Id(id)), agencies::created_at.eq(At(now)), values)).execute(conn)?;
    insert_oris(conn, id, draft)
}

/// Puts `draft` in the place of what an agency was.
///
/// # Errors
/// [`super::Constraint::AgencyOri`] where another agency has one of the ORIs.
pub fn update(conn: &mut AnyConn, id: Uuid, draft: &AgencyDraft, now: Timestamp) -> Result<(), StorageError> {
    let values = AgencyValues::of(draft, now)?;
    diesel::update(agencies::table.filter(agencies::id.eq(Id(id)))).set(values).execute(conn)?;
    let held: Vec<(String, bool)> =
        agency_oris::table.filter(agency_oris::agency_id.eq(Id(id))).select((agency_oris::ori, agency_oris::is_primary)).load(conn)?;
    let named: HashSet<(String, bool)> = oris(draft).map(|(ori, is_primary)| (ori.as_str().to_owned(), is_primary)).collect();
    if held.into_iter().collect::<HashSet<_>>() == named {
        return Ok(());
    }
    directory::change(conn)?;
    diesel::delete(agency_oris::table.filter(agency_oris::agency_id.eq(Id(id)))).execute(conn)?;
    insert_oris(conn, id, draft)
}

/// The ORIs of an agency, and whether each is the one that it is known by.
fn oris(draft: &AgencyDraft) -> impl Iterator<Item = (&Ori, bool)> {
    draft.ori.iter().map(|ori| (ori, true)).chain(draft.other_oris.iter().map(|ori| (ori, false)))
}

fn insert_oris(conn: &mut AnyConn, id: Uuid, draft: &AgencyDraft) -> Result<(), StorageError> {
    let rows: Vec<_> = oris(draft)
        .map(|(ori, is_primary)| {
            (
                agency_oris::ori.eq(ori.as_str().to_owned()),
                agency_oris::agency_id.eq(Id(id)),
                agency_oris::assumed.eq(ori.assumed()),
                agency_oris::is_primary.eq(is_primary),
            )
        })
        .collect();
    if !rows.is_empty() {
        per_backend!(conn, c => diesel::insert_into(agency_oris::table).values(&rows).execute(c))?;
    }
    Ok(())
}
