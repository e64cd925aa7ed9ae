//! How the domain's types look in the OpenAPI document.

use serde_json::{Value, json};
use utoipa::openapi::schema::{ObjectBuilder, Schema};
use utoipa::openapi::{KnownFormat, RefOr, SchemaFormat, Type};
use utoipa::{PartialSchema, ToSchema};

use super::decode::{Day, Headcount, Moment, Ref};
use super::doors::Given;
use super::trainings::Months;
use crate::domain::agency::{AgencyKey, AgencyKind, Country, Subdivision};
use crate::domain::appointment::Employment;
use crate::domain::assistance::{AssistanceKind, AssistanceState};
use crate::domain::audit::AuditOutcome;
use crate::domain::certification::{CertificationState, Decision, Step};
use crate::domain::client::{ClientKind, ClientStatus};
use crate::domain::completion::Score;
use crate::domain::csv_mapping::{CsvKind, DateFormat, Delimiter};
use crate::domain::event::EventType;
use crate::domain::evidence::{Agreement, OrganizationKind};
use crate::domain::gaps::Lack;
use crate::domain::join::JoinStatus;
use crate::domain::library::{Language, Link, ResourceKind, Topic};
use crate::domain::ori::Ori;
use crate::domain::placement::{CompletionStatus, ParkedReason};
use crate::domain::pledge::{PledgeState, TermMonths};
use crate::domain::register::RegisterStage;
use crate::domain::roster::RosterMode;
use crate::domain::stage::Stage;
use crate::domain::standard_draft::{StandardCode, StandardKey};
use crate::domain::text::{Email, EmailSha1, Sha256Hex, Text, Url};
use crate::domain::training::{Category, Hours, Program, RecognitionStatus};
use crate::domain::webhook::{DeliveryState, WebhookState};

/// One line of text: no control characters, neither begun nor ended by white space.
const LINE: &str = r"^[^\s\x00-\x1f\x7f-\x9f]([^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f])?$";

fn string(description: &str, example: &str) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String).description(Some(description)).examples([Value::from(example)])
}

fn line(max: usize, description: &str, example: &str) -> ObjectBuilder {
    string(description, example).min_length(Some(1)).max_length(Some(max)).pattern(Some(LINE))
}

/// A schema under a name of its own.
macro_rules! named {
    ($($type:ty as $name:literal: $schema:expr;)+) => { $(
        impl PartialSchema for $type {
            fn schema() -> RefOr<Schema> {
                $schema.into()
            }
        }
        impl ToSchema for $type {
            fn name() -> std::borrow::Cow<'static, str> {
                std::borrow::Cow::Borrowed($name)
            }
        }
    )+ };
}

/// A schema of a type whose values are the words of `ALL`.
macro_rules! words {
    ($($type:ty as $name:literal: $description:literal;)+) => { named! { $(
        $type as $name: utoipa::openapi::schema::ObjectBuilder::new()
            .schema_type(utoipa::openapi::Type::String)
            .description(Some($description))
            .enum_values(Some(<$type>::ALL.iter().map(|word| word.as_str())))
            .examples([serde_json::json!(<$type>::ALL[0].as_str())]);
    )+ } };
}

