//! The completions that the demo pushes while one looks on: most go in, a few are held back or refused on purpose.

use jiff::ToSpan as _;
use jiff::civil::Date;
use serde::Deserialize;
use serde_json::{Value, json};

use super::agencies::SHOWN;
use super::catalogue::{CIT, MHFA_PUBLIC_SAFETY, OWN_CODE};
use super::people::Person;

/// Officers whose awareness training lapses next, and who now complete crisis intervention too.
const FURTHER: [usize; 2] = [9, 12];
/// How many of the untrained complete crisis intervention.
const NEW_CRISIS: usize = 4;

/// What the service answers to a batch.
#[derive(Debug, Deserialize)]
pub struct Outcome {
    pub summary: Summary,
    pub results: Vec<Fate>,
}

/// How many records fared how.
#[derive(Debug, Deserialize)]
pub struct Summary {
    pub created: usize,
    pub parked: usize,
    pub rejected: usize,
    pub causes: Vec<Value>,
}

/// What became of a record.
#[derive(Debug, Deserialize)]
pub struct Fate {
    pub index: usize,
    pub outcome: String,
    pub reason: Option<String>,
    pub problem: Option<Problem>,
}

/// Why a record was refused.
#[derive(Debug, Deserialize)]
pub struct Problem {
    pub errors: Vec<Fault>,
}

/// A fault of a record.
#[derive(Debug, Deserialize)]
pub struct Fault {
    pub pointer: String,
    pub code: String,
    pub detail: String,
}

/// A record, and what is wrong with it on purpose.
pub struct Record {
    pub body: Value,
    pub flaw: Option<String>,
}

/// The officer whom the batch leaves without training, so that there is one to go on with.
pub fn left_over(people: &[Person]) -> &Person {
    &people[SHOWN.sworn - 1]
}

/// The records, for the roster of [`SHOWN`].
pub fn records(agency: &str, people: &[Person], today: Date) -> Vec<Record> {
    let day = today.saturating_sub(4.days());
    let trained = SHOWN.crisis + SHOWN.aware;
    let cit = FURTHER.into_iter().chain(trained..trained + NEW_CRISIS).map(|place| (place, CIT, 40));
    let mhfa = (trained + NEW_CRISIS..SHOWN.sworn - 1).map(|place| (place, if place % 2 == 0 { MHFA_PUBLIC_SAFETY } else { OWN_CODE }, 8));
    let good = cit.chain(mhfa).map(|(place, code, hours)| (people[place].reference(agency, place), code, hours, day.to_string(), None));
    let last = left_over(people);
    let other = &people[3];
    let conflict = json!({"agency": agency, "badge_number": other.badge_number, "family_name": last.family_name, "given_name": last.given_name});
    let flawed = [
        (
            json!({"agency": agency, "employee_number": "E-2044"}),
            CIT,
            40,
            day.to_string(),
            Some("employee number E-2044 is not on the roster yet".to_owned()),
        ),
        (conflict, MHFA_PUBLIC_SAFETY, 8, day.to_string(), Some(format!("the badge of {}, the name of {}", other.name(), last.name()))),
        (people[14].reference(agency, 1), "LMS-9001", 8, day.to_string(), Some("nobody has mapped the course LMS-9001 yet".to_owned())),
        (people[15].reference(agency, 1), CIT, 40, format!("{}-02-30", today.year()), None),
    ];
    let numbered = good.chain(flawed).enumerate();
    numbered
        .map(|(index, (officer, code, hours, completed_on, flaw))| Record {
            body: json!({
                "external_id": format!("lms-{}", 5001 + index), "officer": officer,
                "training": {"code": code}, "completed_on": completed_on, "hours": hours, "passed": true,
            }),
            flaw,
        })
        .collect()
}
