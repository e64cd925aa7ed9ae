//! What follows from an operation's shape and needs not be written at each: errors, headers, preconditions, the idempotency key.

use serde_json::{Map, Value, json};

use crate::http::limits::UNLIMITED;
use crate::http::problem::{KINDS, Kind};
use crate::http::strict::HEADER_LIMIT;

const METHODS: [&str; 5] = ["get", "put", "post", "delete", "patch"];

/// Completes every operation.
pub fn operations(document: &mut Value) {
    for (path, item) in document["paths"].as_object_mut().into_iter().flatten() {
        for method in METHODS {
            if let Some(operation) = item.get_mut(method) {
                complete(path, method, operation);
            }
        }
    }
    document["components"]["responses"] = KINDS.iter().map(|row| (row.slug.to_owned(), problem_response(row.kind))).collect::<Map<_, _>>().into();
    document["components"]["headers"] = shared_headers();
}

fn complete(path: &str, method: &str, operation: &mut Value) {
    let scopes: Option<Vec<String>> = operation["security"][0]
        .get("bearer")
        .map(|scopes| scopes.as_array().into_iter().flatten().filter_map(|scope| scope.as_str().map(str::to_owned)).collect());
    let secured = scopes.is_some();
    let scopes = scopes.unwrap_or_default();
    let has_body = operation.get("requestBody").is_some();
    let has_query = has_parameter(operation, "query");
    let has_path = path.contains('{');
    let xapi = path.starts_with("/xapi/");
    // Anybody may ask, and caches keep the answer.
    let public = path.starts_with("/public/");
    let single = secured && method == "get" && !is_page(operation) && !xapi;
    limit_parameters(operation);

    let limited = !UNLIMITED.contains(&path);
    let mut kinds = Vec::new();
    if limited {
        kinds.extend([Kind::UriTooLong, Kind::TooManyRequests, Kind::HeadersTooLarge, Kind::Unavailable]);
    }
    if secured {
        kinds.extend([Kind::Unauthorized, Kind::Internal]);
    }
    if public {
        kinds.push(Kind::Internal);
    }
    if !scopes.is_empty() {
        kinds.extend([Kind::MissingScope, Kind::OutsideGrant]);
        let description = operation["description"].as_str().unwrap_or_default();
        let needs = scopes.iter().map(|scope| format!("`{scope}`")).collect::<Vec<_>>().join(" and ");
        operation["description"] = json!(format!("{description}\n\nNeeds the scope {needs}.").trim_start());
    }
    if has_path || (xapi && secured && method == "get") {
        kinds.push(Kind::NotFound);
    }
    if secured || has_query {
        kinds.push(Kind::InvalidParameter);
    }
    if secured {
        kinds.push(Kind::InvalidHeader);
    }
    if has_body {
        kinds.extend([Kind::MalformedJson, Kind::RequestTimeout, Kind::ContentTooLarge, Kind::UnsupportedMediaType]);
        kinds.extend(if xapi { vec![Kind::InvalidStatement, Kind::Conflict] } else { vec![Kind::InvalidContent] });
    }
    if secured && method == "post" && !xapi {
        kinds.extend([Kind::Conflict, Kind::RequestInFlight, Kind::IdempotencyKeyReused]);
        add_parameter(
            operation,
            json!({
                "name": "Idempotency-Key", "in": "header", "required": false,
                "description": "Marks this request: sent again within 24 hours, it gets the first answer and changes nothing.",
                "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"}, "example": "8f3c1c52-2b8f-4c1d-9d0e-3f1f4b1a7a10",
            }),
        );
    }
    if path.starts_with("/v1/certifications/") && method == "get" && !path.ends_with("{id}") {
        // There is no document of what was not awarded.
        kinds.push(Kind::Conflict);
    }
    if method == "put" && path.ends_with("/roster") {
        kinds.push(Kind::Conflict);
    }
    if secured && ["put", "patch", "delete"].contains(&method) && !path.ends_with("/roster") && !xapi {
        kinds.extend([Kind::Conflict, Kind::PreconditionFailed]);
        add_parameter(
            operation,
            json!({
                "name": "If-Match", "in": "header", "required": false,
                "description": "The `ETag` that was read: the change is done only while it is still the current one.",
                "schema": {"type": "string", "maxLength": HEADER_LIMIT}, "example": "\"cC1kZXgtZXhhbXBsZS10YQ\"",
            }),
        );
    }
    if single || public {
        add_parameter(
            operation,
            json!({
                "name": "If-None-Match", "in": "header", "required": false,
                "description": "The `ETag` that the caller has: 304 while it is still the current one.",
                "schema": {"type": "string", "maxLength": HEADER_LIMIT}, "example": "\"cC1kZXgtZXhhbXBsZS10YQ\"",
            }),
        );
        operation["responses"]["304"] = json!({"description": "The caller has the current version."});
    }
    successes(operation, single || public || (secured && method != "get" && method != "delete" && !xapi), limited);
    if xapi {
        experience(operation, secured);
    }
    problems(operation, &kinds);
}

