//! Values made from the document's schemas and the examples in them.

use serde_json::{Map, Value};

use crate::http::decode::unescape;

/// The schemas of a document, to make values of.
#[derive(Clone, Copy)]
pub struct Examples<'a>(pub &'a Value);

impl<'a> Examples<'a> {
    /// What a node says, through any number of `$ref`; null where one leads nowhere.
    pub fn resolve(self, node: &'a Value) -> &'a Value {
        match node["$ref"].as_str() {
            None => node,
            Some(reference) => {
                reference.strip_prefix('#').and_then(|pointer| self.0.pointer(pointer)).map_or(&Value::Null, |node| self.resolve(node))
            }
        }
    }

    /// A value that the schema allows, with every member that has one.
    ///
    /// # Errors
    /// Where in the schema there is none.
    pub fn of(self, schema: &'a Value) -> Result<Value, String> {
        if let Some(example) = given(schema) {
            return Ok(example);
        }
        if schema.get("$ref").is_some() {
            return self.of(self.resolve(schema));
        }
        if let Some(choice) = choice(schema) {
            return self.of(choice);
        }
        match type_of(schema) {
            Some("object") => {
                let mut members = Map::new();
                for (name, property) in schema["properties"].as_object().into_iter().flatten() {
                    members.insert(name.clone(), self.of(property).map_err(|below| format!("/{name}{below}"))?);
                }
                Ok(members.into())
            }
            Some("array") => Ok(vec![self.of(&schema["items"]).map_err(|below| format!("/0{below}"))?].into()),
            Some("boolean") => Ok(true.into()),
            other => Err(format!(": an example of {} is missing", other.unwrap_or("a type"))),
        }
    }

    /// The schema at a pointer into a value that `name`, a schema of the document, describes.
    pub fn schema_at(self, name: &str, pointer: &str) -> Option<&'a Value> {
        let mut schema = &self.0["components"]["schemas"][name];
        for token in pointer.split('/').skip(1) {
            schema = self.plain(schema);
            let member = &schema["properties"][unescape(token)];
            schema = if member.is_null() { &schema["items"] } else { member };
        }
        Some(self.plain(schema)).filter(|schema| !schema.is_null())
    }

    /// A schema without reference and without null as an alternative.
    fn plain(self, schema: &'a Value) -> &'a Value {
        let schema = self.resolve(schema);
        choice(schema).map_or(schema, |choice| self.plain(choice))
    }
}

/// The first alternative of a schema that is not null.
fn choice(schema: &Value) -> Option<&Value> {
    ["oneOf", "anyOf", "allOf"].iter().find_map(|keyword| schema[keyword].as_array()?.iter().find(|choice| choice["type"] != "null"))
}

/// The example beside a schema, or its only value.
fn given(schema: &Value) -> Option<Value> {
    let first = |keyword: &str| schema[keyword].as_array().and_then(|values| values.first());
    [schema.get("example"), first("examples"), schema.get("default"), schema.get("const"), first("enum")].into_iter().flatten().next().cloned()
}

/// The type of a schema, null aside.
pub fn type_of(schema: &Value) -> Option<&str> {
    match &schema["type"] {
        Value::Array(types) => types.iter().filter_map(Value::as_str).find(|word| *word != "null"),
        word => word.as_str(),
    }
}
