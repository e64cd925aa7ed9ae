//! The coverage of an agency as dated differences: what a person adds on which day, and the sum of everybody's.

use std::collections::{BTreeMap, HashMap};
use std::ops::{Add, AddAssign, Neg};
use std::sync::OnceLock;

use jiff::civil::Date;
use uuid::Uuid;

use super::coverage::{Counts, Coverage, Credit};
use super::spans::{Span, shared, unite};
use super::standard::Standard;
use super::training::Category;

/// Numbers of people, or by how much they differ: sworn at an agency, and of these with credit. Whether crisis intervention training stands in
/// for awareness training, and whether lapsed credit counts, a standard says when it is read; so all that it may ask is counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct People {
    /// Sworn.
    pub sworn: i32,
    /// With credit in crisis intervention.
    pub crisis: i32,
    /// With credit in awareness.
    pub awareness: i32,
    /// With credit in one or the other.
    pub either: i32,
    /// With credit in crisis intervention, lapsed or not.
    pub crisis_ever: i32,
    /// With credit in awareness, lapsed or not.
    pub awareness_ever: i32,
    /// With credit in one or the other, lapsed or not.
    pub either_ever: i32,
}

impl People {
    /// Nobody.
    pub const NONE: Self = Self { sworn: 0, crisis: 0, awareness: 0, either: 0, crisis_ever: 0, awareness_ever: 0, either_ever: 0 };

    /// What a standard counts of them.
    pub fn counts(&self, standard: &Standard) -> Counts {
        let (crisis, trained) = match (standard.lapsed_credit_counts, standard.crisis_counts_as_awareness) {
            (false, false) => (self.crisis, self.awareness),
            (false, true) => (self.crisis, self.either),
            (true, false) => (self.crisis_ever, self.awareness_ever),
            (true, true) => (self.crisis_ever, self.either_ever),
        };
        // A sum of everybody's differences is never negative.
        let people = |count: i32| u32::try_from(count).unwrap_or(0);
        Counts { roster: people(self.sworn), trained: people(trained), crisis: people(crisis) }
    }
}

impl Add for People {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            sworn: self.sworn + other.sworn,
            crisis: self.crisis + other.crisis,
            awareness: self.awareness + other.awareness,
            either: self.either + other.either,
            crisis_ever: self.crisis_ever + other.crisis_ever,
            awareness_ever: self.awareness_ever + other.awareness_ever,
            either_ever: self.either_ever + other.either_ever,
        }
    }
}

impl AddAssign for People {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Neg for People {
    type Output = Self;

    fn neg(self) -> Self {
        Self {
            sworn: -self.sworn,
            crisis: -self.crisis,
            awareness: -self.awareness,
            either: -self.either,
            crisis_ever: -self.crisis_ever,
            awareness_ever: -self.awareness_ever,
            either_ever: -self.either_ever,
        }
    }
}

/// A sworn spell of somebody at an agency: the days `[started_on, ended_on)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SwornSpell {
    /// Where.
    pub agency: Uuid,
    /// First day.
    pub started_on: Date,
    /// The day after the last.
    pub ended_on: Option<Date>,
}

/// What one person has, under whichever ids: every sworn spell, and all credit, which counts wherever the person serves.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PersonFacts {
    /// Sworn spells, at whichever agencies.
    pub spells: Vec<SwornSpell>,
    /// Credit.
    pub credits: Vec<Credit>,
}

/// By how much the numbers of people differ from the day before, by agency and day.
pub type Differences = BTreeMap<(Uuid, Date), People>;

