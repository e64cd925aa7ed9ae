//! The coverage timeline as it is stored: dated differences, and the versions that tell whether anything changed.

use std::collections::HashMap;

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::sql_types::{BigInt, Integer};
use jiff::civil::Date;
use uuid::Uuid;

use super::StorageError;
use super::columns::columns;
use super::conn::AnyConn;
use super::dialect::{MAX_BINDS, per_backend};
use super::events::{self, NewEvent, Told};
use super::schema::{agency_oris, agency_versions, coverage_changes};
use super::types::{Day, Guid, Id, On};
use crate::domain::agency::AgencyKey;
use crate::domain::timeline::{Differences, People};

/// In the place of an agency, where a version is of the standards, which every agency's status follows from.
pub const STANDARDS: Uuid = Uuid::nil();

/// In how many rows one day of an agency is held at the most.
const LANES: i32 = 8;

columns! {
    /// Differences to be added, as a row holds them.
    #[derive(Queryable, Selectable)]
    #[diesel(table_name = coverage_changes)]
    struct Row, Changes into "coverage_changes" {
        agency_id: Id as Guid,
        day: On as Day,
        lane: i32 as Integer,
        sworn: i32 as Integer,
        crisis: i32 as Integer,
        awareness: i32 as Integer,
        either: i32 as Integer,
        crisis_ever: i32 as Integer,
        awareness_ever: i32 as Integer,
        either_ever: i32 as Integer,
    }
    "ON CONFLICT (agency_id, day, lane) DO UPDATE SET sworn = coverage_changes.sworn + excluded.sworn, \
     crisis = coverage_changes.crisis + excluded.crisis, awareness = coverage_changes.awareness + excluded.awareness, \
     either = coverage_changes.either + excluded.either, crisis_ever = coverage_changes.crisis_ever + excluded.crisis_ever, \
     awareness_ever = coverage_changes.awareness_ever + excluded.awareness_ever, either_ever = coverage_changes.either_ever + excluded.either_ever"
}

columns! {
    /// A version to be raised.
    struct Raise, Raised into "agency_versions" {
        agency_id: Id as Guid,
        lane: i32 as Integer,
        version: i64 as BigInt,
    }
    "ON CONFLICT (agency_id, lane) DO UPDATE SET version = agency_versions.version + excluded.version"
}

impl Raise {
    fn by_one(lane: i32, agency: Uuid) -> Self {
        Self { agency_id: Id(agency), lane: lane % LANES, version: 1 }
    }
}

impl Row {
    fn of(lane: i32, ((agency, day), people): (&(Uuid, Date), &People)) -> Self {
        let People { sworn, crisis, awareness, either, crisis_ever, awareness_ever, either_ever } = *people;
        Self { agency_id: Id(*agency), day: On(*day), lane, sworn, crisis, awareness, either, crisis_ever, awareness_ever, either_ever }
    }

    fn people(&self) -> People {
        let Self { sworn, crisis, awareness, either, crisis_ever, awareness_ever, either_ever, .. } = *self;
        People { sworn, crisis, awareness, either, crisis_ever, awareness_ever, either_ever }
    }
}

/// What a transaction changed of timelines, the agencies whose versions it raises, in their order, and what is told of it.
#[derive(Debug, Default)]
pub struct Settlement {
    /// By how much numbers of people differ from before.
    pub differences: Differences,
    /// Agencies, or [`STANDARDS`].
    pub raised: Vec<Uuid>,
    /// What is told of it.
    pub events: Vec<NewEvent>,
}

/// Writes a settlement, timelines in the rows of a lane: first the versions, as PostgreSQL does with a [`Settled`] of which nothing is read, so that two
/// transactions take them in one order.
///
/// # Errors
/// Where the database fails.
pub fn settle(conn: &mut AnyConn, lane: i32, settlement: &Settlement) -> Result<(), StorageError> {
    raise(conn, lane, &settlement.raised)?;
    add(conn, lane, &settlement.differences)?;
    events::insert(conn, &settlement.events)
}

/// [`settle`] as a part of another statement of PostgreSQL, for what isn't much: what a `WITH` inserts is inserted whether it is asked for or not.
#[derive(Debug, QueryId)]
pub(super) struct Settled {
    changes: Changes,
    raised: Raised,
    told: Told,
}

impl Settled {
    /// Of a settlement; nothing of one that is empty, or more than a statement writes.
    pub(super) fn of(lane: i32, Settlement { differences, raised, events }: &Settlement) -> Option<Self> {
        if (raised.is_empty() && events.is_empty()) || raised.len() > AT_ONCE || differences.len() > AT_ONCE || events.len() > AT_ONCE {
            return None;
        }
        let changes = Changes::of(differences.iter().map(|one| Row::of(lane % LANES, one)));
        Some(Self { changes, raised: Raised::of(raised.iter().map(|agency| Raise::by_one(lane, *agency))), told: Told::of(events) })
    }
}

