//! Which officer a reference means (rule 7).

use std::borrow::Borrow;
use std::cmp::Reverse;

use jiff::civil::Date;
use uuid::Uuid;

use super::agency::AgencyKey;
use super::invalid::{Faults, Invalid};
use super::names::fold;
use super::officer::Identifier;
use super::text::{Email, EmailSha1, Name, Number};

/// How a completion names an officer: a conjunction, every key of which must agree with one and the same officer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OfficerReference {
    /// The id that the registry gave.
    pub id: Option<Uuid>,
    /// A key in another system.
    pub identifier: Option<Identifier>,
    /// Address of electronic mail.
    pub email: Option<Email>,
    /// Digest of the address of electronic mail, as it is written or in lower case.
    pub email_sha1: Option<EmailSha1>,
    /// An agency of the officer.
    pub agency: Option<AgencyKey>,
    /// Number in the agency's payroll, as it stood on the day of completion.
    pub employee_number: Option<Number>,
    /// Badge or star, as it stood on the day of completion.
    pub badge_number: Option<Number>,
    /// Family name.
    pub family_name: Option<Name>,
    /// Given name.
    pub given_name: Option<Name>,
    /// First day of an appointment.
    pub appointed_on: Option<Date>,
}

/// A number that an officer bore on the days `[from, until)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NumberSpell {
    /// The number.
    pub number: String,
    /// First day.
    pub from: Date,
    /// The day after the last.
    pub until: Option<Date>,
}

/// An appointment of a candidate, with the numbers borne in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CandidateAppointment {
    /// Where.
    pub agency: Uuid,
    /// First day.
    pub started_on: Date,
    /// The day after the last.
    pub ended_on: Option<Date>,
    /// Employee numbers over time.
    pub employee_numbers: Vec<NumberSpell>,
    /// Badge numbers over time.
    pub badge_numbers: Vec<NumberSpell>,
}

/// An officer within the caller's reach, as far as matching asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Who.
    pub officer: Uuid,
    /// Of whom the officer is a record; of another officer only while nobody has confirmed that they are one person.
    pub person: Uuid,
    /// Ids of officers in whose places this one stands.
    pub former_ids: Vec<Uuid>,
    /// `(system, value)` of each identifier.
    pub identifiers: Vec<(String, String)>,
    /// Address of electronic mail, folded.
    pub email: Option<String>,
    /// Digests of the address, as it is written and in lower case.
    pub email_sha1s: Vec<String>,
    /// Family name, folded.
    pub family_name: String,
    /// Given name, folded.
    pub given_name: String,
    /// Spells within the caller's reach.
    pub appointments: Vec<CandidateAppointment>,
}

/// What a reference came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Match {
    /// Exactly one officer agrees with every key.
    Matched(Uuid),
    /// Nobody does.
    NoMatch,
    /// Several do.
    Ambiguous,
    /// The keys mean different people.
    Conflict,
}

impl OfficerReference {
    /// Faults, pointers relative to the reference: `agency_required` for a number without its agency, and
    /// `insufficient_reference` for one that has neither a strong key (id, identifier, email or its digest, or number
    /// within an agency) nor family name, given name, `appointed_on` and agency; `forbidden_identifier`.
    pub fn check(&self) -> Faults {
        let mut faults = Faults::new();
        if let Some(invalid) = self.identifier.as_ref().and_then(Identifier::check) {
            faults.push(("/identifier".into(), invalid));
        }
        let numbered = self.employee_number.is_some() || self.badge_number.is_some();
        if numbered && self.agency.is_none() {
            let invalid = Invalid::new("agency_required", "a number means something only within an agency");
            faults.push(("/agency".into(), invalid));
        } else if !self.has_strong_key() && !self.has_name_key() {
            let invalid = Invalid::new(
                "insufficient_reference",
                "needs id, identifier, email, email_sha1, or agency with employee_number or badge_number, or family_name, \
                 given_name, appointed_on and agency together",
            );
            faults.push((String::new(), invalid));
        }
        faults
    }

    /// Whether it gives an id, identifier, email or its digest, or a number within an agency.
    pub(super) fn has_strong_key(&self) -> bool {
        let numbered = self.employee_number.is_some() || self.badge_number.is_some();
        let addressed = self.email.is_some() || self.email_sha1.is_some();
        self.id.is_some() || self.identifier.is_some() || addressed || (numbered && self.agency.is_some())
    }

