//! What the rules ask of agencies, for many agencies at once: a handful of statements, however large they are.

use std::collections::{HashMap, HashSet};

use diesel::prelude::*;
use uuid::Uuid;

use super::StorageError;
use super::agencies::AgencyBrief;
use super::certifications;
use super::conn::AnyConn;
use super::dialect::MAX_BINDS;
use super::error::corrupt;
use super::schema::{agencies, appointments, completions, officers, partnerships, pledges, policies, standards, trainings};
use super::types::{Id, On};
use crate::domain::certification::Certification;
use crate::domain::completion::{Record, TrainingTerms, credit};
use crate::domain::coverage::Spell;
use crate::domain::evidence::InForce;
use crate::domain::pledge::{Pledge, TermMonths};
use crate::domain::reach::Reach;
use crate::domain::readiness::Facts;
use crate::domain::standard::{Share, Standard, Standards};
use crate::domain::training::{Category, RecognitionStatus};

/// An agency and what the rules ask of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgencyFacts {
    /// The agency.
    pub agency: AgencyBrief,
    /// What sort of agency it is, and where.
    pub group: AgencyGroup,
    /// What is known of it. A person of whom it has several records is named by the first.
    pub facts: Facts,
    /// The other records, by the first.
    pub also: HashMap<Uuid, Vec<Uuid>>,
    /// The first records, by person.
    people: HashMap<Uuid, Uuid>,
}

/// What agencies are grouped by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct AgencyGroup {
    /// ISO 3166-1.
    pub country: String,
    /// ISO 3166-2.
    pub subdivision: Option<String>,
    /// The kind.
    pub kind: String,
}

type AgencyRow = (Id, Option<String>, String, Option<i32>, String, Option<String>, String);

/// The columns of an [`AgencyRow`].
const COLUMNS: AgencyColumns =
    (agencies::id, agencies::ori, agencies::name, agencies::sworn_count, agencies::country, agencies::subdivision, agencies::kind);

type AgencyColumns = (agencies::id, agencies::ori, agencies::name, agencies::sworn_count, agencies::country, agencies::subdivision, agencies::kind);

/// More agencies than these are looked for by reading everybody's.
const FEW: usize = 1_000;

fn number(what: &'static str, value: i32) -> Result<u32, StorageError> {
    u32::try_from(value).map_err(|_| StorageError::Corrupt(what.to_owned()))
}

/// The facts of the agencies with these ids, within reach, in the order of the ids.
///
/// # Errors
/// Where the database fails.
pub fn by_ids(conn: &mut AnyConn, reach: &Reach, ids: &[Uuid]) -> Result<Vec<AgencyFacts>, StorageError> {
    let mut found = without_people(conn, Some(&ids.iter().copied().filter(|id| reach.holds(*id)).collect::<Vec<_>>()))?;
    for some in found.chunks_mut(MAX_BINDS) {
        let ids: Vec<Id> = some.iter().map(|one| Id(one.agency.id)).collect();
        load_sworn(conn, &ids, some)?;
        load_credits(conn, &ids, some)?;
    }
    Ok(found)
}

/// The facts of some agencies, or with `None` of all, without spells and credit, in the order of their ids.
///
/// # Errors
/// Where the database fails.
pub fn without_people(conn: &mut AnyConn, ids: Option<&[Uuid]>) -> Result<Vec<AgencyFacts>, StorageError> {
    let few: Option<Vec<Id>> = ids.filter(|ids| ids.len() <= FEW).map(|ids| ids.iter().map(|id| Id(*id)).collect());
    let mut query = agencies::table.order(agencies::id).select(COLUMNS).into_boxed();
    if let Some(few) = &few {
        query = query.filter(agencies::id.eq_any(few.clone()));
    }
    let rows: Vec<AgencyRow> = query.load(conn)?;
    let wanted: Option<HashSet<Uuid>> = ids.map(|ids| ids.iter().copied().collect());
    let mut all = rows
        .into_iter()
        .filter(|row| wanted.as_ref().is_none_or(|wanted| wanted.contains(&row.0.0)))
        .map(|(id, ori, name, declared, country, subdivision, kind)| {
            let declared = declared.map(|count| number("agencies.sworn_count", count)).transpose()?;
            let agency = AgencyBrief { id: id.0, ori, name };
            let (group, facts) = (AgencyGroup { country, subdivision, kind }, Facts { declared, ..Facts::default() });
            Ok(AgencyFacts { agency, group, facts, also: HashMap::new(), people: HashMap::new() })
        })
        .collect::<Result<Vec<_>, StorageError>>()?;
    if !all.is_empty() {
        load_evidence(conn, few.as_deref(), &mut all)?;
        load_pledges(conn, few.as_deref(), &mut all)?;
        for (agency, pledge, certification) in certifications::of_agencies(conn, few.as_deref())? {
            if let Some(known) = of_these(&mut all, Id(agency)) {
                known.facts.certifications.extend(certification.facts());
                if let Certification::Awarded(awarded) = certification {
                    known.facts.fulfilled.push((pledge, awarded.awarded_on));
                }
            }
        }
    }
    Ok(all)
}

