//! A statement as it is sent.

use jiff::Timestamp;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::Version;
use super::check::{Check, Rule, Shape};
use super::fields::{instant, text, uuid, version};
use super::shapes::{actor, attachments, context, object, result, verb};
use crate::domain::dates::parse_instant;
use crate::domain::invalid::Faults;

/// The verb that takes a statement back.
pub const VOIDED: &str = "http://adlnet.gov/expapi/verbs/voided";

/// A statement that is as the specification has it.
#[derive(Debug, Clone, PartialEq)]
pub struct Statement {
    /// Its members as sent, `stored` and `authority` aside: those are the service's to say.
    pub members: Map<String, Value>,
    /// Its id, where the sender gave one.
    pub id: Option<Uuid>,
}

macro_rules! statement_members {
    ($object:expr, $($more:tt)*) => {
        &[("actor", actor as Rule), ("verb", verb), ("object", $object), ("result", result), ("context", context), ("timestamp", instant),
          ("attachments", attachments), $($more)*]
    };
}

const REQUIRED: &[&str] = &["actor", "verb", "object"];
const STATEMENT: Shape = Shape {
    members: statement_members![
        |check, at, value| object(check, at, value, false),
        ("id", uuid),
        ("stored", instant),
        ("authority", actor),
        ("version", version)
    ],
    required: REQUIRED,
};
const SUB_STATEMENT: Shape =
    Shape { members: statement_members![|check, at, value| object(check, at, value, true), ("objectType", text)], required: REQUIRED };

impl Statement {
    /// Reads a statement.
    ///
    /// # Errors
    /// Every fault, with its pointer under `at`.
    pub fn read(at: &str, value: &Value, version: Version) -> Result<Self, Faults> {
        let mut check = Check::new(version);
        if let Some(members) = check.shape(at, value, &STATEMENT) {
            between(&mut check, at, members);
        }
        match value {
            Value::Object(members) if check.faults.is_empty() => {
                let mut members = members.clone();
                for name in ["stored", "authority"] {
                    members.shift_remove(name);
                }
                let id = members.get("id").and_then(Value::as_str).and_then(|id| Uuid::try_parse(id).ok());
                Ok(Self { members, id })
            }
            _ => Err(check.faults),
        }
    }

    /// The IRI of its verb.
    pub fn verb(&self) -> &str {
        self.members.get("verb").and_then(|verb| verb.get("id")).and_then(Value::as_str).unwrap_or_default()
    }

    /// The statement that it is about, where it is about one.
    pub fn refers_to(&self) -> Option<Uuid> {
        let object = self.members.get("object")?;
        let id = object.get("id")?.as_str().filter(|_| kind(object) == "StatementRef")?;
        Uuid::try_parse(id).ok()
    }

    /// Whether it takes another back.
    pub fn is_voiding(&self) -> bool {
        self.verb() == VOIDED
    }

    /// When it happened, as the sender said.
    pub fn sent_at(&self) -> Option<Timestamp> {
        self.members.get("timestamp").and_then(Value::as_str).and_then(|text| parse_instant(text).ok())
    }

    /// As it is kept and answered, with what the service says of it.
    pub fn stored(&self, id: Uuid, at: Timestamp, authority: &Value, version: Version) -> Value {
        let mut members = self.members.clone();
        members.insert("id".into(), id.to_string().into());
        let stored = at.to_string();
        members.entry("timestamp").or_insert_with(|| stored.clone().into());
        members.insert("stored".into(), stored.into());
        members.insert("authority".into(), authority.clone());
        members.entry("version").or_insert_with(|| version.as_str().into());
        Value::Object(members)
    }
}

/// The kind of an object: an Activity where it doesn't say.
pub fn kind(object: &Value) -> &str {
    object.get("objectType").and_then(Value::as_str).unwrap_or("Activity")
}

/// A statement within another: it has no id, and is about no other such.
pub fn sub_statement(check: &mut Check, at: &str, value: &Value) {
    if let Some(members) = check.shape(at, value, &SUB_STATEMENT) {
        between(check, at, members);
    }
}

/// The rules between the members.
fn between(check: &mut Check, at: &str, members: &Map<String, Value>) {
    let about = members.get("object").map_or("Activity", kind);
    if members.get("verb").and_then(|verb| verb.get("id")).and_then(Value::as_str) == Some(VOIDED) && about != "StatementRef" {
        check.fault(&format!("{at}/object/objectType"), "invalid_word", "what is voided is named by a StatementRef");
    }
    for name in ["revision", "platform"] {
        if about != "Activity" && members.get("context").is_some_and(|context| context.get(name).is_some()) {
            check.fault(&format!("{at}/context/{name}"), "not_allowed", format_args!("`{name}` is told of Activities alone"));
        }
    }
}