    /// Whether it gives family name, given name, `appointed_on` and agency.
    pub(super) fn has_name_key(&self) -> bool {
        self.family_name.is_some() && self.given_name.is_some() && self.appointed_on.is_some() && self.agency.is_some()
    }

    /// Every key under which a completion waits for somebody: an arrival under none of them cannot change the answer.
    pub fn keys(&self) -> Vec<String> {
        let mut keys = Vec::new();
        keys.extend(self.id.map(|id| format!("id:{id}")));
        keys.extend(self.identifier.as_ref().map(|i| identifier_key(i.system.as_str(), i.value.as_str())));
        keys.extend(self.email.as_ref().map(|email| format!("email:{}", email.folded())));
        keys.extend(self.email_sha1.as_ref().map(|digest| format!("email_sha1:{digest}")));
        keys.extend(self.employee_number.as_ref().map(|number| format!("employee:{number}")));
        keys.extend(self.badge_number.as_ref().map(|number| format!("badge:{number}")));
        if let (Some(family), Some(given)) = (&self.family_name, &self.given_name) {
            keys.push(name_key(&fold(family.as_str()), &fold(given.as_str())));
        }
        keys
    }
}

impl Candidate {
    /// Every key under which the officer is found, in the vocabulary of [`OfficerReference::keys`], each once.
    pub fn keys(&self) -> Vec<String> {
        let mut keys = vec![format!("id:{}", self.officer), name_key(&self.family_name, &self.given_name)];
        keys.extend(self.former_ids.iter().map(|id| format!("id:{id}")));
        keys.extend(self.identifiers.iter().map(|(system, value)| identifier_key(system, value)));
        keys.extend(self.email.as_ref().map(|email| format!("email:{email}")));
        keys.extend(self.email_sha1s.iter().map(|digest| format!("email_sha1:{digest}")));
        for appointment in &self.appointments {
            keys.extend(appointment.employee_numbers.iter().map(|spell| format!("employee:{}", spell.number)));
            keys.extend(appointment.badge_numbers.iter().map(|spell| format!("badge:{}", spell.number)));
        }
        keys.sort_unstable();
        keys.dedup();
        keys
    }
}

/// The key under which the holder of an identifier is looked up.
pub fn identifier_key(system: &str, value: &str) -> String {
    format!("identifier:{system}|{value}")
}

/// The key under which the bearers of a name, folded, are looked up.
pub fn name_key(family: &str, given: &str) -> String {
    format!("name:{family}|{given}")
}

/// Which of the candidates a reference means on a day.
///
/// `agency` is the agency that the reference names, resolved within the caller's reach; a reference that names one which
/// could not be resolved means nobody. Numbers are looked up as they stood on `on`, names are compared folded.
///
/// `Conflict` when nobody agrees with everything, and somebody agrees with all the strong keys, or with family name, given
/// name, first day and agency together, or when two strong keys find different people. Takes time linear in the candidates;
/// those who share no key with the reference don't change the answer, nor does their order. Several records of one person are one
/// candidate, in which each key may agree with another record; the answer is the record that has the appointment.
pub fn match_officer(reference: &OfficerReference, agency: Option<Uuid>, on: Date, candidates: &[impl Borrow<Candidate>]) -> Match {
    if !reference.check().is_empty() || (reference.agency.is_some() && agency.is_none()) {
        return Match::NoMatch;
    }
    let probe = Probe::new(reference, agency, on);
    let mut candidates: Vec<&Candidate> = candidates.iter().map(Borrow::borrow).collect();
    candidates.sort_by_key(|candidate| candidate.person);
    let mut agreeing: Option<Uuid> = None;
    let mut conflict = false;
    // Which strong keys find somebody, and which pairs of them find the same one.
    let mut found = [false; STRONG_KEYS];
    let mut together = [[false; STRONG_KEYS]; STRONG_KEYS];
    for records in candidates.chunk_by(|a, b| a.person == b.person) {
        let strong = probe.strong_of(records);
        let weak = records.iter().any(|record| probe.agrees_weakly(record));
        let whole_strong = strong.iter().all(|agrees| *agrees != Some(false));
        if whole_strong && weak {
            if agreeing.is_some() {
                return Match::Ambiguous;
            }
            agreeing = probe.best_of(records);
        }
        conflict |= whole_strong && strong.iter().any(Option::is_some);
        conflict |= reference.has_name_key() && weak;
        for (i, _) in strong.iter().enumerate().filter(|(_, agrees)| **agrees == Some(true)) {
            found[i] = true;
            for (j, _) in strong.iter().enumerate().filter(|(_, agrees)| **agrees == Some(true)) {
                together[i][j] = true;
            }
        }
    }
    let apart = |i: usize, j: usize| found[i] && found[j] && !together[i][j];
    conflict |= (0..STRONG_KEYS).any(|i| (0..i).any(|j| apart(i, j)));
    match agreeing {
        Some(officer) => Match::Matched(officer),
        None if conflict => Match::Conflict,
        None => Match::NoMatch,
    }
}

