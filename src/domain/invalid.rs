//! The one error of every parser of the domain.

use std::fmt::Display;

/// Input that breaks a rule of the domain, and what the caller can do about it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct Invalid {
    /// A stable word in `snake_case`, for machines.
    pub code: &'static str,
    /// A sentence for people: what is wrong and what would be right.
    pub detail: String,
}

impl Invalid {
    /// A fault with its stable code and its sentence.
    pub fn new(code: &'static str, detail: impl Display) -> Self {
        Self { code, detail: detail.to_string() }
    }
}

/// Every fault of a draft, each with the JSON pointer to the field at fault, relative to the draft.
pub type Faults = Vec<(String, Invalid)>;

/// Puts faults that were found in a part under the pointer of that part.
pub fn under(base: &str, faults: Faults) -> Faults {
    faults.into_iter().map(|(pointer, invalid)| (format!("{base}{pointer}"), invalid)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_of_a_part_are_told_under_its_pointer() {
        let inner = vec![("/ended_on".to_owned(), Invalid::new("ends_before_start", "no"))];
        let outer = under("/appointments/2", inner);
        assert_eq!(outer[0].0, "/appointments/2/ended_on");
        assert_eq!(outer[0].1.to_string(), "no");
    }
}
