//! One Mind Registry.

pub mod domain;
pub mod import;
