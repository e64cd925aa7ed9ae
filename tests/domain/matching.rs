//! `match_officer` against the oracle, on few enough values that agreement and contradiction are common.

use jiff::civil::{Date, date};
use onemind::domain::agency::AgencyKey;
use onemind::domain::matching::{Candidate, CandidateAppointment, Match, NumberSpell, OfficerReference, match_officer};
use onemind::domain::officer::Identifier;
use onemind::domain::text::{Email, EmailSha1, Name, Number, Text};
use proptest::collection::vec;
use proptest::option::{self, weighted};
use proptest::prelude::*;
use proptest::sample::select;
use uuid::Uuid;

use super::matching_oracle::{matched, plain};

fn days() -> impl Strategy<Value = Date> {
    (1..=6_i8).prop_map(|day| date(2025, 3, day))
}

fn numbers() -> impl Strategy<Value = String> {
    select(vec!["7", "8", "9"]).prop_map(str::to_owned)
}

fn number_spells() -> impl Strategy<Value = Vec<NumberSpell>> {
    vec((numbers(), days(), option::of(days())).prop_map(|(number, from, until)| NumberSpell { number, from, until }), 0..3)
}

fn appointments() -> impl Strategy<Value = CandidateAppointment> {
    (1..=2_u128, days(), option::of(days()), number_spells(), number_spells()).prop_map(
        |(agency, started_on, ended_on, employee_numbers, badge_numbers)| CandidateAppointment {
            agency: Uuid::from_u128(agency),
            started_on,
            ended_on,
            employee_numbers,
            badge_numbers,
        },
    )
}

/// Stands for the digest of an address: the rules only compare it.
fn digest(email: &str) -> String {
    format!("{:040x}", email.bytes().fold(0_u64, |sum, byte| sum * 31 + u64::from(byte)))
}

fn families() -> impl Strategy<Value = &'static str> {
    select(vec!["Rivera", "RIVERA JR.", "O'Brien", "OBrien III", "De-La Cruz"])
}

fn givens() -> impl Strategy<Value = &'static str> {
    select(vec!["Ana", "ÁNA", "Bo"])
}

fn candidates() -> impl Strategy<Value = Vec<Candidate>> {
    let candidate = (
        vec((select(vec!["post", "hr"]), numbers()), 0..3),
        weighted(0.7, select(vec!["a@x.example", "b@x.example"])),
        families(),
        givens(),
        vec(appointments(), 0..3),
    );
    #[expect(clippy::type_complexity, reason = "a tuple of generators, taken apart at once")]
    vec(candidate, 0..8).prop_map(|all| {
        let of = |(index, (identifiers, email, family, given, appointments)): (
            u128,
            (Vec<(&str, String)>, Option<&str>, &str, &str, Vec<CandidateAppointment>),
        )| Candidate {
            officer: Uuid::from_u128(index),
            person: Uuid::from_u128(index),
            former_ids: Vec::new(),
            identifiers: identifiers.into_iter().map(|(system, value)| (system.to_owned(), value)).collect(),
            email: email.map(str::to_owned),
            email_sha1s: email.map(digest).into_iter().collect(),
            family_name: plain(family),
            given_name: plain(given),
            appointments,
        };
        (1..).zip(all).map(of).collect()
    })
}

prop_compose! {
    fn references()(
        id in weighted(0.15, 1..9_u128),
        identifier in weighted(0.2, (select(vec!["post", "hr"]), numbers())),
        email in weighted(0.2, select(vec!["A@x.example", "b@X.example", "c@x.example"])),
        email_sha1 in weighted(0.15, select(vec!["a@x.example", "b@x.example", "c@x.example"])),
        agency in weighted(0.8, 1..=2_u128),
        employee_number in weighted(0.2, numbers()),
        badge_number in weighted(0.3, numbers()),
        family_name in weighted(0.6, families()),
        given_name in weighted(0.6, givens()),
        appointed_on in weighted(0.6, days()),
    ) -> (OfficerReference, Option<Uuid>) {
        let reference = OfficerReference {
            id: id.map(Uuid::from_u128),
            identifier: identifier.map(|(system, value)| Identifier { system: Text::parse(system).unwrap(), value: Text::parse(&value).unwrap() }),
            email: email.map(|email| Email::parse(email).unwrap()),
            email_sha1: email_sha1.map(|email| EmailSha1::parse(&digest(email)).unwrap()),
            agency: agency.map(|agency| AgencyKey::Id(Uuid::from_u128(agency))),
            // A number without its agency is refused before it is matched.
            employee_number: employee_number.filter(|_| agency.is_some()).map(|number| Number::parse(&number).unwrap()),
            badge_number: badge_number.filter(|_| agency.is_some()).map(|number| Number::parse(&number).unwrap()),
            family_name: family_name.map(|name| Name::parse(name).unwrap()),
            given_name: given_name.map(|name| Name::parse(name).unwrap()),
            appointed_on,
        };
        (reference, agency.map(Uuid::from_u128))
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn a_reference_means_whom_the_rules_say((reference, agency) in references(), all in candidates(), on in days(), reachable in proptest::bool::weighted(0.95)) {
        let agency = agency.filter(|_| reachable);
        let answer = match_officer(&reference, agency, on, &all);
        prop_assert_eq!(answer, matched(&reference, agency, on, &all));

        let turned: Vec<&Candidate> = all.iter().rev().collect();
        prop_assert_eq!(match_officer(&reference, agency, on, &turned), answer, "the order doesn't matter");

        let lookups = reference.lookups(agency);
        let led_to = |candidate: &&Candidate| candidate.lookups().iter().any(|lookup| lookups.contains(lookup));
        let people: Vec<Uuid> = all.iter().filter(led_to).map(|candidate| candidate.person).collect();
        let found: Vec<&Candidate> = all.iter().filter(|candidate| people.contains(&candidate.person)).collect();
        prop_assert_eq!(match_officer(&reference, agency, on, &found), answer, "a person to whom nothing leads doesn't matter");

        if let Match::Matched(officer) = answer {
            let id = OfficerReference { id: Some(officer), ..reference.clone() };
            prop_assert_eq!(match_officer(&id, agency, on, &all), answer, "one more key that agrees changes nothing");
        }
        if !reference.check().is_empty() {
            prop_assert_eq!(answer, Match::NoMatch);
        }
    }
}