/// The published standards.
///
/// # Errors
/// Where the database fails.
pub fn published_standards(conn: &mut AnyConn) -> Result<Standards, StorageError> {
    let rows: Vec<(String, String, i32, i32, bool, bool)> = standards::table
        .select((
            standards::code,
            standards::title,
            standards::crisis_numerator,
            standards::crisis_denominator,
            standards::crisis_counts_as_awareness,
            standards::lapsed_credit_counts,
        ))
        .load(conn)?;
    let all = rows.into_iter().map(|(code, title, numerator, denominator, crisis_counts_as_awareness, lapsed_credit_counts)| {
        let crisis_share =
            Share { numerator: number("standards.crisis_numerator", numerator)?, denominator: number("standards.crisis_denominator", denominator)? };
        Ok(Standard { code, title, crisis_share, crisis_counts_as_awareness, lapsed_credit_counts })
    });
    Ok(Standards::new(all.collect::<Result<Vec<_>, StorageError>>()?))
}

/// What is known of one of the agencies, where it is among them.
fn of_these(all: &mut [AgencyFacts], agency: Id) -> Option<&mut AgencyFacts> {
    all.binary_search_by_key(&agency.0, |one| one.agency.id).ok().map(|place| &mut all[place])
}

/// The same, where it must be.
fn of(all: &mut [AgencyFacts], agency: Id) -> Result<&mut AgencyFacts, StorageError> {
    of_these(all, agency).ok_or_else(|| StorageError::Other(format!("{} was not asked for", agency.0)))
}

/// Several records of one person at an agency are one officer there, by the id of the first.
fn load_sworn(conn: &mut AnyConn, ids: &[Id], all: &mut [AgencyFacts]) -> Result<(), StorageError> {
    let rows: Vec<(Id, Id, Id, On, Option<On>)> = appointments::table
        .inner_join(officers::table)
        .filter(appointments::agency_id.eq_any(ids))
        .filter(appointments::sworn.eq(true))
        .order((appointments::agency_id, appointments::officer_id))
        .select((appointments::agency_id, appointments::officer_id, officers::person_id, appointments::started_on, appointments::ended_on))
        .load(conn)?;
    for (agency, officer, person, from, until) in rows {
        let known = of(all, agency)?;
        let first = *known.people.entry(person.0).or_insert(officer.0);
        if first != officer.0 {
            known.also.entry(first).or_default().push(officer.0);
        }
        known.facts.sworn.push(Spell { officer: first, started_on: from.0, ended_on: until.map(|until| until.0) });
    }
    Ok(())
}