words! {
    AgencyKind as "AgencyKind": "What sort of agency it is.";
    Employment as "Employment": "How an officer is employed.";
    ClientKind as "ClientKind": "What a client is: a learning system, a records system, a tool of an agency, a tool of the IACP.";
    ClientStatus as "ClientStatus": "Whether a client may call: `active`, `revoked` by hand, or `unused` for so long that it has to be reinstated.";
    CsvKind as "CsvKind": "What the rows of a CSV file are: training completions, or the officers of an agency.";
    Delimiter as "Delimiter": "What stands between the cells of a CSV file.";
    DateFormat as "DateFormat": "How a CSV file writes dates. ISO dates are always understood; `mdy` names 10/29/2004, `dmy` 29.10.2004 or 29/10/2004.";
    RosterMode as "RosterMode": "Whether a roster is the whole of an agency, or names changes alone.";
    JoinStatus as "JoinStatus": "What came of a description by an identifier that somebody out of the client's reach holds: `joined` with that person, since the names agree, or `parked` for IACP staff.";
    CompletionStatus as "CompletionStatus": "Where a completion stands: placed with its officer and training, waiting for one of them, or taken back.";
    ParkedReason as "ParkedReason": "Why a completion waits.";
    Stage as "Stage": "Where the agency stands.";
    PledgeState as "PledgeState": "How a pledge stands today: its term is to come, runs, ends within 90 days, or is over; a certification was awarded on it; or it was withdrawn.";
    ResourceKind as "ResourceKind": "What sort of entry it is.";
    AssistanceKind as "AssistanceKind": "What is asked for: help by the IACP, or an agency to learn from.";
    AssistanceState as "AssistanceState": "Where the request stands.";
    RegisterStage as "RegisterStage": "As what the public register shows an agency.";
    CertificationState as "CertificationState": "Where an application stands.";
    Step as "CertificationStepKind": "What is done with an application: the agency may `apply` and `resubmit`, staff do the rest.";
    WebhookState as "WebhookState": "Whether a webhook is called, or was disabled since it failed for too long.";
    DeliveryState as "DeliveryState": "How far a delivery is: to be made or tried again, taken, or given up.";
    EventType as "EventType": "What happened.";
    Decision as "Decision": "What staff decide.";
    AuditOutcome as "AuditOutcome": "What became of a request: it changed something, or would have changed something that was so already; it got a kept answer again; it read; it was refused.";
    Lack as "Lack": "`trained` is what the standard asks of every sworn officer, `crisis_intervention` what it asks of a share of them.";
    Program as "Program": "The programme that a training follows.";
    Category as "Category": "What a training counts towards.";
    RecognitionStatus as "RecognitionStatus": "Whether a training counts: only what is recognized does.";
    Agreement as "Agreement": "What kind of paper a partnership rests on.";
    OrganizationKind as "OrganizationKind": "What kind of organization the partner is.";
}

