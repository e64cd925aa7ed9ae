//! Who lacks what, and whose credit lapses when.

use jiff::civil::Date;
use uuid::Uuid;

/// What a sworn officer holds on a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap {
    /// Who.
    pub officer: Uuid,
    /// Whether the officer is trained as the standard asks of everybody.
    pub trained: bool,
    /// Whether the officer holds crisis intervention training.
    pub crisis_intervention: bool,
    /// The first later day on which the officer is no longer trained, if only for a while.
    pub trained_until: Option<Date>,
    /// The first later day on which crisis intervention training has lapsed, if only for a while.
    pub crisis_until: Option<Date>,
}
