//! What keeps the coverage timeline true. Whatever writes appointments, completions or trainings takes a [`CoverageChange`] and notes
//! in it whom it is about to touch, so that no writer can be forgotten; the transaction writes the difference as it ends.

use std::collections::{BTreeSet, HashMap, HashSet};

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{Array, Integer, Nullable, Text};
use jiff::civil::Date;
use uuid::Uuid;

use super::StorageError;
use super::catalogue::recognized;
use super::conn::AnyConn;
use super::lists::among;
use super::schema::{appointments, completions, officers, trainings};
use super::timelines::{self, Settlement};
use super::types::{Day, Guid, Id, On};
use crate::domain::completion::{Record, TrainingTerms, credit};
use crate::domain::timeline::{Differences, People, PersonFacts, SwornSpell};
use crate::domain::training::RecognitionStatus;

/// How many people's facts are loaded at a time.
const AT_ONCE: usize = 5_000;

/// The people whom a transaction touches, and what they counted before it did.
#[derive(Debug, Default)]
pub struct CoverageChange {
    touched: HashSet<Uuid>,
    /// Those of the touched who gain credit and are not changed otherwise: by officer the person.
    gaining: HashMap<Uuid, Uuid>,
    /// What each of these persons has by now, as far as they are sworn anywhere.
    facts: HashMap<Uuid, PersonFacts>,
    differences: Differences,
    /// Agencies of which something else changed that their status follows from; or [`timelines::STANDARDS`].
    others: BTreeSet<Uuid>,
}

impl CoverageChange {
    /// Notes officers before anything of them is changed that may decide whether they count: of whom they are records, their sworn
    /// spells, and the completions that are placed with them or were. On PostgreSQL other transactions that touch them wait until this one ends.
    ///
    /// # Errors
    /// Where the database fails.
    pub fn touch(&mut self, conn: &mut AnyConn, officers: impl IntoIterator<Item = Uuid>) -> Result<(), StorageError> {
        let mut new = Vec::new();
        for officer in officers {
            if let Some(person) = self.gaining.get(&officer).copied() {
                self.gaining.retain(|_, other| *other != person);
                self.facts.remove(&person);
            }
            if !self.touched.contains(&officer) {
                new.push(officer);
            }
        }
        self.note(conn, new, true)?;
        Ok(())
    }

    /// As [`Self::touch`], officers of whom nothing is changed but that they have these completions more. What they count for afterwards
    /// follows from what they counted for before, so that it need not be read again.
    ///
    /// # Errors
    /// Where the database fails.
    pub fn gain(&mut self, conn: &mut AnyConn, gained: &[Gained]) -> Result<(), StorageError> {
        let new: Vec<Uuid> = gained.iter().map(|one| one.officer).filter(|officer| !self.touched.contains(officer)).collect();
        let (people, facts) = self.note(conn, new, true)?;
        self.gaining.extend(people);
        self.facts.extend(facts);
        let passed: Vec<&Gained> = gained.iter().filter(|one| one.passed && self.gaining.contains_key(&one.officer)).collect();
        for one in passed {
            let Some(facts) = self.gaining.get(&one.officer).and_then(|person| self.facts.get_mut(person)) else { continue };
            facts.credits.extend(credit(&Record {
                officer: Some(one.officer),
                training: one.terms,
                completed_on: one.completed_on,
                expires_on: one.expires_on,
                passed: true,
                revoked: false,
            }));
        }
        Ok(())
    }

    /// As [`Self::touch`], everybody with a completion of a training that becomes another. Nobody else may touch anybody meanwhile: the
    /// caller holds [`super::dialect::Lock::Place`].
    ///
    /// # Errors
    /// Where the database fails.
    pub fn touch_training(&mut self, conn: &mut AnyConn, training: Uuid) -> Result<(), StorageError> {
        let of_training = completions::table.filter(completions::training_id.eq(Some(Id(training)))).select(completions::officer_id).distinct();
        let officers: Vec<Option<Id>> = of_training.load(conn)?;
        let officers: Vec<Uuid> = officers.into_iter().flatten().map(|id| id.0).collect();
        self.gaining.clear();
        self.facts.clear();
        let new = officers.into_iter().filter(|officer| !self.touched.contains(officer)).collect();
        self.note(conn, new, false)?;
        Ok(())
    }

