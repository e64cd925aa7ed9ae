//! Rows of text files, and the records that their columns make: for the importer and for the service alike, so that the same words
//! (`map`, `set`) mean the same, and the same row is the same record.
//!
//! [`encoding`] and [`clean`] make plain text of a file, [`read`] gives rows that know their line, [`sheet`] finds the header among them, and
//! [`mapping`] makes records of them by the tables of [`fields`] and the conversions of [`convert`].

mod clean;
pub mod convert;
pub mod dates;
pub mod encoding;
pub mod fields;
pub mod kept;
mod kinds;
pub mod mapping;
mod places;
pub mod read;
pub mod record;
pub mod sheet;