/// Credit belongs to the person: whoever pushed it, with whichever record of the person it is placed, and wherever the officer served
/// then. Somebody with two spells at an agency has it twice, which the rules don't mind.
fn load_credits(conn: &mut AnyConn, ids: &[Id], all: &mut [AgencyFacts]) -> Result<(), StorageError> {
    let recognized = recognized_trainings(conn)?;
    let (here, records) = diesel::alias!(officers as here, officers as records);
    let of_record = completions::officer_id.eq(records.field(officers::id).nullable());
    let rows: Vec<(Id, Id, Option<Id>, On, Option<On>)> = appointments::table
        .inner_join(here.on(here.field(officers::id).eq(appointments::officer_id)))
        .inner_join(records.on(records.field(officers::person_id).eq(here.field(officers::person_id))))
        .inner_join(completions::table.on(of_record))
        .filter(appointments::agency_id.eq_any(ids))
        .filter(appointments::sworn.eq(true))
        .filter(completions::passed.eq(true))
        .filter(completions::revoked_at.is_null())
        .filter(completions::parked_reason.is_null())
        .select((
            appointments::agency_id,
            here.field(officers::person_id),
            completions::training_id,
            completions::completed_on,
            completions::expires_on,
        ))
        .load(conn)?;
    for (agency, person, training, completed_on, expires_on) in rows {
        let known = of(all, agency)?;
        let earned = credit(&Record {
            officer: known.people.get(&person.0).copied(),
            training: training.and_then(|training| recognized.get(&training.0).copied()),
            completed_on: completed_on.0,
            expires_on: expires_on.map(|day| day.0),
            passed: true,
            revoked: false,
        });
        known.facts.credits.extend(earned);
    }
    Ok(())
}

fn recognized_trainings(conn: &mut AnyConn) -> Result<HashMap<Uuid, TrainingTerms>, StorageError> {
    let recognition = RecognitionStatus::Recognized;
    let rows: Vec<(Id, String, Option<i32>)> = trainings::table
        .filter(trainings::recognition.eq(recognition.as_str()))
        .select((trainings::id, trainings::category, trainings::validity_months))
        .load(conn)?;
    rows.into_iter()
        .map(|(id, category, months)| {
            let category = Category::parse(&category).map_err(corrupt("trainings.category"))?;
            let validity_months = months.map(u16::try_from).transpose().map_err(|_| StorageError::Corrupt("trainings.validity_months".to_owned()))?;
            Ok((id.0, TrainingTerms { category, recognition, validity_months }))
        })
        .collect()
}

/// `few`: the ids of the agencies, where they are not so many that all are read.
fn load_evidence(conn: &mut AnyConn, few: Option<&[Id]>, all: &mut [AgencyFacts]) -> Result<(), StorageError> {
    let in_force = |from: On, until: Option<On>| InForce { from: from.0, until: until.map(|until| until.0) };
    let mut query = partnerships::table.select((partnerships::agency_id, partnerships::effective_on, partnerships::ends_on)).into_boxed();
    if let Some(few) = few {
        query = query.filter(partnerships::agency_id.eq_any(few.to_vec()));
    }
    let rows: Vec<(Id, On, Option<On>)> = query.load(conn)?;
    for (agency, from, until) in rows {
        if let Some(known) = of_these(all, agency) {
            known.facts.partnerships.push(in_force(from, until));
        }
    }
    let mut query = policies::table.select((policies::agency_id, policies::adopted_on, policies::ends_on)).into_boxed();
    if let Some(few) = few {
        query = query.filter(policies::agency_id.eq_any(few.to_vec()));
    }
    let rows: Vec<(Id, On, Option<On>)> = query.load(conn)?;
    for (agency, from, until) in rows {
        if let Some(known) = of_these(all, agency) {
            known.facts.policies.push(in_force(from, until));
        }
    }
    Ok(())
}

fn load_pledges(conn: &mut AnyConn, few: Option<&[Id]>, all: &mut [AgencyFacts]) -> Result<(), StorageError> {
    let columns =
        (pledges::agency_id, pledges::id, pledges::standard, pledges::pledged_on, pledges::term_months, pledges::extended_to, pledges::withdrawn_on);
    let mut query = pledges::table.select(columns).into_boxed();
    if let Some(few) = few {
        query = query.filter(pledges::agency_id.eq_any(few.to_vec()));
    }
    let rows: Vec<(Id, Id, String, On, i32, Option<On>, Option<On>)> = query.load(conn)?;
    for (agency, id, standard, pledged_on, term_months, extended_to, withdrawn_on) in rows {
        if let Some(known) = of_these(all, agency) {
            known.facts.pledges.push(Pledge {
                id: id.0,
                standard,
                pledged_on: pledged_on.0,
                term_months: TermMonths::parse(term_months.into()).map_err(corrupt("pledges.term_months"))?,
                extended_to: extended_to.map(|day| day.0),
                withdrawn_on: withdrawn_on.map(|day| day.0),
            });
        }
    }
    Ok(())
}