    /// Notes that something else of an agency changed that its status follows from.
    pub fn raise(&mut self, agency: Uuid) {
        self.others.insert(agency);
    }

    /// Notes new officers; answers whose records they and the others of the same people are, and what these people have.
    fn note(&mut self, conn: &mut AnyConn, mut new: Vec<Uuid>, locked: bool) -> Result<(Records, HashMap<Uuid, PersonFacts>), StorageError> {
        new.sort_unstable();
        new.dedup();
        let (mut all_people, mut all_facts) = (HashMap::new(), HashMap::new());
        for some in new.chunks(AT_ONCE) {
            // Somebody of the chunk before may be the same person.
            let some: Vec<Uuid> = some.iter().copied().filter(|officer| !self.touched.contains(officer)).collect();
            let mut people = people_of(conn, &some, locked)?;
            // Who became a record of somebody touched is new in this transaction, or was touched as somebody else.
            let known: HashSet<Uuid> = people.iter().filter(|(officer, _)| self.touched.contains(officer)).map(|(_, person)| *person).collect();
            self.touched.extend(some);
            self.touched.extend(people.keys().copied());
            people.retain(|_, person| !known.contains(person));
            for (person, facts) in load(conn, &people)? {
                facts.differences(|agency, day, counted| *self.differences.entry((agency, day)).or_default() += -counted);
                all_facts.insert(person, facts);
            }
            all_people.extend(people);
        }
        Ok((all_people, all_facts))
    }

    /// What became of the timelines, and which agencies' status may be another: to be asked and written when the transaction changes
    /// nothing more. Afterwards nobody is touched.
    ///
    /// # Errors
    /// Where the database fails.
    pub fn settle(&mut self, conn: &mut AnyConn) -> Result<Settlement, StorageError> {
        let Self { touched, gaining, facts, mut differences, others: mut raised } = std::mem::take(self);
        for facts in facts.into_values() {
            facts.differences(|agency, day, counted| *differences.entry((agency, day)).or_default() += counted);
        }
        let mut touched: Vec<Uuid> = touched.into_iter().filter(|officer| !gaining.contains_key(officer)).collect();
        touched.sort_unstable();
        let mut seen = HashSet::new();
        for some in touched.chunks(AT_ONCE) {
            let mut people = people_of(conn, some, false)?;
            people.retain(|_, person| !seen.contains(person));
            for facts in load(conn, &people)?.into_values() {
                facts.differences(|agency, day, counted| *differences.entry((agency, day)).or_default() += counted);
            }
            seen.extend(people.into_values());
        }
        differences.retain(|_, people| *people != People::NONE);
        raised.extend(differences.keys().map(|(agency, _)| *agency));
        Ok(Settlement { differences, raised: raised.into_iter().collect(), events: Vec::new() })
    }
}

/// Officers, and of whom they are records.
type Records = HashMap<Uuid, Uuid>;

/// Every record of the persons of whom these officers are records; those that are merged or have nothing among them. `locked`: on PostgreSQL,
/// other transactions that would lock them wait until this one ends. Of whom somebody is a record changes under
/// [`super::dialect::Lock::Place`] alone, so that it is the same after the wait.
///
/// # Errors
/// Where the database fails.
fn people_of(conn: &mut AnyConn, officers: &[Uuid], locked: bool) -> Result<Records, StorageError> {
    let mut people = HashMap::with_capacity(officers.len());
    for some in officers.chunks(AT_ONCE) {
        let given = diesel::alias!(officers as given);
        macro_rules! records {
            () => {{
                let theirs = given.filter(among(given.field(officers::id), some)).select(given.field(officers::person_id));
                officers::table.filter(officers::person_id.eq_any(theirs)).order(officers::id).select((officers::id, officers::person_id))
            }};
        }
        let rows: Vec<(Id, Id)> = match conn {
            AnyConn::Postgres(conn) if locked => records!().for_no_key_update().load(conn)?,
            AnyConn::Postgres(conn) => records!().load(conn)?,
            AnyConn::Sqlite(conn) => records!().load(conn)?,
        };
        people.extend(rows.into_iter().map(|(officer, person)| (officer.0, person.0)));
    }
    Ok(people)
}

