//! What an agency's status follows from, kept in memory under the version that the database has of it. The version is asked for every
//! answer, so what is kept is never older than what was committed, by whichever replica.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use jiff::civil::Date;
use uuid::Uuid;

use super::{ServiceError, ServiceResult};
use crate::domain::stage::{Status, status_by_timeline};
use crate::domain::standard::Standards;
use crate::domain::timeline::Timeline;
use crate::storage::AnyConn;
use crate::storage::facts::{self, AgencyFacts};
use crate::storage::timelines::{self as rows, STANDARDS, Version};

/// How many days of change are kept at the most, of all agencies together: of some 100 bytes each.
const KEPT: usize = 500_000;

/// What an agency without any such day counts for.
const OF_ITSELF: usize = 20;

/// What an agency's status on any day follows from, as of a version.
#[derive(Debug)]
pub struct Known {
    /// The agency; of its facts neither spells nor credit, which the timeline has counted.
    pub known: AgencyFacts,
    /// The numbers of people.
    pub timeline: Timeline,
    standards: Arc<Standards>,
    told: Mutex<Option<(Date, Told)>>,
}

/// An answer that was given, as it went out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// The body.
    pub body: Bytes,
    /// Its entity tag.
    pub tag: String,
}

impl Known {
    /// Where the agency stands on a day.
    pub fn status(&self, on: Date) -> Status {
        status_by_timeline(&self.standards, &self.known.facts, &self.timeline, on)
    }

    /// The standards that are published.
    pub fn standards(&self) -> &Standards {
        &self.standards
    }

    /// What was told of a day, or else what `tell` makes of it, which is kept until another day is asked for.
    ///
    /// # Errors
    /// What `tell` says.
    pub fn told<E>(&self, on: Date, tell: impl FnOnce(&Self) -> Result<Told, E>) -> Result<Told, E> {
        let kept = || self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((day, told)) = kept().as_ref()
            && *day == on
        {
            return Ok(told.clone());
        }
        let told = tell(self)?;
        *kept() = Some((on, told.clone()));
        Ok(told)
    }

    fn weight(&self) -> usize {
        OF_ITSELF + self.timeline.len()
    }
}

/// The agencies that were asked for of late.
#[derive(Debug, Default)]
pub struct Timelines(Mutex<Held>);

#[derive(Debug, Default)]
struct Held {
    agencies: HashMap<Uuid, Entry>,
    weight: usize,
    /// Counts what is asked for, so that it is known what was asked for last.
    asked: u64,
}

#[derive(Debug)]
struct Entry {
    version: Version,
    known: Arc<Known>,
    asked: u64,
}

impl Timelines {
    /// What is kept of an agency, if it is of this version.
    pub fn kept(&self, agency: Uuid, version: Version) -> Option<Arc<Known>> {
        let mut held = self.held();
        held.asked += 1;
        let asked = held.asked;
        let entry = held.agencies.get_mut(&agency).filter(|entry| entry.version == version)?;
        entry.asked = asked;
        Some(entry.known.clone())
    }

    /// What is known of agencies, by their ids; those that there are none of are left out. To be called in a transaction that sees one
    /// state of the database.
    ///
    /// # Errors
    /// Where the database fails.
    pub fn of(&self, conn: &mut AnyConn, agencies: &[Uuid]) -> ServiceResult<HashMap<Uuid, Arc<Known>>> {
        let raised = rows::versions(conn, Some(agencies))?;
        let standards = raised.get(&STANDARDS).copied().unwrap_or(0);
        let mut found = HashMap::with_capacity(agencies.len());
        let mut missing = Vec::new();
        for agency in agencies {
            let Some(version) = raised.get(agency) else { continue };
            match self.kept(*agency, Version { agency: *version, standards }) {
                Some(known) => drop(found.insert(*agency, known)),
                None => missing.push(*agency),
            }
        }
        if missing.is_empty() {
            return Ok(found);
        }
        let published = Arc::new(facts::published_standards(conn)?);
        let mut differences = rows::of_agencies(conn, &missing)?;
        for known in facts::without_people(conn, Some(&missing))? {
            let id = known.agency.id;
            let timeline = Timeline::sum(differences.remove(&id).unwrap_or_default());
            let known = Arc::new(Known { known, timeline, standards: published.clone(), told: Mutex::default() });
            if let Some(agency) = raised.get(&id) {
                self.keep(id, Version { agency: *agency, standards }, known.clone());
            }
            found.insert(id, known);
        }
        Ok(found)
    }

    /// What is known of one agency.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`] where there is none.
    pub fn of_one(&self, conn: &mut AnyConn, agency: Uuid) -> ServiceResult<Arc<Known>> {
        self.of(conn, &[agency])?.remove(&agency).ok_or(ServiceError::NotFound)
    }

    fn keep(&self, agency: Uuid, version: Version, known: Arc<Known>) {
        let mut held = self.held();
        let asked = held.asked;
        held.weight += known.weight();
        if let Some(before) = held.agencies.insert(agency, Entry { version, known, asked }) {
            held.weight -= before.known.weight();
        }
        if held.weight > KEPT {
            held.drop_old();
        }
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    /// Drops what wasn't asked for the longest, until a quarter is free.
    fn drop_old(&mut self) {
        let mut ids: Vec<(u64, Uuid)> = self.agencies.iter().map(|(id, entry)| (entry.asked, *id)).collect();
        ids.sort_unstable();
        for (_, id) in ids {
            if self.weight <= KEPT / 4 * 3 {
                return;
            }
            if let Some(entry) = self.agencies.remove(&id) {
                self.weight -= entry.known.weight();
            }
        }
    }
}