/// Id, identifier, email, its digest, employee number, badge number.
const STRONG_KEYS: usize = 6;

/// A reference made ready to be held against many candidates.
struct Probe<'a> {
    reference: &'a OfficerReference,
    agency: Option<Uuid>,
    on: Date,
    email: Option<String>,
    family_name: Option<String>,
    given_name: Option<String>,
}

impl<'a> Probe<'a> {
    fn new(reference: &'a OfficerReference, agency: Option<Uuid>, on: Date) -> Self {
        Self {
            reference,
            agency: agency.filter(|_| reference.agency.is_some()),
            on,
            email: reference.email.as_ref().map(Email::folded),
            family_name: reference.family_name.as_ref().map(|name| fold(name.as_str())),
            given_name: reference.given_name.as_ref().map(|name| fold(name.as_str())),
        }
    }

    /// For each strong key that the reference gives, whether a record of a person agrees with it.
    fn strong_of(&self, records: &[&Candidate]) -> [Option<bool>; STRONG_KEYS] {
        let mut all = [None; STRONG_KEYS];
        for record in records {
            for (agrees, also) in all.iter_mut().zip(self.strong(record)) {
                *agrees = (*agrees).max(also);
            }
        }
        all
    }

    /// Of the records of a person, the one that is meant: with the appointment that the reference speaks of, rather with more keys that
    /// agree, rather the person's own.
    fn best_of(&self, records: &[&Candidate]) -> Option<Uuid> {
        let covers = |spell: &CandidateAppointment| spell.started_on <= self.on && spell.ended_on.is_none_or(|end| self.on < end);
        let rank = |record: &&&Candidate| {
            let here = || record.appointments.iter().filter(|spell| self.agency.is_none_or(|agency| agency == spell.agency));
            let keys = self.strong(record).iter().filter(|agrees| **agrees == Some(true)).count();
            (self.agrees_weakly(record), here().any(covers), here().next().is_some(), keys, record.officer == record.person, Reverse(record.officer))
        };
        records.iter().max_by_key(rank).map(|record| record.officer)
    }

    /// For each strong key that the reference gives, whether the candidate agrees with it.
    fn strong(&self, candidate: &Candidate) -> [Option<bool>; STRONG_KEYS] {
        let reference = self.reference;
        let here = || candidate.appointments.iter().filter(|appointment| Some(appointment.agency) == self.agency);
        let bears = |spells: &[NumberSpell], number: &Number| {
            spells.iter().any(|spell| spell.number == number.as_str() && spell.from <= self.on && spell.until.is_none_or(|until| self.on < until))
        };
        [
            reference.id.map(|id| id == candidate.officer || candidate.former_ids.contains(&id)),
            reference.identifier.as_ref().map(|identifier| {
                candidate.identifiers.iter().any(|(system, value)| system == identifier.system.as_str() && value == identifier.value.as_str())
            }),
            self.email.as_ref().map(|email| candidate.email.as_ref() == Some(email)),
            reference.email_sha1.as_ref().map(|digest| candidate.email_sha1s.iter().any(|held| held == digest.as_str())),
            reference.employee_number.as_ref().map(|number| here().any(|appointment| bears(&appointment.employee_numbers, number))),
            reference.badge_number.as_ref().map(|number| here().any(|appointment| bears(&appointment.badge_numbers, number))),
        ]
    }

