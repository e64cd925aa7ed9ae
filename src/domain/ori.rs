//! The FBI's originating agency identifier.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

use serde::{Serialize, Serializer};

use super::invalid::Invalid;

/// An originating agency identifier: `^[A-Z]{2}[A-Z0-9]{7}$`, without a check digit.
///
/// The two letters are not the postal code (Nebraska is `NB`, Guam `GM`), so nothing is read from them. A form of 7
/// characters is kept as 9 with `00` appended, and marked `assumed`. Two are equal when their codes are.
#[derive(Debug, Clone)]
pub struct Ori {
    code: String,
    assumed: bool,
}

impl Ori {
    /// Reads an ORI of 9 or 7 characters.
    ///
    /// # Errors
    /// `invalid_ori`.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let bytes = text.as_bytes();
        let holds = matches!(bytes.len(), 7 | 9)
            && bytes[..2].iter().all(u8::is_ascii_uppercase)
            && bytes[2..].iter().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
        if !holds {
            return Err(Invalid::new(
                "invalid_ori",
                "must be two capital letters and seven capital letters or digits (or five, when the last two are 00)",
            ));
        }
        let assumed = bytes.len() == 7;
        Ok(Self { code: if assumed { format!("{text}00") } else { text.to_owned() }, assumed })
    }

    /// Reads a kept code of 9 characters together with its mark.
    ///
    /// # Errors
    /// `invalid_ori`.
    pub fn restore(code: &str, assumed: bool) -> Result<Self, Invalid> {
        Self::parse(code).map(|ori| Self { assumed: assumed || ori.assumed, ..ori })
    }

    /// The 9 characters.
    pub fn as_str(&self) -> &str {
        &self.code
    }

    /// Whether the last two characters were assumed, since 7 were sent.
    pub fn assumed(&self) -> bool {
        self.assumed
    }
}

impl PartialEq for Ori {
    fn eq(&self, other: &Self) -> bool {
        self.code == other.code
    }
}

impl Eq for Ori {}

impl PartialOrd for Ori {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Ori {
    fn cmp(&self, other: &Self) -> Ordering {
        self.code.cmp(&other.code)
    }
}

impl Hash for Ori {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.code.hash(state);
    }
}

impl fmt::Display for Ori {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.code)
    }
}

impl Serialize for Ori {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seven_characters_are_kept_as_nine_and_marked() {
        let short = Ori::parse("TX22700").unwrap();
        assert_eq!(short.as_str(), "TX2270000");
        assert!(short.assumed());
        let long = Ori::parse("TX2270000").unwrap();
        assert!(!long.assumed());
        assert_eq!(short, long);
        assert!(Ori::restore("TX2270000", true).unwrap().assumed());
    }

    #[test]
    fn anything_else_is_refused() {
        for bad in ["", "TX", "TX227000", "TX22700000", "tx2270000", "T12270000", "TX-270000", " TX2270000", "ТX2270000", "TX227000é"] {
            assert_eq!(Ori::parse(bad).unwrap_err().code, "invalid_ori", "{bad}");
        }
    }
}
