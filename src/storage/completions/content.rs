//! A pushed completion as the JSON document that the row keeps, and back.

use jiff::Timestamp;
use jiff::civil::Date;
use serde::Serialize;
use serde_json::Value;
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
#[derive(Serialize)]
pub struct Document<'a> {
    external_id: &'a str,
    officer: Officer<'a>,
    training: Training<'a>,
    completed_on: Date,
    #[serde(skip_serializing_if = "Option::is_none")]
    completed_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_on: Option<Date>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hours: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    score: Option<f64>,
    passed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    certificate_number: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    evidence_url: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    revision: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    updated_at: Option<Timestamp>,
}

#[derive(Serialize)]
struct Officer<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<Uuid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    identifier: Option<Held<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email_sha1: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    agency: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    employee_number: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    badge_number: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    family_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    given_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    appointed_on: Option<Date>,
}

#[derive(Serialize)]
struct Held<'a> {
    system: &'a str,
    value: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Training<'a> {
    Id(Uuid),
    Code(&'a str),
}

impl<'a> Document<'a> {
    /// Of a draft.
    pub fn of(draft: &'a CompletionDraft) -> Self {
        let officer = &draft.officer;
        Self {
            external_id: draft.external_id.as_str(),
            officer: Officer {
                id: officer.id,
                identifier: officer.identifier.as_ref().map(|i| Held { system: i.system.as_str(), value: i.value.as_str() }),
                email: officer.email.as_ref().map(Email::as_str),
                email_sha1: officer.email_sha1.as_ref().map(EmailSha1::as_str),
                agency: officer.agency.as_ref().map(ToString::to_string),
                employee_number: officer.employee_number.as_ref().map(Text::as_str),
                badge_number: officer.badge_number.as_ref().map(Text::as_str),
                family_name: officer.family_name.as_ref().map(Text::as_str),
                given_name: officer.given_name.as_ref().map(Text::as_str),
                appointed_on: officer.appointed_on,
            },
            training: match &draft.training {
                TrainingReference::Id(id) => Training::Id(*id),
                TrainingReference::Code(code) => Training::Code(code.as_str()),
            },
            completed_on: draft.completed.date,
            completed_at: draft.completed.instant,
            expires_on: draft.expires_on,
            hours: draft.hours.map(Hours::get),
            score: draft.score.map(Score::get),
            passed: draft.passed,
            certificate_number: draft.certificate_number.as_ref().map(Text::as_str),
            evidence_url: draft.evidence_url.as_ref().map(Url::as_str),
            revision: draft.revision,
            updated_at: draft.updated_at,
        }
    }

    /// As a row keeps it. A document has names for keys and finite numbers, which JSON always can write.
    pub fn to_text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// The document of a draft, as a value.
pub fn to_json(draft: &CompletionDraft) -> Value {
    serde_json::to_value(Document::of(draft)).unwrap_or_default()
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
    use serde_json::json;

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
        assert_eq!(serde_json::from_str::<Value>(&Document::of(&draft).to_text()).unwrap(), document);
        let least = json!({"external_id": "rec-2", "officer": {"email": "a@b.example"}, "training": {"id": Uuid::from_u128(9)}, "completed_on": "2026-03-06", "passed": false});
        assert_eq!(to_json(&from_json(&least).unwrap()), least);
        assert!(from_json(&json!({"officer": {}})).is_err());
    }
}
