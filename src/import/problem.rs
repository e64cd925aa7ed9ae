//! What the service answers when it refuses (RFC 9457), and how an import ends early.

use serde::Deserialize;

/// How many faults of a refusal are told one by one.
const MOST_FAULTS: usize = 20;

/// `application/problem+json`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Problem {
    /// The name of the problem.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What happened this time.
    pub detail: Option<String>,
    /// The id of the request, for the operator's log.
    pub instance: Option<String>,
    /// Every fault of the input.
    pub errors: Vec<PointedFault>,
}

/// A fault of the input.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct PointedFault {
    /// Where, as a JSON pointer.
    pub pointer: String,
    /// A stable word.
    pub code: String,
    /// What is wrong with it.
    pub detail: String,
}

impl Problem {
    /// Title and detail in one line.
    pub fn headline(&self) -> String {
        match self.detail.as_deref() {
            Some(detail) if !detail.is_empty() => format!("{}: {detail}", self.title),
            _ => self.title.clone(),
        }
    }

    /// The headline, and a line for each fault.
    pub fn in_full(&self) -> String {
        let mut lines = vec![format!("{} {}", self.status, self.headline())];
        for fault in self.errors.iter().take(MOST_FAULTS) {
            lines.push(format!("{} {}: {}", fault.pointer, fault.code, fault.detail));
        }
        if self.errors.len() > MOST_FAULTS {
            lines.push(format!("and {} more", self.errors.len() - MOST_FAULTS));
        }
        if let Some(instance) = &self.instance {
            lines.push(format!("request {instance}"));
        }
        lines.join("\n  ")
    }
}

/// Why an import ended before the end of its file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Stop {
    /// The flags, or a mapping that can't be read.
    #[error("{0}")]
    Usage(String),
    /// The file or what it holds is at fault.
    #[error("{0}")]
    Refused(String),
    /// The service can't be reached, doesn't let the caller in, or isn't itself.
    #[error("{0}")]
    Unreachable(String),
}
