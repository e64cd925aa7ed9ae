//! `evaluate`, `status`, `gaps` and `Coverage` against the oracle, on every day of random worlds.

use jiff::ToSpan;
use jiff::civil::{Date, date};
use onemind::domain::completion::{Record, TrainingTerms, credit};
use onemind::domain::coverage::{Coverage, Spell};
use onemind::domain::evidence::InForce;
use onemind::domain::gaps::gaps;
use onemind::domain::pledge::{Pledge, TermMonths};
use onemind::domain::readiness::{CertificationFact, Evaluation, Facts, evaluate};
use onemind::domain::stage::{NextChange, Status, status};
use onemind::domain::standard::{Standard, one_mind, one_mind_2016};
use onemind::domain::timeline::{Differences, People, PersonFacts, SwornSpell, Timeline};
use onemind::domain::training::{Category, RecognitionStatus};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use uuid::Uuid;

use super::readiness_oracle::{Day, World, day_after, due};

/// Everything happens within these days, which hold a leap day, but for the ends of pledges' terms.
const SPAN: i32 = 70;
/// All ends of terms lie before this day.
const HORIZON: i32 = 480;
const PEOPLE: u128 = 7;

fn day(offset: i32) -> Date {
    date(2024, 1, 10).checked_add(offset.days()).unwrap()
}

fn days() -> impl Strategy<Value = Date> {
    (0..SPAN).prop_map(day)
}

/// A half-open span; sometimes empty, sometimes of one day, sometimes without end.
fn spans() -> impl Strategy<Value = (Date, Option<Date>)> {
    (0..SPAN, option::weighted(0.7, prop_oneof![Just(0), Just(1), 0..40]))
        .prop_map(|(from, length)| (day(from), length.map(|length| day(from + length))))
}

fn people() -> impl Strategy<Value = Uuid> {
    (1..=PEOPLE).prop_map(Uuid::from_u128)
}

fn records() -> impl Strategy<Value = Record> {
    let terms = (
        prop_oneof![Just(Category::CrisisIntervention), Just(Category::MentalHealthAwareness)],
        prop_oneof![8 => Just(RecognitionStatus::Recognized), 1 => Just(RecognitionStatus::Proposed), 1 => Just(RecognitionStatus::Declined)],
        option::weighted(0.3, 1..=2_u16),
    )
        .prop_map(|(category, recognition, validity_months)| TrainingTerms { category, recognition, validity_months });
    (option::weighted(0.95, people()), option::weighted(0.95, terms), spans(), proptest::bool::weighted(0.9), proptest::bool::weighted(0.1)).prop_map(
        |(officer, training, (completed_on, expires_on), passed, revoked)| Record { officer, training, completed_on, expires_on, passed, revoked },
    )
}

fn pledges() -> impl Strategy<Value = Pledge> {
    let when = (-390..SPAN, 12..=13_i64, option::weighted(0.2, 400..450));
    (0..4_u128, when, option::weighted(0.3, 0..SPAN)).prop_map(|(id, (pledged, term, extended), withdrawn)| Pledge {
        id: Uuid::from_u128(id),
        standard: "one-mind".to_owned(),
        pledged_on: day(pledged),
        term_months: TermMonths::parse(term).unwrap(),
        extended_to: extended.map(|days| day(pledged + days)),
        withdrawn_on: withdrawn.map(|withdrawn| day(pledged.max(withdrawn))),
    })
}

fn certifications() -> impl Strategy<Value = CertificationFact> {
    prop_oneof![
        (0..SPAN, proptest::option::of(0..20))
            .prop_map(|(from, length)| CertificationFact::InReview { since: day(from), until: length.map(|length| day(from + length)) }),
        days().prop_map(|awarded_on| CertificationFact::Certified { awarded_on }),
        (0..SPAN, 0..20).prop_map(|(from, length)| CertificationFact::Revoked { awarded_on: day(from), revoked_on: day(from + length) }),
    ]
}

fn standards() -> impl Strategy<Value = Standard> {
    (any::<bool>(), proptest::bool::weighted(0.2)).prop_map(|(current, lapsed_credit_counts)| {
        let standard = if current { one_mind() } else { one_mind_2016() };
        Standard { lapsed_credit_counts, ..standard }
    })
}

prop_compose! {
    /// Spells at another agency are left out: of a transfer, the agency sees its own part and the credit of the person.
    fn worlds()(
        standard in standards(),
        spells in vec((people(), spans(), proptest::bool::weighted(0.8)), 0..12),
        declared in option::weighted(0.3, 0..9_u32),
        // Few records or many, so that agencies meet the requirements too.
        records in prop_oneof![vec(records(), 0..6), vec(records(), 20..40)],
        partnerships in vec(spans(), 0..3),
        policies in vec(spans(), 0..3),
        pledges in vec(pledges(), 0..3),
        certifications in prop_oneof![2 => Just(Vec::new()), 1 => vec(certifications(), 0..4)],
    ) -> World {
        let in_force = |spans: Vec<(Date, Option<Date>)>| spans.into_iter().map(|(from, until)| InForce { from, until }).collect();
        World {
            standard,
            people: (1..=PEOPLE).map(Uuid::from_u128).collect(),
            spells_here: spells
                .into_iter()
                .filter(|(_, _, here)| *here)
                .map(|(officer, (started_on, ended_on), _)| Spell { officer, started_on, ended_on })
                .collect(),
            declared,
            records,
            partnerships: in_force(partnerships),
            policies: in_force(policies),
            pledges,
            certifications,
        }
    }
}

