//! Where an agency stands, and when that changes next (rules 5 and 6).

use std::borrow::Cow;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::coverage::{Counts, Coverage};
use super::evidence::InForce;
use super::pledge::{Pledge, in_question};
use super::readiness::{CertificationFact, Evaluation, Facts, evaluate_counts};
use super::standard::{Standard, Standards};
use super::timeline::{People, Timeline};
use super::words::words;

words! {
    /// Where an agency stands.
    pub enum Stage else "invalid_stage" {
        /// It never pledged.
        NotPledged = "not_pledged",
        /// It pledged, and its term runs.
        InProgress = "in_progress",
        /// It meets all requirements and hasn't applied.
        RequirementsMet = "requirements_met",
        /// It applied, and is to hear of it.
        InReview = "in_review",
        /// It is One Mind Certified.
        Certified = "certified",
        /// Its term is over and the requirements are not met.
        Overdue = "overdue",
        /// It withdrew its pledge.
        Withdrawn = "withdrawn",
        /// Its certification was revoked.
        Revoked = "revoked",
    }
}

/// The pledge in question, seen from a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PledgeView {
    /// Its id.
    pub id: Uuid,
    /// The day of the pledge.
    pub pledged_on: Date,
    /// The last day of its term.
    pub due_on: Date,
    /// Days from the day asked to the last day of the term; negative after it.
    pub days_left: i32,
}

/// The next day on which the status changes by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct NextChange {
    /// The day.
    pub on: Date,
    /// How many more people are trained from that day on.
    pub trained: i64,
    /// How many more people hold crisis intervention from that day on.
    pub crisis_intervention: i64,
    /// Whether all requirements are met from that day on.
    pub still_met: bool,
}

/// Where an agency stands on a day; for a future day, assuming that nothing new is pushed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// The code of the standard.
    pub standard: String,
    /// The day.
    pub as_of: Date,
    /// The stage.
    pub stage: Stage,
    /// For a certified agency: whether it still meets all requirements.
    pub maintained: Option<bool>,
    /// The pledge in question.
    pub pledge: Option<PledgeView>,
    /// The requirements.
    pub evaluation: Evaluation,
    /// The next day on which anything of this changes, other than the day itself and the days left.
    pub next_change: Option<NextChange>,
}

/// Where an agency stands on a day, past or future, as far as is known, by the standard of the pledge in question.
pub fn status_by_pledge(standards: &Standards, facts: &Facts, on: Date) -> Status {
    status_by(|pledge| standards.of(pledge), |standard| Cow::Owned(counted(standard, facts)), facts, on)
}

/// The same where the people are counted already: neither spells nor credit of `facts` are looked at.
pub fn status_by_timeline(standards: &Standards, facts: &Facts, timeline: &Timeline, on: Date) -> Status {
    status_by(|pledge| standards.of(pledge), |standard| Cow::Borrowed(timeline.coverage(standard)), facts, on)
}

/// The same by one standard, whatever the pledges say.
pub fn status(standard: &Standard, facts: &Facts, on: Date) -> Status {
    status_by(|_| standard, |standard| Cow::Owned(counted(standard, facts)), facts, on)
}

/// The stage of an agency on a day and which requirements it meets, where the numbers of people on that day are known.
pub fn judge(standards: &Standards, facts: &Facts, people: &People, on: Date) -> (Stage, Evaluation) {
    let pledge = in_question(&facts.pledges, on);
    let standard = standards.of(pledge);
    let view = View::of(standard, facts, pledge, people.counts(standard), on);
    (view.stage, view.evaluation)
}

fn counted(standard: &Standard, facts: &Facts) -> Coverage {
    Coverage::build(standard, &facts.sworn, &facts.credits)
}

