//! x
pub mod import;
pub mod storage;
