//! The OpenAPI document as the tests read it: its operations, and examples made from its schemas. What is tested by it is tested
//! for operations that are yet to be written, too.

use onemind::http::openapi::Documents;
use onemind::http::openapi::examples::Examples;
pub use onemind::http::openapi::examples::type_of;
use serde_json::Value;

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
        let resolved = Examples(&self.0).resolve(node);
        assert!(!resolved.is_null(), "{node} leads nowhere");
        resolved
    }

    /// A value that the schema allows, with every member that has one, made of the examples in it.
    ///
    /// # Errors
    /// Where in the schema there is none.
    pub fn example(&self, schema: &Value) -> Result<Value, String> {
        Examples(&self.0).of(schema)
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