/// A completion that is new, and counts for an officer.
#[derive(Debug, Clone, Copy)]
pub struct Gained {
    /// With whom it is placed.
    pub officer: Uuid,
    /// What it is worth.
    pub terms: Option<TrainingTerms>,
    /// When.
    pub completed_on: Date,
    /// The day from which it counts no more, as sent.
    pub expires_on: Option<Date>,
    /// Whether it was passed.
    pub passed: bool,
}

/// What each person has, given by all of their officers.
///
/// # Errors
/// Where the database fails.
fn load(conn: &mut AnyConn, people: &Records) -> Result<HashMap<Uuid, PersonFacts>, StorageError> {
    let ids: Vec<Uuid> = people.keys().copied().collect();
    let mut facts: HashMap<Uuid, PersonFacts> = HashMap::new();
    for some in ids.chunks(AT_ONCE) {
        let (spells, earned) = match conn {
            AnyConn::Postgres(conn) => counted_on_postgres(conn, some)?,
            AnyConn::Sqlite(conn) => counted_on_sqlite(conn, some)?,
        };
        for (officer, spell) in spells {
            facts.entry(people[&officer]).or_default().spells.push(spell);
        }
        for (officer, completed_on, expires_on, terms) in earned {
            let Some(person) = people.get(&officer) else { continue };
            let record = Record { officer: Some(*person), training: Some(terms), completed_on, expires_on, passed: true, revoked: false };
            facts.entry(*person).or_default().credits.extend(credit(&record));
        }
    }
    // Whoever is sworn nowhere counts nowhere.
    facts.retain(|_, facts| !facts.spells.is_empty());
    Ok(facts)
}

/// Sworn spells by officer; and who earned credit when, until when, and of what.
type Counted = (Vec<(Uuid, SwornSpell)>, Vec<(Uuid, Date, Option<Date>, TrainingTerms)>);

/// Category, recognition, months of validity.
type Terms = (String, String, Option<i32>);

/// What counts of some officers, of PostgreSQL, in one statement: their sworn spells, and then, without an agency, what they earned.
#[derive(QueryId)]
struct CountedOf {
    officers: Vec<Id>,
}

/// Officer, agency, from when, until when, and what a completion was of.
type CountedRow = (Id, Option<Id>, On, Option<On>, Option<String>, Option<String>, Option<i32>);

impl Query for CountedOf {
    type SqlType = (Guid, Nullable<Guid>, Day, Nullable<Day>, Nullable<Text>, Nullable<Text>, Nullable<Integer>);
}

impl diesel::RunQueryDsl<diesel::PgConnection> for CountedOf {}

impl QueryFragment<Pg> for CountedOf {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(
            "SELECT officer_id, agency_id, started_on, ended_on, NULL::text, NULL::text, NULL::integer FROM appointments \
             WHERE sworn AND officer_id = ANY(",
        );
        out.push_bind_param::<Array<Guid>, _>(&self.officers)?;
        out.push_sql(
            ") UNION ALL SELECT c.officer_id, NULL::uuid, c.completed_on, c.expires_on, t.category, t.recognition, t.validity_months \
             FROM completions AS c JOIN trainings AS t ON t.id = c.training_id WHERE c.passed AND c.revoked_at IS NULL \
             AND c.parked_reason IS NULL AND t.recognition = '",
        );
        out.push_sql(RecognitionStatus::Recognized.as_str());
        out.push_sql("' AND c.officer_id = ANY(");
        out.push_bind_param::<Array<Guid>, _>(&self.officers)?;
        out.push_sql(")");
        Ok(())
    }
}

