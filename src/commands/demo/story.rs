//! What the demo does and tells, in order.

use std::fmt::Write as _;
use std::io::Write as _;
use std::time::Instant;

use jiff::civil::Date;
use serde_json::{Value, json};

use super::agencies::{self, SHOWN};
use super::batch::{self, Outcome, Record};
use super::catalogue::{self, MHFA_PUBLIC_SAFETY};
use super::client::Client;
use super::fill::{self, Filled};
use super::status::{Shown, Status};
use crate::commands::Failure;

/// Whom the demo calls the service as, and where.
pub struct Stage {
    /// `http://…` without a path.
    pub url: String,
    /// What the database is, in words.
    pub database: String,
    /// Signed for the campaign's staff.
    pub staff: String,
    /// Signed for the system that pushes; shown at the end.
    pub vendor: String,
    pub today: Date,
}

/// Fills the registry, shows an agency before and after a batch, and says how to go on.
///
/// # Errors
/// [`Failure`] where the service doesn't do as it must, or nobody reads.
pub async fn tell(stage: &Stage) -> Result<(), Failure> {
    let (staff, vendor) = (Client::new(&stage.url, &stage.staff)?, Client::new(&stage.url, &stage.vendor)?);
    // Once this is answered the service is up, and heeds a signal.
    let _: Value = vendor.get("/v1/whoami").await?;
    say(&format!(
        "\nOne Mind Registry: a demo on made-up data\n\n     {:<21}{}\n     {:<21}{}\n\n",
        "service", stage.url, "database", stage.database
    ))?;

    let began = Instant::now();
    let filled = fill::fill(&staff, &vendor, stage.today).await?;
    say(&contents(&filled, staff.sent() + vendor.sent(), began.elapsed().as_secs_f64()))?;

    let agency = format!("ori:{}", SHOWN.ori.unwrap_or_default());
    let path = format!("/v1/agencies/{agency}/certification-status");
    let before: Status = vendor.get(&path).await?;
    say(&format!("  2  {}, before\n\n     GET {path}\n\n{}\n", SHOWN.name, Shown { status: &before, before: None }))?;

    let records = batch::records(&agency, &filled.shown, stage.today);
    let bodies: Vec<&Value> = records.iter().map(|record| &record.body).collect();
    let outcome: Outcome = vendor.post("/v1/completions/batch", &json!({"completions": bodies})).await?;
    say(&fates(&records, &outcome))?;

    let after: Status = vendor.get(&path).await?;
    say(&format!("  4  {}, after\n\n{}\n", SHOWN.name, Shown { status: &after, before: Some(&before) }))?;
    say(&next_steps(stage, &agency, &filled))
}

/// Writes to standard output; where nobody reads it, the demo is over.
///
/// # Errors
/// [`Failure::Unreachable`].
pub fn say(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(|cause| Failure::Unreachable(format!("standard output: {cause}")))
}

fn contents(filled: &Filled, requests: usize, seconds: f64) -> String {
    let (trainings, recognized) = catalogue::counts();
    let mut text = format!("  1  The registry, filled through its HTTP interface: {requests} requests, {seconds:.1} s\n\n");
    let evidence = format!("partnerships, {} policies, {} pledges", filled.policies, filled.pledges);
    let rows = [
        (trainings, format!("trainings in the catalogue, {recognized} of them recognized")),
        (filled.agencies, format!("agencies of {} kinds", agencies::kinds())),
        (filled.officers, "officers on their rosters".to_owned()),
        (filled.partnerships, evidence),
        (filled.completions, "completions".to_owned()),
    ];
    for (count, what) in rows {
        let _ = writeln!(text, "     {count:>5}  {what}");
    }
    text.push('\n');
    text
}

fn fates(records: &[Record], outcome: &Outcome) -> String {
    let summary = &outcome.summary;
    let mut text = format!("  3  A batch of {} completions\n\n     POST /v1/completions/batch\n\n", records.len());
    let meanings = [
        ("created", summary.created, "each with its officer and training"),
        ("parked", summary.parked, "on purpose: kept, and placed by itself when what it waits for arrives"),
        ("rejected", summary.rejected, "on purpose: malformed, and told where"),
    ];
    for (word, count, meaning) in meanings {
        let _ = writeln!(text, "     {word:<10}{count:>3}  {meaning}");
        for fate in outcome.results.iter().filter(|fate| word != "created" && fate.outcome == word) {
            let Some(record) = records.get(fate.index) else { continue };
            let id = record.body["external_id"].as_str().unwrap_or_default();
            let reason = fate.reason.as_deref().unwrap_or_default();
            let flaw = record.flaw.as_deref().unwrap_or_default();
            let faults = fate.problem.iter().flat_map(|problem| &problem.errors);
            let mut told: Vec<(&str, String)> = faults.map(|fault| (fault.code.as_str(), format!("{}: {}", fault.pointer, fault.detail))).collect();
            if told.is_empty() {
                told.push((reason, flaw.to_owned()));
            }
            for (code, why) in told {
                let _ = writeln!(text, "     {:<15}{id}  {code:<18}{why}", "");
            }
        }
    }
    text.push('\n');
    text
}

fn next_steps(stage: &Stage, agency: &str, filled: &Filled) -> String {
    let Stage { url, vendor, today, .. } = stage;
    let officer = batch::left_over(&filled.shown);
    let completion = json!({
        "external_id": "my-1", "officer": {"agency": agency, "employee_number": officer.employee_number},
        "training": {"code": MHFA_PUBLIC_SAFETY}, "completed_on": today,
    });
    let completion = completion.to_string().replace(",\"training\"", ",\n          \"training\"");
    let auth = "-H \"Authorization: Bearer $TOKEN\"";
    format!(
        "  5  Now you

     Every operation, to read and to try: {url}/docs

     A token, good for 24 hours, for every scope and every agency:

export API={url}
export TOKEN={vendor}

     Where an agency stands:

curl -s \"$API/v1/agencies/{agency}/certification-status\" \\
     {auth}

     One completion more; {name} is the last who lacks training. Then ask for the status again.

curl -s \"$API/v1/completions\" \\
     {auth} -H \"Content-Type: application/json\" \\
     -d '{completion}'

     What is parked, and why:

curl -s \"$API/v1/completions?status=parked\" \\
     {auth}

     Who lacks training, or whose training lapses within a year:

curl -s \"$API/v1/agencies/{agency}/training-gaps?within_days=365\" \\
     {auth}

",
        name = officer.name(),
    )
}
