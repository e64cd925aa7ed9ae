//! One Mind Registry: who pledged, who is trained, who is One Mind Certified.
//!
//! Layers, each of which imports only those to its right: `main -> app -> http -> service -> storage -> domain`.

pub mod domain;
pub mod storage;
