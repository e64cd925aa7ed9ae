//! Where agencies stood when that was last told of.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::StorageError;
use super::columns::columns;
use super::conn::AnyConn;
use super::dialect::MAX_BINDS;
use super::schema::agency_standings;
use super::timelines::Version;
use super::types::{Day, Doc, Guid, Id, Json, On, Written};

/// Where an agency stood, as far as others are told of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// The stage.
    pub stage: String,
    /// For a certified agency: whether it still met everything.
    pub maintained: Option<bool>,
    /// Whether a partnership was in force.
    pub partnership: bool,
    /// Whether a policy was in force.
    pub policy: bool,
    /// Whether its officers were trained as the standard asks.
    pub training: bool,
    /// The pledge, where one ran, and how it stood.
    pub pledge: Option<(Uuid, String)>,
}

impl Standing {
    /// That of an agency of which nobody has heard anything.
    pub fn of_nobody() -> Self {
        Self { stage: "not_pledged".to_owned(), maintained: None, partnership: false, policy: false, training: false, pledge: None }
    }
}

/// A standing as it is held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// Of which version of the agency it is.
    pub version: Version,
    /// Of which day.
    pub on: Date,
    /// What was told.
    pub standing: Standing,
    /// The first later day on which it is another by itself.
    pub changes_on: Option<Date>,
}

/// The agencies that stand elsewhere by a day, by themselves, than was last told; at most so many, those of the earliest days first.
///
/// # Errors
/// Where the database fails.
pub fn due(conn: &mut AnyConn, day: Date, most: i64) -> Result<Vec<Uuid>, StorageError> {
    let due = agency_standings::table.filter(agency_standings::changes_on.le(Some(On(day))));
    let ids: Vec<Id> = due.order(agency_standings::changes_on).limit(most).select(agency_standings::agency_id).load(conn)?;
    Ok(ids.into_iter().map(|id| id.0).collect())
}

/// The versions of which standings were told: of all agencies.
///
/// # Errors
/// Where the database fails.
pub fn versions(conn: &mut AnyConn) -> Result<Vec<(Uuid, Version)>, StorageError> {
    let rows: Vec<(Id, i64, i64)> =
        agency_standings::table.select((agency_standings::agency_id, agency_standings::version, agency_standings::standards)).load(conn)?;
    Ok(rows.into_iter().map(|(id, agency, standards)| (id.0, Version { agency, standards })).collect())
}

/// Holds the standings of agencies until the transaction ends, in the order of their ids, so that one process at a time tells of an agency; and
/// answers them. Those of whom nothing was told are as [`Standing::of_nobody`], of no version.
///
/// # Errors
/// Where the database fails.
pub fn hold(conn: &mut AnyConn, agencies: &[Uuid], today: Date) -> Result<Vec<(Uuid, Held)>, StorageError> {
    let mut ids: Vec<Id> = agencies.iter().map(|id| Id(*id)).collect();
    ids.sort_unstable_by_key(|id| id.0);
    ids.dedup();
    let nobody = text_of(&Standing::of_nobody())?;
    let rows = ids.iter().map(|id| Unheard { agency_id: *id, version: -1, standards: -1, on_day: On(today), standing: nobody.clone() });
    match conn {
        AnyConn::Postgres(conn) => {
            AllUnheard::of(rows).execute(conn)?;
        }
        AnyConn::Sqlite(conn) => {
            for row in rows {
                row.execute(conn)?;
            }
        }
    }
    let mut held = Vec::with_capacity(ids.len());
    for some in ids.chunks(MAX_BINDS) {
        macro_rules! those {
            () => {
                agency_standings::table.filter(agency_standings::agency_id.eq_any(some)).order(agency_standings::agency_id).select((
                    agency_standings::agency_id,
                    agency_standings::version,
                    agency_standings::standards,
                    agency_standings::on_day,
                    agency_standings::standing,
                    agency_standings::changes_on,
                ))
            };
        }
        let rows: Vec<(Id, i64, i64, On, Json, Option<On>)> = match conn {
            AnyConn::Postgres(conn) => those!().for_update().load(conn)?,
            AnyConn::Sqlite(conn) => those!().load(conn)?,
        };
        for (id, agency, standards, on, standing, changes_on) in rows {
            let standing =
                serde_json::from_value(standing.0).map_err(|cause| StorageError::Corrupt(format!("agency_standings.standing: {cause}")))?;
            held.push((id.0, Held { version: Version { agency, standards }, on: on.0, standing, changes_on: changes_on.map(|day| day.0) }));
        }
    }
    Ok(held)
}

columns! {
    /// A standing of an agency of which nothing was told.
    struct Unheard, AllUnheard into "agency_standings" {
        agency_id: Id as Guid,
        version: i64 as BigInt,
        standards: i64 as BigInt,
        on_day: On as Day,
        standing: Written as Doc,
    }
    "ON CONFLICT (agency_id) DO NOTHING"
}

columns! {
    /// A standing in the place of that which is held.
    struct Row, Rows into "agency_standings" {
        agency_id: Id as Guid,
        version: i64 as BigInt,
        standards: i64 as BigInt,
        on_day: On as Day,
        standing: Written as Doc,
        changes_on: Option<On> as Nullable<Day>,
    }
    "ON CONFLICT (agency_id) DO UPDATE SET version = excluded.version, standards = excluded.standards, on_day = excluded.on_day, \
     standing = excluded.standing, changes_on = excluded.changes_on"
}

fn text_of(standing: &Standing) -> Result<Written, StorageError> {
    serde_json::to_string(standing).map(Written).map_err(|cause| StorageError::Other(cause.to_string()))
}

/// Writes where agencies stand now that it was told; their standings are held.
///
/// # Errors
/// Where the database fails.
pub fn write(conn: &mut AnyConn, told: &[(Uuid, Held)]) -> Result<(), StorageError> {
    let row = |(agency, held): &(Uuid, Held)| {
        Ok(Row {
            agency_id: Id(*agency),
            version: held.version.agency,
            standards: held.version.standards,
            on_day: On(held.on),
            standing: text_of(&held.standing)?,
            changes_on: held.changes_on.map(On),
        })
    };
    let rows = told.iter().map(row).collect::<Result<Vec<_>, StorageError>>()?;
    match conn {
        AnyConn::Postgres(conn) => {
            if !rows.is_empty() {
                Rows::of(rows).execute(conn)?;
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
