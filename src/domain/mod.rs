//! The rules of the One Mind Campaign as pure functions over plain data.
//!
//! Nothing here knows of HTTP or SQL, reads the clock, or draws a random number: what is needed is passed in. Text that
//! comes from outside is parsed once into these types and then trusted.

pub mod agency;
pub mod appointment;
pub mod assistance;
pub mod audit;
pub mod certification;
pub mod client;
pub mod clock;
pub mod completion;
pub mod coverage;
pub mod csv_mapping;
pub mod dates;
pub mod event;
pub mod evidence;
pub mod frozen;
pub mod gaps;
pub mod import;
pub mod invalid;
pub mod join;
pub mod library;
pub mod lookup;
pub mod matching;
pub mod names;
pub mod numbers;
pub mod officer;
pub mod ori;
pub mod placement;
pub mod pledge;
pub mod push;
pub mod reach;
pub mod readiness;
pub mod register;
pub mod roster;
mod spans;
pub mod stage;
pub mod standard;
pub mod standard_draft;
pub mod text;
pub mod timeline;
pub mod training;
pub mod webhook;
mod words;
