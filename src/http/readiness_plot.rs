//! `/v1/agencies/{agency}/readiness.svg`: the readiness of an agency over time, drawn.

use askama::Template;
use jiff::ToSpan as _;
use jiff::civil::Date;

use super::public::page::day;
use crate::domain::readiness::Measure;
use crate::domain::stage::Status;

const WIDTH: f64 = 960.0;
const HEIGHT: f64 = 540.0;
const LEFT: f64 = 80.0;
const RIGHT: f64 = 930.0;
const TOP: f64 = 112.0;
const BOTTOM: f64 = 390.0;
const STRIP: f64 = 486.0;

/// How many marks an axis of days has at the most.
const MARKS: i32 = 9;

/// How many characters of a name fit above the plot.
const HEADING: usize = 60;

/// How wide a span is that has room for its label.
const LABEL: f64 = 70.0;

/// The plot.
#[derive(Template)]
#[template(path = "readiness.svg")]
pub struct Plot {
    width: f64,
    height: f64,
    left: f64,
    right: f64,
    top: f64,
    bottom: f64,
    middle: f64,
    center: f64,
    strip: f64,
    title: String,
    description: String,
    heading: String,
    period: String,
    shares: Vec<Mark>,
    days: Vec<Mark>,
    /// Who is trained, and who holds crisis intervention training.
    lines: [Line; 2],
    spans: Vec<Span>,
    due: Option<Mark>,
    /// Whether the label of `due` stands to the left of it.
    due_left: bool,
}

struct Mark {
    at: f64,
    label: String,
}

/// One measure: how many there are, and how many are needed.
struct Line {
    color: &'static str,
    held: String,
    needed: String,
}

/// Days on which the requirements are met throughout, or not at all.
struct Span {
    from: f64,
    width: f64,
    met: bool,
    labelled: bool,
}

/// Days as places on the paper.
#[derive(Clone, Copy)]
struct Axis {
    from: Date,
    /// The day after the last.
    end: Date,
}

impl Axis {
    fn at(self, day: Date) -> f64 {
        let place = f64::from(days_between(self.from, day)) / f64::from(days_between(self.from, self.end).max(1));
        rounded(LEFT + place * (RIGHT - LEFT))
    }

    /// The first days of months, or days where there are few.
    fn marks(self) -> Vec<Mark> {
        let days = days_between(self.from, self.end);
        let (format, mut on, step) = if days <= 62 {
            let step = [1, 2, 5, 7].into_iter().find(|step| days / step <= MARKS).unwrap_or(7);
            ("%-d %b", self.from, step.days())
        } else {
            let months = days / 30;
            let step = [1, 3, 6, 12, 24, 60, 120].into_iter().find(|step| months / step <= MARKS).unwrap_or(120);
            let into = (i32::from(self.from.year()) * 12 + i32::from(self.from.month()) - 1) % step;
            let begun = self.from.first_of_month().saturating_sub(into.months());
            let first = if begun < self.from { begun.saturating_add(step.months()) } else { begun };
            (if step < 12 { "%b %Y" } else { "%Y" }, first, step.months())
        };
        let mut marks = Vec::new();
        while on < self.end {
            marks.push(Mark { at: self.at(on), label: on.strftime(format).to_string() });
            let next = on.saturating_add(step);
            if next <= on {
                break;
            }
            on = next;
        }
        marks
    }
}

impl Plot {
    /// Draws the steps, of which there is at least one, from the first day to the last.
    pub fn of(agency: &str, from: Date, to: Date, steps: &[Status]) -> Self {
        let axis = Axis { from, end: to.saturating_add(1.day()) };
        let due = steps.iter().rev().find_map(|step| step.pledge).map(|pledge| pledge.due_on).filter(|due| from <= *due && *due <= to);
        let short: String = agency.chars().take(HEADING).collect();
        let title = format!("Readiness of {agency}");
        let line = |color, of: fn(&Status) -> Measure| Line {
            color,
            held: path(axis, steps, |step| of(step).count),
            needed: path(axis, steps, |step| of(step).needed),
        };
        let due = due.map(|due| Mark { at: axis.at(due), label: format!("Pledge ends {}", day(due)) });
        Self {
            width: WIDTH,
            height: HEIGHT,
            left: LEFT,
            right: RIGHT,
            top: TOP,
            bottom: BOTTOM,
            middle: TOP.midpoint(BOTTOM),
            center: LEFT.midpoint(RIGHT),
            strip: STRIP,
            heading: if short.len() < agency.len() { format!("Readiness of {}…", short.trim_end()) } else { title.clone() },
            title,
            description: description(from, to, steps),
            period: format!("Share of sworn officers with credit, {} to {}, if nothing new is recorded", day(from), day(to)),
            shares: (0_u32..=5).map(|fifth| Mark { at: height(fifth, 5), label: (fifth * 20).to_string() }).collect(),
            days: axis.marks(),
            lines: [line("#14315c", |step| step.evaluation.training.trained), line("#a84300", |step| step.evaluation.training.crisis_intervention)],
            spans: spans(axis, steps),
            due_left: due.as_ref().is_some_and(|due| due.at > LEFT.midpoint(RIGHT)),
            due,
        }
    }
}

