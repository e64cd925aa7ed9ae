//! Bodies that break what the document says of them, made from every schema that an operation takes: each is refused with a pointer
//! to the fault, and nothing of it is kept.

use serde_json::{Value, json};

use crate::on_both_databases;
use crate::support::document::{Document, Operation, type_of};
use crate::support::scene::{Scene, held};
use crate::support::{Client, Reply};

/// A body, what is wrong with it, and where the fault is to be found.
struct Bad {
    what: String,
    body: Value,
    pointer: String,
}

/// Puts `value` at `pointer`; objects on the way are made where they are missing.
fn put(body: &mut Value, pointer: &str, value: Value) {
    let mut node = body;
    for token in pointer.split('/').skip(1) {
        let token = token.replace("~1", "/").replace("~0", "~");
        node = match node {
            Value::Array(items) => &mut items[token.parse::<usize>().unwrap()],
            other => &mut other[token],
        };
    }
    *node = value;
}

/// Every way to break one place of the example, one at a time.
fn broken(document: &Document, schema: &Value, is_patch: bool) -> Vec<Bad> {
    let example = document.example(schema).unwrap();
    let mut all = Vec::new();
    for (pointer, place) in document.places(schema) {
        let mut add = |what: &str, value: Value, at: &str| {
            let mut body = example.clone();
            put(&mut body, &pointer, value);
            all.push(Bad { what: format!("{what} at {pointer:?}"), body, pointer: format!("{pointer}{at}") });
        };
        match type_of(place) {
            Some("string") => {
                add("a NUL", json!("a\u{0}b"), "");
                add("10,000 characters", json!("x".repeat(10_000)), "");
                add("an empty string", json!(""), "");
                add("a number for a string", json!(5), "");
                add("an object for a string", json!({"a": 1}), "");
            }
            Some("integer") => {
                add("a string for a number", json!("5"), "");
                add("2^64", json!(18_446_744_073_709_551_616.0_f64), "");
                add("a fraction", json!(1.5), "");
                add("a negative number", json!(-1), "");
            }
            Some("number") => {
                add("a string for a number", json!("5"), "");
                add("2^64", json!(18_446_744_073_709_551_616.0_f64), "");
                add("a negative number", json!(-1), "");
            }
            Some("boolean") => add("a string for true or false", json!("true"), ""),
            Some("array") => {
                add("an object for an array", json!({}), "");
                add("a string for an array", json!("a"), "");
            }
            Some("object") => {
                add("an array for an object", json!([]), "");
                add("a string for an object", json!("a"), "");
                let here = example.pointer(&pointer).unwrap();
                let mut more = here.clone();
                more["nonsense~/"] = json!(1);
                add("an unknown field", more, "/nonsense~0~1");
                for name in place["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
                    let mut less = here.clone();
                    less.as_object_mut().unwrap().shift_remove(name);
                    // What a patch leaves out stays as it is.
                    if !is_patch {
                        add(&format!("no {name}"), less.clone(), &format!("/{name}"));
                    }
                    let property = document.resolve(&place["properties"][name]);
                    if property["oneOf"].as_array().is_some_and(|choices| choices.contains(&json!({"type": "null"}))) {
                        continue;
                    }
                    less[name] = Value::Null;
                    add(&format!("{name} is null"), less, &format!("/{name}"));
                }
            }
            _ => {}
        }
    }
    all
}

/// Whether a reply refuses the body for a fault at the pointer: as a whole, or the one record of a batch.
fn refuses(reply: &Reply, pointer: &str) -> bool {
    let body = reply.json();
    let (problem, prefix) = match reply.status {
        422 => (body.clone(), ""),
        207 if body["summary"]["rejected"] == body["summary"]["received"] => (body["results"][0]["problem"].clone(), "/completions/0"),
        _ => return false,
    };
    let at = |error: &Value| format!("{prefix}{}", error["pointer"].as_str().unwrap());
    problem["errors"].as_array().is_some_and(|errors| errors.iter().any(|error| at(error) == pointer && error["detail"].is_string()))
}

async fn send(client: &Client, operation: &Operation, path: &str, media_type: &str, body: impl Into<reqwest::Body>) -> Reply {
    client.send(client.request(operation.verb(), path).header("content-type", media_type).body(body)).await
}

