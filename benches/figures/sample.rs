//! Agencies, officers and completions, the same in every run.

use serde_json::{Value, json};

use crate::Outcome;
use crate::http::{Connection, request, request_of_lines};
use crate::service::Service;

/// How many agencies there are.
pub const AGENCIES: u32 = 40;
/// How many officers each has, all sworn.
pub const OFFICERS: u32 = 500;
/// How many records a batch has.
pub const BATCH: u32 = 1_000;
/// One of each category: code, program, category, and the months for which it is valid.
const TRAININGS: [(&str, &str, &str, Option<u32>); 2] =
    [("MHFA-8", "mhfa", "mental_health_awareness", None), ("CIT-40", "cit", "crisis_intervention", Some(36))];

/// An agency's key in paths and references.
pub fn agency(number: u32) -> String {
    format!("ori:TX{:07}", 9_000_000 + number)
}

/// Loads everybody and the catalogue, through the service, as its staff do.
pub fn load(service: &Service) -> Outcome<()> {
    let token = service.token("iacp", "all", &[])?;
    let mut connection = Connection::open(service.address)?;
    let mut ask = |method: &str, path: &str, body: &Value, status| connection.expect(&request(method, path, Some(&token), &body.to_string()), status);
    for (code, program, category, months) in TRAININGS {
        let training = json!({"code": code, "title": code, "program": program, "category": category, "validity_months": months});
        let training = ask("POST", "/v1/trainings", &training, 201)?;
        let path = format!("/v1/trainings/{}/recognition", training["id"].as_str().unwrap_or_default());
        ask("PUT", &path, &json!({"status": "recognized", "note": null}), 200)?;
    }
    for number in 0..AGENCIES {
        let key = agency(number);
        let body = json!({"name": format!("{} Police", word(number)), "kind": "municipal_police", "country": "US", "subdivision": "US-TX"});
        ask("PUT", &format!("/v1/agencies/{key}"), &body, 201)?;
        let officers: Vec<Value> = (0..OFFICERS).map(|officer| entry(number * OFFICERS + officer)).collect();
        let outcome = ask("PUT", &format!("/v1/agencies/{key}/roster"), &json!({"as_of": "2024-01-01", "officers": officers}), 200)?;
        if outcome["summary"]["created"] != OFFICERS {
            return Err(format!("a roster of {OFFICERS} should be created: {outcome}").into());
        }
    }
    Ok(())
}

fn entry(officer: u32) -> Value {
    json!({"family_name": word(officer), "given_name": word(officer % 50), "employee_number": format!("E-{officer}"), "badge_number": badge(officer),
        "sworn": true, "started_on": "2019-05-01", "identifiers": []})
}

/// A completion: the officers have their turns. By the record's name it is of one training or the other, and of one of five years; what
/// is valid for some months changes from when until when the officer counts.
pub fn completion(external_id: &str, number: u32) -> Value {
    let chance = external_id.bytes().fold(7_u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(u32::from(byte))) / 7;
    of_training(external_id, number, (chance % 2) as usize, 2020 + chance / 2 % 5)
}

fn of_training(external_id: &str, number: u32, training: usize, year: u32) -> Value {
    let officer = number % (AGENCIES * OFFICERS);
    let (training, ..) = TRAININGS[training];
    json!({"external_id": external_id, "officer": {"agency": agency(officer / OFFICERS), "badge_number": badge(officer), "family_name": word(officer)},
        "training": {"code": training}, "completed_on": format!("{year}-{:02}-{:02}", 1 + number % 12, 1 + number % 28), "expires_on": null,
        "hours": 40, "score": 0.93, "passed": true, "certificate_number": format!("C-{number}"), "evidence_url": format!("https://lms.example/c/{number}")})
}

/// Requests that push `count` batches, of records that no other batch of another `name` has.
pub fn batches(token: &str, name: &str, count: u32) -> Vec<Vec<u8>> {
    in_batches(token, count, |number| completion(&format!("{name}-{number:06}"), number))
}

/// Requests that push one completion of each officer, of a training that is valid for ever.
pub fn first_batches(token: &str) -> Vec<Vec<u8>> {
    in_batches(token, AGENCIES * OFFICERS / BATCH, |number| of_training(&format!("before-{number:06}"), number, 0, 2020))
}

fn in_batches(token: &str, count: u32, record: impl Fn(u32) -> Value) -> Vec<Vec<u8>> {
    let of_one = |batch: u32| {
        let records: Vec<Value> = (batch * BATCH..(batch + 1) * BATCH).map(&record).collect();
        request("POST", "/v1/completions/batch", Some(token), &json!({"completions": records}).to_string())
    };
    (0..count).map(of_one).collect()
}

/// A request that pushes so many records as lines, which no other file of another `name` has.
pub fn file(token: &str, name: &str, records: u32) -> Vec<u8> {
    let lines: String = (0..records).map(|number| completion(&format!("{name}-{number:06}"), number).to_string() + "\n").collect();
    request_of_lines("/v1/completions/batch", token, &lines)
}

fn badge(officer: u32) -> String {
    format!("{}", 1_000 + officer % OFFICERS)
}

/// A name of letters alone, another one for each number.
fn word(number: u32) -> String {
    const SYLLABLES: [&str; 10] = ["ba", "ke", "li", "mo", "nu", "ra", "se", "ti", "vo", "za"];
    let lower: String = format!("{number:04}").bytes().map(|digit| SYLLABLES[usize::from(digit - b'0')]).collect();
    lower[..1].to_uppercase() + &lower[1..]
}
