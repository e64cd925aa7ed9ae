//! Bodies of every operation: any JSON, and the example of the document with something else in it.

use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use serde_json::{Map, Value, json};

use crate::support::document::{Document, Operation};
use crate::support::scene::Scene;
use crate::{on_both_databases, sample};

/// How many bodies each operation gets.
const CASES: usize = 24;

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        "[A-Z0-9:-]{0,12}|2026-[0-9]{2}-[0-9]{2}|ori:[A-Z0-9]{7,9}|[a-z_]{1,12}".prop_map(Value::from),
        Just(json!("0199c1f0-0000-7000-8000-00000000dead")),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec(("[a-z_~/]{0,8}|id|name|agency|code", inner), 0..4)
                .prop_map(|members| Value::from(members.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

/// The pointer of every place of a value.
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

/// The example with one to three places changed, taken away or added to.
fn altered(runner: &mut TestRunner, example: &Value) -> Value {
    let mut body = example.clone();
    for _ in 0..sample(runner, &(1..=3)) {
        let mut all = Vec::new();
        places(&body, "", &mut all);
        let at = all[sample(runner, &(0..all.len()))].clone();
        let other = sample(runner, &any_json());
        let place = body.pointer_mut(&at).unwrap();
        match sample(runner, &(0..4_u8)) {
            0 => {
                if let Value::Object(members) = place {
                    members.insert(sample(runner, &"[a-z_]{0,8}"), other);
                }
            }
            1 => match place {
                Value::Object(members) if !members.is_empty() => {
                    let name = members.keys().nth(sample(runner, &(0..members.len()))).unwrap().clone();
                    members.shift_remove(&name);
                }
                Value::Array(items) => items.push(other),
                _ => *place = Value::Null,
            },
            _ => *place = other,
        }
    }
    body
}

/// What is wrong with a problem as an answer to a body; pointers lead into `body`, or to what it lacks.
fn fault(problem: &Value, body: &Value, is_patch: bool) -> Option<String> {
    for member in ["type", "title", "status"] {
        if problem[member].is_null() {
            return Some(format!("no {member}"));
        }
    }
    let mut errors = problem["errors"].as_array().into_iter().flatten();
    errors.find_map(|error| {
        let pointer = error["pointer"].as_str()?;
        let parent = pointer.rsplit_once('/').map_or("", |(parent, _)| parent);
        let leads = body.pointer(pointer).is_some() || body.pointer(parent).is_some_and(Value::is_object) || is_patch;
        (!leads).then(|| format!("{pointer} leads nowhere"))
    })
}

/// What is wrong with an answer to a body.
fn wrong(operation: &Operation, status: u16, content_type: &str, answer: &Value, body: &Value) -> Option<String> {
    match status {
        200..=299 => answer["results"].as_array().into_iter().flatten().find_map(|result| {
            let record = &body["completions"][usize::try_from(result["index"].as_u64()?).ok()?];
            fault(result.get("problem")?, record, false)
        }),
        400..=499 if content_type != "application/problem+json" => Some(format!("it is {content_type}")),
        400..=499 => fault(answer, body, operation.method == "PATCH"),
        _ => Some(format!("the status is {status}")),
    }
}

on_both_databases! {
    async fn any_body_is_taken_or_refused_with_pointers_that_lead_somewhere(app: TestApp) {
        let document = Document::current();
        let scene = Scene::make(&app).await;
        let staff = app.staff();
        let mut runner = TestRunner::new(ProptestConfig::default());
        let (mut taken, mut sent, mut faults) = (0, 0, Vec::new());
        for operation in document.operations() {
            let Some((media_type, schema)) = operation.body() else { continue };
            let example = document.example(schema).unwrap();
            let path = scene.path(&operation);
            for case in 0..CASES {
                let body = if case % 4 == 0 { sample(&mut runner, &any_json()) } else { altered(&mut runner, &example) };
                let client = scene.caller(&staff, &operation);
                let request = client.request(operation.verb(), &path).header("content-type", media_type);
                let reply = client.send(request.body(body.to_string())).await;
                let content_type = reply.headers.get("content-type").map(|value| value.to_str().unwrap()).unwrap_or_default();
                let answer = if reply.text.starts_with('{') { reply.json() } else { Value::Null };
                if let Some(why) = wrong(&operation, reply.status, content_type, &answer, &body) {
                    faults.push(format!("{}: {why}: {} to {body}", operation.name(), reply.text));
                }
                sent += 1;
                taken += usize::from(reply.status < 300);
            }
        }
        println!("{:?}: {sent} bodies, {taken} taken", app.backend);
        assert!(taken > 0 && taken < sent, "{taken} of {sent}");
        assert!(faults.is_empty(), "{} of {sent}:\n{}", faults.len(), faults.join("\n"));
    }
}
