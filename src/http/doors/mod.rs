//! The doors by which many records come: JSON, NDJSON and CSV. A door only reads; what its records mean is the same code for all.

mod door;
mod feed;
mod layout;
mod spill;

pub use door::{Door, Taken};
pub use feed::{Feed, Inlet, Item, Pump, unreadable};
pub use layout::{CsvQuery, Given, layout_of};
pub use spill::{Gone, Spill};
