//! Officers that were touched, and the keys under which completions may be waiting for them.

use std::collections::HashSet;

use uuid::Uuid;

use super::{ServiceResult, Tx, placement};
use crate::domain::matching::Candidate;
use crate::domain::reach::Reach;
use crate::storage::{joins, officers};

/// Officers who are about to be changed, with the keys that they answer to before.
#[derive(Debug, Default)]
pub struct Touched {
    officers: Vec<Uuid>,
    keys: Vec<String>,
}

impl Touched {
    /// Notes officers before they are changed; those of them who are not there yet are `new`.
    ///
    /// # Errors
    /// Where the database fails.
    pub fn before(tx: &mut Tx<'_>, officers: Vec<Uuid>, new: &HashSet<Uuid>) -> ServiceResult<Self> {
        let held: Vec<Uuid> = officers.iter().copied().filter(|id| !new.contains(id)).collect();
        let keys = keys_of(tx, &held)?;
        Ok(Self { officers, keys })
    }

    /// Places the completions that wait for a key that the officers answered to before the change or answer to now, to whomever.
    ///
    /// # Errors
    /// Where the database fails.
    pub fn place(mut self, tx: &mut Tx<'_>) -> ServiceResult<()> {
        self.keys.extend(keys_of(tx, &self.officers)?);
        self.keys.sort_unstable();
        self.keys.dedup();
        placement::place_waiting(tx, &self.keys)?;
        Ok(())
    }
}

/// The keys of officers as they are, and as those who see them through an unconfirmed join know them.
fn keys_of(tx: &mut Tx<'_>, ids: &[Uuid]) -> ServiceResult<Vec<String>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let candidates = officers::whole(tx.conn, ids)?;
    let mut keys: Vec<String> = candidates.iter().flat_map(Candidate::keys).collect();
    keys.extend(joins::unconfirmed(tx.conn, &Reach::All, ids)?.values().flatten().flat_map(joins::Join::keys));
    Ok(keys)
}
