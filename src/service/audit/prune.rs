//! What is older than it has to be kept goes, from the beginning of each lane.

use jiff::Timestamp;

use super::{Keys, append};
use crate::domain::audit::{Entry, Head};
use crate::service::{ServiceError, ServiceResult};
use crate::storage::AnyConn;
use crate::storage::audit as rows;

/// What was pruned of a lane.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pruned {
    /// How many entries went.
    pub entries: usize,
}

/// Takes from the beginning of a lane what is older than `before`, and keeps in its head where the chain goes on. What was pruned is
/// an entry of the log itself, which `entry` makes of its detail.
///
/// # Errors
/// `audit_lane_altered` where the head is not as it was left: nothing of such a lane goes. Otherwise where the database fails.
pub fn prune(conn: &mut AnyConn, keys: &Keys, lane: i32, before: Timestamp, entry: impl FnOnce(String) -> Entry) -> ServiceResult<Pruned> {
    let held = rows::lane(conn, lane)?;
    if !keys.holds(&held) {
        return Err(ServiceError::conflict("audit_lane_altered", format!("lane {lane} is not as it was left; run `onemind audit verify`")));
    }
    let Some((sequence, hash)) = rows::last_before(conn, lane, before)? else { return Ok(Pruned::default()) };
    let head = Head { pruned_sequence: sequence, pruned_hash: hash, ..held.head };
    rows::write_head(conn, &head, keys.current().name(), &keys.current().seal(&head.canonical()))?;
    let entries = rows::delete_until(conn, lane, sequence)?;
    let detail = serde_json::json!({"lane": lane, "pruned": entries, "until": sequence, "before": before});
    append(conn, keys, vec![entry(detail.to_string())])?;
    Ok(Pruned { entries })
}
