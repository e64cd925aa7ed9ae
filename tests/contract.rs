//! The contract: the document in the repository is the one that the code makes, it leaves nothing out, and its 3.0 form is 3.0.

#![expect(clippy::unwrap_used, reason = "a test ends where something is not as it should be")]

#[path = "support/document.rs"]
#[allow(dead_code, reason = "the tests through HTTP use what these don't")]
mod document;

use std::collections::BTreeSet;
use std::path::Path;

use document::{Document, Operation, type_of};
use onemind::http::auth::SCOPES;
use onemind::http::openapi::Documents;
use serde_json::Value;

#[test]
fn the_document_in_the_repository_is_the_one_that_the_code_makes() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi/openapi.json");
    let held = std::fs::read_to_string(&path).unwrap_or_default();
    let same = held == Documents::new().current();
    assert!(same, "openapi/openapi.json is not the document of this code; write it anew with `cargo run -- openapi > openapi/openapi.json`");
}

#[test]
fn every_operation_is_told_in_full() {
    let document = Document::current();
    let tags: BTreeSet<&str> = document.0["tags"].as_array().unwrap().iter().map(|tag| tag["name"].as_str().unwrap()).collect();
    let mut ids = BTreeSet::new();
    check_each(&document, |operation, faults| {
        let value = &operation.value;
        if !is_text(&value["summary"]) {
            faults.push("no summary".into());
        }
        match value["operationId"].as_str() {
            Some(id) if ids.insert(id.to_owned()) => {}
            other => faults.push(format!("the operationId {other:?} is none, or another operation's")),
        }
        let its_tags = value["tags"].as_array().map(Vec::as_slice).unwrap_or_default();
        if its_tags.is_empty() || !its_tags.iter().all(|tag| tag.as_str().is_some_and(|tag| tags.contains(tag))) {
            faults.push(format!("the tags {its_tags:?} are none, or not among those declared"));
        }
        for (status, response) in value["responses"].as_object().unwrap() {
            if !is_text(&document.resolve(response)["description"]) {
                faults.push(format!("the response {status} has no description"));
            }
        }
        for parameter in value["parameters"].as_array().into_iter().flatten() {
            if !is_text(&parameter["description"]) && !is_text(&document.resolve(&parameter["schema"])["description"]) {
                faults.push(format!("the parameter {} has no description", parameter["name"]));
            }
        }
    });
}

#[test]
fn every_operation_below_v1_needs_a_token_and_scopes_that_exist() {
    let scopes: BTreeSet<&str> = SCOPES.iter().map(|(name, _)| *name).collect();
    check_each(&Document::current(), |operation, faults| {
        if !operation.path.starts_with("/v1/") {
            return;
        }
        match operation.scopes() {
            None => faults.push("no bearer token".into()),
            Some(needed) => faults.extend(needed.iter().filter(|scope| !scopes.contains(*scope)).map(|scope| format!("there is no scope {scope}"))),
        }
        for status in ["401", "500", "503"] {
            if operation.value["responses"].get(status).is_none() {
                faults.push(format!("the response {status} is left out"));
            }
        }
    });
}

#[test]
fn every_list_is_paged() {
    let document = Document::current();
    check_each(&document, |operation, faults| {
        let answer = &operation.value["responses"]["200"]["content"]["application/json"]["schema"];
        let members = if answer.is_null() { answer } else { &document.resolve(answer)["properties"] };
        let pages = members.get("next_cursor").is_some() && members.get("items").is_some();
        let named = operation.path.starts_with("/v1/") && operation.value["operationId"].as_str().is_some_and(|id| id.starts_with("list_"));
        let asked = operation.takes("query", "limit") && operation.takes("query", "cursor");
        if (pages || named) && !(pages && asked) {
            faults.push("a list takes `limit` and `cursor`, and answers `items` and `next_cursor`".into());
        }
    });
}

#[test]
fn every_parameter_and_every_value_of_a_body_has_limits() {
    let document = Document::current();
    check_each(&document, |operation, faults| {
        for parameter in operation.value["parameters"].as_array().into_iter().flatten() {
            if let Some(fault) = unlimited(document.resolve(&parameter["schema"])) {
                faults.push(format!("the parameter {} {fault}", parameter["name"]));
            }
        }
        // A statement is bounded by the size of its body alone: the specification of xAPI sets no limits to its parts.
        let body = operation.body().filter(|_| !operation.path.starts_with("/xapi/"));
        for (pointer, schema) in body.map(|(_, schema)| document.places(schema)).unwrap_or_default() {
            if let Some(fault) = unlimited(schema) {
                faults.push(format!("the body's {pointer} {fault}"));
            }
        }
    });
}

