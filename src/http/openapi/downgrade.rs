//! OpenAPI 3.1 as 3.0, for generators that refuse 3.1.

use serde_json::{Map, Value, json};

/// The document in OpenAPI 3.0.3.
pub fn to_3_0(document: &Value) -> Value {
    let mut document = document.clone();
    document["openapi"] = json!("3.0.3");
    if let Some(info) = document["info"].as_object_mut() {
        info.remove("summary");
    }
    if let Some(license) = document["info"]["license"].as_object_mut() {
        license.remove("identifier");
        license.insert("url".into(), json!("https://spdx.org/licenses/MIT.html"));
    }
    let schemas = document["components"]["schemas"].clone();
    convert(&mut document, &schemas);
    for (_, item) in document["paths"].as_object_mut().into_iter().flatten() {
        for (_, operation) in item.as_object_mut().into_iter().flatten() {
            without_scopes(operation);
        }
    }
    document
}

/// 3.0 allows scopes beside OAuth schemes alone; the operation's description tells them.
fn without_scopes(operation: &mut Value) {
    for choice in operation["security"].as_array_mut().into_iter().flatten() {
        for (_, scopes) in choice.as_object_mut().into_iter().flatten() {
            *scopes = json!([]);
        }
    }
}

fn convert(value: &mut Value, schemas: &Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| convert(item, schemas)),
        Value::Object(members) => {
            members.values_mut().for_each(|member| convert(member, schemas));
            convert_members(members, schemas);
        }
        _ => {}
    }
}

/// The type of a schema, or of the one that it refers to, alone or beside other members: 3.0 knows `nullable` only beside a type.
fn type_of(schema: &Value, schemas: &Value) -> Option<Value> {
    if let Some(name) = schema["$ref"].as_str().and_then(|reference| reference.rsplit('/').next()) {
        return type_of(&schemas[name], schemas);
    }
    match schema.get("type") {
        Some(kind) => Some(kind.clone()),
        None => schema["allOf"].get(0).and_then(|part| type_of(part, schemas)),
    }
}

fn convert_members(members: &mut Map<String, Value>, schemas: &Value) {
    let null = json!({"type": "null"});
    if let Some(types) = members.get("type").and_then(Value::as_array) {
        let kept: Vec<Value> = types.iter().filter(|word| **word != "null").cloned().collect();
        let nullable = kept.len() < types.len();
        match kept.as_slice() {
            [one] => {
                members.insert("type".into(), one.clone());
            }
            several => {
                let choices: Vec<Value> = several.iter().map(|word| json!({"type": word})).collect();
                members.remove("type");
                members.insert("anyOf".into(), choices.into());
            }
        }
        if nullable {
            members.insert("nullable".into(), json!(true));
        }
    }
    for keyword in ["oneOf", "anyOf"] {
        let Some(choices) = members.get(keyword).and_then(Value::as_array) else { continue };
        // The members of `choices` are converted by now, so a null type reads as converted too.
        let kept: Vec<Value> = choices.iter().filter(|choice| **choice != null).cloned().collect();
        if kept.len() == choices.len() {
            continue;
        }
        let kind = kept.first().and_then(|choice| type_of(choice, schemas));
        members.remove(keyword);
        if let Some(kind) = kind {
            members.insert("type".into(), kind);
        }
        members.insert(if kept.len() == 1 { "allOf" } else { keyword }.into(), kept.into());
        members.insert("nullable".into(), json!(true));
    }
    let is_schema = ["type", "allOf", "oneOf", "anyOf", "properties"].iter().any(|keyword| members.contains_key(*keyword));
    if is_schema {
        if let Some(Value::Array(examples)) = members.get("examples") {
            let first = examples.first().cloned();
            members.remove("examples");
            if let Some(first) = first {
                members.insert("example".into(), first);
            }
        }
        if let Some(only) = members.remove("const") {
            members.insert("enum".into(), json!([only]));
        }
        for (keyword, bound) in [("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")] {
            if let Some(Value::Number(limit)) = members.get(keyword).cloned() {
                members.insert(bound.into(), Value::Number(limit));
                members.insert(keyword.into(), json!(true));
            }
        }
        members.remove("propertyNames");
    }
    if members.contains_key("$ref") && members.len() > 1 {
        let reference = members.remove("$ref");
        members.insert("allOf".into(), json!([{"$ref": reference}]));
    }
}
