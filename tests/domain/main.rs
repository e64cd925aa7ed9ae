//! The rules of the domain held against oracles that are written from the text of the rules, person by person and day by
//! day, and share nothing with the implementation but its plain data.
#![expect(clippy::unwrap_used, reason = "a test may fail")]

mod matching;
mod matching_oracle;
mod parsers;
mod readiness;
mod readiness_oracle;
mod roster;
