//! What references to trainings mean: the catalogue's ids and codes, and a client's own codes.

use std::collections::{HashMap, HashSet};

use diesel::prelude::*;
use jiff::civil::Date;
use uuid::Uuid;

use super::StorageError;
use super::conn::AnyConn;
use super::dialect::{MAX_BINDS, per_backend};
use super::schema::{course_mappings, trainings};
use super::types::{Id, On};
use crate::domain::training::TrainingReference;

/// The part of the catalogue that some references of one client lead to.
#[derive(Debug, Clone, Default)]
pub struct Catalogue {
    ids: HashSet<Uuid>,
    codes: HashMap<String, Uuid>,
    mappings: HashMap<String, Vec<Meaning>>,
}

/// What a client's code means on the days `[from, to)`.
#[derive(Debug, Clone, Copy)]
struct Meaning {
    training: Uuid,
    from: Date,
    to: Option<Date>,
}

impl Catalogue {
    /// The training that a reference means on a day. A code is the client's own where it has mapped it for that day, else the
    /// catalogue's, to the letter.
    pub fn find(&self, reference: &TrainingReference, on: Date) -> Option<Uuid> {
        match reference {
            TrainingReference::Id(id) => self.ids.get(id).copied(),
            TrainingReference::Code(code) => {
                let mapped = self.mappings.get(code.as_str()).into_iter().flatten().find(|meaning| meaning.covers(on));
                mapped.map(|meaning| meaning.training).or_else(|| self.codes.get(code.as_str()).copied())
            }
        }
    }
}

impl Meaning {
    fn covers(&self, day: Date) -> bool {
        self.from <= day && self.to.is_none_or(|to| day < to)
    }
}

/// What `codes` mean to a client, by its own mappings and by the catalogue, and which of `ids` are trainings: two statements,
/// however many they are (up to the limit of what a statement binds).
///
/// # Errors
/// Where the database fails.
pub fn resolve(conn: &mut AnyConn, client: Uuid, codes: &[String], ids: &[Uuid]) -> Result<Catalogue, StorageError> {
    let mut codes: Vec<&str> = codes.iter().map(String::as_str).collect();
    codes.sort_unstable();
    codes.dedup();
    let mut ids: Vec<Id> = ids.iter().copied().map(Id).collect();
    ids.sort_unstable_by_key(|id| id.0);
    ids.dedup();
    let mut found = Catalogue::default();
    let half = MAX_BINDS / 2;
    for round in 0..codes.chunks(half).len().max(ids.chunks(half).len()) {
        let some_codes = codes.chunks(half).nth(round).unwrap_or_default();
        let some_ids = ids.chunks(half).nth(round).unwrap_or_default();
        let rows: Vec<(Id, String)> = per_backend!(conn, c => trainings::table
            .filter(trainings::code.eq_any(some_codes).or(trainings::id.eq_any(some_ids)))
            .select((trainings::id, trainings::code))
            .load(c))?;
        for (id, code) in rows {
            found.ids.insert(id.0);
            found.codes.insert(code, id.0);
        }
    }
    for some in codes.chunks(MAX_BINDS - 1) {
        let rows: Vec<(String, Id, On, Option<On>)> = per_backend!(conn, c => course_mappings::table
            .filter(course_mappings::client_id.eq(Id(client)))
            .filter(course_mappings::code.eq_any(some))
            .select((course_mappings::code, course_mappings::training_id, course_mappings::effective_from, course_mappings::effective_to))
            .load(c))?;
        for (code, training, from, to) in rows {
            found.mappings.entry(code).or_default().push(Meaning { training: training.0, from: from.0, to: to.map(|to| to.0) });
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::domain::text::Code;

    #[test]
    fn a_clients_own_code_goes_before_the_catalogues_while_it_is_mapped() {
        let (own, catalogues) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let d = |day| date(2025, 1, day);
        let meaning = Meaning { training: own, from: d(5), to: Some(d(7)) };
        let catalogue = Catalogue {
            ids: HashSet::from([catalogues]),
            codes: HashMap::from([("CIT-40".to_owned(), catalogues)]),
            mappings: HashMap::from([("CIT-40".to_owned(), vec![meaning])]),
        };
        let code = |code| TrainingReference::Code(Code::parse(code).unwrap());
        let on = |day| catalogue.find(&code("CIT-40"), d(day));
        assert_eq!([4, 5, 6, 7].map(on), [Some(catalogues), Some(own), Some(own), Some(catalogues)]);
        assert_eq!(catalogue.find(&code("cit-40"), d(5)), None);
        assert_eq!(catalogue.find(&TrainingReference::Id(catalogues), d(5)), Some(catalogues));
        assert_eq!(catalogue.find(&TrainingReference::Id(own), d(5)), None);
    }
}
