//! The OpenAPI document as the tests read it: its operations, and examples made from its schemas. What is tested by it is tested
//! for operations that are yet to be written, too.

use onemind::http::openapi::Documents;
use serde_json::{Map, Value};

/// An id of nothing.
pub const NO_ID: &str = "0199c1f0-0000-7000-8000-00000000dead";

/// The document, and the operations that it describes.
pub struct Document(pub Value);

/// An operation of the document.
#[derive(Debug, Clone)]
pub struct Operation {
    /// In capitals.
    pub method: String,
    /// With its parameters in braces.
    pub path: String,
    pub value: Value,
}

impl Document {
    /// As the service answers it.
    pub fn current() -> Self {
        Self(serde_json::from_str(Documents::new().current()).unwrap())
    }

    pub fn operations(&self) -> Vec<Operation> {
        let mut operations = Vec::new();
        for (path, item) in self.0["paths"].as_object().unwrap() {
            for (method, value) in item.as_object().unwrap() {
                operations.push(Operation { method: method.to_uppercase(), path: path.clone(), value: value.clone() });
            }
        }
        operations
    }

    /// What a node says, through any number of `$ref`.
    pub fn resolve<'a>(&'a self, node: &'a Value) -> &'a Value {
        match node["$ref"].as_str() {
            None => node,
            Some(reference) => {
                let pointer = reference.strip_prefix('#').unwrap_or_else(|| panic!("{reference} leads out of the document"));
                self.resolve(self.0.pointer(pointer).unwrap_or_else(|| panic!("{reference} leads nowhere")))
            }
        }
    }

    /// A value that the schema allows, with every member that has one, made of the examples in it.
    ///
    /// # Errors
    /// Where in the schema there is none.
    pub fn example(&self, schema: &Value) -> Result<Value, String> {
        if let Some(example) = given_example(schema) {
            return Ok(example);
        }
        if schema.get("$ref").is_some() {
            return self.example(self.resolve(schema));
        }
        for keyword in ["oneOf", "anyOf", "allOf"] {
            if let Some(choice) = schema[keyword].as_array().and_then(|choices| choices.iter().find(|choice| choice["type"] != "null")) {
                return self.example(choice);
            }
        }
        match type_of(schema) {
            Some("object") => {
                let mut members = Map::new();
                for (name, property) in schema["properties"].as_object().into_iter().flatten() {
                    members.insert(name.clone(), self.example(property).map_err(|below| format!("/{name}{below}"))?);
                }
                Ok(members.into())
            }
            Some("array") => Ok(vec![self.example(&schema["items"]).map_err(|below| format!("/0{below}"))?].into()),
            Some("boolean") => Ok(true.into()),
            other => Err(format!(": an example of {} is missing", other.unwrap_or("a type"))),
        }
    }

    /// Every place of a value that the schema describes, itself first: its pointer, and the schema there with no `$ref` and no null.
    /// Items of arrays are given by their first.
    pub fn places<'a>(&'a self, schema: &'a Value) -> Vec<(String, &'a Value)> {
        let schema = self.resolve(schema);
        let mut places = Vec::new();
        for keyword in ["oneOf", "anyOf", "allOf"] {
            for choice in schema[keyword].as_array().into_iter().flatten().filter(|choice| choice["type"] != "null") {
                places.extend(self.places(choice));
            }
        }
        if places.is_empty() {
            places.push((String::new(), schema));
        }
        let below = |name: &str, schema: &'a Value| {
            let name = name.replace('~', "~0").replace('/', "~1");
            self.places(schema).into_iter().map(move |(pointer, schema)| (format!("/{name}{pointer}"), schema))
        };
        for (name, property) in schema["properties"].as_object().into_iter().flatten() {
            places.extend(below(name, property));
        }
        if schema.get("items").is_some() {
            places.extend(below("0", &schema["items"]));
        }
        places
    }
}

/// The example beside a schema, or its only value.
fn given_example(schema: &Value) -> Option<Value> {
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

impl Operation {
    /// As it is told of when something is wrong with it.
    pub fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    pub fn verb(&self) -> reqwest::Method {
        self.method.parse().unwrap()
    }

    /// The scopes that it needs; `None` where it needs no token.
    pub fn scopes(&self) -> Option<Vec<&str>> {
        let bearer = self.value["security"].as_array()?.iter().find_map(|choice| choice.get("bearer"))?;
        Some(bearer.as_array().unwrap().iter().map(|scope| scope.as_str().unwrap()).collect())
    }

    /// The parameters that stand in `place`: `path`, `query` or `header`.
    pub fn parameters(&self, place: &str) -> Vec<&Value> {
        self.value["parameters"].as_array().into_iter().flatten().filter(|parameter| parameter["in"] == place).collect()
    }

    pub fn takes(&self, place: &str, name: &str) -> bool {
        self.parameters(place).iter().any(|parameter| parameter["name"] == name)
    }

    /// The media type and the schema of its JSON body.
    pub fn body(&self) -> Option<(&str, &Value)> {
        let content = self.value["requestBody"]["content"].as_object()?;
        let (media_type, body) = content.iter().find(|(media_type, _)| media_type.contains("json"))?;
        Some((media_type, &body["schema"]))
    }

    /// Whether it answers pages of a list.
    pub fn is_list(&self) -> bool {
        self.method == "GET" && self.takes("query", "cursor")
    }

    /// The path with `fill` in the place of each parameter.
    pub fn path_with(&self, fill: impl Fn(&str) -> String) -> String {
        let segments = self.path.split('/').map(|segment| match segment.strip_prefix('{').and_then(|name| name.strip_suffix('}')) {
            Some(name) => fill(name),
            None => segment.to_owned(),
        });
        segments.collect::<Vec<_>>().join("/")
    }

    /// The path to something that isn't there.
    pub fn path_to_nothing(&self) -> String {
        self.path_with(|_| NO_ID.to_owned())
    }
}