fn has_parameter(operation: &Value, place: &str) -> bool {
    operation["parameters"].as_array().into_iter().flatten().any(|parameter| parameter["in"] == place)
}

fn is_page(operation: &Value) -> bool {
    operation["responses"]["200"]["content"]["application/json"]["schema"]["$ref"].as_str().is_some_and(|name| name.contains("/Page_"))
}

/// A cursor is 24 bytes in base64url; a header is read up to a limit.
fn limit_parameters(operation: &mut Value) {
    for parameter in operation.get_mut("parameters").and_then(Value::as_array_mut).into_iter().flatten() {
        if parameter["in"] == "query" && parameter["name"] == "cursor" {
            parameter["schema"] = json!({"type": "string", "pattern": "^[A-Za-z0-9_-]{32}$"});
        }
        if parameter["in"] == "header" {
            parameter["schema"]["maxLength"] = json!(HEADER_LIMIT);
        }
    }
}

fn add_parameter(operation: &mut Value, parameter: Value) {
    match operation["parameters"].as_array_mut() {
        Some(parameters) => parameters.push(parameter),
        None => operation["parameters"] = json!([parameter]),
    }
}

fn successes(operation: &mut Value, tagged: bool, limited: bool) {
    let page = is_page(operation);
    for (status, response) in operation["responses"].as_object_mut().into_iter().flatten() {
        if response.get("$ref").is_some() {
            continue;
        }
        let mut headers = common_headers(limited);
        if status == "304" || (tagged && (status == "200" || status == "201")) {
            headers.insert("ETag".into(), json!({"$ref": "#/components/headers/ETag"}));
        }
        if status == "201" {
            headers.insert("Location".into(), json!({"$ref": "#/components/headers/Location"}));
        }
        if page && status == "200" {
            headers.insert("Link".into(), json!({"$ref": "#/components/headers/Link"}));
        }
        response["headers"] = headers.into();
    }
}

/// The headers that only xAPI has.
fn experience(operation: &mut Value, of_statements: bool) {
    let names: &[&str] =
        if of_statements { &["X-Experience-API-Version", "X-Experience-API-Consistent-Through"] } else { &["X-Experience-API-Version"] };
    for parameter in operation.get_mut("parameters").and_then(Value::as_array_mut).into_iter().flatten() {
        if parameter["name"] == names[0] {
            parameter["schema"]["pattern"] = json!(r"^(1\.0(\.[0-9])?|2\.0(\.0)?)$");
        }
    }
    for (_, response) in operation["responses"].as_object_mut().into_iter().flatten().filter(|(status, _)| status.starts_with('2')) {
        for name in names {
            response["headers"][*name] = json!({"$ref": format!("#/components/headers/{name}")});
        }
    }
}

/// The headers that every answer bears; those of rate limits only where there are limits.
fn common_headers(limited: bool) -> Map<String, Value> {
    let names: &[&str] = if limited { &["X-Request-Id", "RateLimit-Policy", "RateLimit"] } else { &["X-Request-Id"] };
    names.iter().map(|name| ((*name).to_owned(), json!({"$ref": format!("#/components/headers/{name}")}))).collect()
}

/// Adds the problems, one response a status. A status that several kinds share names each.
fn problems(operation: &mut Value, kinds: &[Kind]) {
    let mut statuses: Vec<u16> = kinds.iter().map(|kind| kind.row().status).collect();
    statuses.sort_unstable();
    statuses.dedup();
    for status in statuses {
        let of_status: Vec<Kind> = kinds.iter().copied().filter(|kind| kind.row().status == status).collect();
        let response = match of_status.as_slice() {
            [kind] => json!({"$ref": format!("#/components/responses/{}", kind.row().slug)}),
            several => {
                let mut response = problem_response(several[0]);
                let titles: Vec<String> = several.iter().map(|kind| format!("{} (`/problems/{}`).", kind.row().title, kind.row().slug)).collect();
                response["description"] = json!(titles.join(" "));
                response
            }
        };
        if operation["responses"].get(status.to_string()).is_none() {
            operation["responses"][status.to_string()] = response;
        }
    }
}