fn counted_on_postgres(conn: &mut diesel::PgConnection, officers: &[Uuid]) -> Result<Counted, StorageError> {
    let rows: Vec<CountedRow> = CountedOf { officers: officers.iter().map(|id| Id(*id)).collect() }.load(conn)?;
    let (mut spells, mut earned) = (Vec::new(), Vec::new());
    for (officer, agency, from, until, category, recognition, months) in rows {
        let until = until.map(|day| day.0);
        match (agency, category.zip(recognition)) {
            (Some(agency), _) => spells.push((officer.0, SwornSpell { agency: agency.0, started_on: from.0, ended_on: until })),
            (None, Some((category, recognition))) => {
                earned.extend(recognized((category, recognition, months))?.map(|terms| (officer.0, from.0, until, terms)));
            }
            (None, None) => return Err(StorageError::Corrupt("what counts of an officer is of neither an agency nor a training".into())),
        }
    }
    Ok((spells, earned))
}

/// The same of SQLite, which is not far away: it reads an index that holds what is asked of completions, and then the trainings, which are few.
fn counted_on_sqlite(conn: &mut diesel::SqliteConnection, officers: &[Uuid]) -> Result<Counted, StorageError> {
    let rows: Vec<(Id, Id, On, Option<On>)> = appointments::table
        .filter(among(appointments::officer_id, officers))
        .filter(appointments::sworn.eq(true))
        .select((appointments::officer_id, appointments::agency_id, appointments::started_on, appointments::ended_on))
        .load(conn)?;
    let spell = |(officer, agency, from, until): (Id, Id, On, Option<On>)| {
        (officer.0, SwornSpell { agency: agency.0, started_on: from.0, ended_on: until.map(|until| until.0) })
    };
    let spells = rows.into_iter().map(spell).collect();
    let columns = (completions::officer_id, completions::completed_on, completions::expires_on, completions::training_id);
    let rows: Vec<(Option<Id>, On, Option<On>, Option<Id>)> = completions::table
        .filter(among(completions::officer_id, officers))
        .filter(completions::passed.eq(true))
        .filter(completions::revoked_at.is_null())
        .filter(completions::parked_reason.is_null())
        .select(columns)
        .load(conn)?;
    let mut named: Vec<Uuid> = rows.iter().filter_map(|row| row.3.map(|training| training.0)).collect();
    named.sort_unstable();
    named.dedup();
    let known: Vec<(Id, Terms)> = trainings::table
        .filter(among(trainings::id, &named))
        .filter(trainings::recognition.eq(RecognitionStatus::Recognized.as_str()))
        .select((trainings::id, (trainings::category, trainings::recognition, trainings::validity_months)))
        .load(conn)?;
    let known = known.into_iter().map(|(id, terms)| Ok((id.0, recognized(terms)?)));
    let known = known.collect::<Result<HashMap<Uuid, Option<TrainingTerms>>, StorageError>>()?;
    let earned = rows.into_iter().filter_map(|(officer, completed_on, expires_on, training)| {
        let terms = known.get(&training?.0).copied().flatten()?;
        Some((officer?.0, completed_on.0, expires_on.map(|day| day.0), terms))
    });
    Ok((spells, earned.collect()))
}

/// Fills the timelines of all agencies from the facts, in the place of whatever is held.
///
/// # Errors
/// Where the database fails.
pub fn rebuild(conn: &mut AnyConn) -> Result<(), StorageError> {
    timelines::clear(conn, None)?;
    let mut differences = Differences::new();
    let mut seen = HashSet::new();
    let mut after: Option<Uuid> = None;
    loop {
        let officers = super::officers::ids_after(conn, after, AT_ONCE)?;
        let Some(last) = officers.last() else { break };
        after = Some(*last);
        let mut people = people_of(conn, &officers, false)?;
        people.retain(|_, person| !seen.contains(person));
        seen.extend(people.iter().filter(|(officer, person)| officer != person).map(|(_, person)| *person));
        for facts in load(conn, &people)?.into_values() {
            facts.differences(|agency, day, counted| *differences.entry((agency, day)).or_default() += counted);
        }
        if differences.len() > FLUSHED {
            timelines::add(conn, 0, &std::mem::take(&mut differences))?;
        }
    }
    timelines::add(conn, 0, &differences)?;
    let mut raised: Vec<Uuid> = super::agencies::all_ids(conn)?;
    raised.insert(0, timelines::STANDARDS);
    timelines::raise(conn, 0, &raised)
}

/// How many differences are gathered before they are written.
const FLUSHED: usize = 100_000;