on_both_databases! {
    async fn every_fault_of_a_body_is_refused_with_its_pointer(app: TestApp) {
        let document = Document::current();
        let scene = Scene::make(&app).await;
        let staff = app.staff();
        let before = held(&app, &document.operations()).await;
        let (mut count, mut faults) = (0, Vec::new());
        for operation in document.operations() {
            // What a statement must be is in the specification, not in the document: tests/api/xapi has it.
            let Some((media_type, schema)) = operation.body().filter(|_| !operation.path.starts_with("/xapi/")) else { continue };
            let path = scene.path(&operation);
            for bad in broken(&document, schema, operation.method == "PATCH") {
                let reply = send(scene.caller(&staff, &operation), &operation, &path, media_type, bad.body.to_string()).await;
                count += 1;
                if !refuses(&reply, &bad.pointer) {
                    let text: String = reply.text.chars().take(300).collect();
                    faults.push(format!("{}: {}: {} {text}", operation.name(), bad.what, reply.status));
                }
            }
        }
        assert!(count > 1000, "{count} bodies");
        assert!(faults.is_empty(), "{} of {count}:\n{}", faults.len(), faults.join("\n"));
        assert_eq!(held(&app, &document.operations()).await, before);
    }

    async fn what_is_no_json_is_refused_with_line_and_column(app: TestApp) {
        let document = Document::current();
        let scene = Scene::make(&app).await;
        let staff = app.staff();
        let before = held(&app, &document.operations()).await;
        let nested = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
        let in_a_field = format!("{{\"name\": {}1{}}}", "{\"a\":".repeat(10_000), "}".repeat(10_000));
        let texts: Vec<(&str, Vec<u8>)> = vec![
            ("nothing", b"".to_vec()),
            ("an open brace", b"{".to_vec()),
            ("a comma too many", b"{\"name\": \"x\",}".to_vec()),
            ("something after the end", b"{} x".to_vec()),
            ("single quotes", b"{'name': 1}".to_vec()),
            ("NaN", b"{\"name\": NaN}".to_vec()),
            ("a byte order mark", b"\xef\xbb\xbf{}".to_vec()),
            ("invalid UTF-8", b"{\"name\": \"\xff\xfe\"}".to_vec()),
            ("a surrogate as UTF-8", b"{\"name\": \"\xed\xa0\x80\"}".to_vec()),
            ("a lone leading surrogate", br#"{"name": "\ud800"}"#.to_vec()),
            ("a lone trailing surrogate", br#"{"name": "\udc00x"}"#.to_vec()),
            ("a control character", b"{\"name\": \"a\nb\"}".to_vec()),
            ("a NUL byte", b"{\"name\": \"a\0b\"}".to_vec()),
            ("10,000 levels of arrays", nested.into_bytes()),
            ("10,000 levels of objects", in_a_field.into_bytes()),
            ("1e400", b"{\"name\": 1e400}".to_vec()),
            ("a name twice", b"{\"name\": \"a\",\n \"name\": \"b\"}".to_vec()),
            ("a name twice, further down", b"{\"name\": [{\"a\": 1, \"\\u0061\": 2}]}".to_vec()),
        ];
        for operation in document.operations() {
            let Some((media_type, _)) = operation.body() else { continue };
            let path = scene.path(&operation);
            for (what, text) in &texts {
                let reply = send(&staff, &operation, &path, media_type, text.clone()).await;
                assert_eq!(reply.status, 400, "{}: {what}: {}", operation.name(), reply.text);
                reply.problem(400, "malformed-json");
                let detail = reply.json()["detail"].as_str().unwrap().to_owned();
                assert!(detail.contains(" at line ") && detail.contains(" column "), "{what}: {detail}");
            }
        }
        assert_eq!(held(&app, &document.operations()).await, before);
    }

    async fn other_media_types_and_encodings_are_refused_with_those_that_are_read(app: TestApp) {
        let document = Document::current();
        let scene = Scene::make(&app).await;
        let staff = app.staff();
        let before = held(&app, &document.operations()).await;
        for operation in document.operations() {
            let Some((media_type, schema)) = operation.body() else { continue };
            let path = scene.path(&operation);
            let body = document.example(schema).unwrap().to_string();
            for other in ["text/plain", "application/xml", "application/jsonx", "json", "", "multipart/form-data; boundary=x", "*/*"] {
                let reply = send(&staff, &operation, &path, other, body.clone()).await;
                assert_eq!(reply.status, 415, "{}: {other}: {}", operation.name(), reply.text);
                reply.problem(415, "unsupported-media-type");
                let accepted = match operation.method.as_str() {
                    "PATCH" => "accept-patch",
                    "POST" => "accept-post",
                    _ => "accept",
                };
                let taken: Vec<&String> = operation.value["requestBody"]["content"].as_object().unwrap().keys().collect();
                assert_eq!(taken[0], media_type);
                let named: Vec<&str> = reply.header(accepted).split(", ").collect();
                if operation.path.starts_with("/xapi/") {
                    assert_eq!(named, ["application/json", "multipart/mixed"], "{}", operation.name());
                } else {
                    assert_eq!(named, taken, "{}", operation.name());
                }
            }
            let untyped = staff.send(staff.request(operation.verb(), &path).body(body.clone())).await;
            untyped.problem(415, "unsupported-media-type");
            for encoding in ["gzip", "br", "deflate", "zstd", "gzip, gzip"] {
                let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
                std::io::Write::write_all(&mut packed, body.as_bytes()).unwrap();
                let request = staff.request(operation.verb(), &path).header("content-type", media_type).header("content-encoding", encoding);
                let reply = staff.send(request.body(packed.finish().unwrap())).await;
                assert_eq!(reply.status, 415, "{}: {encoding}: {}", operation.name(), reply.text);
                assert_eq!(reply.header("accept-encoding"), "identity");
            }
            let with_charset = send(&staff, &operation, &path, &format!("{media_type}; charset=utf-8"), "{".to_owned()).await;
            with_charset.problem(400, "malformed-json");
        }
        assert_eq!(held(&app, &document.operations()).await, before);
    }
}
