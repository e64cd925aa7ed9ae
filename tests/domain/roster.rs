//! `roster::plan` on random rosters: one to one, the same whatever the order, and at rest after its own result.

use std::collections::{HashMap, HashSet};

use jiff::civil::{Date, date};
use onemind::domain::appointment::Employment;
use onemind::domain::names::fold;
use onemind::domain::officer::Identifier;
use onemind::domain::roster::{Assignment, Member, Plan, RosterEntry, plan};
use onemind::domain::text::{Email, Name, Number, Text};
use proptest::collection::vec;
use proptest::option::weighted;
use proptest::prelude::*;
use proptest::sample::select;
use uuid::Uuid;

fn days() -> impl Strategy<Value = Date> {
    (2010..2013_i16).prop_map(|year| date(year, 1, 1))
}

fn numbers() -> impl Strategy<Value = Option<Number>> {
    weighted(0.6, select(vec!["5", "6", "7", "8"]).prop_map(|number| Number::parse(number).unwrap()))
}

prop_compose! {
    fn entries()(
        family in select(vec!["Rivera", "Smith"]),
        given in select(vec!["Ana", "John"]),
        email in weighted(0.2, select(vec!["a@x.example", "b@x.example"])),
        employee_number in numbers(),
        badge_number in numbers(),
        sworn in proptest::bool::weighted(0.8),
        started_on in days(),
        ended in proptest::bool::weighted(0.1),
        identifiers in vec((select(vec!["post", "hr"]), 0..12_u8), 0..2),
    ) -> RosterEntry {
        RosterEntry {
            family_name: Name::parse(family).unwrap(),
            given_name: Name::parse(given).unwrap(),
            email: email.map(|email| Email::parse(email).unwrap()),
            employee_number,
            badge_number,
            rank: None,
            employment: Employment::FullTime,
            sworn,
            started_on,
            ended_on: ended.then(|| date(2014, 1, 1)),
            identifiers: identifiers
                .into_iter()
                .map(|(system, value)| Identifier { system: Text::parse(system).unwrap(), value: Text::parse(&value.to_string()).unwrap() })
                .collect(),
        }
    }
}

/// An identifier belongs to one person: the first entry that has it keeps it.
fn with_unique_identifiers(mut entries: Vec<RosterEntry>) -> Vec<RosterEntry> {
    let mut seen = HashSet::new();
    for entry in &mut entries {
        entry.identifiers.retain(|identifier| seen.insert(identifier.clone()));
    }
    entries
}

fn rosters() -> impl Strategy<Value = Vec<RosterEntry>> {
    vec(entries(), 0..9).prop_map(with_unique_identifiers)
}

/// A store that does what a roster says.
#[derive(Debug, Default, Clone)]
struct Store {
    members: Vec<Member>,
    made: u128,
}

impl Store {
    fn id(&mut self) -> Uuid {
        self.made += 1;
        Uuid::from_u128(self.made)
    }

    /// The officer of each entry after the roster was put, where it was settled.
    fn put(&mut self, entries: &[RosterEntry]) -> (Plan, Vec<Option<Uuid>>) {
        let plan = plan(entries, &self.members);
        let mut officers = Vec::new();
        for (entry, assignment) in entries.iter().zip(&plan.assignments) {
            let (officer, appointment) = match *assignment {
                Assignment::New => (self.id(), None),
                Assignment::Existing { officer, appointment } => (officer, appointment),
                Assignment::Conflict | Assignment::Ambiguous => {
                    officers.push(None);
                    continue;
                }
            };
            let mut identifiers: Vec<(String, String)> =
                self.members.iter().filter(|member| member.officer == officer).flat_map(|member| member.identifiers.clone()).collect();
            identifiers.extend(entry.identifiers.iter().map(|i| (i.system.to_string(), i.value.to_string())));
            identifiers.sort();
            identifiers.dedup();
            let appointment = appointment.unwrap_or_else(|| self.id());
            self.members.retain(|member| member.appointment != Some(appointment));
            for other in self.members.iter_mut().filter(|member| member.officer == officer) {
                other.identifiers.clone_from(&identifiers);
            }
            self.members.push(Member {
                officer,
                appointment: Some(appointment),
                family_name: fold(entry.family_name.as_str()),
                given_name: fold(entry.given_name.as_str()),
                email: entry.email.as_ref().map(Email::folded),
                identifiers,
                employee_number: entry.employee_number.clone().map(Text::into_string),
                badge_number: entry.badge_number.clone().map(Text::into_string),
                rank: None,
                sworn: entry.sworn,
                started_on: Some(entry.started_on),
                ended_on: entry.ended_on,
            });
            officers.push(Some(officer));
        }
        let settled: HashSet<Uuid> = officers.iter().copied().flatten().collect();
        for member in &mut self.members {
            if !settled.contains(&member.officer) && !plan.contested.contains(&member.officer) && member.ended_on.is_none() {
                member.ended_on = Some(date(2020, 1, 1));
            }
        }
        (plan, officers)
    }
}

