//! x
pub mod storage;
