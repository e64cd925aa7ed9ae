//! What the service logs at its most talkative holds nothing by which anybody could call, and nothing of people.

#![expect(clippy::unwrap_used, reason = "a test ends where something is not as it should be")]

#[path = "support/database.rs"]
mod database;

use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use database::{Backend, TestDatabase};
use jiff::Timestamp;
use reqwest::{Method, RequestBuilder, Response};
use serde_json::{Value, json};

const FORM: &str = "application/x-www-form-urlencoded";
const BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// What describes the people of the test; none of it is a word of the log by itself.
const OF_PEOPLE: [&str; 8] =
    ["Zephyrine", "Quillfeather", "quill.z@people.example", "people.example", "POST-7731-QX", "BADGE-4417-QX", "EMP-9182-QX", "Captain Quux"];

/// The binary at trace level, with all that it prints kept in a file.
struct Service {
    child: Child,
    address: String,
    http: reqwest::Client,
    /// What must not be found.
    secrets: Vec<String>,
}

impl Service {
    fn command(database: &TestDatabase) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_onemind"));
        command.env("ONEMIND_DATA_DIR", database.folder()).env("DATABASE_URL", database.url()).env("ONEMIND_LOG", "trace");
        command
    }

    async fn start(database: &TestDatabase, log: &Path) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let file = std::fs::File::create(log).unwrap();
        let address = format!("http://127.0.0.1:{port}");
        let mut command = Self::command(database);
        command.arg("serve").env("ONEMIND_LISTEN", format!("127.0.0.1:{port}")).env("ONEMIND_ISSUER", &address);
        let child = command.stdout(file.try_clone().unwrap()).stderr(Stdio::from(file)).spawn().unwrap();
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let service = Self { child, address, http, secrets: Vec::new() };
        for _ in 0..200 {
            if service.request(Method::GET, "/readyz").send().await.is_ok_and(|answer| answer.status().is_success()) {
                return service;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("the service did not start within ten seconds");
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.address))
    }

    /// Remembers a token as one that must not be logged, whole or in its parts; its header is the same for all.
    fn token(&mut self, token: &str) -> String {
        self.secrets.extend(token.split('.').skip(1).filter(|part| part.len() > 8).map(str::to_owned));
        self.secrets.push(token.to_owned());
        token.to_owned()
    }

    async fn expect(answer: RequestBuilder, status: u16) -> Value {
        let answer: Response = answer.send().await.unwrap();
        let found = answer.status().as_u16();
        let text = answer.text().await.unwrap();
        assert_eq!(found, status, "{text}");
        serde_json::from_str(&text).unwrap_or(Value::Null)
    }

    async fn ask(&self, authorization: Option<&str>, form: &[(&str, &str)], status: u16) -> Value {
        let mut request = self.request(Method::POST, "/oauth/token").header("content-type", FORM);
        if let Some(value) = authorization {
            request = request.header("authorization", value);
        }
        Self::expect(request.body(serde_urlencoded::to_string(form).unwrap()), status).await
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// A client's assertion.
fn assertion(pair: &Ed25519KeyPair, client: &str, audience: &str, jti: &str) -> String {
    let now = now().as_second();
    let claims = json!({"iss": client, "sub": client, "aud": format!("{audience}/oauth/token"), "iat": now, "exp": now + 60, "jti": jti});
    let signed =
        format!("{}.{}", URL_SAFE_NO_PAD.encode(json!({"alg": "EdDSA", "kid": "k1"}).to_string()), URL_SAFE_NO_PAD.encode(claims.to_string()));
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(pair.sign(signed.as_bytes())))
}

#[expect(clippy::disallowed_methods, reason = "the binary has a clock of its own")]
fn now() -> Timestamp {
    Timestamp::now()
}