fn facts(world: &World) -> Facts {
    Facts {
        sworn: world.spells_here.clone(),
        declared: world.declared,
        credits: world.records.iter().filter_map(credit).collect(),
        partnerships: world.partnerships.clone(),
        policies: world.policies.clone(),
        pledges: world.pledges.clone(),
        certifications: world.certifications.clone(),
        fulfilled: Vec::new(),
    }
}

/// The answer in the words of the oracle, after checking what follows from the rest of the answer.
fn told(status: &Status, world: &World) -> Day {
    let Evaluation { as_of, partnership, policy, training } = status.evaluation;
    assert_eq!((as_of, &status.standard), (status.as_of, &world.standard.code));
    assert_eq!((partnership.met, policy.met), (partnership.in_force > 0, policy.in_force > 0));
    assert_eq!(training.declared, world.declared);
    assert_eq!(training.trained.needed, training.sworn);
    let fifth = training.crisis_intervention.needed;
    assert!(5 * fifth >= training.sworn && (fifth == 0 || 5 * (fifth - 1) < training.sworn), "{fifth} of {}", training.sworn);
    for measure in [training.trained, training.crisis_intervention] {
        assert_eq!(measure.short, measure.needed.saturating_sub(measure.count));
    }
    Day {
        stage: status.stage,
        maintained: status.maintained,
        pledge: status.pledge.map(|pledge| (pledge.id, pledge.pledged_on, pledge.due_on)),
        partnerships: partnership.in_force,
        policies: policy.in_force,
        sworn: training.sworn,
        roster: training.roster,
        roster_incomplete: training.roster_incomplete,
        trained: (training.trained.count, training.trained.met),
        crisis: (training.crisis_intervention.count, training.crisis_intervention.met),
        training_met: training.met,
        met: status.evaluation.met(),
    }
}

