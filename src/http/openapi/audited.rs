//! What is to be known of operations to answer them and to tell the audit log, as the document says it: so that a new one can't be forgotten.

use std::collections::HashSet;

use serde_json::Value;

use super::Operation;

/// Members that tell who somebody is.
const PERSONAL: [&str; 4] = ["family_name", "email", "identifiers", "mbox"];

/// What the document says of an operation.
pub fn operation(document: &Value, operation: &Value) -> Operation {
    let answers =
        || operation["responses"].as_object().into_iter().flatten().filter_map(|(status, answer)| Some((status.parse::<u16>().ok()?, answer)));
    let success = answers().map(|(status, _)| status).filter(|status| (200..300).contains(status)).min().unwrap_or(200);
    let told =
        answers().filter(|(status, _)| (200..300).contains(status)).flat_map(|(_, answer)| answer["content"].as_object().into_iter().flatten());
    let personal = told.into_iter().any(|(_, content)| is_personal(document, &content["schema"], &mut HashSet::new()));
    Operation {
        id: operation["operationId"].as_str().unwrap_or_default().to_owned(),
        takes_token: operation["security"].as_array().into_iter().flatten().any(|choice| choice.get("bearer").is_some()),
        takes_query: operation["parameters"].as_array().into_iter().flatten().any(|parameter| parameter["in"] == "query"),
        secured: operation["security"].as_array().is_some_and(|choices| !choices.is_empty()),
        personal,
        success,
    }
}

/// Whether a schema has, at any depth, a member that tells who somebody is.
fn is_personal<'a>(document: &'a Value, schema: &'a Value, seen: &mut HashSet<&'a str>) -> bool {
    match schema {
        Value::Object(members) => members.iter().any(|(name, value)| match (name.as_str(), value) {
            ("$ref", Value::String(reference)) => {
                seen.insert(reference)
                    && reference
                        .strip_prefix('#')
                        .and_then(|pointer| document.pointer(pointer))
                        .is_some_and(|schema| is_personal(document, schema, seen))
            }
            ("properties", Value::Object(properties)) => {
                properties.iter().any(|(name, schema)| PERSONAL.contains(&name.as_str()) || is_personal(document, schema, seen))
            }
            ("example" | "examples" | "default" | "enum", _) => false,
            (_, value) => is_personal(document, value, seen),
        }),
        Value::Array(items) => items.iter().any(|item| is_personal(document, item, seen)),
        _ => false,
    }
}
