//! From the agencies that a grant names to those that there are.

use jiff::civil::Date;
use uuid::Uuid;

use crate::domain::agency::AgencyKey;
use crate::domain::reach::{Granted, Reach};
use crate::service::ServiceResult;
use crate::storage::grants::Grant;
use crate::storage::{AnyConn, Directory, agencies, clients, grants};

/// The reach of a token that names `keys` (`None`: all agencies). A key that no agency answers to reaches nothing, until such an
/// agency is registered.
///
/// # Errors
/// Where the database fails.
pub fn of(conn: &mut AnyConn, directory: Option<&Directory>, keys: Option<&[AgencyKey]>) -> ServiceResult<Reach> {
    match keys {
        None => Ok(Reach::All),
        Some(keys) => within(conn, directory, keys.to_vec(), None),
    }
}

/// The reach of a client on a day, by its grants as they were read a moment ago. One for an ORI that nobody had then is read again:
/// it is for the agency that was registered under it since, whatever goes by the ORI now.
///
/// # Errors
/// Where the database fails.
pub fn of_grants(conn: &mut AnyConn, directory: Option<&Directory>, client: Uuid, grants: &[Grant], on: Date) -> ServiceResult<Reach> {
    let by_ori = |grant: &Grant| matches!(grant.agency, Some(AgencyKey::Ori(_)));
    let read_again = if grants.iter().any(by_ori) { Some(grants::of_client(conn, client)?) } else { None };
    let grants = read_again.as_deref().unwrap_or(grants);
    let in_force: Vec<&Grant> = grants.iter().filter(|grant| grant.covers(on)).collect();
    if in_force.iter().any(|grant| grant.agency.is_none()) {
        return Ok(Reach::All);
    }
    within(conn, directory, in_force.into_iter().filter_map(|grant| grant.agency.clone()).collect(), Some(Granted { client, on }))
}

/// The reach within which what a client pushed is placed now: that of its grants, or, where it is not registered, of the token by
/// which it pushed.
///
/// # Errors
/// Where the database fails.
pub fn of_pusher(conn: &mut AnyConn, client: Uuid, pushed: Option<&[AgencyKey]>, on: Date) -> ServiceResult<Reach> {
    if clients::by_id(conn, client)?.is_some() {
        let grants = grants::of_client(conn, client)?;
        return of_grants(conn, None, client, &grants, on);
    }
    of(conn, None, pushed)
}

fn within(conn: &mut AnyConn, directory: Option<&Directory>, named: Vec<AgencyKey>, granted: Option<Granted>) -> ServiceResult<Reach> {
    let (mut ids, mut oris) = (Vec::new(), Vec::new());
    for key in &named {
        match key {
            AgencyKey::Id(id) => ids.push(*id),
            AgencyKey::Ori(ori) => oris.push(ori.as_str().to_owned()),
        }
    }
    if !oris.is_empty() {
        ids.extend(ids_by_ori(conn, directory, &oris)?.into_iter().map(|(_, id)| id));
    }
    Ok(Reach::of(ids, named, granted))
}

/// Each of `oris` that an agency has, with the agency's id: by what is known of the directory, where that holds.
///
/// # Errors
/// Where the database fails.
pub fn ids_by_ori(conn: &mut AnyConn, directory: Option<&Directory>, oris: &[String]) -> ServiceResult<Vec<(String, Uuid)>> {
    Ok(match directory {
        Some(directory) => directory.ids_by_ori(conn, oris)?,
        None => agencies::ids_by_ori(conn, oris)?,
    })
}
