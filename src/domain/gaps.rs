//! Who lacks what, and whose credit lapses when.

use jiff::civil::Date;
use uuid::Uuid;

use super::coverage::for_each_person;
use super::readiness::Facts;
use super::spans::Span;
use super::standard::Standard;
use super::words::words;

words! {
    /// What an officer may lack.
    pub enum Lack else "invalid_lack" {
        /// The training that the standard asks of everybody.
        Trained = "trained",
        /// Crisis intervention training, which the standard asks of a share of the officers.
        CrisisIntervention = "crisis_intervention",
    }
}

/// What a sworn officer holds on a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap {
    /// Who.
    pub officer: Uuid,
    /// Whether the officer is trained as the standard asks of everybody.
    pub trained: bool,
    /// Whether the officer holds crisis intervention training.
    pub crisis_intervention: bool,
    /// The first later day on which the officer is no longer trained, if only for a while.
    pub trained_until: Option<Date>,
    /// The first later day on which crisis intervention training has lapsed, if only for a while.
    pub crisis_until: Option<Date>,
}

impl Gap {
    /// What the officer lacks on the day.
    pub fn lacks(&self) -> Vec<Lack> {
        let held = [(self.trained, Lack::Trained), (self.crisis_intervention, Lack::CrisisIntervention)];
        held.into_iter().filter(|(held, _)| !held).map(|(_, lack)| lack).collect()
    }

    /// Whether somebody has to act: the officer lacks `missing`, or it lapses by `horizon`. Without `missing`: the officer lacks the training asked of
    /// everybody, or either training lapses, since crisis intervention training is needed by some officers alone.
    pub fn is_open(&self, missing: Option<Lack>, horizon: Option<Date>) -> bool {
        let lapses = |until: Option<Date>| until.zip(horizon).is_some_and(|(until, horizon)| until <= horizon);
        match missing {
            Some(Lack::Trained) => !self.trained || lapses(self.trained_until),
            Some(Lack::CrisisIntervention) => !self.crisis_intervention || lapses(self.crisis_until),
            None => !self.trained || lapses(self.trained_until) || lapses(self.crisis_until),
        }
    }
}

/// What each officer sworn on a day holds, in the order of their ids.
pub fn gaps(standard: &Standard, facts: &Facts, on: Date) -> Vec<Gap> {
    let mut gaps = Vec::new();
    for_each_person(standard, &facts.sworn, &facts.credits, |officer, person| {
        if holding(&person.sworn, on).is_none() {
            return;
        }
        let trained = holding(&person.trained, on);
        let crisis = holding(&person.crisis, on);
        gaps.push(Gap {
            officer,
            trained: trained.is_some(),
            crisis_intervention: crisis.is_some(),
            trained_until: trained.and_then(|span| span.until),
            crisis_until: crisis.and_then(|span| span.until),
        });
    });
    gaps
}

/// The span of a united list that covers a day.
fn holding(spans: &[Span], on: Date) -> Option<Span> {
    spans.iter().copied().find(|span| span.covers(on))
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::super::coverage::{Credit, Spell};
    use super::super::standard::{one_mind, one_mind_2016};
    use super::super::training::Category;
    use super::*;

    #[test]
    fn each_sworn_officer_is_listed_with_what_is_held_and_until_when() {
        let [ana, bo, cy] = [1, 2, 3].map(Uuid::from_u128);
        let day = |d| date(2026, 1, d);
        let credit = |officer, category, from, until: Option<i8>| Credit { officer, category, completed_on: day(from), expires_on: until.map(day) };
        let facts = Facts {
            sworn: vec![
                Spell { officer: bo, started_on: day(1), ended_on: None },
                Spell { officer: ana, started_on: day(1), ended_on: None },
                Spell { officer: cy, started_on: day(1), ended_on: Some(day(10)) },
            ],
            credits: vec![
                credit(ana, Category::CrisisIntervention, 2, Some(12)),
                credit(ana, Category::MentalHealthAwareness, 12, Some(20)),
                credit(bo, Category::MentalHealthAwareness, 2, None),
            ],
            ..Facts::default()
        };
        let on = day(10);
        assert_eq!(
            gaps(&one_mind(), &facts, on),
            [
                Gap { officer: ana, trained: true, crisis_intervention: true, trained_until: Some(day(20)), crisis_until: Some(day(12)) },
                Gap { officer: bo, trained: true, crisis_intervention: false, trained_until: None, crisis_until: None },
            ]
        );
        assert!(!gaps(&one_mind_2016(), &facts, on)[0].trained);
    }

    #[test]
    fn a_gap_is_open_while_something_lacks_or_lapses_in_time() {
        let day = |d| date(2026, 1, d);
        let held = Gap { officer: Uuid::nil(), trained: true, crisis_intervention: true, trained_until: Some(day(20)), crisis_until: Some(day(12)) };
        let awareness = Gap { crisis_intervention: false, trained_until: None, crisis_until: None, ..held };
        let nothing = Gap { trained: false, ..awareness };
        let (trained, crisis) = (Some(Lack::Trained), Some(Lack::CrisisIntervention));
        for (gap, missing, horizon, open) in [
            (held, None, None, false),
            (held, None, Some(day(11)), false),
            (held, None, Some(day(12)), true),
            (held, trained, Some(day(19)), false),
            (held, trained, Some(day(20)), true),
            (held, crisis, Some(day(11)), false),
            (held, crisis, Some(day(12)), true),
            (awareness, None, Some(day(31)), false),
            (awareness, crisis, None, true),
            (nothing, None, None, true),
            (nothing, trained, None, true),
        ] {
            assert_eq!(gap.is_open(missing, horizon), open, "{gap:?} {missing:?} {horizon:?}");
        }
        assert_eq!(held.lacks(), []);
        assert_eq!(awareness.lacks(), [Lack::CrisisIntervention]);
        assert_eq!(nothing.lacks(), [Lack::Trained, Lack::CrisisIntervention]);
    }
}