impl QueryFragment<Pg> for Settled {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("changed AS (");
        self.changes.walk_ast(out.reborrow())?;
        out.push_sql("), raised AS (");
        self.raised.walk_ast(out.reborrow())?;
        out.push_sql("), told AS (");
        self.told.walk_ast(out.reborrow())?;
        out.push_sql(")");
        Ok(())
    }
}

/// Adds differences to those that are held, in their order, in the rows of a lane. What comes to nothing stays as a row of zeros.
///
/// # Errors
/// Where the database fails.
pub fn add(conn: &mut AnyConn, lane: i32, differences: &Differences) -> Result<(), StorageError> {
    let mut rows = differences.iter().filter(|(_, people)| **people != People::NONE).map(|one| Row::of(lane % LANES, one)).peekable();
    match conn {
        AnyConn::Postgres(conn) => {
            while rows.peek().is_some() {
                Changes::of(rows.by_ref().take(AT_ONCE)).execute(conn)?;
            }
        }
        AnyConn::Sqlite(conn) => {
            for row in rows {
                row.execute(conn)?;
            }
        }
    }
    Ok(())
}

/// How many rows one statement writes on PostgreSQL.
const AT_ONCE: usize = 5_000;

/// Raises the versions of agencies, given in their order, in the rows of a lane.
///
/// # Errors
/// Where the database fails.
pub fn raise(conn: &mut AnyConn, lane: i32, agencies: &[Uuid]) -> Result<(), StorageError> {
    match conn {
        AnyConn::Postgres(conn) => {
            for some in agencies.chunks(AT_ONCE) {
                Raised::of(some.iter().map(|agency| Raise::by_one(lane, *agency))).execute(conn)?;
            }
        }
        AnyConn::Sqlite(conn) => {
            for agency in agencies {
                Raise::by_one(lane, *agency).execute(conn)?;
            }
        }
    }
    Ok(())
}

/// The versions of an agency and of the standards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Version {
    /// How often anything of the agency changed.
    pub agency: i64,
    /// How often a standard did.
    pub standards: i64,
}

/// The agency that a key names, wherever it is, with its version: one statement.
///
/// # Errors
/// Where the database fails.
pub fn version_of(conn: &mut AnyConn, key: &AgencyKey) -> Result<Option<(Uuid, Version)>, StorageError> {
    let rows: Vec<(Id, i64)> = match key {
        AgencyKey::Id(id) => {
            let both = agency_versions::table.filter(agency_versions::agency_id.eq(Id(*id)).or(agency_versions::agency_id.eq(Id(STANDARDS))));
            per_backend!(conn, c => both.select((agency_versions::agency_id, agency_versions::version)).load(c))?
        }
        AgencyKey::Ori(ori) => {
            let named = agency_oris::table.filter(agency_oris::ori.eq(ori.as_str())).select(agency_oris::agency_id).single_value();
            let both = agency_versions::table
                .filter(agency_versions::agency_id.nullable().eq(named).or(agency_versions::agency_id.nullable().eq(Some(Id(STANDARDS)))));
            per_backend!(conn, c => both.select((agency_versions::agency_id, agency_versions::version)).load(c))?
        }
    };
    let mut found = None;
    let mut version = Version { agency: 0, standards: 0 };
    for (id, raised) in rows {
        if id.0 == STANDARDS {
            version.standards += raised;
        } else {
            found = Some(id.0);
            version.agency += raised;
        }
    }
    Ok(found.map(|id| (id, version)))
}

/// The versions of some agencies; `None`: of all. And that of the standards, under [`STANDARDS`].
///
/// # Errors
/// Where the database fails.
pub fn versions(conn: &mut AnyConn, agencies: Option<&[Uuid]>) -> Result<HashMap<Uuid, i64>, StorageError> {
    let mut versions: HashMap<Uuid, i64> = HashMap::new();
    let columns = (agency_versions::agency_id, agency_versions::version);
    let mut take = |rows: Vec<(Id, i64)>| rows.into_iter().for_each(|(id, raised)| *versions.entry(id.0).or_default() += raised);
    match agencies {
        None => take(agency_versions::table.select(columns).load(conn)?),
        Some(agencies) => {
            let ids: Vec<Id> = agencies.iter().chain([&STANDARDS]).map(|id| Id(*id)).collect();
            for some in ids.chunks(MAX_BINDS) {
                take(agency_versions::table.filter(agency_versions::agency_id.eq_any(some)).select(columns).load(conn)?);
            }
        }
    }
    Ok(versions)
}

