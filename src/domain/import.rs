//! Batches that are taken later.

use super::words::words;

words! {
    /// How far an import is.
    pub enum ImportState else "invalid_state" {
        /// Its body is still coming; nobody is told of it yet.
        Receiving = "receiving",
        /// Its body is stored, and waits.
        Queued = "queued",
        /// Its records are being taken.
        Running = "running",
        /// Every record is accounted for.
        Done = "done",
        /// Its client ended it: what was told of is kept, the rest was not taken.
        Cancelled = "cancelled",
        /// It ended early: what was told of is kept, the rest was not taken.
        Failed = "failed",
    }
}

impl ImportState {
    /// Whether nothing more comes of it.
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Done | Self::Cancelled | Self::Failed)
    }
}
