//! Published versions of the campaign's rules, as data.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::pledge::Pledge;

/// A share of people in whole numbers: no rounding, no floats (rule 3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    /// Above the line.
    pub numerator: u32,
    /// Below the line; not zero.
    pub denominator: u32,
}

/// A version of the rules.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standard {
    /// Its code, such as `one-mind`.
    pub code: String,
    /// Its title.
    pub title: String,
    /// The share of sworn officers who hold crisis intervention training.
    pub crisis_share: Share,
    /// Whether crisis intervention training stands in for awareness training.
    pub crisis_counts_as_awareness: bool,
    /// Whether credit counts after it has lapsed.
    pub lapsed_credit_counts: bool,
}

/// The published standards by their codes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standards {
    current: Standard,
    by_code: HashMap<String, Standard>,
}

impl Standards {
    /// The current one is `one-mind`, as published, else as it ships.
    pub fn new(published: impl IntoIterator<Item = Standard>) -> Self {
        let by_code: HashMap<_, _> = published.into_iter().map(|standard| (standard.code.clone(), standard)).collect();
        let shipped = one_mind();
        Self { current: by_code.get(&shipped.code).cloned().unwrap_or(shipped), by_code }
    }

    /// The standard that a pledge is to; without a pledge, the current one.
    pub fn of(&self, pledge: Option<&Pledge>) -> &Standard {
        // That a pledge is to a published standard is seen to where it is kept.
        pledge.and_then(|pledge| self.by_code.get(&pledge.standard)).unwrap_or(&self.current)
    }
}

impl Share {
    /// Whether `part` of `whole` people is at least this share.
    pub fn holds(self, part: u32, whole: u32) -> bool {
        u64::from(self.denominator) * u64::from(part) >= u64::from(self.numerator) * u64::from(whole)
    }

    /// The smallest number of people that is at least this share of `whole`.
    pub fn needed(self, whole: u32) -> u32 {
        let needed = (u64::from(self.numerator) * u64::from(whole)).div_ceil(u64::from(self.denominator));
        u32::try_from(needed).unwrap_or(u32::MAX)
    }
}

/// The current standard: every sworn officer holds one training or the other, at least 20 % crisis intervention.
pub fn one_mind() -> Standard {
    Standard {
        code: "one-mind".to_owned(),
        title: "One Mind Campaign".to_owned(),
        crisis_share: Share { numerator: 1, denominator: 5 },
        crisis_counts_as_awareness: true,
        lapsed_credit_counts: false,
    }
}

/// The standard of 2016: every sworn officer holds awareness training, and at least 20 % crisis intervention also.
pub fn one_mind_2016() -> Standard {
    Standard { code: "one-mind-2016".to_owned(), title: "One Mind Campaign (2016)".to_owned(), crisis_counts_as_awareness: false, ..one_mind() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fifth_holds_without_rounding() {
        let fifth = one_mind().crisis_share;
        for (part, whole, holds) in
            [(0, 1, false), (1, 5, true), (1, 6, false), (2, 6, true), (2, 10, true), (2, 11, false), (24, 120, true), (23, 120, false)]
        {
            assert_eq!(fifth.holds(part, whole), holds, "{part} of {whole}");
        }
        for (whole, needed) in [(0, 0), (1, 1), (5, 1), (6, 2), (120, 24), (12_005, 2_401)] {
            assert_eq!(fifth.needed(whole), needed, "of {whole}");
        }
    }

    #[test]
    fn what_is_needed_is_the_least_that_holds() {
        for share in [Share { numerator: 1, denominator: 5 }, Share { numerator: 2, denominator: 3 }, Share { numerator: 1, denominator: 1 }] {
            for whole in 1..500 {
                let needed = share.needed(whole);
                assert!(share.holds(needed, whole));
                assert!(!share.holds(needed - 1, whole));
            }
        }
        assert!(Share { numerator: 1, denominator: 1 }.holds(u32::MAX, u32::MAX));
    }
}
