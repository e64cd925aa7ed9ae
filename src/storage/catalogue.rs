//! What references to trainings mean: the catalogue's ids and codes, and a client's own codes.

use std::collections::HashMap;
use std::sync::Arc;

use diesel::prelude::*;
use jiff::civil::Date;
use uuid::Uuid;

use super::StorageError;
use super::conn::AnyConn;
use super::dialect::per_backend;
use super::error::corrupt;
use super::lists::among;
use super::schema::{course_mappings, trainings};
use super::types::{Id, On};
use crate::domain::completion::TrainingTerms;
use crate::domain::training::{Category, RecognitionStatus, TrainingReference};

/// A training, and what it is worth where it is recognized.
pub type Entry = (Uuid, Option<TrainingTerms>);

/// The part of the catalogue that some references of one client lead to.
#[derive(Debug, Clone, Default)]
pub struct Catalogue {
    pub(super) ids: HashMap<Uuid, Entry>,
    pub(super) codes: HashMap<String, Entry>,
    pub(super) mappings: HashMap<String, Arc<[Meaning]>>,
}

/// What a client's code means on the days `[from, to)`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Meaning {
    training: Entry,
    from: Date,
    to: Option<Date>,
}

impl Catalogue {
    /// The training that a reference means on a day. A code is the client's own where it has mapped it for that day, else the
    /// catalogue's, to the letter.
    pub fn find(&self, reference: &TrainingReference, on: Date) -> Option<Entry> {
        match reference {
            TrainingReference::Id(id) => self.ids.get(id).copied(),
            TrainingReference::Code(code) => {
                let mut meanings = self.mappings.get(code.as_str()).into_iter().flat_map(|meanings| meanings.iter());
                let mapped = meanings.find(|meaning| meaning.covers(on));
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

/// Category, recognition, months of validity.
type Terms = (String, String, Option<i32>);

/// What `codes` mean to a client, by its own mappings and by the catalogue, and which of `ids` are trainings: at most three statements,
/// however many they are.
///
/// # Errors
/// Where the database fails.
pub fn resolve(conn: &mut AnyConn, client: Uuid, codes: &[&str], ids: &[Uuid]) -> Result<Catalogue, StorageError> {
    let mut found = Catalogue::default();
    let terms = (trainings::category, trainings::recognition, trainings::validity_months);
    if !codes.is_empty() {
        let rows: Vec<(Id, String, Terms)> = per_backend!(conn, c => trainings::table
            .filter(among(trainings::code, codes))
            .select((trainings::id, trainings::code, terms))
            .load(c))?;
        for (id, code, terms) in rows {
            found.codes.insert(code, (id.0, recognized(terms)?));
        }
        let rows: Vec<(String, On, Option<On>, Id, Terms)> = per_backend!(conn, c => course_mappings::table
            .inner_join(trainings::table.on(trainings::id.eq(course_mappings::training_id)))
            .filter(course_mappings::client_id.eq(Id(client)))
            .filter(among(course_mappings::code, codes))
            .select((course_mappings::code, course_mappings::effective_from, course_mappings::effective_to, trainings::id, terms))
            .load(c))?;
        let mut mappings: HashMap<String, Vec<Meaning>> = HashMap::new();
        for (code, from, to, id, terms) in rows {
            let training = (id.0, recognized(terms)?);
            mappings.entry(code).or_default().push(Meaning { training, from: from.0, to: to.map(|to| to.0) });
        }
        found.mappings = mappings.into_iter().map(|(code, meanings)| (code, meanings.into())).collect();
    }
    if !ids.is_empty() {
        let rows: Vec<(Id, Terms)> =
            per_backend!(conn, c => trainings::table.filter(among(trainings::id, ids)).select((trainings::id, terms)).load(c))?;
        for (id, terms) in rows {
            found.ids.insert(id.0, (id.0, recognized(terms)?));
        }
    }
    Ok(found)
}

/// What a training is worth, where it is recognized.
pub(super) fn recognized((category, recognition, months): Terms) -> Result<Option<TrainingTerms>, StorageError> {
    let recognition = RecognitionStatus::parse(&recognition).map_err(corrupt("trainings.recognition"))?;
    let category = Category::parse(&category).map_err(corrupt("trainings.category"))?;
    let validity_months = months.map(u16::try_from).transpose().map_err(|_| StorageError::Corrupt("trainings.validity_months".into()))?;
    Ok((recognition == RecognitionStatus::Recognized).then_some(TrainingTerms { category, recognition, validity_months }))
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
        let meaning = Meaning { training: (own, None), from: d(5), to: Some(d(7)) };
        let catalogue = Catalogue {
            ids: HashMap::from([(catalogues, (catalogues, None))]),
            codes: HashMap::from([("CIT-40".to_owned(), (catalogues, None))]),
            mappings: HashMap::from([("CIT-40".to_owned(), [meaning].into())]),
        };
        let code = |code| TrainingReference::Code(Code::parse(code).unwrap());
        let id = |found: Option<Entry>| found.map(|(id, _)| id);
        let on = |day| id(catalogue.find(&code("CIT-40"), d(day)));
        assert_eq!([4, 5, 6, 7].map(on), [Some(catalogues), Some(own), Some(own), Some(catalogues)]);
        assert_eq!(catalogue.find(&code("cit-40"), d(5)), None);
        assert_eq!(id(catalogue.find(&TrainingReference::Id(catalogues), d(5))), Some(catalogues));
        assert_eq!(catalogue.find(&TrainingReference::Id(own), d(5)), None);
    }
}
