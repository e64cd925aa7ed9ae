//! Completions on the wire.

use deserr::{Deserr, IntoValue, Value, ValuePointerRef};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::domain::agency::AgencyKey;
use crate::domain::completion::{CompletedOn, CompletionDraft, Score};
use crate::domain::invalid::Invalid;
use crate::domain::matching::OfficerReference;
use crate::domain::officer::Identifier;
use crate::domain::placement::{CompletionStatus, ParkedReason};
use crate::domain::text::{Code, Email, EmailSha1, Name, Number, Text, Url};
use crate::domain::training::{Hours, TrainingReference};
use crate::http::decode::{Day, Faults, Moment, Ref, refuse};
use crate::storage::completions::{Completion, Former};

/// A completion as it is pushed.
#[derive(Debug, Clone, Deserr, Serialize, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[serde(deny_unknown_fields)]
pub struct CompletionInput {
    /// The sender's own id of the record: the same id is the same record.
    external_id: Code,
    /// Who completed.
    officer: OfficerReferenceInput,
    /// What was completed.
    training: TrainingReferenceInput,
    completed_on: CompletedOnInput,
    /// The first day on which it no longer counts; without it, the training's own validity holds.
    #[deserr(default)]
    expires_on: Option<Day>,
    /// How long it took.
    #[deserr(default)]
    hours: Option<Hours>,
    /// With which result.
    #[deserr(default)]
    score: Option<Score>,
    /// Whether it was passed; a completion that doesn't say was.
    #[deserr(default = true)]
    #[schema(required = false, default = true)]
    passed: bool,
    /// The number on the certificate.
    #[deserr(default)]
    certificate_number: Option<Code>,
    /// Where the evidence lies.
    #[deserr(default)]
    evidence_url: Option<Url>,
    /// The sender's revision of the record: a lower one that arrives late changes nothing.
    #[deserr(default)]
    #[schema(value_type = Option<i64>, minimum = 0, example = 3)]
    revision: Option<Revision>,
    /// When the sender last changed the record: an earlier one that arrives late changes nothing.
    #[deserr(default)]
    updated_at: Option<Moment>,
}

/// An officer, by keys that must all agree with one and the same: a strong key (`id`, `identifier`, `email`, `email_sha1`, or `agency` with
/// `employee_number` or `badge_number`), or `agency`, `family_name`, `given_name` and `appointed_on` together, and as many more as are known.
#[derive(Debug, Clone, Deserr, Serialize, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[serde(deny_unknown_fields)]
#[schema(as = OfficerReference)]
pub struct OfficerReferenceInput {
    #[deserr(default)]
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<Ref>,
    #[deserr(default)]
    #[serde(skip_serializing_if = "Option::is_none")]
    identifier: Option<IdentifierReference>,
    #[deserr(default)]
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<Email>,
    #[deserr(default)]
    #[serde(skip_serializing_if = "Option::is_none")]
    email_sha1: Option<EmailSha1>,
    #[deserr(default)]
    #[serde(skip_serializing_if = "Option::is_none")]
    agency: Option<AgencyKey>,
    /// As it stood at the agency on `completed_on`.
    #[deserr(default)]
    #[serde(skip_serializing_if = "Option::is_none")]
    employee_number: Option<Number>,
    /// As it stood at the agency on `completed_on`.
    #[deserr(default)]
    #[serde(skip_serializing_if = "Option::is_none")]
    badge_number: Option<Number>,
    #[deserr(default)]
    #[serde(skip_serializing_if = "Option::is_none")]
    family_name: Option<Name>,
    #[deserr(default)]
    #[serde(skip_serializing_if = "Option::is_none")]
    given_name: Option<Name>,
    /// The first day of an appointment.
    #[deserr(default)]
    #[serde(skip_serializing_if = "Option::is_none")]
    appointed_on: Option<Day>,
}

/// An identifier of an officer in some system.
#[derive(Debug, Clone, Deserr, Serialize, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[serde(deny_unknown_fields)]
pub struct IdentifierReference {
    /// Which system.
    system: Text<100>,
    /// The identifier there.
    #[schema(example = "1001-6142")]
    value: Text<200>,
}

/// A training: its id, or a code, which is the client's own where it has mapped it, else the catalogue's. Exactly one of the two.
#[derive(Debug, Clone, Deserr, Serialize, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields, validate = exactly_one -> Invalid)]
#[serde(deny_unknown_fields)]
#[schema(as = TrainingReference, example = json!({"code": "CIT-40"}))]
pub struct TrainingReferenceInput {
    #[deserr(default)]
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<Ref>,
    #[deserr(default)]
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "CIT-40")]
    code: Option<Code>,
}

