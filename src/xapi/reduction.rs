//! What is left of statements once a pseudonym stands in the place of who somebody is.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::keys::agent_key;
use super::statement::kind;

/// A statement whose actor is the person: another Agent in its place, and of the rest what counts. Texts, descriptions, files and
/// extensions may tell of anybody, and go.
pub fn reduced_actor(statement: &Value, keys: &BTreeSet<String>, instead: &Value) -> Value {
    let mut kept = Map::new();
    for name in ["id", "timestamp", "stored", "authority", "version"] {
        if let Some(value) = statement.get(name) {
            kept.insert(name.into(), value.clone());
        }
    }
    let only = |value: &Value, names: &[&str]| {
        let members = value.as_object().into_iter().flatten().filter(|(name, _)| names.contains(&name.as_str()));
        Value::Object(members.map(|(name, value)| (name.clone(), value.clone())).collect())
    };
    kept.insert("actor".into(), instead.clone());
    kept.insert("verb".into(), only(&statement["verb"], &["id"]));
    let object = &statement["object"];
    let object = match kind(object) {
        "Activity" => only(object, &["objectType", "id"]),
        "SubStatement" => only(object, &["objectType", "actor", "verb", "object"]),
        _ => object.clone(),
    };
    kept.insert("object".into(), reduced_others(&object, keys, instead));
    if let Some(result) = statement.get("result") {
        let mut result = only(result, &["score", "success", "completion", "duration"]);
        if let Some(score) = result.get_mut("score") {
            *score = only(score, &["scaled", "raw", "min", "max"]);
        }
        kept.insert("result".into(), result);
    }
    if let Some(registration) = statement.get("context").and_then(|context| context.get("registration")) {
        kept.insert("context".into(), json!({"registration": registration}));
    }
    Value::Object(kept)
}

/// A value in which another Agent stands wherever the person stood.
pub fn reduced_others(value: &Value, keys: &BTreeSet<String>, instead: &Value) -> Value {
    match value {
        Value::Object(_) if agent_key(value).is_some_and(|key| keys.contains(&key)) => instead.clone(),
        Value::Object(members) => {
            members.iter().map(|(name, value)| (name.clone(), reduced_others(value, keys, instead))).collect::<Map<_, _>>().into()
        }
        Value::Array(items) => items.iter().map(|item| reduced_others(item, keys, instead)).collect(),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_left_that_tells_who_it_was() {
        let statement = json!({
            "id": "0199c1f0-0000-7000-8000-000000000000",
            "actor": {"name": "Ana Rivera", "mbox": "mailto:a.rivera@x.example"},
            "verb": {"id": "http://adlnet.gov/expapi/verbs/completed", "display": {"en": "rivera completed"}},
            "object": {"id": "https://lms.example/c", "definition": {"name": {"en": "rivera's course"}}},
            "result": {"response": "I am Rivera", "success": true, "extensions": {"x:y": "rivera"}},
            "context": {"registration": "0199c1f0-0000-7000-8000-000000000001", "instructor": {"mbox": "mailto:a.rivera@x.example"}},
            "attachments": [{"display": {"en": "rivera.pdf"}}],
            "timestamp": "2026-03-06T10:00:00Z",
        });
        let keys = BTreeSet::from(["mbox mailto:a.rivera@x.example".to_owned()]);
        let instead = json!({"account": {"homePage": "https://registry.example", "name": "7"}});
        let reduced = reduced_actor(&statement, &keys, &instead);
        assert!(!reduced.to_string().to_lowercase().contains("rivera"), "{reduced}");
        assert_eq!((&reduced["actor"], &reduced["result"]), (&instead, &json!({"success": true})));
        let as_instructor = json!({"actor": {"mbox": "mailto:b@x.example"}, "context": statement["context"]});
        let reduced = reduced_others(&as_instructor, &keys, &instead);
        assert_eq!((&reduced["actor"], &reduced["context"]["instructor"]), (&as_instructor["actor"], &instead));
    }
}
