//! What statements are found by.

use serde_json::Value;

use super::Statement;
use super::shapes::IDENTIFIERS;
use super::statement::kind;

/// Something that a statement names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(String);

impl Key {
    /// The actor or object is this Agent, by a key of [`agent_key`].
    pub fn agent(key: &str) -> Self {
        Self(format!("agent {key}"))
    }

    /// The Agent occurs anywhere.
    pub fn related_agent(key: &str) -> Self {
        Self(format!("related_agent {key}"))
    }

    /// The object is this Activity.
    pub fn activity(iri: &str) -> Self {
        Self(format!("activity {iri}"))
    }

    /// The Activity occurs anywhere.
    pub fn related_activity(iri: &str) -> Self {
        Self(format!("related_activity {iri}"))
    }

    /// The verb is this.
    pub fn verb(iri: &str) -> Self {
        Self(format!("verb {iri}"))
    }

    /// The registration is this.
    pub fn registration(id: &str) -> Self {
        Self(format!("registration {}", id.to_ascii_lowercase()))
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// By what an Agent or identified Group is told from every other.
pub fn agent_key(agent: &Value) -> Option<String> {
    let name = IDENTIFIERS.into_iter().find(|name| agent.get(*name).is_some())?;
    match (name, &agent[name]) {
        ("account", account) => Some(format!("account {} {}", account["homePage"].as_str()?, account["name"].as_str()?)),
        ("openid", iri) => Some(format!("openid {}", iri.as_str()?)),
        (name, value) => Some(format!("{name} {}", value.as_str()?.to_lowercase())),
    }
}

/// Everything that a statement is found by, each once.
pub fn found_by(statement: &Statement, authority: &Value) -> Vec<Key> {
    let mut keys = vec![Key::verb(statement.verb()), Key::related_agent(&agent_key(authority).unwrap_or_default())];
    let members = &statement.members;
    let (actor, object) = (&members["actor"], &members["object"]);
    for agent in [Some(actor), Some(object).filter(|object| ["Agent", "Group"].contains(&kind(object)))].into_iter().flatten() {
        each_agent(agent, &mut |key| keys.push(Key::agent(&key)));
    }
    if kind(object) == "Activity" {
        keys.extend(object["id"].as_str().map(Key::activity));
    }
    if let Some(registration) = members.get("context").and_then(|context| context.get("registration")).and_then(Value::as_str) {
        keys.push(Key::registration(registration));
    }
    related(&Value::Object(members.clone()), &mut keys);
    if kind(object) == "SubStatement" {
        related(object, &mut keys);
    }
    keys.sort_unstable();
    keys.dedup();
    keys
}

/// The agents and activities of a statement, or of one within another, wherever the specification looks for them.
fn related(statement: &Value, keys: &mut Vec<Key>) {
    let object = &statement["object"];
    let context = &statement["context"];
    let mut agents = vec![&statement["actor"], &context["instructor"], &context["team"]];
    agents.extend(context["contextAgents"].as_array().into_iter().flatten().map(|one| &one["agent"]));
    agents.extend(context["contextGroups"].as_array().into_iter().flatten().map(|one| &one["group"]));
    match kind(object) {
        "Agent" | "Group" => agents.push(object),
        "Activity" => keys.extend(object["id"].as_str().map(Key::related_activity)),
        _ => {}
    }
    for agent in agents {
        each_agent(agent, &mut |key| keys.push(Key::related_agent(&key)));
    }
    for (_, activities) in context["contextActivities"].as_object().into_iter().flatten() {
        let several = activities.as_array().map_or(std::slice::from_ref(activities), Vec::as_slice);
        keys.extend(several.iter().filter_map(|activity| activity["id"].as_str()).map(Key::related_activity));
    }
}

/// An Agent or Group, and the members of a Group.
fn each_agent(agent: &Value, then: &mut impl FnMut(String)) {
    agent_key(agent).into_iter().for_each(&mut *then);
    for member in agent["member"].as_array().into_iter().flatten() {
        agent_key(member).into_iter().for_each(&mut *then);
    }
}