/// Makes a client and answers a token of it, got by its secret in the form, by HTTP Basic, and by an assertion; each way fails too.
async fn get_tokens(service: &mut Service, operator: &str) -> String {
    let pair = Ed25519KeyPair::generate().unwrap();
    let jwk = json!({"kty": "OKP", "crv": "Ed25519", "kid": "k1", "x": URL_SAFE_NO_PAD.encode(pair.public_key().as_ref())});
    let scopes = ["officers:read", "officers:write", "completions:write", "completions:read", "agencies:read", "pledges:write"];
    let body = json!({"name": "Riverside LMS", "kind": "lms", "scopes": scopes, "jwks": {"keys": [jwk]}});
    let made = Service::expect(service.request(Method::POST, "/v1/clients").bearer_auth(operator).json(&body), 201).await;
    let (id, secret) = (made["client_id"].as_str().unwrap(), made["client_secret"].as_str().unwrap());
    service.secrets.push(secret.to_owned());
    let grant = json!({"client": id, "agency": "ori:TX2270000", "starts_on": "2020-01-01", "ends_on": null});
    Service::expect(service.request(Method::POST, "/v1/grants").bearer_auth(operator).json(&grant), 201).await;

    let basic = STANDARD.encode(format!("{id}:{secret}"));
    let wrong = STANDARD.encode(format!("{id}:wrong-secret-of-a-client"));
    service.secrets.extend([basic.clone(), wrong.clone(), "wrong-secret-of-a-client".to_owned()]);
    let grant = ("grant_type", "client_credentials");
    let token = service.ask(None, &[grant, ("client_id", id), ("client_secret", secret)], 200).await;
    let token = service.token(token["access_token"].as_str().unwrap());
    let by_basic = service.ask(Some(&format!("Basic {basic}")), &[grant], 200).await;
    service.token(by_basic["access_token"].as_str().unwrap());
    service.ask(Some(&format!("Basic {wrong}")), &[grant], 401).await;
    service.ask(None, &[grant, ("client_id", id), ("client_secret", "wrong-secret-of-a-client")], 401).await;
    service.ask(None, &[("grant_type", "password"), ("username", "Zephyrine"), ("password", secret)], 401).await;
    for (jti, audience, status) in [("a1", service.address.clone(), 200), ("a2", "http://elsewhere.example".into(), 401)] {
        let assertion = assertion(&pair, id, &audience, jti);
        service.token(&assertion);
        let form = [grant, ("client_assertion_type", BEARER), ("client_assertion", assertion.as_str())];
        let answer = service.ask(None, &form, status).await;
        if let Some(token) = answer["access_token"].as_str() {
            service.token(token);
            service.ask(None, &form, 401).await;
        }
    }
    token
}

/// Pushes people and what they completed, asks for them, and does all of it wrongly too.
async fn push_people(service: &mut Service, token: &str) {
    let person = json!({"given_name": "Zephyrine", "family_name": "Quillfeather", "email": "quill.z@people.example",
        "identifiers": [{"system": "post:US-TX", "value": "POST-7731-QX"}],
        "appointments": [{"agency": "ori:TX2270000", "sworn": true, "rank": "Captain Quux", "badge_number": "BADGE-4417-QX", "employee_number": "EMP-9182-QX", "started_on": "2019-05-01"}]});
    let mut invalid = person.clone();
    invalid["email"] = json!("quill.z@people.example@nowhere");
    let completion = json!({"external_id": "rec-1", "training": {"code": "CIT-40"}, "completed_on": "2026-03-06",
        "officer": {"agency": "ori:TX2270000", "badge_number": "BADGE-4417-QX", "family_name": "Quillfeather", "email": "quill.z@people.example"}});
    let mut future = completion.clone();
    future["completed_on"] = json!("2999-01-01");
    let roster = json!({"as_of": "2026-01-01", "officers": [{"family_name": "Quillfeather", "given_name": "Zephyrine", "employee_number": "EMP-9182-QX", "sworn": true, "started_on": "2019-05-01"}]});
    let pledge = json!({"agency": "ori:TX2270000", "standard": "one-mind", "pledged_on": "2025-02-01", "term_months": 24,
        "signatory": {"name": "Zephyrine Quillfeather", "title": "Captain Quux"}});
    let posts = [
        ("/v1/officers", &person, 201),
        ("/v1/officers", &person, 409),
        ("/v1/officers", &invalid, 422),
        ("/v1/completions", &completion, 202),
        ("/v1/completions", &future, 422),
        ("/v1/completions/batch", &json!({"completions": [completion, future]}), 207),
        ("/v1/pledges", &pledge, 201),
        ("/v1/pledges", &pledge, 409),
        ("/v1/policies", &pledge, 403),
        ("/v1/agencies/Zephyrine", &person, 405),
    ];
    for (path, body, status) in posts {
        Service::expect(service.request(Method::POST, path).bearer_auth(token).json(body), status).await;
    }
    let roster_path = "/v1/agencies/ori:TX2270000/roster";
    Service::expect(service.request(Method::PUT, roster_path).bearer_auth(token).json(&roster), 200).await;
    let text = format!("{{\"family_name\": \"Quillfeather\", \"{token}\": ");
    let broken = service.request(Method::POST, "/v1/officers").bearer_auth(token).header("content-type", "application/json").body(text);
    Service::expect(broken, 400).await;
    for (path, status) in [
        ("/v1/officers?family_name=Quillfeather&given_name=Zephyrine", 200),
        ("/v1/officers?email=quill.z%40people.example", 200),
        ("/v1/officers?email=quill.z@people.example", 200),
        ("/v1/officers?identifier_system=post:US-TX&identifier_value=POST-7731-QX", 200),
        ("/v1/officers?surname=Quillfeather", 400),
        ("/v1/officers/Quillfeather", 404),
        ("/v1/Quillfeather/Zephyrine", 404),
        ("/nowhere?email=quill.z@people.example", 404),
        ("/v1/clients", 403),
    ] {
        Service::expect(service.request(Method::GET, path).bearer_auth(token), status).await;
    }
    let tampered = service.token(&format!("{}AAAA", &token[..token.len() - 4]));
    for value in [
        format!("Bearer {tampered}"),
        format!("Bearer {}", &token[1..]),
        format!("Basic {}", STANDARD.encode("Zephyrine:Quillfeather")),
        format!("Bearer {token} {token}"),
    ] {
        Service::expect(service.request(Method::GET, "/v1/officers").header("authorization", &value), 401).await;
        service.secrets.push(value.split(' ').nth(1).unwrap().to_owned());
    }
    Service::expect(service.request(Method::GET, &format!("/v1/officers?access_token={token}")), 401).await;
}

