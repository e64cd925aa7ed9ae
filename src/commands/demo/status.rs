//! A certification status as people read it.

use std::fmt::{self, Display, Formatter};

use jiff::civil::Date;
use serde::Deserialize;

/// What the service answers when it is asked where an agency stands, as far as it is shown.
#[derive(Debug, Deserialize)]
pub struct Status {
    pub stage: String,
    pledge: Option<Pledge>,
    requirements: Requirements,
    next_change: Option<NextChange>,
}

#[derive(Debug, Deserialize)]
struct Pledge {
    pledged_on: Date,
    due_on: Date,
    days_left: i32,
}

#[derive(Debug, Deserialize)]
struct Requirements {
    partnership: Evidence,
    policy: Evidence,
    training: Training,
}

#[derive(Debug, Deserialize)]
struct Evidence {
    met: bool,
    in_force: u32,
}

#[derive(Debug, Deserialize)]
struct Training {
    met: bool,
    sworn: u32,
    roster: u32,
    declared: Option<u32>,
    trained: Measure,
    crisis_intervention: Measure,
}

#[derive(Debug, Deserialize)]
struct Measure {
    count: i64,
    needed: i64,
    short: i64,
    met: bool,
}

#[derive(Debug, Deserialize)]
struct NextChange {
    on: Date,
    trained: i64,
    crisis_intervention: i64,
    still_met: bool,
}

/// A status, beside an earlier one or alone.
pub struct Shown<'a> {
    pub status: &'a Status,
    pub before: Option<&'a Status>,
}

impl Display for Shown<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Status { stage, pledge, requirements, next_change } = self.status;
        let training = &requirements.training;
        let pledge = pledge
            .as_ref()
            .map_or_else(String::new, |pledge| format!("pledged {}, due {} ({} days left)", pledge.pledged_on, pledge.due_on, pledge.days_left));
        line(f, "stage", &stage.replace('_', " "), &pledge)?;
        line(f, "partnership", met(requirements.partnership.met), &format!("{} in force", requirements.partnership.in_force))?;
        line(f, "policy", met(requirements.policy.met), &format!("{} in force", requirements.policy.in_force))?;
        let declared = training.declared.map_or_else(|| "none".to_owned(), |count| count.to_string());
        line(f, "training", met(training.met), &format!("{} sworn ({} on the roster, {declared} declared)", training.sworn, training.roster))?;
        writeln!(f)?;
        let change = if self.before.is_some() { "   change" } else { "" };
        writeln!(f, "     {:<21}{:>9}{:>9}{:>9}{change}", "officers", "count", "needed", "short")?;
        let before = self.before.map(|status| &status.requirements.training);
        measure(f, "trained", &training.trained, before.map(|training| &training.trained))?;
        measure(f, "crisis intervention", &training.crisis_intervention, before.map(|training| &training.crisis_intervention))?;
        writeln!(f)?;
        match next_change {
            None => writeln!(f, "     {:<21}none foreseen", "next change"),
            Some(change) => writeln!(f, "     {:<21}{change}", "next change"),
        }
    }
}

impl Display for NextChange {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.on)?;
        for (count, what) in [(self.trained, "trained"), (self.crisis_intervention, "in crisis intervention")] {
            if count != 0 {
                write!(f, "{} {} {what}, ", count.abs(), if count < 0 { "fewer" } else { "more" })?;
            }
        }
        write!(f, "requirements {}", met(self.still_met))
    }
}

fn met(met: bool) -> &'static str {
    if met { "met" } else { "not met" }
}

fn line(f: &mut Formatter<'_>, what: &str, word: &str, more: &str) -> fmt::Result {
    writeln!(f, "     {}", format!("{what:<21}{word:<20}{more}").trim_end())
}

fn measure(f: &mut Formatter<'_>, what: &str, now: &Measure, before: Option<&Measure>) -> fmt::Result {
    let change = before.map_or_else(String::new, |before| format!("{:>+9}", now.count - before.count));
    writeln!(f, "     {what:<21}{:>9}{:>9}{:>9}{change}   {}", now.count, now.needed, now.short, met(now.met))
}
