//! A standard as staff publish it, and how requests name one.

use std::fmt;

use serde::Serialize;
use uuid::Uuid;

use super::invalid::{Faults, Invalid};
use super::standard::{Share, one_mind, one_mind_2016};
use super::text::{Name, is_hyphenated};

/// The code of a standard: words of lower-case letters and digits joined by hyphens, such as `one-mind-2016`.
///
/// It is shorter than an id, so that the two can't be taken for each other in a path.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct StandardCode(String);

/// How a path names a standard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StandardKey {
    /// By its id.
    Id(Uuid),
    /// By its code.
    Code(StandardCode),
}

/// A standard as staff describe it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StandardDraft {
    /// Its code.
    pub code: StandardCode,
    /// Its title.
    pub title: Name,
    /// The share of sworn officers who hold crisis intervention training.
    pub crisis_share: Share,
    /// Whether crisis intervention training stands in for awareness training.
    pub crisis_counts_as_awareness: bool,
    /// Whether credit counts after it has lapsed.
    pub lapsed_credit_counts: bool,
}

impl StandardCode {
    /// The most characters that a code has.
    pub const MAX: usize = 35;

    /// Checks a code.
    ///
    /// # Errors
    /// `too_long` beyond 35 characters, `invalid_standard_code` for another form.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        if text.chars().nth(Self::MAX).is_some() {
            return Err(Invalid::new("too_long", format_args!("must be at most {} characters", Self::MAX)));
        }
        if is_hyphenated(text) {
            Ok(Self(text.to_owned()))
        } else {
            Err(Invalid::new("invalid_standard_code", "must be words of lower-case letters and digits, joined by hyphens"))
        }
    }

    /// The code.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a standard of this code ships with the registry.
    pub fn is_built_in(&self) -> bool {
        [one_mind().code, one_mind_2016().code].contains(&self.0)
    }
}

impl fmt::Display for StandardCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl StandardKey {
    /// Reads an id or a code.
    ///
    /// # Errors
    /// As [`StandardCode::parse`], for what is neither.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        match Uuid::try_parse(text) {
            Ok(id) if text.len() == 36 => Ok(Self::Id(id)),
            _ => StandardCode::parse(text).map(Self::Code),
        }
    }
}

impl StandardDraft {
    /// The greatest number above or below the line of a share.
    pub const MAX_PART: u32 = 1_000_000;

    /// `too_small` or `too_large` at either part of `/crisis_share`, `share_above_one` at its numerator.
    pub fn check(&self) -> Faults {
        let Share { numerator, denominator } = self.crisis_share;
        let mut faults = Faults::new();
        for (part, value) in [("numerator", numerator), ("denominator", denominator)] {
            if value > Self::MAX_PART {
                faults.push((format!("/crisis_share/{part}"), Invalid::new("too_large", format_args!("must be at most {}", Self::MAX_PART))));
            }
        }
        if denominator == 0 {
            faults.push(("/crisis_share/denominator".into(), Invalid::new("too_small", "must be at least 1")));
        } else if numerator > denominator {
            faults.push(("/crisis_share/numerator".into(), Invalid::new("share_above_one", "must be at most the denominator")));
        }
        faults
    }

    /// Whether an agency that is measured by the one is measured alike by the other: all but the title is the same.
    pub fn same_rules(&self, other: &Self) -> bool {
        Self { title: other.title.clone(), ..self.clone() } == *other
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft(numerator: u32, denominator: u32) -> StandardDraft {
        StandardDraft {
            code: StandardCode::parse("one-mind-2030").unwrap(),
            title: Name::parse("One Mind 2030").unwrap(),
            crisis_share: Share { numerator, denominator },
            crisis_counts_as_awareness: true,
            lapsed_credit_counts: false,
        }
    }

    #[test]
    fn a_code_is_words_joined_by_hyphens_and_never_an_id() {
        for good in ["one-mind", "one-mind-2016", "a", "2030", &"x".repeat(35)] {
            assert_eq!(StandardCode::parse(good).unwrap().as_str(), good);
            assert!(matches!(StandardKey::parse(good), Ok(StandardKey::Code(_))), "{good}");
        }
        for bad in ["", "-", "one--mind", "-one", "one-", "One-Mind", "one mind", "one/mind", "öne", " one-mind", "a\0"] {
            assert_eq!(StandardCode::parse(bad).unwrap_err().code, "invalid_standard_code", "{bad}");
        }
        assert_eq!(StandardCode::parse(&"x".repeat(36)).unwrap_err().code, "too_long");
        let id = "01940000-0000-7000-8000-000000002020";
        assert!(StandardCode::parse(id).is_err());
        assert_eq!(StandardKey::parse(id).unwrap(), StandardKey::Id(id.parse().unwrap()));
    }

    #[test]
    fn the_standards_that_ship_are_built_in() {
        for (code, built_in) in [("one-mind", true), ("one-mind-2016", true), ("one-mind-2030", false)] {
            assert_eq!(StandardCode::parse(code).unwrap().is_built_in(), built_in, "{code}");
        }
    }

    #[test]
    fn a_share_is_from_nobody_to_everybody() {
        for (numerator, denominator, expected) in [
            (0, 1, vec![]),
            (1, 1, vec![]),
            (1_000_000, 1_000_000, vec![]),
            (2, 1, vec!["/crisis_share/numerator share_above_one"]),
            (1, 0, vec!["/crisis_share/denominator too_small"]),
            (1, 1_000_001, vec!["/crisis_share/denominator too_large"]),
        ] {
            let faults: Vec<_> = draft(numerator, denominator).check().into_iter().map(|(at, invalid)| format!("{at} {}", invalid.code)).collect();
            assert_eq!(faults, expected, "{numerator}/{denominator}");
        }
    }

    #[test]
    fn a_title_is_no_rule() {
        let held = draft(1, 5);
        let renamed = StandardDraft { title: Name::parse("Renamed").unwrap(), ..held.clone() };
        assert!(held.same_rules(&renamed));
        for other in [
            draft(1, 4),
            draft(2, 10),
            StandardDraft { code: StandardCode::parse("other").unwrap(), ..held.clone() },
            StandardDraft { crisis_counts_as_awareness: false, ..held.clone() },
            StandardDraft { lapsed_credit_counts: true, ..held.clone() },
        ] {
            assert!(!held.same_rules(&other), "{other:?}");
        }
    }
}
