//! The objects of which statements are made, each with its members and the rules between them.

use serde_json::{Map, Value};

use super::check::{Check, Rule, Shape};
use super::fields::{
    boolean, duration, extensions, iri, iris, language, language_map, length, mbox, media_type, number, sha1, sha2, text, texts, uuid,
};
use super::{Version, child};

/// The members by which an Agent is told from every other: exactly one of them identifies it.
pub const IDENTIFIERS: [&str; 4] = ["mbox", "mbox_sha1sum", "openid", "account"];

macro_rules! agent_members {
    ($($more:tt)*) => {
        &[("objectType", text as Rule), ("name", text), ("mbox", mbox), ("mbox_sha1sum", sha1), ("openid", iri), ("account", account), $($more)*]
    };
}

const AGENT: Shape = Shape { members: agent_members![], required: &[] };
const GROUP: Shape = Shape { members: agent_members![("member", members)], required: &[] };
const ACCOUNT: Shape = Shape { members: &[("homePage", iri), ("name", text)], required: &["homePage", "name"] };

fn account(check: &mut Check, at: &str, value: &Value) {
    check.shape(at, value, &ACCOUNT);
    if let Some(invalid) = super::meaning::identifier_of(value).and_then(|identifier| identifier.check()) {
        check.faults.push((at.to_owned(), invalid));
    }
}

fn object_type(value: &Value) -> Option<&str> {
    value.get("objectType").and_then(Value::as_str)
}

fn identified_by(object: &Map<String, Value>) -> usize {
    IDENTIFIERS.iter().filter(|name| object.contains_key(**name)).count()
}

/// An Agent, and no Group.
fn agent(check: &mut Check, at: &str, value: &Value) {
    let Some(object) = check.shape(at, value, &AGENT) else { return };
    if object.contains_key("objectType") && object_type(value) != Some("Agent") {
        check.fault(&child(at, "objectType"), "invalid_word", "must be Agent");
    }
    if identified_by(object) != 1 {
        check.fault(at, "exactly_one", "an Agent has exactly one of mbox, mbox_sha1sum, openid and account");
    }
}

fn group(check: &mut Check, at: &str, value: &Value) {
    let Some(object) = check.shape(at, value, &GROUP) else { return };
    if object_type(value) != Some("Group") {
        check.fault(&child(at, "objectType"), "invalid_word", "must be Group");
    }
    match identified_by(object) {
        0 if !object.contains_key("member") => {
            check.fault(&child(at, "member"), "required", "a Group without mbox, mbox_sha1sum, openid and account has `member`");
        }
        0 | 1 => {}
        _ => check.fault(at, "exactly_one", "a Group has at most one of mbox, mbox_sha1sum, openid and account"),
    }
}

fn members(check: &mut Check, at: &str, value: &Value) {
    check.each(at, value, agent);
}

/// An Agent or a Group.
pub fn actor(check: &mut Check, at: &str, value: &Value) {
    if object_type(value) == Some("Group") { group(check, at, value) } else { agent(check, at, value) }
}

/// An Agent, or a Group that is identified.
pub fn identified(check: &mut Check, at: &str, value: &Value) {
    actor(check, at, value);
    if value.as_object().is_some_and(|object| object_type(value) == Some("Group") && identified_by(object) == 0) {
        check.fault(at, "exactly_one", "a Group is asked for by one of mbox, mbox_sha1sum, openid and account");
    }
}

const VERB: Shape = Shape { members: &[("id", iri), ("display", language_map)], required: &["id"] };

/// A Verb.
pub fn verb(check: &mut Check, at: &str, value: &Value) {
    check.shape(at, value, &VERB);
}

const ACTIVITY: Shape = Shape { members: &[("objectType", text), ("id", iri), ("definition", definition)], required: &["id"] };

/// An Activity.
pub fn activity(check: &mut Check, at: &str, value: &Value) {
    if value.get("objectType").is_some() && object_type(value) != Some("Activity") {
        check.fault(&child(at, "objectType"), "invalid_word", "must be Activity");
    }
    check.shape(at, value, &ACTIVITY);
}

const INTERACTIONS: [&str; 10] =
    ["true-false", "choice", "fill-in", "long-fill-in", "matching", "performance", "sequencing", "likert", "numeric", "other"];
const OF_INTERACTIONS: [&str; 6] = ["correctResponsesPattern", "choices", "scale", "source", "target", "steps"];
const DEFINITION: Shape = Shape {
    members: &[
        ("name", language_map),
        ("description", language_map),
        ("type", iri),
        ("moreInfo", iri),
        ("extensions", extensions),
        ("interactionType", interaction),
        ("correctResponsesPattern", texts),
        ("choices", components),
        ("scale", components),
        ("source", components),
        ("target", components),
        ("steps", components),
    ],
    required: &[],
};

fn definition(check: &mut Check, at: &str, value: &Value) {
    let Some(object) = check.shape(at, value, &DEFINITION) else { return };
    if !object.contains_key("interactionType") && OF_INTERACTIONS.iter().any(|name| object.contains_key(*name)) {
        check.fault(&child(at, "interactionType"), "required", "`interactionType` is required beside what describes an interaction");
    }
}

fn interaction(check: &mut Check, at: &str, value: &Value) {
    check.word(at, value, &INTERACTIONS);
}

const COMPONENT: Shape = Shape { members: &[("id", text), ("description", language_map)], required: &["id"] };

fn component(check: &mut Check, at: &str, value: &Value) {
    check.shape(at, value, &COMPONENT);
}

