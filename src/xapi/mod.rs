//! Statements of the Experience API, versions 1.0.3 and 2.0 (IEEE 9274.1.1): what one must be, what it is found by, when two are the
//! same, and which become completions. Pure functions over JSON: no HTTP, no SQL.

mod attachments;
mod check;
mod duration;
mod equality;
mod fields;
mod format;
mod keys;
mod meaning;
mod reduction;
mod shapes;
mod statement;

pub use attachments::{Attachment, attachments};
pub use equality::comparable;
pub use fields::{check_agent, check_iri, is_uuid};
pub use format::{Format, formatted};
pub use keys::{Key, agent_key, found_by};
pub use meaning::{COMPLETED, FAILED, PASSED, external_id, meaning};
pub use reduction::{reduced_actor, reduced_others};
pub use statement::{Statement, VOIDED};

/// Which edition of the specification a request follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// 1.0.0 to 1.0.3.
    One,
    /// 2.0 (IEEE 9274.1.1).
    Two,
}

impl Version {
    /// Reads the `X-Experience-API-Version` header of a request.
    pub fn parse(text: &str) -> Option<Self> {
        match text.trim() {
            "2.0" | "2.0.0" => Some(Self::Two),
            "1.0" => Some(Self::One),
            other => other.strip_prefix("1.0.").filter(|patch| patch.len() == 1 && patch.bytes().all(|b| b.is_ascii_digit())).map(|_| Self::One),
        }
    }

    /// What answers bear: the latest of the edition.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::One => "1.0.3",
            Self::Two => "2.0.0",
        }
    }
}

/// A pointer with another token at its end (RFC 6901).
fn child(at: &str, token: &str) -> String {
    format!("{at}/{}", token.replace('~', "~0").replace('/', "~1"))
}
