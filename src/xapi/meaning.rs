//! Which statements tell of a completed training, and what they say of it.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::Value;
use uuid::Uuid;

use super::Statement;
use super::duration::Duration;
use super::statement::kind;
use crate::domain::completion::{CompletedOn, CompletionDraft, Score};
use crate::domain::invalid::Faults;
use crate::domain::matching::OfficerReference;
use crate::domain::officer::Identifier;
use crate::domain::text::{Code, Email, EmailSha1, Text};
use crate::domain::training::{Hours, TrainingReference};

/// The actor finished the activity.
pub const COMPLETED: &str = "http://adlnet.gov/expapi/verbs/completed";
/// The actor finished it with success.
pub const PASSED: &str = "http://adlnet.gov/expapi/verbs/passed";
/// The actor finished it without: it is recorded, and counts for nothing.
pub const FAILED: &str = "http://adlnet.gov/expapi/verbs/failed";

/// The longest IRI that is a course code as it stands.
const CODE: usize = 200;

/// What the completion is called that a statement makes.
pub fn external_id(statement: Uuid) -> String {
    format!("xapi:{statement}")
}

/// The completion that a statement tells of; `None` where it tells of none: another verb, an actor or object of another kind, or a result
/// that says that it was not completed. Without an instant of its own it happened when it was stored.
///
/// # Errors
/// Pointers are relative to the statement.
pub fn meaning(statement: &Statement, id: Uuid, stored: Timestamp) -> Result<Option<CompletionDraft>, Faults> {
    let (actor, object) = (&statement.members["actor"], &statement.members["object"]);
    let result = statement.members.get("result").unwrap_or(&Value::Null);
    let tells = [COMPLETED, PASSED, FAILED].contains(&statement.verb()) && kind(actor) != "Group" && kind(object) == "Activity";
    if !tells || result["completion"] == false {
        return Ok(None);
    }
    let completed = match statement.members.get("timestamp").and_then(Value::as_str) {
        Some(text) => CompletedOn::parse(text),
        None => Ok(CompletedOn { date: stored.to_zoned(TimeZone::UTC).date(), instant: Some(stored) }),
    };
    let completed = completed.map_err(|invalid| vec![("/timestamp".to_owned(), invalid)])?;
    let course = Code::parse(&course_code(object["id"].as_str().unwrap_or_default())).map_err(|invalid| vec![("/object/id".to_owned(), invalid)])?;
    Ok(Some(CompletionDraft {
        external_id: Code::parse(&external_id(id)).map_err(|invalid| vec![("/id".to_owned(), invalid)])?,
        officer: reference(actor),
        training: TrainingReference::Code(course),
        completed,
        expires_on: None,
        hours: result["duration"].as_str().and_then(Duration::parse).and_then(|duration| hours(duration.seconds?)),
        score: result["score"]["scaled"].as_f64().and_then(|scaled| Score::parse(scaled).ok()),
        passed: statement.verb() != FAILED && result["success"] != false,
        certificate_number: None,
        evidence_url: None,
        revision: None,
        updated_at: None,
    }))
}

/// An activity as a course code: its IRI, or, where that is too long for one, the digest of it.
fn course_code(iri: &str) -> String {
    if iri.chars().count() <= CODE {
        return iri.to_owned();
    }
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, iri.as_bytes());
    digest.as_ref().iter().fold("sha256:".to_owned(), |code, byte| format!("{code}{byte:02x}"))
}

/// To the ten-thousandth; none where there are none to speak of.
fn hours(seconds: f64) -> Option<Hours> {
    Hours::parse((seconds / 3600.0 * 10_000.0).round() / 10_000.0).ok()
}

/// By what an Agent names an officer. One that is longer than an identifier may be names nobody: the completion waits for staff.
fn reference(actor: &Value) -> OfficerReference {
    let none = OfficerReference::default();
    if let Some(mbox) = actor["mbox"].as_str() {
        return OfficerReference { email: Email::parse(mbox.trim_start_matches("mailto:")).ok(), ..none };
    }
    if let Some(digest) = actor["mbox_sha1sum"].as_str() {
        return OfficerReference { email_sha1: EmailSha1::parse(digest).ok(), ..none };
    }
    if !actor["openid"].is_null() {
        return OfficerReference { identifier: identifier("openid", &actor["openid"]), ..none };
    }
    OfficerReference { identifier: identifier_of(&actor["account"]), ..none }
}

