//! How statements look in the OpenAPI document: what kinds of values there are. What more must hold is in the specification.

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::xapi::Version;

/// Statements as they are sent.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
#[schema(as = StatementsInput)]
#[expect(dead_code, reason = "it describes what is read by crate::xapi")]
pub enum StatementsInput {
    /// One.
    One(Box<StatementSchema>),
    /// Several.
    Several(Vec<StatementSchema>),
}

/// A statement (xAPI-Data §2): somebody did something.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Statement)]
pub struct StatementSchema {
    /// What its sender calls it.
    #[schema(required = false, nullable = false, format = "uuid", example = "6690e6c9-3ef0-4ed3-8b37-7f3964730bee")]
    id: Option<String>,
    actor: AgentSchema,
    verb: VerbSchema,
    /// What was done: an `Activity`, `Agent`, `Group`, `StatementRef` or `SubStatement`.
    #[schema(value_type = Object, example = json!({"id": "https://lms.example/courses/cit-40"}))]
    object: Value,
    /// What came of it.
    #[schema(required = false, nullable = false, value_type = Object, example = json!({"completion": true, "success": true, "duration": "PT40H", "score": {"scaled": 0.93}}))]
    result: Option<Value>,
    /// Where it happened.
    #[schema(required = false, nullable = false, value_type = Object, example = json!({"platform": "Riverside LMS"}))]
    context: Option<Value>,
    /// When, with an offset: the local date in it is the day of the completion.
    #[schema(required = false, nullable = false, format = "date-time", example = "2026-03-06T16:30:00-06:00")]
    timestamp: Option<String>,
    /// When it was stored; the service's to say.
    #[schema(required = false, nullable = false, format = "date-time", example = "2026-03-06T22:30:01Z")]
    stored: Option<String>,
    /// Which client sent it; the service's to say.
    #[schema(required = false, nullable = false, value_type = Object, example = json!({"mbox": "mailto:lms@example.org"}))]
    authority: Option<Value>,
    /// The edition that it follows.
    #[schema(required = false, nullable = false, example = "1.0.3")]
    version: Option<String>,
    /// What is told of files.
    #[schema(required = false, nullable = false, value_type = Vec<Object>, example = json!([]))]
    attachments: Option<Vec<Value>>,
}

/// An Agent or a Group. An Agent has exactly one of `mbox`, `mbox_sha1sum`, `openid` and `account`.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = StatementActor, example = json!({"objectType": "Agent", "mbox": "mailto:m.rivera@example.org"}))]
pub struct AgentSchema {
    #[schema(required = false, nullable = false, example = "Agent")]
    object_type: Option<String>,
    #[schema(required = false, nullable = false, example = "Maria Rivera")]
    name: Option<String>,
    #[schema(required = false, nullable = false, example = "mailto:m.rivera@example.org")]
    mbox: Option<String>,
    /// The SHA-1 of the `mailto:` URI.
    #[serde(rename = "mbox_sha1sum")]
    #[schema(required = false, nullable = false, example = "d90d1cdec81849aaf5aee4d9a2010285d9f46332")]
    mbox_sha1sum: Option<String>,
    #[schema(required = false, nullable = false, example = "https://id.example/m.rivera")]
    openid: Option<String>,
    /// `homePage` and `name`: an identifier of the system `xapi:<homePage>`.
    #[schema(required = false, nullable = false, value_type = Object, example = json!({"homePage": "https://lms.example", "name": "4711"}))]
    account: Option<Value>,
    /// Of a Group.
    #[schema(required = false, nullable = false, value_type = Vec<Object>, example = json!([]))]
    member: Option<Vec<Value>>,
}

/// A verb.
#[derive(Serialize, ToSchema)]
#[schema(as = StatementVerb)]
pub struct VerbSchema {
    #[schema(example = "http://adlnet.gov/expapi/verbs/completed")]
    id: String,
    /// By languages.
    #[schema(required = false, nullable = false, value_type = Object, example = json!({"en-US": "completed"}))]
    display: Option<Value>,
}

/// One statement, or a page of a list.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "it describes what crate::xapi makes")]
pub enum StatementAnswer {
    /// One.
    One(Box<StatementSchema>),
    /// A page.
    Several(StatementResult),
}

/// A page of a list (xAPI-Data §2.5).
#[derive(Serialize, ToSchema)]
pub struct StatementResult {
    /// In the order in which they were stored, the last first unless asked otherwise.
    #[schema(value_type = Vec<StatementSchema>)]
    pub statements: Vec<Value>,
    /// Where the next page is; empty on the last.
    #[schema(example = "/xapi/statements?limit=100&page=AZnB8AAA")]
    pub more: String,
}

/// What of xAPI this is (xAPI-Communication §2.8).
#[derive(Serialize, ToSchema)]
#[schema(as = XapiAbout)]
pub struct About {
    #[schema(example = json!(["2.0.0", "1.0.3"]))]
    version: Vec<&'static str>,
    #[schema(value_type = Object, example = json!({}))]
    extensions: Value,
}

impl About {
    /// Both editions, or that which a client of the first follows; and nothing beyond.
    pub fn of(asked: Option<Version>) -> Self {
        let version = if asked == Some(Version::One) { vec![Version::One] } else { vec![Version::Two, Version::One] };
        Self { version: version.into_iter().map(Version::as_str).collect(), extensions: Value::Object(serde_json::Map::new()) }
    }
}
