//! The OpenAPI document: gathered from the handlers, then completed by what holds for every operation alike.

mod audited;
mod complete;
mod downgrade;
pub mod examples;

use std::collections::HashMap;
use std::sync::Arc;

use actix_web::App;
use actix_web::dev::ResourceDef;
use actix_web::http::Method;
use serde_json::{Value, json};
use utoipa::OpenApi;
use utoipa_actix_web::AppExt as _;

use super::auth::SCOPES;
use super::routing::{Answering, Routed, Routes};

/// The document in both versions, and the methods of each path.
pub struct Documents {
    value: Value,
    current: String,
    for_3_0: String,
    paths: Vec<(ResourceDef, Vec<String>)>,
    routes: Routes,
}

/// What is to be known of an operation to answer it, and to tell the audit log.
#[expect(clippy::struct_excessive_bools, reason = "what the document says of it, each by itself")]
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Operation {
    /// Its id.
    pub id: String,
    /// Whether it asks for a token, which is read before anything else.
    pub takes_token: bool,
    /// Whether it has parameters in the query.
    pub takes_query: bool,
    /// Whether it needs a token.
    pub secured: bool,
    /// Whether its answer tells who somebody is: a name, an address of mail, an identifier.
    pub personal: bool,
    /// The status of its success, the lowest where there are several.
    pub success: u16,
}

/// Schemas that are reached through shared responses and parameters alone.
#[derive(OpenApi)]
#[openapi(components(schemas(
    super::problem::Problem,
    super::problem::ProblemError,
    crate::domain::agency::AgencyKey,
    super::decode::Ref,
    crate::domain::standard_draft::StandardKey
)))]
struct Base;

impl Default for Documents {
    fn default() -> Self {
        Self::new()
    }
}

impl Documents {
    /// Gathers the document from the handlers.
    pub fn new() -> Self {
        let document = document();
        let mut paths: Vec<(ResourceDef, Vec<String>)> = Vec::new();
        let groups = groups();
        let mut routes = Routes::default();
        for (path, item) in document["paths"].as_object().into_iter().flatten() {
            let (mut methods, mut operations) = (Vec::new(), Vec::new());
            for (method, operation) in item.as_object().into_iter().flatten() {
                let name = method.to_uppercase();
                let (Ok(method), Some(group)) = (name.parse::<Method>(), groups.get(&(path.clone(), method.clone()))) else { continue };
                operations.push(Answering { method, operation: Arc::new(audited::operation(&document, operation)), group: *group });
                methods.push(name);
            }
            routes.add(path, operations);
            paths.push((ResourceDef::new(path.as_str()), methods));
        }
        for path in super::docs::PATHS {
            paths.push((ResourceDef::new(path), vec!["GET".to_owned()]));
        }
        for (_, methods) in &mut paths {
            // What answers GET answers HEAD.
            if methods.iter().any(|method| method == "GET") {
                methods.push("HEAD".to_owned());
            }
            methods.sort();
        }
        let for_3_0 = downgrade::to_3_0(&document);
        Self { current: pretty(&document), for_3_0: pretty(&for_3_0), value: document, paths, routes }
    }

    /// OpenAPI 3.1, as a value.
    pub fn value(&self) -> &Value {
        &self.value
    }

    /// OpenAPI 3.1.
    pub fn current(&self) -> &str {
        &self.current
    }

    /// OpenAPI 3.0, for generators that refuse 3.1.
    pub fn for_3_0(&self) -> &str {
        &self.for_3_0
    }

    /// What answers a method of a path that is asked for.
    pub fn routed(&self, method: &Method, path: &str) -> Routed {
        self.routes.find(method, path)
    }

    /// The operation at a path, as it is written in the document.
    pub fn operation(&self, method: &Method, path: &str) -> Option<&Arc<Operation>> {
        self.routes.by_pattern(method, path)
    }

    /// The methods that the path has; none where there is no such path. A path without parameters goes before one with.
    pub fn methods_at(&self, path: &str) -> &[String] {
        let matching = || self.paths.iter().filter(|(def, _)| def.is_match(path));
        let fixed = matching().find(|(def, _)| def.pattern() == Some(path));
        fixed.or_else(|| matching().next()).map_or(&[], |(_, methods)| methods)
    }
}