/// How often anything was changed of all agencies and standards together: equal to what it was, nothing changed.
///
/// # Errors
/// Where the database fails.
pub fn total(conn: &mut AnyConn) -> Result<i64, StorageError> {
    use diesel::sql_types::BigInt;
    #[derive(diesel::QueryableByName)]
    struct Total {
        #[diesel(sql_type = BigInt)]
        total: i64,
    }
    let total: Total = diesel::sql_query("SELECT CAST(COALESCE(SUM(version), 0) AS BIGINT) AS total FROM agency_versions").get_result(conn)?;
    Ok(total.total)
}

/// The differences of agencies, in no order; several may be of one day.
///
/// # Errors
/// Where the database fails.
pub fn of_agencies(conn: &mut AnyConn, agencies: &[Uuid]) -> Result<HashMap<Uuid, Vec<(Date, People)>>, StorageError> {
    let ids: Vec<Id> = agencies.iter().map(|id| Id(*id)).collect();
    let mut found: HashMap<Uuid, Vec<(Date, People)>> = HashMap::new();
    for some in ids.chunks(MAX_BINDS) {
        let rows: Vec<Row> =
            per_backend!(conn, c => coverage_changes::table.filter(coverage_changes::agency_id.eq_any(some)).select(Row::as_select()).load(c))?;
        for row in rows {
            found.entry(row.agency_id.0).or_default().push((row.day.0, row.people()));
        }
    }
    Ok(found)
}

/// The numbers of people on a day, by agency: of some, or with `None` of all that have any.
///
/// # Errors
/// Where the database fails.
pub fn on_day(conn: &mut AnyConn, agencies: Option<&[Uuid]>, day: Date) -> Result<HashMap<Uuid, People>, StorageError> {
    let mut found = HashMap::new();
    let mut take = |rows: Vec<Sums>| -> Result<(), StorageError> {
        for (id, sworn, crisis, awareness, either, crisis_ever, awareness_ever, either_ever) in rows {
            let number = |sum: Option<i64>| i32::try_from(sum.unwrap_or(0)).map_err(|_| StorageError::Corrupt("coverage_changes".into()));
            let people = People {
                sworn: number(sworn)?,
                crisis: number(crisis)?,
                awareness: number(awareness)?,
                either: number(either)?,
                crisis_ever: number(crisis_ever)?,
                awareness_ever: number(awareness_ever)?,
                either_ever: number(either_ever)?,
            };
            found.insert(id.0, people);
        }
        Ok(())
    };
    macro_rules! sums {
        ($query:expr) => {
            $query.group_by(coverage_changes::agency_id).select((
                coverage_changes::agency_id,
                diesel::dsl::sum(coverage_changes::sworn),
                diesel::dsl::sum(coverage_changes::crisis),
                diesel::dsl::sum(coverage_changes::awareness),
                diesel::dsl::sum(coverage_changes::either),
                diesel::dsl::sum(coverage_changes::crisis_ever),
                diesel::dsl::sum(coverage_changes::awareness_ever),
                diesel::dsl::sum(coverage_changes::either_ever),
            ))
        };
    }
    let until = coverage_changes::table.filter(coverage_changes::day.le(On(day)));
    match agencies {
        None => take(per_backend!(conn, c => sums!(until).load(c))?)?,
        Some(agencies) => {
            let ids: Vec<Id> = agencies.iter().map(|id| Id(*id)).collect();
            for some in ids.chunks(MAX_BINDS - 1) {
                take(per_backend!(conn, c => sums!(until.filter(coverage_changes::agency_id.eq_any(some))).load(c))?)?;
            }
        }
    }
    Ok(found)
}

/// An agency, and the sums of its columns in the order of [`People`].
type Sums = (Id, Option<i64>, Option<i64>, Option<i64>, Option<i64>, Option<i64>, Option<i64>, Option<i64>);

/// Takes away all that is held of the timelines of some agencies; `None`: of all.
///
/// # Errors
/// Where the database fails.
pub fn clear(conn: &mut AnyConn, agencies: Option<&[Uuid]>) -> Result<(), StorageError> {
    match agencies {
        None => {
            diesel::delete(coverage_changes::table).execute(conn)?;
        }
        Some(agencies) => {
            let ids: Vec<Id> = agencies.iter().map(|id| Id(*id)).collect();
            for some in ids.chunks(MAX_BINDS) {
                diesel::delete(coverage_changes::table.filter(coverage_changes::agency_id.eq_any(some))).execute(conn)?;
            }
        }
    }
    Ok(())
}

/// Whether the timeline was ever filled.
///
/// # Errors
/// Where the database fails.
pub fn is_filled(conn: &mut AnyConn) -> Result<bool, StorageError> {
    let marked = agency_versions::table.filter(agency_versions::agency_id.eq(Id(STANDARDS))).select(agency_versions::lane).limit(1);
    Ok(marked.load::<i32>(conn)?.pop().is_some())
}