/// In words, what the picture shows.
fn description(from: Date, to: Date, steps: &[Status]) -> String {
    let Some((first, last)) = steps.first().zip(steps.last()) else { return String::new() };
    let stands = |step: &Status| {
        let training = step.evaluation.training;
        let of = |measure: Measure| format!("{} of {} needed", measure.count, measure.needed);
        let met = if step.evaluation.met() { "met" } else { "not met" };
        let (trained, crisis) = (of(training.trained), of(training.crisis_intervention));
        format!("{} sworn officers, {trained} trained, {crisis} with crisis intervention training; all three requirements {met}", training.sworn)
    };
    let turns = steps.windows(2).filter(|pair| pair[0].evaluation.met() != pair[1].evaluation.met()).map(|pair| {
        let change = if pair[1].evaluation.met() { "met" } else { "no longer met" };
        format!(" From {}, all three requirements are {change}.", day(pair[1].as_of))
    });
    let turns: String = turns.collect();
    format!("On {}: {}.{turns} On {}: {}.", day(from), stands(first), day(to), stands(last))
}

/// A line of steps, in shares of the sworn officers.
fn path(axis: Axis, steps: &[Status], count: impl Fn(&Status) -> u32) -> String {
    let places = steps.iter().map(|step| (axis.at(step.as_of), height(count(step), step.evaluation.training.sworn)));
    let path: Vec<String> = places.enumerate().map(|(nth, (x, y))| if nth == 0 { format!("M{x} {y}") } else { format!("H{x}V{y}") }).collect();
    format!("{}H{RIGHT}", path.concat())
}

fn spans(axis: Axis, steps: &[Status]) -> Vec<Span> {
    let mut bounds: Vec<(Date, bool)> = steps.iter().map(|step| (step.as_of, step.evaluation.met())).collect();
    bounds.dedup_by_key(|(_, met)| *met);
    let ends = bounds.iter().skip(1).map(|(day, _)| *day).chain([axis.end]);
    let spans = bounds.iter().zip(ends).map(|((begins, met), ends)| {
        let (from, until) = (axis.at(*begins), axis.at(ends));
        Span { from, width: rounded(until - from), met: *met, labelled: until - from >= LABEL }
    });
    spans.collect()
}

/// Where a share stands; nothing of nobody is nothing.
fn height(count: u32, sworn: u32) -> f64 {
    let share = if sworn == 0 { 0.0 } else { f64::from(count.min(sworn)) / f64::from(sworn) };
    rounded(BOTTOM - share * (BOTTOM - TOP))
}

fn days_between(from: Date, to: Date) -> i32 {
    (to - from).get_days()
}

fn rounded(place: f64) -> f64 {
    (place * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn an_axis_has_a_handful_of_marks_however_long_it_is() {
        let from = date(2026, 11, 21);
        for (days, first, expected) in [
            (1, "21 Nov", 1),
            (14, "21 Nov", 7),
            (60, "21 Nov", 9),
            (200, "Dec 2026", 7),
            (730, "Jan 2027", 8),
            (3650, "2028", 5),
            (18_262, "2030", 5),
        ] {
            let marks = Axis { from, end: from.saturating_add(days.days()) }.marks();
            assert_eq!((marks[0].label.as_str(), marks.len()), (first, expected), "{days}");
            assert!(marks.iter().all(|mark| (LEFT..RIGHT).contains(&mark.at)), "{days}");
        }
        assert!(Axis { from: date(9999, 1, 1), end: date(9999, 12, 31) }.marks().len() < 13);
    }
}