fn exactly_one(reference: TrainingReferenceInput, _: ValuePointerRef<'_>) -> Result<TrainingReferenceInput, Invalid> {
    if reference.id.is_some() == reference.code.is_some() {
        return Err(Invalid::new("exactly_one", "give either `id` or `code`"));
    }
    Ok(reference)
}

/// When it was completed: the local date, or an instant with its offset, whose date there it is.
#[derive(Debug, Clone, Copy)]
pub struct CompletedOnInput(CompletedOn);

impl Serialize for CompletedOnInput {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0.date)
    }
}

crate::http::decode::parsed!(CompletedOnInput);

impl CompletedOnInput {
    fn parse(text: &str) -> Result<Self, Invalid> {
        CompletedOn::parse(text).map(Self)
    }
}

impl utoipa::PartialSchema for CompletedOnInput {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        utoipa::openapi::schema::ObjectBuilder::new()
            .schema_type(utoipa::openapi::Type::String)
            .description(Some("When: the local date, or an instant with its offset (RFC 3339), whose date there it is. Not in the future."))
            .pattern(Some(r"^(19|[2-9][0-9])[0-9]{2}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?(Z|[+-][0-9]{2}:[0-9]{2}))?$"))
            .examples([serde_json::json!("2026-03-06")])
            .into()
    }
}

impl ToSchema for CompletedOnInput {
    fn name() -> std::borrow::Cow<'static, str> {
        "CompletedOn".into()
    }
}

/// A sender's revision, at most 2^63-1.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(transparent)]
pub struct Revision(u64);

impl Deserr<Faults> for Revision {
    fn deserialize_from_value<V: IntoValue>(value: Value<V>, location: ValuePointerRef<'_>) -> Result<Self, Faults> {
        match u64::deserialize_from_value(value, location)? {
            revision if i64::try_from(revision).is_ok() => Ok(Self(revision)),
            _ => refuse(location, Invalid::new("too_large", "must be at most 9223372036854775807")),
        }
    }
}

/// A completion as it is held.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Completion)]
pub struct CompletionView {
    id: Uuid,
    /// The client that pushed it.
    client: Uuid,
    /// The sender's own id of the record.
    external_id: Code,
    status: CompletionStatus,
    /// Why it waits, where it does.
    reason: Option<ParkedReason>,
    /// Whose it is, once that is known.
    officer_id: Option<Uuid>,
    /// Of which training it is, once that is known.
    training_id: Option<Uuid>,
    /// Whether staff placed it.
    placed_by_hand: bool,
    /// Who completed, as pushed; to a client that did not push it, the `id` alone, once it is known.
    officer: OfficerReferenceInput,
    /// What was completed, as pushed.
    training: TrainingReferenceInput,
    /// The local date.
    #[schema(value_type = Day)]
    completed_on: Day,
    /// The instant, where one was pushed.
    completed_at: Option<jiff::Timestamp>,
    /// As pushed.
    expires_on: Option<Day>,
    hours: Option<Hours>,
    score: Option<Score>,
    passed: bool,
    certificate_number: Option<Code>,
    evidence_url: Option<Url>,
    /// The sender's revision.
    #[schema(value_type = Option<i64>, minimum = 0)]
    sender_revision: Option<u64>,
    /// When the sender last changed it.
    sender_updated_at: Option<jiff::Timestamp>,
    /// How often it came with other content, from 1.
    #[schema(minimum = 1)]
    revision: u32,
    /// When it was taken back.
    revoked_at: Option<jiff::Timestamp>,
    /// Why it was taken back.
    revocation_reason: Option<String>,
    created_at: jiff::Timestamp,
    updated_at: jiff::Timestamp,
}

/// What a completion was before it came with other content.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CompletionRevision)]
pub struct RevisionView {
    /// Which, counted from 1.
    #[schema(minimum = 1)]
    revision: u32,
    /// When other content came in its place.
    replaced_at: jiff::Timestamp,
    /// Who completed, as pushed; empty to a client that did not push it.
    officer: OfficerReferenceInput,
    /// What was completed, as pushed.
    training: TrainingReferenceInput,
    #[schema(value_type = Day)]
    completed_on: Day,
    completed_at: Option<jiff::Timestamp>,
    expires_on: Option<Day>,
    hours: Option<Hours>,
    score: Option<Score>,
    passed: bool,
    certificate_number: Option<Code>,
    evidence_url: Option<Url>,
    /// The sender's revision.
    #[schema(value_type = Option<i64>, minimum = 0)]
    sender_revision: Option<u64>,
    /// When the sender last changed it.
    sender_updated_at: Option<jiff::Timestamp>,
}

