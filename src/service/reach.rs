//! From the agencies that a grant names to those that there are.

use crate::domain::agency::AgencyKey;
use crate::domain::reach::Reach;
use crate::service::ServiceResult;
use crate::storage::{AnyConn, agencies};

/// The reach of a client that was granted `keys` (`None`: all agencies). A key that no agency answers to reaches nothing, until
/// such an agency is registered.
///
/// # Errors
/// Where the database fails.
pub fn of(conn: &mut AnyConn, keys: Option<&[AgencyKey]>) -> ServiceResult<Reach> {
    let Some(keys) = keys else { return Ok(Reach::All) };
    let mut ids = Vec::new();
    let mut oris = Vec::new();
    for key in keys {
        match key {
            AgencyKey::Id(id) => ids.push(*id),
            AgencyKey::Ori(ori) => oris.push(ori.as_str().to_owned()),
        }
    }
    ids.extend(agencies::ids_by_ori(conn, &oris)?.into_iter().map(|(_, id)| id));
    ids.sort_unstable();
    ids.dedup();
    Ok(Reach::Agencies { ids, named: keys.to_vec() })
}
