//! The agencies that a client may act for.

use uuid::Uuid;

use super::agency::AgencyKey;

/// What a client sees and may change. What lies outside of it is answered as if it did not exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    /// Every agency.
    All,
    /// Some.
    Agencies {
        /// The ids of those that are registered, sorted.
        ids: Vec<Uuid>,
        /// As the grant names them, those that are not registered yet among them.
        named: Vec<AgencyKey>,
    },
}

impl Reach {
    /// Whether an agency is within.
    pub fn holds(&self, agency: Uuid) -> bool {
        match self {
            Self::All => true,
            Self::Agencies { ids, .. } => ids.binary_search(&agency).is_ok(),
        }
    }

    /// Whether the client may register an agency under this key.
    pub fn names(&self, key: &AgencyKey) -> bool {
        match self {
            Self::All => true,
            Self::Agencies { named, .. } => named.contains(key),
        }
    }

    /// The ids of the agencies within; `None`: all.
    pub fn ids(&self) -> Option<&[Uuid]> {
        match self {
            Self::All => None,
            Self::Agencies { ids, .. } => Some(ids),
        }
    }
}
