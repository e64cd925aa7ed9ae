//! Officers whom two clients describe that don't share a vendor.

use super::words::words;

words! {
    /// What came of a description by an identifier that somebody out of the client's reach holds.
    pub enum JoinStatus else "invalid_join_status" {
        /// The names agree: it is the same person.
        Joined = "joined",
        /// The names disagree: the identifier was withheld, for IACP staff to look into.
        Parked = "parked",
    }
}
