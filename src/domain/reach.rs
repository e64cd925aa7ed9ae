//! The agencies that a client may act for.

use jiff::civil::Date;
use uuid::Uuid;

use super::agency::AgencyKey;

/// What a client sees and may change. What lies outside of it is answered as if it did not exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    /// Every agency.
    All,
    /// Some.
    Agencies(Agencies),
}

/// The agencies of a reach that is not for all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agencies {
    /// The ids of those that are registered, sorted.
    ids: Vec<Uuid>,
    /// As they are named by who granted them, those that are not registered yet among them.
    named: Vec<AgencyKey>,
    /// Whose grants they come from.
    granted: Option<Granted>,
}

/// A client, and the day on which its grants were asked. Of an agency's officers it sees those with an appointment that shares a
/// day with the grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Granted {
    /// Whose grants.
    pub client: Uuid,
    /// The day on which they are in force.
    pub on: Date,
}

impl Reach {
    /// Some agencies, in whatever order: by a client's grants, or, with `None`, as a token names them.
    pub fn of(mut ids: Vec<Uuid>, named: Vec<AgencyKey>, granted: Option<Granted>) -> Self {
        ids.sort_unstable();
        ids.dedup();
        Self::Agencies(Agencies { ids, named, granted })
    }

    /// Whether an agency is within.
    pub fn holds(&self, agency: Uuid) -> bool {
        match self {
            Self::All => true,
            Self::Agencies(agencies) => agencies.ids.binary_search(&agency).is_ok(),
        }
    }

    /// Whether the client may register an agency under this key.
    pub fn names(&self, key: &AgencyKey) -> bool {
        match self {
            Self::All => true,
            Self::Agencies(agencies) => agencies.named.contains(key),
        }
    }

    /// The ids of the agencies within; `None`: all.
    pub fn ids(&self) -> Option<&[Uuid]> {
        match self {
            Self::All => None,
            Self::Agencies(agencies) => Some(&agencies.ids),
        }
    }

    /// The agencies as a token names them; `None` where they come from a client's grants, or are all.
    pub fn by_token(&self) -> Option<&[AgencyKey]> {
        match self {
            Self::Agencies(agencies) if agencies.granted.is_none() => Some(&agencies.named),
            _ => None,
        }
    }

    /// Whose grants it comes from; `None` where a token names the agencies, or it is for all.
    pub fn granted(&self) -> Option<Granted> {
        match self {
            Self::All => None,
            Self::Agencies(agencies) => agencies.granted,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_agency_is_held_once_however_many_grants_it_has() {
        let (a, b) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let reach = Reach::of(vec![b, a, b], Vec::new(), None);
        assert_eq!(reach.ids(), Some([a, b].as_slice()));
        assert!(reach.holds(a) && reach.holds(b) && !reach.holds(Uuid::from_u128(3)));
    }
}