fn problem_response(kind: Kind) -> Value {
    let row = kind.row();
    let mut headers = common_headers(true);
    let own = match kind {
        Kind::Unauthorized | Kind::MissingScope => Some("WWW-Authenticate"),
        Kind::Unavailable | Kind::TooManyRequests => Some("Retry-After"),
        Kind::MethodNotAllowed => Some("Allow"),
        _ => None,
    };
    if let Some(name) = own {
        headers.insert(name.into(), json!({"$ref": format!("#/components/headers/{name}")}));
    }
    json!({
        "description": format!("{}. {}", row.title, row.explanation),
        "headers": headers,
        "content": {"application/problem+json": {
            "schema": {"$ref": "#/components/schemas/Problem"},
            "example": {
                "type": format!("/problems/{}", row.slug), "title": row.title, "status": row.status,
                "instance": "urn:uuid:8f3c1c52-2b8f-4c1d-9d0e-3f1f4b1a7a10",
            },
        }},
    })
}

fn shared_headers() -> Value {
    let header = |description: &str, example: &str| json!({"description": description, "schema": {"type": "string"}, "example": example});
    json!({
        "X-Request-Id": header("The id of this request, which is in the log.", "8f3c1c52-2b8f-4c1d-9d0e-3f1f4b1a7a10"),
        "ETag": header("The version of the resource, for `If-None-Match` and `If-Match`.", "\"cC1kZXgtZXhhbXBsZS10YQ\""),
        "Location": header("The path of what was created.", "/v1/agencies/0199c1f0-0000-7000-8000-000000000000"),
        "Link": header("The next page, where there is one (RFC 8288).", "</v1/agencies?limit=50&cursor=AZnB8AAA>; rel=\"next\""),
        "WWW-Authenticate": header("How to authenticate (RFC 6750).", "Bearer realm=\"onemind\""),
        "Retry-After": header("After how many seconds to try again.", "2"),
        "RateLimit-Policy": header("How many requests (`q`) are answered in how many seconds (`w`), of a client or of an address without one. Absent where there is no such limit.", "\"client\";q=6000;w=60"),
        "RateLimit": header("How many requests may come at once now (`r`), and in how many seconds it will be as many as ever (`t`).", "\"client\";r=999;t=1"),
        "X-Experience-API-Version": header("The edition of xAPI that the answer follows.", "1.0.3"),
        "X-Experience-API-Consistent-Through": header("Up to when all that was stored of the client is to be read.", "2026-03-06T22:30:01Z"),
        "Allow": header("The methods that the path has.", "GET, POST"),
    })
}

/// Takes out shared responses and headers that nothing refers to.
pub fn prune(document: &mut Value) {
    for section in ["responses", "headers"] {
        let text = document.to_string();
        if let Some(components) = document["components"][section].as_object_mut() {
            components.retain(|name, _| text.contains(&format!("\"#/components/{section}/{name}\"")));
        }
    }
}

/// A merge patch (RFC 7396) of a body has the same members, none required, and null to take one away.
pub fn patches(document: &mut Value) {
    let mut made = Map::new();
    for (_, item) in document["paths"].as_object_mut().into_iter().flatten() {
        let Some(schema) = item.pointer_mut("/patch/requestBody/content/application~1merge-patch+json/schema") else { continue };
        let Some(name) = schema["$ref"].as_str().and_then(|reference| reference.rsplit('/').next()).map(str::to_owned) else { continue };
        let patch_name = format!("{}Patch", name.trim_end_matches("Input"));
        *schema = json!({"$ref": format!("#/components/schemas/{patch_name}")});
        made.insert(patch_name, json!(name));
    }
    for (patch_name, name) in made {
        let mut patch = document["components"]["schemas"][name.as_str().unwrap_or_default()].clone();
        if let Some(members) = patch.as_object_mut() {
            members.remove("required");
            members.insert("description".into(), json!("The members to change; null takes one away (RFC 7396)."));
        }
        for (_, property) in patch["properties"].as_object_mut().into_iter().flatten() {
            let nullable = property["type"].as_array().is_some_and(|types| types.contains(&json!("null")))
                || property["oneOf"].as_array().is_some_and(|choices| choices.contains(&json!({"type": "null"})));
            if !nullable {
                *property = json!({"oneOf": [{"type": "null"}, property.take()]});
            }
        }
        document["components"]["schemas"][patch_name] = patch;
    }
}