named! {
    Given as "FieldPair": string("`field=column` or `field=value`: the field, dotted as in the JSON, ends at the first equals sign.", "officer.badge_number=Star")
        .min_length(Some(2)).max_length(Some(Given::MAX));
    Ori as "Ori": string("FBI originating agency identifier. Seven characters are taken as nine with `00` appended, and marked as assumed.", "TX2270000")
        .pattern(Some("^[A-Z]{2}([A-Z0-9]{5}|[A-Z0-9]{7})$"));
    AgencyKey as "AgencyKey": string("An agency: its id, or its ORI after `ori:`.", "ori:TX2270000")
        .pattern(Some("^(ori:[A-Z]{2}([A-Z0-9]{5}|[A-Z0-9]{7})|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})$"));
    Country as "Country": string("ISO 3166-1 alpha-2 code.", "US").pattern(Some("^[A-Z]{2}$"));
    Subdivision as "Subdivision": string("ISO 3166-2 code; it belongs to the country.", "US-TX").pattern(Some("^[A-Z]{2}-[A-Z0-9]{1,3}$"));
    Text<50> as "Number": line(50, "A number or code of at most 50 characters.", "E-17");
    Text<100> as "Label": line(100, "A line of at most 100 characters.", "post:US-TX");
    Text<200> as "Line": line(200, "A line of at most 200 characters.", "Travis County");
    Text<2000> as "Note": line(2000, "A note of at most 2,000 characters.", "Confirmed by telephone");
    Url as "Url": string("An absolute http or https address.", "https://example.org/mou.pdf").format(Some(SchemaFormat::Custom("uri".into())))
        .max_length(Some(2000)).pattern(Some(r"^https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[A-Za-z0-9._~/-]*)?$"));
    Sha256Hex as "Sha256": string("A SHA-256 digest in hexadecimal.", "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")
        .pattern(Some("^[0-9a-fA-F]{64}$"));
    EmailSha1 as "EmailSha1": string("The SHA-1 of an e-mail address as a `mailto:` URI, as it is written or in lower case, in hexadecimal.", "d90d1cdec81849aaf5aee4d9a2010285d9f46332")
        .pattern(Some("^[0-9a-fA-F]{40}$"));
    Email as "Email": string("An e-mail address.", "m.rivera@example.org").format(Some(SchemaFormat::Custom("email".into())))
        .max_length(Some(254)).pattern(Some(r"^[A-Za-z0-9_%+-]{1,32}(\.[A-Za-z0-9_%+-]{1,31})?@[A-Za-z0-9]{1,63}(\.[A-Za-z0-9]{1,63})*\.[A-Za-z]{2,20}$"));
    Day as "Day": string("A calendar date, from the year 1900.", "2026-03-06").format(Some(SchemaFormat::KnownFormat(KnownFormat::Date)))
        .pattern(Some("^(19|[2-9][0-9])[0-9]{2}-[0-9]{2}-[0-9]{2}$"));
    Moment as "Moment": string("An instant with its offset (RFC 3339).", "2026-03-06T14:00:00-06:00").format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
        .pattern(Some("^(19|[2-9][0-9])[0-9]{2}-"));
    Ref as "Id": string("An id of this registry (UUID).", "0199c1f0-0000-7000-8000-000000000000").format(Some(SchemaFormat::KnownFormat(KnownFormat::Uuid)));
    Hours as "Hours": ObjectBuilder::new().schema_type(Type::Number).description(Some("A length in hours."))
        .exclusive_minimum(Some(0)).maximum(Some(10_000)).examples([json!(40)]);
    Score as "Score": ObjectBuilder::new().schema_type(Type::Number).description(Some("A result, from 0 to 1."))
        .minimum(Some(0)).maximum(Some(1)).examples([json!(0.93)]);
    Months as "Months": ObjectBuilder::new().schema_type(Type::Integer).description(Some("A number of months."))
        .minimum(Some(1)).maximum(Some(1200)).examples([json!(36)]);
    Headcount as "Headcount": ObjectBuilder::new().schema_type(Type::Integer).description(Some("A number of people."))
        .minimum(Some(0)).maximum(Some(i64::from(Headcount::MAX))).examples([json!(42)]);
    TermMonths as "TermMonths": ObjectBuilder::new().schema_type(Type::Integer).description(Some("The term of a pledge in months."))
        .minimum(Some(12)).maximum(Some(36)).examples([json!(24)]);
    StandardCode as "StandardCode": string("The code of a standard.", "one-mind").min_length(Some(1)).max_length(Some(StandardCode::MAX))
        .pattern(Some("^[a-z0-9]+(-[a-z0-9]+)*$"));
    Topic as "Topic": string("What it is about: words of lower-case letters and digits joined by hyphens.", "crisis-response").min_length(Some(1)).max_length(Some(Topic::MAX))
        .pattern(Some("^[a-z0-9]+(-[a-z0-9]+)*$"));
    Link as "Link": string("An absolute https address.", "https://example.org/toolkit").format(Some(SchemaFormat::Custom("uri".into())))
        .max_length(Some(2000)).pattern(Some(r"^https://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[A-Za-z0-9._~/-]*)?$"));
    Language as "Language": string("A language, and where it matters the country (BCP 47).", "en").pattern(Some("^[a-z]{2,3}(-[A-Z]{2})?$"));
    StandardKey as "StandardKey": string("A standard: its id, or its code.", "one-mind").max_length(Some(36))
        .pattern(Some("^([a-z0-9]+(-[a-z0-9]+)*|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})$"));
}