/// What was said of each kind of entry, whatever the order.
fn sorted(entries: &[RosterEntry], plan: &Plan) -> Vec<String> {
    let mut said: Vec<String> = entries.iter().zip(&plan.assignments).map(|(entry, assignment)| format!("{entry:?} {assignment:?}")).collect();
    said.sort();
    said
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn a_roster_is_matched_one_to_one_in_any_order_and_once(former in rosters(), roster in rosters(), turn in 0..8_usize) {
        let mut store = Store::default();
        store.put(&former);
        let before = store.clone();
        let (first, officers) = store.put(&roster);

        let mut turned = roster.clone();
        turned.rotate_left(turn.min(roster.len()));
        turned.reverse();
        let other = plan(&turned, &before.members);
        prop_assert_eq!(sorted(&roster, &first), sorted(&turned, &other), "the order doesn't matter");
        prop_assert_eq!(&first.contested, &other.contested);
        let mut members = before.members.clone();
        members.reverse();
        prop_assert_eq!(&plan(&roster, &members), &first, "nor that of the members");

        let held: HashSet<Uuid> = before.members.iter().map(|member| member.officer).collect();
        let mut assigned = HashSet::new();
        for assignment in &first.assignments {
            if let Assignment::Existing { officer, appointment } = assignment {
                prop_assert!(held.contains(officer));
                prop_assert!(assigned.insert(*officer), "one to one");
                let known = before.members.iter().any(|member| member.officer == *officer && member.appointment == *appointment);
                prop_assert!(appointment.is_none() || known);
            }
        }
        prop_assert!(first.contested.is_disjoint(&assigned));

        // The same roster again: whoever was settled stays the same, save among entries that are equal.
        let mut settled = officers;
        for _ in 0..2 {
            let (_, again) = store.put(&roster);
            let mut people: HashMap<String, [Vec<Uuid>; 2]> = HashMap::new();
            for ((entry, then), now) in roster.iter().zip(&settled).zip(&again) {
                let of = people.entry(format!("{entry:?}")).or_default();
                of[0].extend(then);
                of[1].extend(now);
            }
            for (entry, [then, now]) in people {
                prop_assert!(then.iter().all(|officer| now.contains(officer)), "{entry} was {then:?} and is {now:?}");
            }
            settled = again;
        }
    }
}

#[test]
fn an_agency_of_the_largest_size_is_matched_in_little_time() {
    let roster: Vec<RosterEntry> = (0..36_000_u32)
        .map(|n| RosterEntry {
            family_name: Name::parse(&format!("Family{}", n % 6000)).unwrap(),
            given_name: Name::parse(&format!("Given{}", n % 500)).unwrap(),
            email: None,
            employee_number: None,
            badge_number: (n % 12 != 0).then(|| Number::parse(&n.to_string()).unwrap()),
            rank: None,
            employment: Employment::FullTime,
            sworn: n % 9 != 0,
            started_on: date(1990 + i16::try_from(n % 30).unwrap(), 1, 1),
            ended_on: None,
            identifiers: Vec::new(),
        })
        .collect();
    let mut store = Store::default();
    let first = plan(&roster, &store.members);
    assert!(first.assignments.iter().all(|assignment| *assignment == Assignment::New));
    // The store of the test is quadratic: let it hold what the roster says at once.
    for entry in &roster {
        let officer = store.id();
        store.members.push(Member {
            officer,
            appointment: Some(officer),
            family_name: fold(entry.family_name.as_str()),
            given_name: fold(entry.given_name.as_str()),
            email: None,
            identifiers: Vec::new(),
            employee_number: None,
            badge_number: entry.badge_number.clone().map(Text::into_string),
            rank: None,
            sworn: entry.sworn,
            started_on: Some(entry.started_on),
            ended_on: None,
        });
    }
    let assigned: HashSet<Assignment> = plan(&roster, &store.members).assignments.into_iter().collect();
    assert_eq!(assigned.len(), roster.len());
    assert!(assigned.iter().all(|assignment| matches!(assignment, Assignment::Existing { .. })));
}

#[test]
fn people_of_one_name_and_day_under_other_numbers_are_ambiguous_in_little_time() {
    let entry = |number: u32| RosterEntry {
        family_name: Name::parse("Smith").unwrap(),
        given_name: Name::parse("John").unwrap(),
        email: None,
        employee_number: None,
        badge_number: Some(Number::parse(&number.to_string()).unwrap()),
        rank: None,
        employment: Employment::FullTime,
        sworn: true,
        started_on: date(2010, 1, 1),
        ended_on: None,
        identifiers: Vec::new(),
    };
    let mut store = Store::default();
    let former: Vec<RosterEntry> = (0..1000).map(entry).collect();
    store.put(&former);
    let roster: Vec<RosterEntry> = (1000..9000).map(entry).collect();
    let plan = plan(&roster, &store.members);
    assert!(plan.assignments.iter().all(|assignment| *assignment == Assignment::Ambiguous));
    assert_eq!(plan.contested.len(), former.len());
}
