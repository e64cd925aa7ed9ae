//! Whether the chains of the audit log are whole.

use std::fmt;

use super::Keys;
use crate::domain::audit::{LANES, SEAL};
use crate::service::ServiceResult;
use crate::storage::AnyConn;
use crate::storage::audit::{self as rows, Lane, Sealed};

/// How many entries are read at once.
const AT_ONCE: i64 = 1000;

/// What is wrong with a lane, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// The head is gone.
    HeadMissing,
    /// The head is not as it was left, or has no seal.
    HeadAltered,
    /// The entry is not as it was sealed.
    Altered(i64),
    /// The entries of these numbers are not there.
    Missing(i64, i64),
    /// The last entries, of these numbers, are not there.
    CutOff(i64, i64),
    /// The entry was put where none was written.
    Inserted(i64),
    /// The entries of these numbers are sealed with a key that is not here, of this name.
    ForeignKey(i64, i64, String),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::HeadMissing => f.write_str("the head of the lane is missing"),
            Self::HeadAltered => f.write_str("the head of the lane is not as it was left"),
            Self::Altered(at) => write!(f, "entry {at} is not as it was written"),
            Self::Missing(from, to) if from == to => write!(f, "entry {from} is missing; whether the one after it was altered can't be told"),
            Self::Missing(from, to) => write!(f, "entries {from} to {to} are missing; whether the one after them was altered can't be told"),
            Self::CutOff(from, to) => write!(f, "the end is cut off: entries {from} to {to} are missing"),
            Self::Inserted(at) => write!(f, "entry {at} was inserted"),
            Self::ForeignKey(from, to, name) => write!(f, "entries {from} to {to} are sealed with the key {name}, which is not here"),
        }
    }
}

/// What was found in a lane.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LaneReport {
    /// How many entries it holds.
    pub entries: u64,
    /// The number of its last entry as the head says.
    pub sequence: i64,
    /// What is wrong.
    pub faults: Vec<Fault>,
}

/// Reads a lane from its beginning to its end, a thousand entries at a time, and compares every seal. Within one transaction that
/// sees one state of the database.
///
/// # Errors
/// Where the database fails.
pub fn verify_lane(conn: &mut AnyConn, keys: &Keys, lane: i32) -> ServiceResult<LaneReport> {
    let head = rows::lanes(conn)?.into_iter().find(|held| held.head.lane == lane);
    let mut reader = Reader::new(keys, head);
    let mut after = None;
    loop {
        let page = rows::of_lane(conn, lane, after, AT_ONCE)?;
        let Some(last) = page.last().map(|sealed| sealed.sequence) else { break };
        after = Some(last);
        for sealed in &page {
            reader.take(sealed);
        }
    }
    Ok(reader.finish())
}

/// The lanes that there should be, and those that entries name besides.
///
/// # Errors
/// Where the database fails.
pub fn lanes(conn: &mut AnyConn) -> ServiceResult<Vec<i32>> {
    let mut lanes: Vec<i32> = (0..LANES).collect();
    lanes.extend(rows::lanes_named(conn)?.into_iter().filter(|lane| !(0..LANES).contains(lane)));
    Ok(lanes)
}

struct Reader<'a> {
    keys: &'a Keys,
    head: Option<Lane>,
    report: LaneReport,
    /// The number of the last entry that was taken, or pruned.
    last: i64,
    /// The seals that the last entry may have had: as it stands there, and as it should be. None after a gap.
    previous: Vec<Vec<u8>>,
}

impl<'a> Reader<'a> {
    fn new(keys: &'a Keys, head: Option<Lane>) -> Self {
        let mut report = LaneReport::default();
        let (last, previous) = match &head {
            None => {
                report.faults.push(Fault::HeadMissing);
                (0, vec![vec![0; SEAL]])
            }
            Some(lane) => {
                report.sequence = lane.head.sequence;
                // A log to which nothing was ever added has no seals yet.
                if !keys.holds(lane) && (lane.seal.is_some() || lane.head.sequence > 0) {
                    report.faults.push(Fault::HeadAltered);
                }
                (lane.head.pruned_sequence, vec![lane.head.pruned_hash.clone()])
            }
        };
        Self { keys, head, report, last, previous }
    }

    fn take(&mut self, sealed: &Sealed) {
        self.report.entries += 1;
        let end = self.head.as_ref().map_or(i64::MAX, |lane| lane.head.sequence);
        if sealed.sequence <= self.last || sealed.sequence > end {
            self.report.faults.push(Fault::Inserted(sealed.sequence));
            return;
        }
        if sealed.sequence > self.last + 1 {
            self.report.faults.push(Fault::Missing(self.last + 1, sealed.sequence - 1));
            self.previous.clear();
        }
        self.last = sealed.sequence;
        if self.keys.find(&sealed.key_name).is_none() {
            self.foreign(sealed);
            self.previous = vec![sealed.hash.clone()];
            return;
        }
        let holds = self.previous.is_empty() || self.previous.iter().any(|previous| self.keys.holds_entry(sealed, previous) == Some(true));
        let should_be = if holds { None } else { self.previous.first().and_then(|previous| self.keys.seal_of(sealed, previous)) };
        if !holds {
            self.report.faults.push(Fault::Altered(sealed.sequence));
        }
        self.previous = std::iter::once(sealed.hash.clone()).chain(should_be).collect();
    }

    fn foreign(&mut self, sealed: &Sealed) {
        match self.report.faults.last_mut() {
            Some(Fault::ForeignKey(_, to, name)) if *to == sealed.sequence - 1 && *name == sealed.key_name => *to = sealed.sequence,
            _ => self.report.faults.push(Fault::ForeignKey(sealed.sequence, sealed.sequence, sealed.key_name.clone())),
        }
    }

    fn finish(mut self) -> LaneReport {
        if let Some(lane) = &self.head {
            if self.last < lane.head.sequence {
                self.report.faults.push(Fault::CutOff(self.last + 1, lane.head.sequence));
            } else if !self.previous.contains(&lane.head.hash) && !self.previous.is_empty() && !self.report.faults.contains(&Fault::HeadAltered) {
                self.report.faults.push(Fault::Altered(self.last));
            }
        }
        self.report
    }
}
