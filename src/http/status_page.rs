//! The certification status of an agency as a page for people.

use askama::Template;
use jiff::civil::Date;

use super::public::page::{day, number, words};
use crate::domain::pledge::in_question;
use crate::domain::readiness::{Evidence, Measure};
use crate::domain::stage::{NextChange, Stage, Status};
use crate::service::timelines::Known;

/// The page.
#[derive(Template)]
#[template(path = "status.html")]
pub struct StatusPage {
    name: String,
    ori: Option<String>,
    as_of: String,
    stage: String,
    /// The class of the style sheet that goes with the stage.
    tone: &'static str,
    maintained: Option<bool>,
    standard: String,
    /// Its day, its last day, and how long it still runs.
    pledge: Option<(String, String, String)>,
    bars: Vec<Bar>,
    notes: Vec<String>,
}

/// One requirement, and how much of it there is.
struct Bar {
    title: &'static str,
    met: bool,
    needed: u32,
    shown: u32,
    detail: String,
}

impl Bar {
    fn of_evidence(title: &'static str, evidence: Evidence) -> Self {
        let detail = match evidence.in_force {
            0 => "None in force".to_owned(),
            count => format!("{count} in force"),
        };
        Self { title, met: evidence.met, needed: 1, shown: evidence.in_force.min(1), detail }
    }

    fn of_people(title: &'static str, measure: Measure) -> Self {
        let Measure { count, needed, short, met } = measure;
        let short = if short > 0 { format!(", {} short", people(short)) } else { String::new() };
        let detail = format!("{} hold it, {} needed{short}", people(count), people(needed));
        let needed = needed.max(1);
        Self { title, met, needed, shown: count.min(needed), detail }
    }
}

fn people(count: u32) -> String {
    number(usize::try_from(count).unwrap_or(usize::MAX))
}

impl StatusPage {
    /// How an agency stands on a day.
    pub fn of(known: &Known, on: Date) -> Self {
        let Status { stage, maintained, pledge, evaluation, next_change, .. } = known.status(on);
        let standard = known.standards().of(in_question(&known.known.facts.pledges, on));
        let training = evaluation.training;
        let mut notes = Vec::new();
        if let (true, Some(declared)) = (training.roster_incomplete, training.declared) {
            let (roster, declared) = (people(training.roster), people(declared));
            notes.push(format!("The roster has {roster} sworn officers, and the agency declares {declared}: the larger number counts."));
        }
        if training.sworn == 0 {
            notes.push("Nobody is sworn on this day, and an agency of nobody meets nothing.".to_owned());
        }
        notes.extend(next_change.map(told));
        Self {
            name: known.known.agency.name.clone(),
            ori: known.known.agency.ori.clone(),
            as_of: day(on),
            stage: words(stage.as_str()),
            tone: match stage {
                Stage::Certified | Stage::RequirementsMet => "good",
                Stage::Overdue | Stage::Withdrawn | Stage::Revoked => "bad",
                Stage::NotPledged | Stage::InProgress | Stage::InReview => "",
            },
            maintained,
            standard: standard.title.clone(),
            pledge: pledge.map(|pledge| (day(pledge.pledged_on), day(pledge.due_on), left(pledge.days_left))),
            bars: vec![
                Bar::of_evidence("Partnership with a community mental health organization", evaluation.partnership),
                Bar::of_evidence("Policy on responding to people with mental health conditions", evaluation.policy),
                Bar::of_people("Officers who hold the training that everybody needs", training.trained),
                Bar::of_people("Officers who hold crisis intervention training", training.crisis_intervention),
            ],
            notes,
        }
    }
}

fn left(days: i32) -> String {
    match days {
        0 => "today".to_owned(),
        1 => "1 day left".to_owned(),
        2.. => format!("{days} days left"),
        -1 => "1 day ago".to_owned(),
        ..-1 => format!("{} days ago", days.unsigned_abs()),
    }
}

fn told(change: NextChange) -> String {
    let count = |by: i64, what: &str| match by {
        0 => None,
        by => Some(format!("{} {} {what}", by.unsigned_abs(), if by < 0 { "fewer" } else { "more" })),
    };
    let mut parts: Vec<String> =
        [count(change.trained, "trained"), count(change.crisis_intervention, "with crisis intervention training")].into_iter().flatten().collect();
    parts.push(if change.still_met { "all requirements are met from then on" } else { "the requirements are not all met from then on" }.to_owned());
    format!("On {}, by what is known now: {}.", day(change.on), parts.join(", "))
}