/// The next change found by looking at one day after the other.
fn next_change(calendar: &[(Date, Day)], now: usize) -> Option<NextChange> {
    let (_, before) = &calendar[now];
    let (on, after) = calendar[now + 1..].iter().find(|(_, day)| day != before)?;
    Some(NextChange {
        on: *on,
        trained: i64::from(after.trained.0) - i64::from(before.trained.0),
        crisis_intervention: i64::from(after.crisis.0) - i64::from(before.crisis.0),
        still_met: after.met,
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn status_is_what_the_rules_say_on_every_day(world in worlds()) {
        let facts = facts(&world);
        let calendar: Vec<(Date, Day)> = (-2..HORIZON).map(|offset| (day(offset), world.day(day(offset)))).collect();
        prop_assert!(world.pledges.iter().all(|pledge| due(pledge) < day(HORIZON - 1)));
        // Every day on which something happens, the one before and the one after; further out, pledges alone end.
        let near = usize::try_from(SPAN + 45).unwrap();
        let ends = calendar.iter().enumerate().skip(near).filter(|(_, (on, _))| world.pledges.iter().any(|pledge| (due(pledge) - *on).get_days().abs() <= 2));
        for index in (0..near).chain(ends.map(|(index, _)| index)) {
            let (on, expected) = &calendar[index];
            let status = status(&world.standard, &facts, *on);
            prop_assert_eq!(&told(&status, &world), expected, "on {}", on);
            prop_assert_eq!(status.next_change, next_change(&calendar, index), "after {}", on);
            prop_assert_eq!(status.evaluation, evaluate(&world.standard, &facts, *on));
            if let Some(pledge) = status.pledge {
                prop_assert_eq!(on.checked_add(pledge.days_left.days()).unwrap(), pledge.due_on);
            }
        }
    }

    #[test]
    fn coverage_changes_exactly_where_the_counts_do(world in worlds()) {
        let facts = facts(&world);
        let coverage = Coverage::build(&world.standard, &facts.sworn, &facts.credits);
        let counts = |on: Date| {
            let day = world.day(on);
            (day.roster, day.trained.0, day.crisis.0)
        };
        let mut expected = Vec::new();
        for offset in -2..SPAN + 75 {
            let on = day(offset);
            let held = coverage.at(on);
            prop_assert_eq!((held.roster, held.trained, held.crisis), counts(on), "on {}", on);
            if counts(on) != counts(day(offset - 1)) {
                expected.push(on);
            }
        }
        prop_assert_eq!(coverage.change_days().collect::<Vec<_>>(), expected);
    }

    /// The world's agency is the second of two; what people do at the first is no concern of it, but their credit is.
    #[test]
    fn what_each_person_adds_sums_up_to_the_counts_of_every_standard(world in worlds(), elsewhere in vec((people(), spans()), 0..6)) {
        let (first, here) = (Uuid::from_u128(100), Uuid::from_u128(200));
        let credits: Vec<_> = world.records.iter().filter_map(credit).collect();
        let mut differences: Vec<(Date, People)> = Vec::new();
        for person in &world.people {
            let at = |agency, started_on, ended_on| SwornSpell { agency, started_on, ended_on };
            let own = world.spells_here.iter().filter(|spell| spell.officer == *person).map(|spell| at(here, spell.started_on, spell.ended_on));
            let others = elsewhere.iter().filter(|(officer, _)| officer == person).map(|(_, (from, until))| at(first, *from, *until));
            let facts = PersonFacts {
                spells: own.chain(others).collect(),
                credits: credits.iter().copied().filter(|credit| credit.officer == *person).collect(),
            };
            facts.differences(|agency, day, people| if agency == here { differences.push((day, people)) });
            // What is taken off again leaves nothing.
            let mut left = Differences::new();
            facts.differences(|agency, day, people| *left.entry((agency, day)).or_default() += people);
            facts.differences(|agency, day, people| *left.entry((agency, day)).or_default() += -people);
            prop_assert!(left.values().all(|people| *people == People::NONE));
        }
        let timeline = Timeline::sum(differences);
        for (current, lapsed_credit_counts) in [(true, false), (false, false), (true, true), (false, true)] {
            let standard = Standard { lapsed_credit_counts, ..if current { one_mind() } else { one_mind_2016() } };
            let world = World { standard: standard.clone(), ..world.clone() };
            let coverage = timeline.coverage(&standard);
            for offset in -2..SPAN + 75 {
                let day = world.day(day(offset));
                let counts = coverage.at(super::readiness::day(offset));
                prop_assert_eq!((counts.roster, counts.trained, counts.crisis), (day.roster, day.trained.0, day.crisis.0));
            }
            let whole = Coverage::build(&standard, &world.spells_here, &credits);
            prop_assert_eq!(coverage.steps(), whole.steps());
        }
    }

    #[test]
    fn gaps_list_everybody_sworn_with_the_day_on_which_credit_ends(world in worlds(), offset in -2..SPAN + 2) {
        let on = day(offset);
        let listed = gaps(&world.standard, &facts(&world), on);
        let mut expected = Vec::new();
        for person in world.people.iter().copied().filter(|person| world.is_sworn(*person, on)) {
            let until = |holds: &dyn Fn(Date) -> bool| {
                let mut later = (0..150).scan(on, |day, _| { *day = day_after(*day); Some(*day) });
                if holds(on) { later.find(|day| !holds(*day)) } else { None }
            };
            let trained = |day: Date| world.is_trained(person, day);
            let crisis = |day: Date| world.has_crisis(person, day);
            expected.push((person, trained(on), crisis(on), until(&trained), until(&crisis)));
        }
        let listed: Vec<_> = listed.iter().map(|gap| (gap.officer, gap.trained, gap.crisis_intervention, gap.trained_until, gap.crisis_until)).collect();
        prop_assert_eq!(listed, expected);
    }

    #[test]
    fn the_order_of_the_facts_doesnt_matter(world in worlds(), offset in 0..SPAN) {
        let facts = facts(&world);
        let mut turned = facts.clone();
        turned.sworn.reverse();
        turned.credits.reverse();
        turned.pledges.reverse();
        turned.certifications.reverse();
        prop_assert_eq!(status(&world.standard, &facts, day(offset)).next_change, status(&world.standard, &turned, day(offset)).next_change);
        prop_assert_eq!(gaps(&world.standard, &facts, day(offset)), gaps(&world.standard, &turned, day(offset)));
    }
}

/// Whole agencies at the edge of the share, which random worlds seldom hit.
#[test]
fn a_fifth_of_any_number_of_sworn_officers_is_the_edge() {
    let on = date(2025, 6, 1);
    for sworn in 1..=23_u32 {
        for crisis in 0..=sworn {
            let people: Vec<Uuid> = (1..=u128::from(sworn)).map(Uuid::from_u128).collect();
            let world = World {
                standard: one_mind(),
                spells_here: people.iter().map(|officer| Spell { officer: *officer, started_on: on, ended_on: None }).collect(),
                declared: None,
                records: people
                    .iter()
                    .zip(0..)
                    .map(|(officer, index)| Record {
                        officer: Some(*officer),
                        training: Some(TrainingTerms {
                            category: if index < crisis { Category::CrisisIntervention } else { Category::MentalHealthAwareness },
                            recognition: RecognitionStatus::Recognized,
                            validity_months: None,
                        }),
                        completed_on: on,
                        expires_on: None,
                        passed: true,
                        revoked: false,
                    })
                    .collect(),
                people,
                partnerships: vec![InForce { from: on, until: None }],
                policies: vec![InForce { from: on, until: None }],
                pledges: vec![],
                certifications: vec![],
            };
            let status = status(&world.standard, &facts(&world), on);
            assert_eq!(told(&status, &world), world.day(on), "{crisis} of {sworn}");
            assert_eq!(status.evaluation.met(), crisis * 5 >= sworn);
        }
    }
}
