//! The forms in which statements are answered (`format`).

use serde_json::{Map, Value, json};

use super::shapes::IDENTIFIERS;
use super::statement::kind;

/// How much of a statement is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Format {
    /// As it was sent, with what the service says of it.
    Exact,
    /// Of agents, activities, verbs and groups what identifies them.
    Ids,
    /// Texts in one language each, the first of these that there is, else the first that was sent.
    Canonical(Vec<String>),
}

/// A statement in a form.
pub fn formatted(statement: Value, format: &Format) -> Value {
    match format {
        Format::Exact => statement,
        Format::Ids => minimal(statement),
        Format::Canonical(languages) => in_one_language(statement, "", languages),
    }
}

fn minimal(mut statement: Value) -> Value {
    let Some(members) = statement.as_object_mut() else { return statement };
    for name in ["actor", "authority"] {
        members.get_mut(name).map(reduce_agent);
    }
    if let Some(verb) = members.get_mut("verb") {
        *verb = json!({"id": verb["id"]});
    }
    if let Some(object) = members.get_mut("object") {
        match kind(object) {
            "Activity" => reduce_activity(object),
            "Agent" | "Group" => reduce_agent(object),
            "SubStatement" => *object = minimal(object.take()),
            _ => {}
        }
    }
    if let Some(context) = members.get_mut("context").and_then(Value::as_object_mut) {
        for name in ["instructor", "team"] {
            context.get_mut(name).map(reduce_agent);
        }
        for (list, name) in [("contextAgents", "agent"), ("contextGroups", "group")] {
            let several = context.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten();
            several.filter_map(|one| one.get_mut(name)).for_each(reduce_agent);
        }
        for (_, activities) in context.get_mut("contextActivities").and_then(Value::as_object_mut).into_iter().flatten() {
            match activities {
                Value::Array(several) => several.iter_mut().for_each(reduce_activity),
                one => reduce_activity(one),
            }
        }
    }
    statement
}

/// Leaves what identifies an Agent or Group; of a Group that nothing identifies, its members.
fn reduce_agent(agent: &mut Value) {
    let Some(members) = agent.as_object_mut() else { return };
    let identified = IDENTIFIERS.iter().any(|name| members.contains_key(*name));
    members.retain(|name, _| name == "objectType" || IDENTIFIERS.contains(&name.as_str()) || (name == "member" && !identified));
    members.get_mut("member").and_then(Value::as_array_mut).into_iter().flatten().for_each(reduce_agent);
}

fn reduce_activity(activity: &mut Value) {
    if let Some(members) = activity.as_object_mut() {
        members.retain(|name, _| name == "objectType" || name == "id");
    }
}

fn in_one_language(value: Value, name: &str, languages: &[String]) -> Value {
    match value {
        Value::Object(members) if ["display", "name", "description"].contains(&name) => one_language(members, languages).into(),
        Value::Object(members) => members
            .into_iter()
            .map(|(name, value)| {
                let value = if name == "extensions" { value } else { in_one_language(value, &name, languages) };
                (name, value)
            })
            .collect::<Map<_, _>>()
            .into(),
        Value::Array(items) => items.into_iter().map(|item| in_one_language(item, name, languages)).collect(),
        other => other,
    }
}

fn one_language(texts: Map<String, Value>, languages: &[String]) -> Map<String, Value> {
    let same = |tag: &str, wanted: &str| tag.eq_ignore_ascii_case(wanted);
    let begins = |tag: &str, wanted: &str| same(tag.split('-').next().unwrap_or_default(), wanted.split('-').next().unwrap_or_default());
    let exactly = languages.iter().find_map(|wanted| texts.keys().find(|tag| same(tag, wanted)));
    let roughly = || languages.iter().find_map(|wanted| texts.keys().find(|tag| begins(tag, wanted)));
    let chosen = exactly.or_else(roughly).or_else(|| texts.keys().next()).cloned();
    texts.into_iter().filter(|(tag, _)| Some(tag) == chosen.as_ref()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statement() -> Value {
        json!({
            "id": "0199c1f0-0000-7000-8000-000000000000",
            "actor": {"objectType": "Group", "name": "crew", "member": [{"name": "Ana", "mbox": "mailto:a@x.example"}]},
            "verb": {"id": "http://adlnet.gov/expapi/verbs/completed", "display": {"en-US": "completed", "de": "beendet"}},
            "object": {"id": "https://lms.example/c", "definition": {"name": {"en-GB": "Course", "de": "Kurs"}, "extensions": {"x:name": {"name": {"a": 1, "b": 2}}}}},
            "context": {"contextActivities": {"parent": [{"id": "https://lms.example/p", "definition": {}}]}, "instructor": {"name": "Bo", "mbox": "mailto:b@x.example"}},
        })
    }

    #[test]
    fn ids_are_what_identifies_each_part() {
        let ids = formatted(statement(), &Format::Ids);
        assert_eq!(ids["actor"], json!({"objectType": "Group", "member": [{"mbox": "mailto:a@x.example"}]}));
        assert_eq!(
            (&ids["verb"], &ids["object"]),
            (&json!({"id": "http://adlnet.gov/expapi/verbs/completed"}), &json!({"id": "https://lms.example/c"}))
        );
        assert_eq!(
            ids["context"],
            json!({"contextActivities": {"parent": [{"id": "https://lms.example/p"}]}, "instructor": {"mbox": "mailto:b@x.example"}})
        );
    }

    #[test]
    fn a_canonical_statement_has_one_language() {
        let canonical = formatted(statement(), &Format::Canonical(vec!["fr".into(), "en".into()]));
        assert_eq!(canonical["verb"]["display"], json!({"en-US": "completed"}));
        assert_eq!(canonical["object"]["definition"]["name"], json!({"en-GB": "Course"}));
        assert_eq!(canonical["object"]["definition"]["extensions"], statement()["object"]["definition"]["extensions"]);
        assert_eq!(canonical["actor"], statement()["actor"]);
        assert_eq!(formatted(statement(), &Format::Canonical(Vec::new()))["verb"]["display"], json!({"en-US": "completed"}));
    }
}