/// The identifier that an account is.
pub fn identifier_of(account: &Value) -> Option<Identifier> {
    identifier(&format!("xapi:{}", account["homePage"].as_str()?), &account["name"])
}

fn identifier(system: &str, value: &Value) -> Option<Identifier> {
    let (system, value) = (Text::parse(system).ok()?, Text::parse(value.as_str()?).ok()?);
    Some(Identifier { system, value })
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use serde_json::json;

    use super::*;
    use crate::xapi::Version;

    fn draft(change: impl FnOnce(&mut Value)) -> Option<CompletionDraft> {
        let mut value = json!({
            "actor": {"account": {"homePage": "https://lms.example", "name": "4711"}},
            "verb": {"id": COMPLETED},
            "object": {"id": "https://lms.example/courses/cit"},
            "result": {"completion": true, "success": true, "duration": "PT40H", "score": {"scaled": 0.93}},
            "timestamp": "2026-03-06T23:30:00-06:00",
        });
        change(&mut value);
        let statement = Statement::read("", &value, Version::One).unwrap();
        meaning(&statement, Uuid::from_u128(7), "2026-11-21T12:00:00Z".parse().unwrap()).unwrap()
    }

    #[test]
    fn a_completion_says_what_the_statement_says() {
        let full = draft(|_| ()).unwrap();
        assert_eq!(full.external_id.as_str(), "xapi:00000000-0000-0000-0000-000000000007");
        assert_eq!((full.completed.date, full.completed.instant), (date(2026, 3, 6), Some("2026-03-07T05:30:00Z".parse().unwrap())));
        assert_eq!((full.hours.map(Hours::get), full.score.map(Score::get), full.passed), (Some(40.0), Some(0.93), true));
        assert_eq!(full.training, TrainingReference::Code(Code::parse("https://lms.example/courses/cit").unwrap()));
        let identifier = full.officer.identifier.unwrap();
        assert_eq!((identifier.system.as_str(), identifier.value.as_str()), ("xapi:https://lms.example", "4711"));
        let bare = draft(|value| {
            let members = value.as_object_mut().unwrap();
            members.remove("result");
            members.remove("timestamp");
        });
        let bare = bare.unwrap();
        assert_eq!((bare.completed.date, bare.hours, bare.score, bare.passed), (date(2026, 11, 21), None, None, true));
    }

    #[test]
    fn only_a_person_who_finished_an_activity_makes_a_completion() {
        let with = |pointer: &str, other: Value| draft(|value| *value.pointer_mut(pointer).unwrap() = other);
        assert!(with("/verb/id", json!(PASSED)).unwrap().passed);
        assert!(!with("/verb/id", json!(FAILED)).unwrap().passed);
        assert!(!with("/result/success", json!(false)).unwrap().passed);
        assert_eq!(with("/result/completion", json!(false)), None);
        for verb in ["initialized", "terminated", "attempted", "uncompleted", "voided-not"] {
            assert_eq!(with("/verb/id", json!(format!("http://adlnet.gov/expapi/verbs/{verb}"))), None, "{verb}");
        }
        assert_eq!(with("/actor", json!({"objectType": "Group", "member": [{"mbox": "mailto:a@b.example"}]})), None);
        assert_eq!(with("/object", json!({"objectType": "Agent", "mbox": "mailto:a@b.example"})), None);
    }

    #[test]
    fn every_kind_of_identifier_is_a_key() {
        let with = |actor: Value| draft(|value| value["actor"] = actor).unwrap().officer;
        assert_eq!(with(json!({"mbox": "mailto:M.Rivera@example.org"})).keys(), ["email:m.rivera@example.org"]);
        assert_eq!(with(json!({"mbox_sha1sum": "AB".repeat(20)})).keys(), [format!("email_sha1:{}", "ab".repeat(20))]);
        assert_eq!(with(json!({"openid": "https://id.example/7"})).keys(), ["identifier:openid|https://id.example/7"]);
        let long = with(json!({"account": {"homePage": format!("https://lms.example/{}", "x".repeat(100)), "name": "4711"}}));
        assert_eq!(long, OfficerReference::default());
    }

    #[test]
    fn an_iri_that_is_too_long_for_a_code_is_named_by_its_digest() {
        let iri = format!("https://lms.example/{}", "x".repeat(300));
        let full = draft(|value| value["object"]["id"] = json!(iri)).unwrap();
        let TrainingReference::Code(code) = full.training else { panic!("{:?}", full.training) };
        assert!(code.as_str().starts_with("sha256:") && code.as_str().len() == 71, "{code}");
    }
}
