//! DESIGN §3, rule 7: for each key the set of officers that it means.

use std::collections::BTreeSet;

use jiff::civil::Date;
use onemind::domain::matching::{Candidate, CandidateAppointment, Match, NumberSpell, OfficerReference};
use uuid::Uuid;

/// A plain folding that is enough for the names of the tests.
pub fn plain(name: &str) -> String {
    let mut name = name.to_lowercase().replace('á', "a").replace(['.', ',', '\'', '-'], " ");
    for suffix in [" jr", " iii"] {
        if let Some(rest) = name.trim_end().strip_suffix(suffix) {
            name = rest.to_owned();
        }
    }
    name.replace(' ', "")
}

fn bears(spells: &[NumberSpell], number: &str, on: Date) -> bool {
    spells.iter().any(|spell| spell.number == number && spell.from <= on && (spell.until.is_none() || spell.until > Some(on)))
}

pub fn matched(reference: &OfficerReference, agency: Option<Uuid>, on: Date, candidates: &[Candidate]) -> Match {
    let officers = |means: &dyn Fn(&Candidate) -> bool| -> BTreeSet<Uuid> {
        candidates.iter().filter(|candidate| means(candidate)).map(|candidate| candidate.officer).collect()
    };
    if reference.agency.is_some() && agency.is_none() {
        return Match::NoMatch;
    }
    let at_agency = |appointment: &&CandidateAppointment| reference.agency.is_none() || Some(appointment.agency) == agency;

    let mut strong: Vec<BTreeSet<Uuid>> = Vec::new();
    if let Some(id) = reference.id {
        strong.push(officers(&|candidate| candidate.officer == id));
    }
    if let Some(identifier) = &reference.identifier {
        let pair = (identifier.system.to_string(), identifier.value.to_string());
        strong.push(officers(&|candidate| candidate.identifiers.contains(&pair)));
    }
    if let Some(email) = &reference.email {
        strong.push(officers(&|candidate| candidate.email == Some(email.as_str().to_lowercase())));
    }
    if let Some(digest) = &reference.email_sha1 {
        strong.push(officers(&|candidate| candidate.email_sha1s.iter().any(|held| held == digest.as_str())));
    }
    if let Some(number) = &reference.employee_number {
        strong.push(officers(&|candidate| candidate.appointments.iter().filter(at_agency).any(|a| bears(&a.employee_numbers, number.as_str(), on))));
    }
    if let Some(number) = &reference.badge_number {
        strong.push(officers(&|candidate| candidate.appointments.iter().filter(at_agency).any(|a| bears(&a.badge_numbers, number.as_str(), on))));
    }

    let mut weak: Vec<BTreeSet<Uuid>> = Vec::new();
    if reference.agency.is_some() {
        weak.push(officers(&|candidate| candidate.appointments.iter().any(|a| Some(a.agency) == agency)));
    }
    if let Some(name) = &reference.family_name {
        weak.push(officers(&|candidate| candidate.family_name == plain(name.as_str())));
    }
    if let Some(name) = &reference.given_name {
        weak.push(officers(&|candidate| candidate.given_name == plain(name.as_str())));
    }
    if let Some(day) = reference.appointed_on {
        weak.push(officers(&|candidate| candidate.appointments.iter().filter(at_agency).any(|a| a.started_on == day)));
    }
    // Agency, family name, given name and first day: all that is weak.
    let whole_name = weak.len() == 4;
    if strong.is_empty() && !whole_name {
        return Match::NoMatch;
    }

    let everyone: BTreeSet<Uuid> = officers(&|_| true);
    let all_of = |sets: &[BTreeSet<Uuid>]| sets.iter().fold(everyone.clone(), |all, one| all.intersection(one).copied().collect());
    let strongly: BTreeSet<Uuid> = all_of(&strong);
    let weakly: BTreeSet<Uuid> = all_of(&weak);
    let both: Vec<Uuid> = strongly.intersection(&weakly).copied().collect();
    match both[..] {
        [officer] => return Match::Matched(officer),
        [_, _, ..] => return Match::Ambiguous,
        [] => {}
    }
    let strong_means_somebody = !strong.is_empty() && !strongly.is_empty();
    let name_means_somebody = whole_name && !weakly.is_empty();
    let torn = strong.iter().any(|a| strong.iter().any(|b| !a.is_empty() && !b.is_empty() && a.is_disjoint(b)));
    if strong_means_somebody || name_means_somebody || torn { Match::Conflict } else { Match::NoMatch }
}
