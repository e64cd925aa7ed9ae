//! A pushed completion as the JSON document that the row keeps, and back.

use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::domain::agency::AgencyKey;
use crate::domain::completion::{CompletedOn, CompletionDraft, Score};
use crate::domain::dates::{parse_date, parse_instant};
use crate::domain::invalid::Invalid;
use crate::domain::matching::OfficerReference;
use crate::domain::officer::Identifier;
use crate::domain::text::{Code, Email, EmailSha1, Text, Url};
use crate::domain::training::{Hours, TrainingReference};
use crate::storage::StorageError;

/// The document of a draft: the fields as pushed, those that are absent left out.
pub fn to_json(draft: &CompletionDraft) -> Value {
    let officer = &draft.officer;
    let mut reference = Map::new();
    put(&mut reference, "id", officer.id);
    put(&mut reference, "identifier", officer.identifier.as_ref().map(|i| json!({"system": i.system.as_str(), "value": i.value.as_str()})));
    put(&mut reference, "email", officer.email.as_ref().map(Email::as_str));
    put(&mut reference, "email_sha1", officer.email_sha1.as_ref().map(EmailSha1::as_str));
    put(&mut reference, "agency", officer.agency.as_ref().map(ToString::to_string));
    put(&mut reference, "employee_number", officer.employee_number.as_ref().map(Text::as_str));
    put(&mut reference, "badge_number", officer.badge_number.as_ref().map(Text::as_str));
    put(&mut reference, "family_name", officer.family_name.as_ref().map(Text::as_str));
    put(&mut reference, "given_name", officer.given_name.as_ref().map(Text::as_str));
    put(&mut reference, "appointed_on", officer.appointed_on);
    let training = match &draft.training {
        TrainingReference::Id(id) => json!({"id": id}),
        TrainingReference::Code(code) => json!({"code": code.as_str()}),
    };
    let mut document = Map::new();
    put(&mut document, "external_id", Some(draft.external_id.as_str()));
    put(&mut document, "officer", Some(reference));
    put(&mut document, "training", Some(training));
    put(&mut document, "completed_on", Some(draft.completed.date));
    put(&mut document, "completed_at", draft.completed.instant);
    put(&mut document, "expires_on", draft.expires_on);
    put(&mut document, "hours", draft.hours.map(Hours::get));
    put(&mut document, "score", draft.score.map(Score::get));
    put(&mut document, "passed", Some(draft.passed));
    put(&mut document, "certificate_number", draft.certificate_number.as_ref().map(Text::as_str));
    put(&mut document, "evidence_url", draft.evidence_url.as_ref().map(Url::as_str));
    put(&mut document, "revision", draft.revision);
    put(&mut document, "updated_at", draft.updated_at);
    Value::Object(document)
}

fn put(document: &mut Map<String, Value>, name: &str, value: Option<impl serde::Serialize>) {
    if let Some(value) = value {
        document.insert(name.to_owned(), json!(value));
    }
}

/// Reads a document back.
///
/// # Errors
/// [`StorageError::Corrupt`] where it is not one that [`to_json`] made.
pub fn from_json(document: &Value) -> Result<CompletionDraft, StorageError> {
    read(document).map_err(|invalid| StorageError::Corrupt(format!("completions.content: {invalid}")))
}

fn read(document: &Value) -> Result<CompletionDraft, Invalid> {
    let reference = &document["officer"];
    let identifier = &reference["identifier"];
    let identifier = match (identifier["system"].as_str(), identifier["value"].as_str()) {
        (Some(system), Some(value)) => Some(Identifier { system: Text::parse(system)?, value: Text::parse(value)? }),
        _ => None,
    };
    let training = match (document["training"]["id"].as_str(), document["training"]["code"].as_str()) {
        (Some(id), _) => TrainingReference::Id(parse_id(id)?),
        (None, Some(code)) => TrainingReference::Code(Code::parse(code)?),
        _ => return Err(Invalid::new("invalid_content", "training is missing")),
    };
    let required = |name: &'static str| document[name].as_str().ok_or_else(|| Invalid::new("invalid_content", format!("{name} is missing")));
    Ok(CompletionDraft {
        external_id: Code::parse(required("external_id")?)?,
        officer: OfficerReference {
            id: optional(reference, "id", parse_id)?,
            identifier,
            email: optional(reference, "email", Email::parse)?,
            email_sha1: optional(reference, "email_sha1", EmailSha1::parse)?,
            agency: optional(reference, "agency", AgencyKey::parse)?,
            employee_number: optional(reference, "employee_number", Text::parse)?,
            badge_number: optional(reference, "badge_number", Text::parse)?,
            family_name: optional(reference, "family_name", Text::parse)?,
            given_name: optional(reference, "given_name", Text::parse)?,
            appointed_on: optional(reference, "appointed_on", parse_date)?,
        },
        training,
        completed: CompletedOn { date: parse_date(required("completed_on")?)?, instant: optional(document, "completed_at", parse_instant)? },
        expires_on: optional(document, "expires_on", parse_date)?,
        hours: document["hours"].as_f64().map(Hours::parse).transpose()?,
        score: document["score"].as_f64().map(Score::parse).transpose()?,
        passed: document["passed"].as_bool().unwrap_or(false),
        certificate_number: optional(document, "certificate_number", Code::parse)?,
        evidence_url: optional(document, "evidence_url", Url::parse)?,
        revision: document["revision"].as_u64(),
        updated_at: optional(document, "updated_at", parse_instant)?,
    })
}

fn optional<T>(document: &Value, name: &str, parse: impl FnOnce(&str) -> Result<T, Invalid>) -> Result<Option<T>, Invalid> {
    document[name].as_str().map(parse).transpose()
}

fn parse_id(text: &str) -> Result<Uuid, Invalid> {
    Uuid::try_parse(text).map_err(|_| Invalid::new("invalid_id", "is not a UUID"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draft_comes_back_from_its_document_as_it_was() {
        let document = json!({
            "external_id": "rec-1",
            "officer": {"id": Uuid::from_u128(7), "identifier": {"system": "post:US-IL", "value": "1-2"}, "email": "M.Rivera@example.org", "email_sha1": "d90d1cdec81849aaf5aee4d9a2010285d9f46332", "agency": "ori:ILCPD0000",
                "employee_number": "E-17", "badge_number": "11288", "family_name": "Rivera", "given_name": "María", "appointed_on": "2010-09-01"},
            "training": {"code": "CIT-40"}, "completed_on": "2026-03-06", "completed_at": "2026-03-07T05:30:00Z", "expires_on": "2029-03-06", "hours": 40.0, "score": 0.93,
            "passed": true, "certificate_number": "C-771", "evidence_url": "https://lms.example/c/771", "revision": 3, "updated_at": "2026-03-08T00:00:00Z",
        });
        let draft = from_json(&document).unwrap();
        assert_eq!(to_json(&draft), document);
        let least = json!({"external_id": "rec-2", "officer": {"email": "a@b.example"}, "training": {"id": Uuid::from_u128(9)}, "completed_on": "2026-03-06", "passed": false});
        assert_eq!(to_json(&from_json(&least).unwrap()), least);
        assert!(from_json(&json!({"officer": {}})).is_err());
    }
}