impl From<Former> for RevisionView {
    fn from(former: Former) -> Self {
        let draft = former.draft;
        Self {
            revision: former.revision,
            replaced_at: former.replaced_at,
            officer: OfficerReferenceInput::from(&draft.officer),
            training: TrainingReferenceInput::from(&draft.training),
            completed_on: Day(draft.completed.date),
            completed_at: draft.completed.instant,
            expires_on: draft.expires_on.map(Day),
            hours: draft.hours,
            score: draft.score,
            passed: draft.passed,
            certificate_number: draft.certificate_number,
            evidence_url: draft.evidence_url,
            sender_revision: draft.revision,
            sender_updated_at: draft.updated_at,
        }
    }
}

impl crate::http::rules::Rules for CompletionInput {
    fn broken(self, today: jiff::civil::Date) -> crate::domain::invalid::Faults {
        CompletionDraft::from(self).check(today)
    }
}

impl From<CompletionInput> for CompletionDraft {
    fn from(input: CompletionInput) -> Self {
        let officer = input.officer;
        let training = match (input.training.id, input.training.code) {
            (_, Some(code)) => TrainingReference::Code(code),
            (id, None) => TrainingReference::Id(id.map_or_else(Uuid::nil, |id| id.0)),
        };
        Self {
            external_id: input.external_id,
            officer: OfficerReference {
                id: officer.id.map(|id| id.0),
                identifier: officer.identifier.map(|identifier| Identifier { system: identifier.system, value: identifier.value }),
                email: officer.email,
                email_sha1: officer.email_sha1,
                agency: officer.agency,
                employee_number: officer.employee_number,
                badge_number: officer.badge_number,
                family_name: officer.family_name,
                given_name: officer.given_name,
                appointed_on: officer.appointed_on.map(|day| day.0),
            },
            training,
            completed: input.completed_on.0,
            expires_on: input.expires_on.map(|day| day.0),
            hours: input.hours,
            score: input.score,
            passed: input.passed,
            certificate_number: input.certificate_number,
            evidence_url: input.evidence_url,
            revision: input.revision.map(|revision| revision.0),
            updated_at: input.updated_at.map(|at| at.0),
        }
    }
}

impl From<&OfficerReference> for OfficerReferenceInput {
    fn from(officer: &OfficerReference) -> Self {
        let identifier = officer.identifier.clone();
        Self {
            id: officer.id.map(Ref),
            identifier: identifier.map(|identifier| IdentifierReference { system: identifier.system, value: identifier.value }),
            email: officer.email.clone(),
            email_sha1: officer.email_sha1.clone(),
            agency: officer.agency.clone(),
            employee_number: officer.employee_number.clone(),
            badge_number: officer.badge_number.clone(),
            family_name: officer.family_name.clone(),
            given_name: officer.given_name.clone(),
            appointed_on: officer.appointed_on.map(Day),
        }
    }
}

impl From<&TrainingReference> for TrainingReferenceInput {
    fn from(training: &TrainingReference) -> Self {
        match training {
            TrainingReference::Id(id) => Self { id: Some(Ref(*id)), code: None },
            TrainingReference::Code(code) => Self { id: None, code: Some(code.clone()) },
        }
    }
}

impl From<&Completion> for CompletionView {
    fn from(completion: &Completion) -> Self {
        let draft = completion.draft.clone();
        let revocation = completion.revocation.clone();
        Self {
            id: completion.id,
            client: completion.client,
            status: completion.status(),
            reason: completion.placement.reason,
            officer_id: completion.placement.officer,
            training_id: completion.placement.training,
            placed_by_hand: completion.placed_by_hand,
            officer: OfficerReferenceInput::from(&draft.officer),
            training: TrainingReferenceInput::from(&draft.training),
            external_id: draft.external_id,
            completed_on: Day(draft.completed.date),
            completed_at: draft.completed.instant,
            expires_on: draft.expires_on.map(Day),
            hours: draft.hours,
            score: draft.score,
            passed: draft.passed,
            certificate_number: draft.certificate_number,
            evidence_url: draft.evidence_url,
            sender_revision: draft.revision,
            sender_updated_at: draft.updated_at,
            revision: completion.revision,
            revoked_at: revocation.as_ref().map(|revocation| revocation.revoked_at),
            revocation_reason: revocation.map(|revocation| revocation.reason),
            created_at: completion.created_at,
            updated_at: completion.updated_at,
        }
    }
}