/// What a schema leaves without limit.
fn unlimited(schema: &Value) -> Option<&'static str> {
    let has = |keyword: &str| schema.get(keyword).is_some();
    let bounded = match type_of(schema) {
        Some("string") => {
            let endless = |pattern: &str| {
                let outside_classes: String =
                    pattern.split('[').enumerate().map(|(n, part)| if n == 0 { part } else { part.split_once(']').unwrap().1 }).collect();
                outside_classes.contains(['*', '+']) || outside_classes.contains(",}") || !pattern.starts_with('^') || !pattern.ends_with('$')
            };
            let format = schema["format"].as_str().is_some_and(|format| ["date", "date-time", "uuid"].contains(&format));
            has("maxLength") || has("enum") || has("const") || format || schema["pattern"].as_str().is_some_and(|pattern| !endless(pattern))
        }
        Some("integer" | "number") => {
            let sized = schema["format"].as_str().is_some_and(|format| ["int32", "int64"].contains(&format));
            (has("minimum") || has("exclusiveMinimum")) && (has("maximum") || has("exclusiveMaximum") || sized)
        }
        Some("array") => has("maxItems"),
        _ => true,
    };
    (!bounded).then_some("has no limit")
}

#[test]
fn every_body_names_all_its_fields_and_an_example_of_it_can_be_built() {
    let document = Document::current();
    check_each(&document, |operation, faults| {
        let Some((_, schema)) = operation.body() else { return };
        // Unknown members of a statement are refused by its reader, which tests/api/xapi shows; the document tells of its outer form alone.
        let of_xapi = operation.path.starts_with("/xapi/");
        for (pointer, schema) in document.places(schema).into_iter().filter(|_| !of_xapi) {
            if type_of(schema) == Some("object") && schema["additionalProperties"] != false {
                faults.push(format!("the body's {pointer} does not refuse unknown fields"));
            }
        }
        if let Err(missing) = document.example(schema) {
            faults.push(format!("the body's {missing}"));
        }
    });
}

#[test]
fn every_example_is_what_its_schema_allows() {
    let document = Document::current();
    let mut examples = Vec::new();
    examples_below(&document.0["paths"], "/paths", &mut examples);
    examples_below(&document.0["components"]["responses"], "/components/responses", &mut examples);
    examples_below(&document.0["components"]["headers"], "/components/headers", &mut examples);
    each_schema(&document.0, "", &mut |pointer, schema| {
        let listed = schema["examples"].as_array().into_iter().flatten();
        for example in listed.chain(schema.get("example")).chain(schema.get("default")) {
            examples.push((pointer.to_owned(), schema.clone(), example.clone()));
        }
    });
    for operation in document.operations() {
        if let Some((_, schema)) = operation.body() {
            examples.push((format!("the body of {}", operation.name()), schema.clone(), document.example(schema).unwrap_or_default()));
        }
    }
    assert!(examples.len() > 100, "{} examples", examples.len());
    let faults: Vec<String> = examples.iter().flat_map(|(place, schema, example)| refusals(&document, place, schema, example)).collect();
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

/// Where, of what schema, and what.
type Example = (String, Value, Value);

/// The examples beside a schema: of parameters, headers and bodies.
fn examples_below(value: &Value, pointer: &str, examples: &mut Vec<Example>) {
    match value {
        Value::Array(items) => items.iter().enumerate().for_each(|(index, item)| examples_below(item, &format!("{pointer}/{index}"), examples)),
        Value::Object(members) => {
            if let Some(schema) = members.get("schema") {
                let named = members.get("examples").and_then(Value::as_object).into_iter().flatten().map(|(_, example)| &example["value"]);
                for example in named.chain(members.get("example")) {
                    examples.push((pointer.to_owned(), schema.clone(), example.clone()));
                }
            }
            members.iter().for_each(|(name, member)| examples_below(member, &format!("{pointer}/{name}"), examples));
        }
        _ => {}
    }
}

/// Why a schema doesn't allow an example.
fn refusals(document: &Document, place: &str, schema: &Value, example: &Value) -> Vec<String> {
    let mut needed = BTreeSet::new();
    let mut open = vec![schema.clone()];
    while let Some(schema) = open.pop() {
        let mut references = BTreeSet::new();
        gather(&schema, "$ref", &mut references);
        let new: Vec<String> = references.into_iter().filter(|reference| needed.insert(reference.clone())).collect();
        open.extend(new.iter().map(|reference| document.0.pointer(&reference[1..]).unwrap().clone()));
    }
    let mut whole = serde_json::json!({"allOf": [schema], "components": {"schemas": {}}});
    for name in needed.iter().filter_map(|reference| reference.strip_prefix("#/components/schemas/")) {
        whole["components"]["schemas"][name] = document.0["components"]["schemas"][name].clone();
    }
    let validator = jsonschema::options().should_validate_formats(true).build(&whole).unwrap_or_else(|error| panic!("{place}: {error}"));
    validator.iter_errors(example).map(|error| format!("{place}: {example}: {error}")).collect()
}

#[test]
fn every_reference_leads_somewhere() {
    let document = Document::current();
    let old: Value = serde_json::from_str(Documents::new().for_3_0()).unwrap();
    for document in [document, Document(old)] {
        let mut references = BTreeSet::new();
        gather(&document.0, "$ref", &mut references);
        assert!(references.len() > 20);
        for reference in references {
            document.resolve(&serde_json::json!({"$ref": reference}));
        }
    }
}

/// The texts that stand under a name anywhere.
fn gather(value: &Value, name: &str, texts: &mut BTreeSet<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| gather(item, name, texts)),
        Value::Object(members) => {
            texts.extend(members.get(name).and_then(Value::as_str).map(str::to_owned));
            members.values().for_each(|member| gather(member, name, texts));
        }
        _ => {}
    }
}