/// Which group has an operation, by path and method as they are written in the document.
fn groups() -> HashMap<(String, String), usize> {
    let mut groups = HashMap::new();
    for (number, group) in super::GROUPS.into_iter().enumerate() {
        let (_, gathered) = App::new().into_utoipa_app().configure(group).split_for_parts();
        let paths = serde_json::to_value(gathered.paths).unwrap_or_default();
        for (path, item) in paths.as_object().into_iter().flatten() {
            groups.extend(item.as_object().into_iter().flatten().map(|(method, _)| ((path.clone(), method.clone()), number)));
        }
    }
    groups
}

fn pretty(document: &Value) -> String {
    format!("{document:#}\n")
}

/// The document, complete.
pub fn document() -> Value {
    let (_, gathered) = App::new().into_utoipa_app().openapi(Base::openapi()).configure(super::routes).split_for_parts();
    let mut document = serde_json::to_value(gathered).unwrap_or_default();
    document["openapi"] = json!("3.1.0");
    document["info"] = json!({
        "title": "One Mind Registry",
        "version": env!("CARGO_PKG_VERSION"),
        "summary": "Who pledged, who is trained, who is One Mind Certified.",
        "description": DESCRIPTION,
        "license": {"name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0"},
    });
    document["servers"] = json!([{"url": "/", "description": "The service that answers this document."}]);
    document["tags"] = TAGS.iter().map(|(name, description)| json!({"name": name, "description": description})).collect();
    let scopes: Vec<String> = SCOPES.iter().map(|(name, meaning)| format!("- `{name}`: {meaning}")).collect();
    document["components"]["securitySchemes"] = json!({"bearer": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": format!("An access token (RFC 9068, EdDSA). Scopes:\n\n{}", scopes.join("\n")),
    }, "client": {
        "type": "http",
        "scheme": "basic",
        "description": "Client id and secret, each encoded as in a form (RFC 6749 §2.3.1); for the token endpoint, and for `/xapi/`.",
    }});
    complete::operations(&mut document);
    complete::patches(&mut document);
    complete::prune(&mut document);
    document
}

const DESCRIPTION: &str = "Where the systems that know of an agency's One Mind pledge meet: learning systems push training completions, records \
systems push rosters and ask for certification status, IACP staff recognise courses and review, the public looks up.\n\n\
Errors are RFC 9457 `application/problem+json`, with every fault of a body at once and a JSON pointer to each. Lists are paged by an opaque \
`cursor`. Every resource has an `ETag`; `If-None-Match` answers 304, `If-Match` guards a change. `POST` takes an `Idempotency-Key`, kept for \
24 hours. What lies outside the caller's agencies is 404, exactly as if it did not exist. Dates are ISO 8601, instants RFC 3339 with an offset.";

const TAGS: &[(&str, &str)] = &[
    ("agencies", "Law-enforcement agencies, by id or by ORI."),
    ("officers", "Officers, their identifiers and appointments."),
    ("roster", "An agency's whole roster at once."),
    ("trainings", "The catalogue of trainings, their recognition, and vendors' own course codes."),
    ("completions", "Training completions: pushed, parked, placed, revoked."),
    ("xapi", "Statements of the Experience API, 1.0.3 and 2.0, for learning systems that speak it."),
    ("evidence", "Partnerships and policies: requirements 1 and 2."),
    ("pledges", "Pledges, and the standards that they are to."),
    ("certifications", "Applications for certification, their review, and what is awarded."),
    ("resources", "The library: model policies, trainings, webinars, toolkits and more, to be searched."),
    ("assistance", "What agencies ask the IACP for, and its answers."),
    ("status", "Certification status and training gaps."),
    ("events", "What happened, as a feed."),
    ("clients", "Who may call: clients, their secrets, and the agencies that they were granted."),
    ("oauth", "Access tokens by client credentials (RFC 6749), and the keys that sign them."),
    ("public", "What anybody may look up: the register, certificates, badges, news. No account needed."),
    ("operations", "The service itself."),
];
