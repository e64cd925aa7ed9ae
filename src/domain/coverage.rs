//! Who is sworn and who is trained, as a step function over days (rules 1 and 2).

use jiff::civil::Date;
use uuid::Uuid;

use super::spans::{Span, shared, unite};
use super::standard::Standard;
use super::training::Category;

/// A sworn appointment at the agency: the days `[started_on, ended_on)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spell {
    /// Who.
    pub officer: Uuid,
    /// First day.
    pub started_on: Date,
    /// The day after the last.
    pub ended_on: Option<Date>,
}

/// A completion that counts on the days `[completed_on, expires_on)`: recognized, passed, not revoked, and placed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Credit {
    /// Who.
    pub officer: Uuid,
    /// Towards what it counts.
    pub category: Category,
    /// First day.
    pub completed_on: Date,
    /// The first day on which it no longer counts, as sent or by the training's validity.
    pub expires_on: Option<Date>,
}

/// The numbers of people on a day.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Sworn on the roster.
    pub roster: u32,
    /// Of these, trained as the standard asks of everybody.
    pub trained: u32,
    /// Of these, with credit in crisis intervention.
    pub crisis: u32,
}

/// For each day, how many people are sworn on the roster and how many of them are trained.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coverage {
    /// Each day on which something changes, with the counts from that day on; no two neighbours have equal counts.
    steps: Vec<(Date, Counts)>,
}

/// The days on which one officer is sworn, trained, and holds crisis intervention training; each list united.
#[derive(Debug, Default)]
pub(super) struct Person {
    pub sworn: Vec<Span>,
    pub trained: Vec<Span>,
    pub crisis: Vec<Span>,
}

impl Coverage {
    /// Counts people, never rows: somebody with two appointments or many completions is one. Takes O(n log n).
    pub fn build(standard: &Standard, spells: &[Spell], credits: &[Credit]) -> Self {
        // What is added on a day to [roster, trained, crisis].
        let mut changes: Vec<(Date, [i32; 3])> = Vec::with_capacity(2 * (spells.len() + credits.len()));
        for_each_person(standard, spells, credits, |_, person| {
            let mut count = |span: Span, change: [i32; 3]| {
                changes.push((span.from, change));
                changes.extend(span.until.map(|until| (until, change.map(|people| -people))));
            };
            person.sworn.iter().for_each(|span| count(*span, [1, 0, 0]));
            shared(&person.sworn, &person.trained, |span| count(span, [0, 1, 0]));
            shared(&person.sworn, &person.crisis, |span| count(span, [0, 0, 1]));
        });
        changes.sort_unstable_by_key(|change| change.0);
        let mut counts = Counts::default();
        Self::of_steps(changes.chunk_by(|a, b| a.0 == b.0).map(|day| {
            let sum = |which: usize| day.iter().map(|change| change.1[which]).sum::<i32>();
            counts = Counts {
                roster: counts.roster.saturating_add_signed(sum(0)),
                trained: counts.trained.saturating_add_signed(sum(1)),
                crisis: counts.crisis.saturating_add_signed(sum(2)),
            };
            (day[0].0, counts)
        }))
    }

    /// The counts from each of some days on, which come in order.
    pub fn of_steps(days: impl IntoIterator<Item = (Date, Counts)>) -> Self {
        let mut steps = Vec::new();
        let mut counts = Counts::default();
        for (day, next) in days {
            if next != counts {
                steps.push((day, next));
                counts = next;
            }
        }
        Self { steps }
    }

    /// The counts on a day.
    pub fn at(&self, day: Date) -> Counts {
        let after = self.steps.partition_point(|step| step.0 <= day);
        after.checked_sub(1).map_or_else(Counts::default, |last| self.steps[last].1)
    }

    /// Each day on which a count differs from the day before, in order.
    pub fn change_days(&self) -> impl Iterator<Item = Date> + '_ {
        self.steps.iter().map(|step| step.0)
    }

    /// Each such day with the counts from that day on, in order.
    pub fn steps(&self) -> &[(Date, Counts)] {
        &self.steps
    }

    /// The first such day after a day.
    pub fn next_change_after(&self, day: Date) -> Option<Date> {
        self.steps.get(self.steps.partition_point(|step| step.0 <= day)).map(|step| step.0)
    }
}

/// Visits every officer with a sworn spell, in the order of their ids, with the days on which credit counts.
pub(super) fn for_each_person(standard: &Standard, spells: &[Spell], credits: &[Credit], mut visit: impl FnMut(Uuid, &Person)) {
    let mut spells = spells.to_vec();
    spells.sort_unstable_by_key(|spell| spell.officer);
    let mut credits = credits.to_vec();
    credits.sort_unstable_by_key(|credit| credit.officer);
    let mut credits = credits.as_slice();
    let mut person = Person::default();
    for own in spells.chunk_by(|a, b| a.officer == b.officer) {
        let officer = own[0].officer;
        credits = &credits[credits.partition_point(|credit| credit.officer < officer)..];
        let (earned, others) = credits.split_at(credits.partition_point(|credit| credit.officer == officer));
        credits = others;
        person.sworn.clear();
        person.trained.clear();
        person.crisis.clear();
        person.sworn.extend(own.iter().map(|spell| Span { from: spell.started_on, until: spell.ended_on }));
        for credit in earned {
            let whole = Span { from: credit.completed_on, until: credit.expires_on };
            let span = if standard.lapsed_credit_counts && !whole.is_empty() { Span { until: None, ..whole } } else { whole };
            let crisis = credit.category == Category::CrisisIntervention;
            if crisis {
                person.crisis.push(span);
            }
            if !crisis || standard.crisis_counts_as_awareness {
                person.trained.push(span);
            }
        }
        unite(&mut person.sworn);
        unite(&mut person.trained);
        unite(&mut person.crisis);
        if !person.sworn.is_empty() {
            visit(officer, &person);
        }
    }
}