impl PersonFacts {
    /// Tells `each` what the person adds to agencies: the days on which they are sworn there, and of these the days with credit. Somebody with several
    /// spells or much credit is one.
    pub fn differences(&self, mut each: impl FnMut(Uuid, Date, People)) {
        if self.spells.is_empty() {
            return;
        }
        let held = Held::of(&self.credits);
        let mut by_agency: HashMap<Uuid, Vec<Span>> = HashMap::new();
        for spell in &self.spells {
            by_agency.entry(spell.agency).or_default().push(Span { from: spell.started_on, until: spell.ended_on });
        }
        for (agency, mut sworn) in by_agency {
            unite(&mut sworn);
            let mut count = |span: Span, people: People| {
                each(agency, span.from, people);
                if let Some(until) = span.until {
                    each(agency, until, -people);
                }
            };
            for span in &sworn {
                count(*span, People { sworn: 1, ..People::NONE });
            }
            for (days, people) in held.with_what_they_count() {
                shared(&sworn, days, |span| count(span, people));
            }
        }
    }
}

/// The days on which somebody's credit counts; each list united.
#[derive(Default)]
struct Held {
    crisis: Vec<Span>,
    awareness: Vec<Span>,
    either: Vec<Span>,
    crisis_ever: Vec<Span>,
    awareness_ever: Vec<Span>,
    either_ever: Vec<Span>,
}

impl Held {
    fn of(credits: &[Credit]) -> Self {
        let mut held = Self::default();
        for credit in credits {
            let span = Span { from: credit.completed_on, until: credit.expires_on };
            if span.is_empty() {
                continue;
            }
            let ever = Span { until: None, ..span };
            let (own, own_ever) = match credit.category {
                Category::CrisisIntervention => (&mut held.crisis, &mut held.crisis_ever),
                Category::MentalHealthAwareness => (&mut held.awareness, &mut held.awareness_ever),
            };
            own.push(span);
            own_ever.push(ever);
            held.either.push(span);
            held.either_ever.push(ever);
        }
        for days in [&mut held.crisis, &mut held.awareness, &mut held.either, &mut held.crisis_ever, &mut held.awareness_ever, &mut held.either_ever]
        {
            unite(days);
        }
        held
    }

    fn with_what_they_count(&self) -> [(&[Span], People); 6] {
        [
            (&self.crisis, People { crisis: 1, ..People::NONE }),
            (&self.awareness, People { awareness: 1, ..People::NONE }),
            (&self.either, People { either: 1, ..People::NONE }),
            (&self.crisis_ever, People { crisis_ever: 1, ..People::NONE }),
            (&self.awareness_ever, People { awareness_ever: 1, ..People::NONE }),
            (&self.either_ever, People { either_ever: 1, ..People::NONE }),
        ]
    }
}

/// The numbers of people of one agency on every day, by whichever standard.
#[derive(Debug, Default)]
pub struct Timeline {
    /// Each day on which a number changes, with the numbers from that day on.
    steps: Vec<(Date, People)>,
    /// The same as a standard counts, by its two rules: made when they are first asked for.
    by_rules: [OnceLock<Coverage>; 4],
}

impl Timeline {
    /// Sums up differences, in whatever order; several may be of one day.
    pub fn sum(mut differences: Vec<(Date, People)>) -> Self {
        differences.sort_unstable_by_key(|difference| difference.0);
        let mut steps = Vec::with_capacity(differences.len());
        let mut people = People::NONE;
        for day in differences.chunk_by(|a, b| a.0 == b.0) {
            let before = people;
            for difference in day {
                people += difference.1;
            }
            if people != before {
                steps.push((day[0].0, people));
            }
        }
        Self { steps, by_rules: [const { OnceLock::new() }; 4] }
    }

    /// As a standard counts.
    pub fn coverage(&self, standard: &Standard) -> &Coverage {
        let place = usize::from(standard.crisis_counts_as_awareness) + 2 * usize::from(standard.lapsed_credit_counts);
        self.by_rules[place].get_or_init(|| Coverage::of_steps(self.steps.iter().map(|(day, people)| (*day, people.counts(standard)))))
    }

    /// On how many days a number changes.
    pub fn len(&self) -> usize {
        self.steps.len()
    }

    /// Whether nobody is ever sworn.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }
}