fn status_by<'a>(
    standard_of: impl Fn(Option<&Pledge>) -> &'a Standard,
    coverage_by: impl Fn(&'a Standard) -> Cow<'a, Coverage>,
    facts: &'a Facts,
    on: Date,
) -> Status {
    let standard = standard_of(in_question(&facts.pledges, on));
    let coverage = coverage_by(standard);
    let seen_from = |day: Date| {
        let pledge = in_question(&facts.pledges, day);
        let own = standard_of(pledge);
        if own == standard {
            return View::of(standard, facts, pledge, coverage.at(day), day);
        }
        // At most once: the day of a pledge to another standard is a day of change.
        View::of(own, facts, pledge, coverage_by(own).at(day), day)
    };
    let now = seen_from(on);
    let next_change = days_of_change(facts, &coverage, on).into_iter().find_map(|day| {
        let then = seen_from(day);
        let difference = |now: u32, then: u32| i64::from(then) - i64::from(now);
        let (before, after) = (now.evaluation.training, then.evaluation.training);
        then.differs_from(&now).then(|| NextChange {
            on: day,
            trained: difference(before.trained.count, after.trained.count),
            crisis_intervention: difference(before.crisis_intervention.count, after.crisis_intervention.count),
            still_met: then.evaluation.met(),
        })
    });
    Status {
        standard: standard.code.clone(),
        as_of: on,
        stage: now.stage,
        maintained: (now.stage == Stage::Certified).then(|| now.evaluation.met()),
        pledge: now.pledge.map(|pledge| view(pledge, on)),
        evaluation: now.evaluation,
        next_change,
    }
}

/// What of a status depends on the day by more than counting days.
struct View<'a> {
    stage: Stage,
    pledge: Option<&'a Pledge>,
    evaluation: Evaluation,
}

impl<'a> View<'a> {
    fn of(standard: &Standard, facts: &Facts, pledge: Option<&'a Pledge>, counts: Counts, on: Date) -> Self {
        let evaluation = evaluate_counts(standard, facts, counts, on);
        Self { stage: stage(facts, pledge, evaluation.met(), on), pledge, evaluation }
    }

    fn differs_from(&self, other: &Self) -> bool {
        let evaluation = Evaluation { as_of: other.evaluation.as_of, ..self.evaluation };
        self.stage != other.stage || self.pledge != other.pledge || evaluation != other.evaluation
    }
}

fn stage(facts: &Facts, pledge: Option<&Pledge>, met: bool, on: Date) -> Stage {
    if let Some(decided) = decided_stage(&facts.certifications, on) {
        return decided;
    }
    match pledge {
        None => Stage::NotPledged,
        Some(pledge) if pledge.withdrawn_by(on) => Stage::Withdrawn,
        Some(_) if met => Stage::RequirementsMet,
        Some(pledge) if on > pledge.due_on() => Stage::Overdue,
        Some(_) => Stage::InProgress,
    }
}

/// The stage that staff's decisions give by themselves: revoked unless something was awarded since, certified, in review.
fn decided_stage(certifications: &[CertificationFact], on: Date) -> Option<Stage> {
    let mut last_revoked = None;
    let mut last_awarded = None;
    let mut in_review = false;
    for fact in certifications {
        match *fact {
            CertificationFact::InReview { since, until } => in_review |= since <= on && until.is_none_or(|until| on < until),
            CertificationFact::Revoked { revoked_on, .. } if revoked_on <= on => last_revoked = last_revoked.max(Some(revoked_on)),
            CertificationFact::Certified { awarded_on } | CertificationFact::Revoked { awarded_on, .. } => {
                if awarded_on <= on {
                    last_awarded = last_awarded.max(Some(awarded_on));
                }
            }
        }
    }
    // An absent day is less than any day.
    match (last_awarded, last_revoked) {
        (awarded, Some(_)) if awarded < last_revoked => Some(Stage::Revoked),
        (Some(_), _) => Some(Stage::Certified),
        _ => in_review.then_some(Stage::InReview),
    }
}

/// The later days on which anything may change, in order: the first change of the counts, and every date of the facts.
fn days_of_change(facts: &Facts, coverage: &Coverage, on: Date) -> Vec<Date> {
    let mut days: Vec<Date> = coverage.next_change_after(on).into_iter().collect();
    for InForce { from, until } in facts.partnerships.iter().chain(&facts.policies) {
        days.push(*from);
        days.extend(*until);
    }
    for pledge in &facts.pledges {
        days.push(pledge.pledged_on);
        days.extend(pledge.withdrawn_on);
        days.extend(pledge.due_on().tomorrow().ok());
    }
    for fact in &facts.certifications {
        match *fact {
            CertificationFact::InReview { since, until } => {
                days.push(since);
                days.extend(until);
            }
            CertificationFact::Certified { awarded_on } => days.push(awarded_on),
            CertificationFact::Revoked { awarded_on, revoked_on } => days.extend([awarded_on, revoked_on]),
        }
    }
    days.retain(|day| *day > on);
    days.sort_unstable();
    days.dedup();
    days
}