    /// Whether the candidate agrees with the names, the agency and the first day, as far as they are given.
    fn agrees_weakly(&self, candidate: &Candidate) -> bool {
        let mut here = candidate.appointments.iter().filter(|appointment| self.agency.is_none_or(|agency| appointment.agency == agency));
        let placed = match self.reference.appointed_on {
            Some(day) => here.any(|appointment| appointment.started_on == day),
            None => self.agency.is_none() || here.next().is_some(),
        };
        placed
            && self.family_name.as_ref().is_none_or(|name| *name == candidate.family_name)
            && self.given_name.as_ref().is_none_or(|name| *name == candidate.given_name)
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::super::text::Text;
    use super::*;

    const HERE: Uuid = Uuid::from_u128(100);
    const ELSEWHERE: Uuid = Uuid::from_u128(200);
    const DAY: Date = date(2016, 3, 1);

    fn candidate(n: u128, family: &str, given: &str, started_on: Date, star: Option<&str>) -> Candidate {
        let spell = |number: &str| NumberSpell { number: number.into(), from: started_on, until: None };
        Candidate {
            officer: Uuid::from_u128(n),
            person: Uuid::from_u128(n),
            former_ids: Vec::new(),
            identifiers: vec![("post:US-IL".into(), format!("{n}"))],
            email: Some(format!("{given}.{family}@police.example")),
            email_sha1s: vec![format!("{n:040x}")],
            family_name: family.into(),
            given_name: given.into(),
            appointments: vec![CandidateAppointment {
                agency: HERE,
                started_on,
                ended_on: None,
                employee_numbers: vec![],
                badge_numbers: star.map(spell).into_iter().collect(),
            }],
        }
    }

    fn officers() -> Vec<Candidate> {
        vec![
            candidate(1, "rivera", "ana", date(2001, 5, 1), Some("11288")),
            candidate(2, "rivera", "bo", date(2005, 6, 1), Some("88")),
            candidate(3, "smith", "john", date(2010, 1, 1), None),
            candidate(4, "smith", "john", date(2010, 1, 1), None),
        ]
    }

    fn name(text: &str) -> Name {
        Name::parse(text).unwrap()
    }

    fn number(text: &str) -> Number {
        Number::parse(text).unwrap()
    }

    /// A reference within the agency.
    fn here() -> OfficerReference {
        OfficerReference { agency: Some(AgencyKey::Id(HERE)), ..OfficerReference::default() }
    }

    fn ana_by_name() -> OfficerReference {
        OfficerReference { family_name: Some(name("RIVERA, JR.")), given_name: Some(name("Ána")), appointed_on: Some(date(2001, 5, 1)), ..here() }
    }

    fn matched(reference: &OfficerReference) -> Match {
        match_officer(reference, Some(HERE), DAY, &officers())
    }

    #[test]
    fn every_key_agrees_with_one_officer() {
        let ana = Match::Matched(Uuid::from_u128(1));
        let identifier = |value| Some(Identifier { system: Text::parse("post:US-IL").unwrap(), value: Text::parse(value).unwrap() });
        assert_eq!(matched(&ana_by_name()), ana);
        assert_eq!(matched(&OfficerReference { badge_number: Some(number("11288")), ..ana_by_name() }), ana);
        assert_eq!(matched(&OfficerReference { badge_number: Some(number("11288")), family_name: Some(name("Rivera")), ..here() }), ana);
        assert_eq!(matched(&OfficerReference { id: Some(Uuid::from_u128(1)), ..OfficerReference::default() }), ana);
        assert_eq!(matched(&OfficerReference { identifier: identifier("1"), ..here() }), ana);
        let email = Some(Email::parse("ANA.Rivera@Police.Example").unwrap());
        assert_eq!(matched(&OfficerReference { email: email.clone(), ..OfficerReference::default() }), ana);
        let email_sha1 = |n: u32| Some(EmailSha1::parse(&format!("{n:040X}")).unwrap());
        assert_eq!(matched(&OfficerReference { email_sha1: email_sha1(1), ..OfficerReference::default() }), ana);
        assert_eq!(matched(&OfficerReference { email_sha1: email_sha1(9), ..OfficerReference::default() }), Match::NoMatch);
        assert_eq!(matched(&OfficerReference { email_sha1: email_sha1(2), email: email.clone(), ..OfficerReference::default() }), Match::Conflict);
        assert_eq!(matched(&OfficerReference { email, identifier: identifier("2"), ..OfficerReference::default() }), Match::Conflict);
    }

    #[test]
    fn what_nothing_tells_apart_is_ambiguous() {
        let smith =
            OfficerReference { family_name: Some(name("Smith")), given_name: Some(name("John")), appointed_on: Some(date(2010, 1, 1)), ..here() };
        assert_eq!(matched(&smith), Match::Ambiguous);
        let one = OfficerReference { id: Some(Uuid::from_u128(4)), ..smith };
        assert_eq!(matched(&one), Match::Matched(Uuid::from_u128(4)));
    }

    #[test]
    fn a_star_that_is_not_the_named_officers_is_a_conflict_whoever_bears_it() {
        for star in ["88", "77777"] {
            assert_eq!(matched(&OfficerReference { badge_number: Some(number(star)), ..ana_by_name() }), Match::Conflict, "{star}");
        }
        let other_name = OfficerReference { badge_number: Some(number("11288")), family_name: Some(name("Jones")), ..here() };
        assert_eq!(matched(&other_name), Match::Conflict);
        let nobody = OfficerReference { badge_number: Some(number("77777")), family_name: Some(name("Rivera")), ..here() };
        assert_eq!(matched(&nobody), Match::NoMatch);
    }

    #[test]
    fn a_reference_to_an_agency_out_of_reach_means_nobody() {
        let by_id = OfficerReference { id: Some(Uuid::from_u128(1)), ..here() };
        assert_eq!(match_officer(&by_id, None, DAY, &officers()), Match::NoMatch);
        assert_eq!(match_officer(&by_id, Some(ELSEWHERE), DAY, &officers()), Match::Conflict);
        assert_eq!(match_officer(&ana_by_name(), Some(ELSEWHERE), DAY, &officers()), Match::NoMatch);
    }

    #[test]
    fn a_number_is_looked_up_as_it_stood_on_the_day() {
        let mut all = officers();
        let spell = |from, until| NumberSpell { number: "500".into(), from, until };
        all[0].appointments[0].badge_numbers = vec![spell(date(2001, 5, 1), Some(date(2016, 3, 1)))];
        all[1].appointments[0].badge_numbers = vec![spell(date(2016, 3, 1), None)];
        let star = OfficerReference { badge_number: Some(number("500")), ..here() };
        assert_eq!(match_officer(&star, Some(HERE), date(2016, 2, 29), &all), Match::Matched(Uuid::from_u128(1)));
        assert_eq!(match_officer(&star, Some(HERE), date(2016, 3, 1), &all), Match::Matched(Uuid::from_u128(2)));
        assert_eq!(match_officer(&star, Some(HERE), date(2001, 4, 30), &all), Match::NoMatch);
    }

    #[test]
    fn a_reference_needs_a_strong_key_or_the_whole_name_key() {
        let codes =
            |reference: &OfficerReference| reference.check().into_iter().map(|(pointer, invalid)| (pointer, invalid.code)).collect::<Vec<_>>();
        assert_eq!(codes(&ana_by_name()), []);
        assert_eq!(codes(&OfficerReference { agency: None, ..ana_by_name() }), [(String::new(), "insufficient_reference")]);
        assert_eq!(codes(&OfficerReference { given_name: None, ..ana_by_name() }), [(String::new(), "insufficient_reference")]);
        assert_eq!(codes(&here()), [(String::new(), "insufficient_reference")]);
        assert_eq!(codes(&OfficerReference { badge_number: Some(number("1")), ..here() }), []);
        let homeless = OfficerReference { badge_number: Some(number("1")), ..OfficerReference::default() };
        assert_eq!(codes(&homeless), [("/agency".to_owned(), "agency_required")]);
        let forbidden = Identifier { system: Text::parse("ssn").unwrap(), value: Text::parse("1").unwrap() };
        assert_eq!(codes(&OfficerReference { identifier: Some(forbidden), ..here() }), [("/identifier".to_owned(), "forbidden_identifier")]);
    }

    #[test]
    fn reference_and_candidate_speak_one_vocabulary_of_keys() {
        let reference = OfficerReference { badge_number: Some(number("11288")), id: Some(Uuid::from_u128(1)), ..ana_by_name() };
        let candidate = &officers()[0];
        assert_eq!(reference.keys().len(), 3);
        assert!(reference.keys().iter().all(|key| candidate.keys().contains(key)), "{:?} {:?}", reference.keys(), candidate.keys());
    }
}
