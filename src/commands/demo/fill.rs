//! Fills the empty registry, request by request, as the campaign's staff and vendors do.

use jiff::ToSpan as _;
use jiff::civil::Date;
use serde_json::{Value, json};

use super::agencies::{OTHERS, SHOWN, Sample};
use super::batch::Outcome;
use super::catalogue::{self, CIT, MHFA_PUBLIC_SAFETY};
use super::client::Client;
use super::library;
use super::people::{self, Person};
use crate::commands::Failure;

/// How many months ago the classes were.
const CRISIS_CLASSES: [i64; 3] = [30, 19, 6];
const AWARENESS_CLASSES: [i64; 3] = [31, 22, 9];

/// What the registry holds then.
pub struct Filled {
    pub agencies: usize,
    pub officers: usize,
    pub pledges: usize,
    pub partnerships: usize,
    pub policies: usize,
    pub completions: usize,
    /// The roster of [`SHOWN`], the sworn first.
    pub shown: Vec<Person>,
}

/// Fills the registry.
///
/// # Errors
/// [`Failure`] where the service refuses, or does with a record what it must not.
pub async fn fill(staff: &Client, vendor: &Client, today: Date) -> Result<Filled, Failure> {
    catalogue::fill(staff, vendor).await?;
    library::fill(staff).await?;
    let mut filled = Filled { agencies: 0, officers: 0, pledges: 0, partnerships: 0, policies: 0, completions: 0, shown: Vec::new() };
    let mut records = Vec::new();
    for sample in std::iter::once(&SHOWN).chain(&OTHERS) {
        let agency = register(staff, sample, today).await?;
        commit(staff, sample, &agency, today, &mut filled).await?;
        let people = people::roster(sample, filled.officers, today);
        let entries: Vec<Value> = people.iter().map(Person::entry).collect();
        let _: Value = vendor.put(&format!("/v1/agencies/{agency}/roster"), &json!({"as_of": today, "officers": entries})).await?;
        records.extend(earlier(sample, &agency, &people, today, filled.agencies));
        filled.agencies += 1;
        filled.officers += people.len();
        if filled.shown.is_empty() {
            filled.shown = people;
        }
    }
    let outcome: Outcome = vendor.post("/v1/completions/batch", &json!({"completions": records})).await?;
    if outcome.summary.created != records.len() {
        return Err(Failure::Faults(format!(
            "of {} completions only {} were placed: {:?}",
            records.len(),
            outcome.summary.created,
            outcome.summary.causes
        )));
    }
    filled.completions = records.len();
    Ok(filled)
}

/// Registers an agency and answers how a path names it.
async fn register(staff: &Client, sample: &Sample, today: Date) -> Result<String, Failure> {
    let body = json!({
        "ori": sample.ori, "name": sample.name, "kind": sample.kind, "country": sample.country, "subdivision": sample.subdivision,
        "sworn_strength": {"count": sample.sworn + sample.unlisted, "as_of": today.first_of_month()},
    });
    let agency: Value = staff.post("/v1/agencies", &body).await?;
    Ok(sample.ori.map_or_else(|| agency["id"].as_str().unwrap_or_default().to_owned(), |ori| format!("ori:{ori}")))
}

/// The pledge of an agency, its partnership and its policy.
async fn commit(staff: &Client, sample: &Sample, agency: &str, today: Date, filled: &mut Filled) -> Result<(), Failure> {
    if let Some(pledge) = &sample.pledge {
        let body = json!({
            "agency": agency, "standard": pledge.standard, "pledged_on": today.saturating_sub(pledge.months_ago.months()),
            "term_months": pledge.term_months, "signatory": {"name": "Jordan Ames", "title": "Chief of Police"},
        });
        let made: Value = staff.post("/v1/pledges", &body).await?;
        if pledge.withdrawn {
            let path = format!("/v1/pledges/{}/withdrawal", made["id"].as_str().unwrap_or_default());
            let body = json!({"withdrawn_on": today.saturating_sub(3.months()), "reason": "Merged with the county's program."});
            let _: Value = staff.post(&path, &body).await?;
        }
        filled.pledges += 1;
    }
    if sample.partnership {
        let body = json!({
            "agency": agency, "organization": {"name": "Lakeland Behavioral Health", "kind": "community_mental_health"},
            "agreement": "mou", "effective_on": today.saturating_sub(13.months()),
        });
        let _: Value = staff.post("/v1/partnerships", &body).await?;
        filled.partnerships += 1;
    }
    if sample.policy {
        let title = "Response to People with Mental Health Conditions";
        let body = json!({"agency": agency, "title": title, "adopted_on": today.saturating_sub(10.months())});
        let _: Value = staff.post("/v1/policies", &body).await?;
        filled.policies += 1;
    }
    Ok(())
}

/// What the officers of an agency completed before the demo begins: crisis intervention the first of them, awareness the next.
fn earlier(sample: &Sample, agency: &str, people: &[Person], today: Date, nth: usize) -> Vec<Value> {
    let offset = i64::try_from(nth).unwrap_or(0) * 2;
    let day = |classes: [i64; 3], place: usize| today.saturating_sub(classes[place % 3].months()).saturating_sub(offset.days());
    let trained = people.iter().enumerate().take(sample.crisis + sample.aware);
    trained
        .map(|(place, person)| {
            let crisis = place < sample.crisis;
            let (code, completed_on) = if crisis { (CIT, day(CRISIS_CLASSES, place)) } else { (MHFA_PUBLIC_SAFETY, day(AWARENESS_CLASSES, place)) };
            json!({
                "external_id": format!("history-{nth}-{place}"), "officer": person.reference(agency, place),
                "training": {"code": code}, "completed_on": completed_on,
            })
        })
        .collect()
}