fn view(pledge: &Pledge, on: Date) -> PledgeView {
    let due_on = pledge.due_on();
    PledgeView { id: pledge.id, pledged_on: pledge.pledged_on, due_on, days_left: (due_on - on).get_days() }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::super::coverage::{Credit, Spell};
    use super::super::pledge::TermMonths;
    use super::super::standard::{one_mind, one_mind_2016};
    use super::super::training::Category;
    use super::*;

    /// One officer, trained until the end of 2026; partnership and policy without end; a pledge of 24 months.
    fn facts() -> Facts {
        let start = date(2024, 1, 1);
        let officer = Uuid::from_u128(1);
        Facts {
            sworn: vec![Spell { officer, started_on: start, ended_on: None }],
            declared: None,
            credits: vec![Credit {
                officer,
                category: Category::CrisisIntervention,
                completed_on: date(2025, 6, 1),
                expires_on: Some(date(2027, 1, 1)),
            }],
            partnerships: vec![InForce { from: start, until: None }],
            policies: vec![InForce { from: start, until: None }],
            pledges: vec![Pledge {
                id: Uuid::from_u128(7),
                standard: "one-mind".into(),
                pledged_on: date(2025, 2, 1),
                term_months: TermMonths::parse(24).unwrap(),
                extended_to: None,
                withdrawn_on: None,
            }],
            certifications: vec![],
            fulfilled: vec![],
        }
    }

    fn stage_on(facts: &Facts, day: Date) -> Stage {
        status(&one_mind(), facts, day).stage
    }

    #[test]
    fn a_pledge_runs_from_its_day_to_overdue() {
        let facts = facts();
        for (day, stage) in [
            (date(2025, 1, 31), Stage::NotPledged),
            (date(2025, 2, 1), Stage::InProgress),
            (date(2025, 5, 31), Stage::InProgress),
            (date(2025, 6, 1), Stage::RequirementsMet),
            (date(2026, 12, 31), Stage::RequirementsMet),
            (date(2027, 1, 1), Stage::InProgress),
            (date(2027, 2, 1), Stage::InProgress),
            (date(2027, 2, 2), Stage::Overdue),
        ] {
            assert_eq!(stage_on(&facts, day), stage, "{day}");
        }
    }

    #[test]
    fn a_withdrawn_pledge_is_withdrawn_whatever_is_met_until_another_is_made() {
        let mut facts = facts();
        facts.pledges[0].withdrawn_on = Some(date(2025, 7, 1));
        assert_eq!(stage_on(&facts, date(2025, 6, 30)), Stage::RequirementsMet);
        assert_eq!(stage_on(&facts, date(2025, 7, 1)), Stage::Withdrawn);
        facts.pledges.push(Pledge { id: Uuid::from_u128(3), pledged_on: date(2025, 8, 1), withdrawn_on: None, ..facts.pledges[0].clone() });
        assert_eq!(stage_on(&facts, date(2025, 8, 1)), Stage::RequirementsMet);
        assert_eq!(status(&one_mind(), &facts, date(2025, 8, 1)).pledge.unwrap().id, Uuid::from_u128(3));
    }

    #[test]
    fn decisions_of_staff_are_stronger_than_the_pledge() {
        let mut facts = facts();
        facts.certifications = vec![CertificationFact::Revoked { awarded_on: date(2025, 9, 1), revoked_on: date(2026, 3, 1) }];
        for (day, stage) in [
            (date(2025, 8, 31), Stage::RequirementsMet),
            (date(2025, 9, 1), Stage::Certified),
            (date(2026, 2, 28), Stage::Certified),
            (date(2026, 3, 1), Stage::Revoked),
            (date(2030, 1, 1), Stage::Revoked),
        ] {
            assert_eq!(stage_on(&facts, day), stage, "{day}");
        }
        facts.certifications.push(CertificationFact::InReview { since: date(2026, 4, 1), until: None });
        assert_eq!(stage_on(&facts, date(2026, 4, 1)), Stage::Revoked);
        facts.certifications[1] = CertificationFact::Certified { awarded_on: date(2026, 5, 1) };
        assert_eq!(stage_on(&facts, date(2026, 4, 30)), Stage::Revoked);
        assert_eq!(stage_on(&facts, date(2026, 5, 1)), Stage::Certified);
        facts.certifications = vec![CertificationFact::InReview { since: date(2025, 9, 1), until: None }];
        assert_eq!(stage_on(&facts, date(2025, 8, 31)), Stage::RequirementsMet);
        assert_eq!(stage_on(&facts, date(2025, 9, 1)), Stage::InReview);
        facts.certifications = vec![CertificationFact::InReview { since: date(2025, 9, 1), until: Some(date(2025, 10, 1)) }];
        assert_eq!(stage_on(&facts, date(2025, 9, 30)), Stage::InReview);
        assert_eq!(stage_on(&facts, date(2025, 10, 1)), Stage::RequirementsMet);
    }

    #[test]
    fn a_certified_agency_that_slips_stays_certified() {
        let mut facts = facts();
        facts.certifications = vec![CertificationFact::Certified { awarded_on: date(2025, 9, 1) }];
        let before = status(&one_mind(), &facts, date(2026, 12, 31));
        assert_eq!((before.stage, before.maintained), (Stage::Certified, Some(true)));
        let expected = NextChange { on: date(2027, 1, 1), trained: -1, crisis_intervention: -1, still_met: false };
        assert_eq!(before.next_change, Some(expected));
        let after = status(&one_mind(), &facts, date(2027, 1, 1));
        assert_eq!((after.stage, after.maintained, after.next_change), (Stage::Certified, Some(false), None));
        assert_eq!(status(&one_mind(), &facts, date(2025, 8, 31)).maintained, None);
    }

    #[test]
    fn the_pledge_counts_its_days() {
        let on = date(2026, 11, 21);
        let pledge = status(&one_mind(), &facts(), on).pledge.unwrap();
        assert_eq!(pledge, PledgeView { id: Uuid::from_u128(7), pledged_on: date(2025, 2, 1), due_on: date(2027, 2, 1), days_left: 72 });
        assert_eq!(status(&one_mind(), &facts(), date(2027, 2, 3)).pledge.unwrap().days_left, -2);
    }

    #[test]
    fn a_term_that_ends_is_a_change() {
        let mut facts = facts();
        facts.credits.clear();
        let next = status(&one_mind(), &facts, date(2026, 11, 21)).next_change;
        assert_eq!(next, Some(NextChange { on: date(2027, 2, 2), trained: 0, crisis_intervention: 0, still_met: false }));
    }

    #[test]
    fn a_new_pledge_brings_its_own_standard() {
        let standards = Standards::new([one_mind(), one_mind_2016()]);
        let mut facts = facts();
        facts.pledges[0].standard = one_mind_2016().code;
        let renewed = Pledge { id: Uuid::from_u128(8), standard: one_mind().code, pledged_on: date(2026, 3, 1), ..facts.pledges[0].clone() };
        facts.pledges.push(renewed);
        let before = status_by_pledge(&standards, &facts, date(2026, 2, 28));
        assert_eq!((before.standard.as_str(), before.evaluation.training.trained.count), ("one-mind-2016", 0));
        let after = status_by_pledge(&standards, &facts, date(2026, 3, 1));
        assert_eq!((after.standard.as_str(), after.evaluation.training.trained.count), ("one-mind", 1));
        let expected = NextChange { on: date(2026, 3, 1), trained: 1, crisis_intervention: 0, still_met: after.evaluation.met() };
        assert_eq!(before.next_change, Some(expected));
        assert_eq!(status_by_pledge(&standards, &facts, date(2025, 1, 1)).standard, "one-mind");
    }
}
