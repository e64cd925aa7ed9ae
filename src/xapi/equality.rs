//! When two statements are the same (xAPI-Data §2.3.1): what the service sets, how verbs and activities are described, and the order of
//! unordered lists make no difference.

use serde_json::{Map, Value};

use super::Statement;

/// What a statement says, in a form that is the same for statements that are, but for its instant: one that the sender left out may
/// stand for any.
pub fn comparable(statement: &Statement) -> String {
    let mut members = statement.members.clone();
    for name in ["id", "timestamp", "version"] {
        members.shift_remove(name);
    }
    canonical(&Value::Object(members), "").to_string()
}

/// A value with its members sorted, and without what doesn't count. `name` is that of the member which it is.
fn canonical(value: &Value, name: &str) -> Value {
    match value {
        Value::Object(members) => {
            let mut kept: Vec<(&String, Value)> = members
                .iter()
                .filter(|(member, _)| !is_description(name, member, members))
                .map(|(member, value)| (member, if member == "extensions" { sorted(value) } else { canonical(value, member) }))
                .collect();
            kept.sort_by_key(|(member, _)| *member);
            if name == "contextActivities" {
                for (_, value) in &mut kept {
                    *value = listed(value.take());
                }
            }
            kept.into_iter().map(|(member, value)| (member.clone(), value)).collect::<Map<_, _>>().into()
        }
        Value::Array(items) => {
            let mut items: Vec<Value> = items.iter().map(|item| canonical(item, name)).collect();
            if name == "member" {
                items.sort_by_key(Value::to_string);
            }
            items.into()
        }
        Value::String(text) => match name {
            "id" | "registration" if super::is_uuid(text) => text.to_ascii_lowercase().into(),
            "mbox_sha1sum" | "sha2" => text.to_ascii_lowercase().into(),
            "mbox" => text.rsplit_once('@').map_or_else(|| text.clone(), |(local, domain)| format!("{local}@{}", domain.to_lowercase())).into(),
            _ => value.clone(),
        },
        Value::Number(_) => number(value),
        _ => value.clone(),
    }
}

/// Whether a member describes a verb or an activity: that is not part of the statement.
fn is_description(name: &str, member: &str, of: &Map<String, Value>) -> bool {
    (name == "verb" && member == "display") || (member == "definition" && of.contains_key("id"))
}

/// One is a list of one.
fn listed(value: Value) -> Value {
    if value.is_array() { value } else { Value::Array(vec![value]) }
}

/// `1.0` is `1`.
fn number(value: &Value) -> Value {
    match value.as_f64() {
        #[expect(clippy::cast_possible_truncation, reason = "it is whole and small enough")]
        Some(number) if value.is_f64() && number.fract() == 0.0 && number.abs() < 9e15 => (number as i64).into(),
        _ => value.clone(),
    }
}

/// A value whose members may have any name, sorted.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let mut members: Vec<(&String, &Value)> = members.iter().collect();
            members.sort_by_key(|(name, _)| *name);
            members.into_iter().map(|(name, value)| (name.clone(), sorted(value))).collect::<Map<_, _>>().into()
        }
        Value::Array(items) => items.iter().map(sorted).collect(),
        other => number(other),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::xapi::Version;

    fn of(change: impl FnOnce(&mut Value)) -> String {
        let mut value = json!({
            "id": "0199c1f0-0000-7000-8000-00000000ABCD",
            "actor": {"objectType": "Group", "member": [{"mbox": "mailto:a@X.example"}, {"mbox_sha1sum": "AB".repeat(20)}]},
            "verb": {"id": "http://adlnet.gov/expapi/verbs/completed", "display": {"en": "completed"}},
            "object": {"id": "https://lms.example/c", "definition": {"name": {"en": "C"}}},
            "result": {"score": {"scaled": 1.0}, "duration": "PT1H"},
            "context": {"contextActivities": {"parent": {"id": "https://lms.example/p"}}, "extensions": {"x:y": {"b": 1, "a": 2}}},
            "timestamp": "2026-03-06T10:00:00Z",
        });
        change(&mut value);
        comparable(&Statement::read("", &value, Version::One).unwrap())
    }

    #[test]
    fn what_does_not_count_makes_no_difference() {
        let same = of(|_| ());
        assert_eq!(of(|value| value["actor"]["member"].as_array_mut().unwrap().reverse()), same);
        assert_eq!(of(|value| value["actor"]["member"][0]["mbox"] = json!("mailto:a@x.example")), same);
        assert_eq!(of(|value| value["actor"]["member"][1]["mbox_sha1sum"] = json!("ab".repeat(20))), same);
        assert_eq!(of(|value| value["verb"]["display"] = json!({"de": "fertig"})), same);
        assert_eq!(of(|value| value["object"] = json!({"id": "https://lms.example/c"})), same);
        assert_eq!(of(|value| value["result"]["score"]["scaled"] = json!(1)), same);
        assert_eq!(of(|value| value["context"]["contextActivities"]["parent"] = json!([{"id": "https://lms.example/p"}])), same);
        assert_eq!(of(|value| value["context"]["extensions"]["x:y"] = json!({"a": 2, "b": 1})), same);
        assert_eq!(of(|value| value["version"] = json!("1.0.3")), same);
        assert_eq!(of(|value| value["stored"] = json!("2026-03-06T10:00:00Z")), same);
    }

    #[test]
    fn what_counts_does() {
        let same = of(|_| ());
        assert_ne!(of(|value| value["result"]["duration"] = json!("PT60M")), same);
        assert_ne!(of(|value| value["result"]["success"] = json!(true)), same);
        assert_ne!(of(|value| value["verb"]["id"] = json!("http://adlnet.gov/expapi/verbs/passed")), same);
        assert_ne!(of(|value| value["object"]["id"] = json!("https://lms.example/C")), same);
        assert_ne!(of(|value| value["actor"]["name"] = json!("crew")), same);
        assert_ne!(of(|value| value["context"]["extensions"]["x:y"]["a"] = json!(3)), same);
    }
}