#[test]
fn the_3_0_form_has_nothing_that_3_0_does_not_know() {
    let document: Value = serde_json::from_str(Documents::new().for_3_0()).unwrap();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.0."));
    assert_eq!((document["info"].get("summary"), document["info"]["license"].get("identifier")), (None, None));
    assert_eq!((document.get("webhooks"), document.get("jsonSchemaDialect"), document["components"].get("pathItems")), (None, None, None));
    let mut faults = Vec::new();
    let mut count = 0;
    each_schema(&document, "", &mut |pointer, schema| {
        count += 1;
        faults.extend(newer_than_3_0(schema).into_iter().map(|fault| format!("{pointer}: {fault}")));
    });
    for operation in Document(document).operations() {
        // Scopes beside a scheme that is not OAuth are of 3.1.
        if operation.scopes().is_some_and(|scopes| !scopes.is_empty()) {
            faults.push(format!("{}: scopes of a bearer token", operation.name()));
        }
    }
    assert!(count > 100, "{count} schemas");
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

fn newer_than_3_0(schema: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    for keyword in [
        "const",
        "examples",
        "$defs",
        "$schema",
        "prefixItems",
        "if",
        "propertyNames",
        "patternProperties",
        "contains",
        "dependentRequired",
        "unevaluatedProperties",
        "contentEncoding",
        "contentMediaType",
    ] {
        if schema.get(keyword).is_some() {
            faults.push(format!("`{keyword}`"));
        }
    }
    if schema["type"].is_array() {
        faults.push("several types".into());
    }
    if schema["type"] == "null" {
        faults.push("the type null".into());
    }
    if schema["exclusiveMinimum"].is_number() || schema["exclusiveMaximum"].is_number() {
        faults.push("an exclusive bound that is a number".into());
    }
    if schema.get("$ref").is_some() && schema.as_object().is_some_and(|members| members.len() > 1) {
        faults.push("something beside a `$ref`".into());
    }
    if schema["nullable"] == true && schema.get("type").is_none() {
        faults.push("`nullable` without a type".into());
    }
    faults
}

/// Calls `check` with every schema of a document and its pointer. What stands in examples is no schema, whatever it looks like.
fn each_schema<'a>(value: &'a Value, pointer: &str, check: &mut impl FnMut(&str, &'a Value)) {
    match value {
        Value::Array(items) => items.iter().enumerate().for_each(|(index, item)| each_schema(item, &format!("{pointer}/{index}"), check)),
        Value::Object(members) => {
            for (name, member) in members.iter().filter(|(name, _)| *name != "example" && *name != "examples") {
                let here = format!("{pointer}/{name}");
                match name.as_str() {
                    "schema" => each_below(member, &here, check),
                    "schemas" if pointer == "/components" => {
                        member.as_object().unwrap().iter().for_each(|(name, schema)| each_below(schema, &format!("{here}/{name}"), check));
                    }
                    _ => each_schema(member, &here, check),
                }
            }
        }
        _ => {}
    }
}

/// Calls `check` with a schema and those within it.
fn each_below<'a>(schema: &'a Value, pointer: &str, check: &mut impl FnMut(&str, &'a Value)) {
    check(pointer, schema);
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        each_below(property, &format!("{pointer}/properties/{name}"), check);
    }
    for keyword in ["allOf", "oneOf", "anyOf"] {
        for (index, choice) in schema[keyword].as_array().into_iter().flatten().enumerate() {
            each_below(choice, &format!("{pointer}/{keyword}/{index}"), check);
        }
    }
    for keyword in ["items", "not", "additionalProperties"] {
        if schema[keyword].is_object() {
            each_below(&schema[keyword], &format!("{pointer}/{keyword}"), check);
        }
    }
}

/// Gathers what is wrong with each operation, and tells it all at once.
#[track_caller]
fn check_each(document: &Document, mut check: impl FnMut(&Operation, &mut Vec<String>)) {
    let operations = document.operations();
    assert!(operations.len() > 30, "{} operations", operations.len());
    let mut all = Vec::new();
    for operation in operations {
        let mut faults = Vec::new();
        check(&operation, &mut faults);
        all.extend(faults.into_iter().map(|fault| format!("{}: {fault}", operation.name())));
    }
    assert!(all.is_empty(), "\n{}", all.join("\n"));
}

fn is_text(value: &Value) -> bool {
    value.as_str().is_some_and(|text| !text.trim().is_empty())
}
