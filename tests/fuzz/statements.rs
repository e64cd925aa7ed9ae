//! The reader of xAPI statements: whatever it is given, it answers faults that lead somewhere, or a statement that can be kept.

use proptest::prelude::*;
use serde_json::{Value, json};
use uuid::Uuid;

use onemind::xapi::{Format, Statement, Version, comparable, formatted, found_by, meaning};

/// A statement with something of everything.
fn full() -> Value {
    let agent = json!({"objectType": "Agent", "name": "Ana", "mbox": "mailto:a.rivera@x.example"});
    let activity = json!({"objectType": "Activity", "id": "https://lms.example/c", "definition": {
        "name": {"en": "C"}, "type": "https://lms.example/type", "interactionType": "choice", "choices": [{"id": "a", "description": {"en": "A"}}],
        "correctResponsesPattern": ["a"], "extensions": {"https://x.example/e": [1, null]}}});
    json!({
        "id": "6690e6c9-3ef0-4ed3-8b37-7f3964730bee", "actor": agent, "verb": {"id": "http://adlnet.gov/expapi/verbs/completed", "display": {"en": "completed"}},
        "object": {"objectType": "SubStatement", "actor": {"objectType": "Group", "member": [agent]}, "verb": {"id": "x:y"}, "object": activity},
        "result": {"score": {"scaled": 0.5, "raw": 5, "min": 0, "max": 10}, "success": true, "completion": true, "response": "r", "duration": "PT1H"},
        "context": {"registration": "6690e6c9-3ef0-4ed3-8b37-7f3964730bef", "instructor": {"account": {"homePage": "https://lms.example", "name": "7"}},
            "team": {"objectType": "Group", "openid": "https://id.example/t"}, "language": "en-US", "contextActivities": {"parent": [activity], "other": activity},
            "contextAgents": [{"objectType": "contextAgent", "agent": agent, "relevantTypes": ["x:y"]}], "statement": {"objectType": "StatementRef", "id": "6690e6c9-3ef0-4ed3-8b37-7f3964730bee"}},
        "timestamp": "2026-03-06T10:00:00.123+01:00", "version": "2.0.0",
        "attachments": [{"usageType": "x:y", "display": {"en": "F"}, "contentType": "text/plain", "length": 3, "sha2": "a".repeat(64)}],
    })
}

fn leaf() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        "[a-z]{1,5}:[ -~]{0,12}|P[0-9TWDHMS.]{0,8}|[0-9TZ:.+-]{10,30}|Agent|Group|Activity|SubStatement|StatementRef|mailto:.{0,9}"
            .prop_map(Value::from),
        Just(json!([])),
        Just(json!({})),
        Just(full()),
        Just(full()["actor"].clone()),
        Just(full()["context"].clone()),
    ]
}

fn places(value: &Value, at: &str, all: &mut Vec<String>) {
    all.push(at.to_owned());
    match value {
        Value::Array(items) => items.iter().enumerate().for_each(|(index, item)| places(item, &format!("{at}/{index}"), all)),
        Value::Object(members) => {
            members.iter().for_each(|(name, member)| places(member, &format!("{at}/{}", name.replace('~', "~0").replace('/', "~1")), all));
        }
        _ => {}
    }
}

/// Changes a place of a value, takes it away, or adds a member to it.
fn alter(value: &mut Value, place: prop::sample::Index, how: u8, name: &str, other: Value) {
    let mut all = Vec::new();
    places(value, "", &mut all);
    let at = place.get(&all).clone();
    match (how % 3, value.pointer_mut(&at)) {
        (0, Some(Value::Object(members))) => {
            members.insert(name.to_owned(), other);
        }
        (1, Some(Value::Object(members))) if !members.is_empty() => {
            let name = members.keys().nth(place.index(members.len())).unwrap().clone();
            members.shift_remove(&name);
        }
        (_, Some(place)) => *place = other,
        (_, None) => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn an_altered_statement_is_read_or_refused_with_pointers_that_lead_somewhere(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), "[a-z~/]{0,6}|mbox|openid|objectType|member|agent", leaf()), 0..4),
        two in any::<bool>(),
    ) {
        let mut value = full();
        for (place, how, name, other) in changes {
            alter(&mut value, place, how, &name, other);
        }
        let version = if two { Version::Two } else { Version::One };
        match Statement::read("", &value, version) {
            Err(faults) => {
                prop_assert!(!faults.is_empty());
                for (pointer, _) in faults {
                    // It leads to a value, or to one that is missing from an object.
                    let parent = pointer.rsplit_once('/').map_or("", |(parent, _)| parent);
                    let leads = value.pointer(&pointer).is_some() || value.pointer(parent).is_some();
                    prop_assert!(leads, "{} of {}", pointer, value);
                }
            }
            Ok(statement) => {
                let (id, now) = (Uuid::from_u128(1), "2026-11-21T12:00:00Z".parse().unwrap());
                let authority = json!({"account": {"homePage": "https://registry.example", "name": "lms"}});
                let kept = statement.stored(id, now, &authority, version);
                let again = Statement::read("", &kept, version).unwrap();
                prop_assert_eq!(comparable(&statement), comparable(&again), "what is kept is the same statement");
                prop_assert!(found_by(&statement, &authority).len() >= 2);
                drop(meaning(&statement, id, now));
                for format in [Format::Ids, Format::Canonical(vec!["en".into()])] {
                    Statement::read("", &formatted(kept.clone(), &format), version).unwrap();
                }
            }
        }
    }

    #[test]
    fn anything_else_is_refused(value in leaf().prop_filter("a statement", |value| value["actor"].is_null())) {
        prop_assert!(Statement::read("", &value, Version::Two).is_err());
    }
}