fn components(check: &mut Check, at: &str, value: &Value) {
    check.each(at, value, component);
    let ids: Vec<&str> = value.as_array().into_iter().flatten().filter_map(|item| item.get("id")?.as_str()).collect();
    let mut seen = std::collections::HashSet::new();
    if !ids.iter().all(|id| seen.insert(*id)) {
        check.fault(at, "repeated", "each component has an id of its own");
    }
}

const REFERENCE: Shape = Shape { members: &[("objectType", text), ("id", uuid)], required: &["objectType", "id"] };

/// A reference to another statement.
fn reference(check: &mut Check, at: &str, value: &Value) {
    if value.get("objectType").is_some() && object_type(value) != Some("StatementRef") {
        check.fault(&child(at, "objectType"), "invalid_word", "must be StatementRef");
    }
    check.shape(at, value, &REFERENCE);
}

/// What a statement, or one within another, is about.
pub fn object(check: &mut Check, at: &str, value: &Value, nested: bool) {
    match value.get("objectType").map(|kind| kind.as_str().unwrap_or_default()) {
        None | Some("Activity") => activity(check, at, value),
        Some("Agent") => agent(check, at, value),
        Some("Group") => group(check, at, value),
        Some("StatementRef") => reference(check, at, value),
        Some("SubStatement") if !nested => super::statement::sub_statement(check, at, value),
        Some(_) => {
            let words = "Activity, Agent, Group, StatementRef and, in a statement that is not one itself, SubStatement";
            check.fault(&child(at, "objectType"), "invalid_word", format_args!("must be one of: {words}"));
        }
    }
}

const RESULT: Shape = Shape {
    members: &[
        ("score", score),
        ("success", boolean),
        ("completion", boolean),
        ("response", text),
        ("duration", duration),
        ("extensions", extensions),
    ],
    required: &[],
};

/// An outcome.
pub fn result(check: &mut Check, at: &str, value: &Value) {
    check.shape(at, value, &RESULT);
}

const SCORE: Shape = Shape { members: &[("scaled", number), ("raw", number), ("min", number), ("max", number)], required: &[] };

fn score(check: &mut Check, at: &str, value: &Value) {
    let Some(object) = check.shape(at, value, &SCORE) else { return };
    let get = |name: &str| object.get(name).and_then(Value::as_f64);
    if get("scaled").is_some_and(|scaled| !(-1.0..=1.0).contains(&scaled)) {
        check.fault(&child(at, "scaled"), "out_of_range", "must be between -1 and 1");
    }
    let (raw, min, max) = (get("raw"), get("min"), get("max"));
    if min.zip(max).is_some_and(|(min, max)| min >= max) {
        check.fault(&child(at, "max"), "out_of_range", "must be more than `min`");
    }
    if raw.zip(min).is_some_and(|(raw, min)| raw < min) || raw.zip(max).is_some_and(|(raw, max)| raw > max) {
        check.fault(&child(at, "raw"), "out_of_range", "must be between `min` and `max`");
    }
}

macro_rules! context_members {
    ($($more:tt)*) => {
        &[("registration", uuid as Rule), ("instructor", actor), ("team", group), ("contextActivities", context_activities), ("revision", text),
          ("platform", text), ("language", language), ("statement", reference), ("extensions", extensions), $($more)*]
    };
}

const CONTEXT_ONE: Shape = Shape { members: context_members![], required: &[] };
const CONTEXT_TWO: Shape = Shape { members: context_members![("contextAgents", context_agents), ("contextGroups", context_groups)], required: &[] };

/// Where it happened.
pub fn context(check: &mut Check, at: &str, value: &Value) {
    check.shape(at, value, if check.version == Version::Two { &CONTEXT_TWO } else { &CONTEXT_ONE });
}

const CONTEXT_ACTIVITIES: Shape =
    Shape { members: &[("parent", activities), ("grouping", activities), ("category", activities), ("other", activities)], required: &[] };

fn context_activities(check: &mut Check, at: &str, value: &Value) {
    check.shape(at, value, &CONTEXT_ACTIVITIES);
}

/// One Activity, or several.
fn activities(check: &mut Check, at: &str, value: &Value) {
    if value.is_array() { check.each(at, value, activity) } else { activity(check, at, value) }
}

const CONTEXT_AGENT: Shape =
    Shape { members: &[("objectType", text), ("agent", agent), ("relevantTypes", iris)], required: &["objectType", "agent"] };
const CONTEXT_GROUP: Shape =
    Shape { members: &[("objectType", text), ("group", group), ("relevantTypes", iris)], required: &["objectType", "group"] };

fn context_agents(check: &mut Check, at: &str, value: &Value) {
    check.each(at, value, |check, at, value| {
        check.shape(at, value, &CONTEXT_AGENT);
        must_be(check, at, value, "contextAgent");
    });
}

fn context_groups(check: &mut Check, at: &str, value: &Value) {
    check.each(at, value, |check, at, value| {
        check.shape(at, value, &CONTEXT_GROUP);
        must_be(check, at, value, "contextGroup");
    });
}

fn must_be(check: &mut Check, at: &str, value: &Value, kind: &str) {
    if value.get("objectType").is_some() && object_type(value) != Some(kind) {
        check.fault(&child(at, "objectType"), "invalid_word", format_args!("must be {kind}"));
    }
}

const ATTACHMENT: Shape = Shape {
    members: &[
        ("usageType", iri),
        ("display", language_map),
        ("description", language_map),
        ("contentType", media_type),
        ("length", length),
        ("sha2", sha2),
        ("fileUrl", iri),
    ],
    required: &["usageType", "display", "contentType", "length", "sha2"],
};

/// What is told of files.
pub fn attachments(check: &mut Check, at: &str, value: &Value) {
    check.each(at, value, |check, at, value| {
        check.shape(at, value, &ATTACHMENT);
    });
}