async fn a_full_run_logs_nothing_secret(backend: Backend) {
    let database = TestDatabase::create(backend);
    let log = database.folder().join("log.txt");
    let mut service = Service::start(&database, &log).await;
    let mut command = Service::command(&database);
    let printed = command.args(["token", "--scope", "all", "--all-agencies"]).env("ONEMIND_ISSUER", &service.address).output().unwrap();
    let operator = service.token(String::from_utf8(printed.stdout).unwrap().trim());
    let agency = json!({"name": "Travis County", "kind": "sheriff", "country": "US"});
    Service::expect(service.request(Method::PUT, "/v1/agencies/ori:TX2270000").bearer_auth(&operator).json(&agency), 201).await;
    let token = get_tokens(&mut service, &operator).await;
    push_people(&mut service, &token).await;
    let made =
        Service::command(&database).args(["client", "create", "--name", "By hand", "--kind", "lms", "--scope", "status:read"]).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let said = String::from_utf8(made.stdout).unwrap();
    let secret = said.lines().find_map(|line| line.strip_prefix("client_secret ")).unwrap();
    service.secrets.push(secret.trim().to_owned());

    let logged = format!("{}{}", std::fs::read_to_string(&log).unwrap(), String::from_utf8_lossy(&made.stderr));
    assert!(logged.contains("\"TRACE\"") && logged.contains("answered"), "it is the whole log");
    let lower = logged.to_lowercase();
    let forbidden = service.secrets.iter().map(String::as_str).chain(OF_PEOPLE).chain(["authorization\":", "authorization: ", "bearer ey"]);
    let mut found: Vec<String> = Vec::new();
    for word in forbidden {
        if let Some(at) = lower.find(&word.to_lowercase()) {
            let line = logged[..at].rfind('\n').map_or(0, |end| end + 1);
            found.push(format!("{word}: {}", logged[line..].lines().next().unwrap_or_default().chars().take(600).collect::<String>()));
        }
    }
    assert!(found.is_empty(), "{} of {} bytes:\n{}", found.len(), logged.len(), found.join("\n"));
}

#[tokio::test]
async fn a_full_run_at_trace_level_logs_nothing_secret_sqlite() {
    a_full_run_logs_nothing_secret(Backend::Sqlite).await;
}

#[tokio::test]
async fn a_full_run_at_trace_level_logs_nothing_secret_postgres() {
    if Backend::postgres_is_here() {
        a_full_run_logs_nothing_secret(Backend::Postgres).await;
    }
}
