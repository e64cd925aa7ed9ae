//! The token endpoint as RFC 6749 and RFC 7523 have it, what describes it, the rotation of keys, and issuers from outside.

use actix_web::{App, HttpResponse, HttpServer, web};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jiff::SignedDuration;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use onemind::domain::clock::Clock as _;
use onemind::tokens::{OutsideIssuer, OutsideIssuers};
use reqwest::Method;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::on_both_databases;
use crate::support::vendor::Vendor;
use crate::support::{Client, Reply, TestApp};

const FORM: &str = "application/x-www-form-urlencoded";
const BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

fn lms() -> Value {
    json!({"name": "Riverside LMS", "kind": "lms", "scopes": ["completions:write", "status:read"]})
}

async fn post(app: &TestApp, authorization: Option<String>, form: &[(&str, &str)]) -> Reply {
    let stranger = app.stranger();
    let mut request = stranger.request(Method::POST, "/oauth/token").header("content-type", FORM);
    if let Some(value) = authorization {
        request = request.header("authorization", value);
    }
    stranger.send(request.body(serde_urlencoded::to_string(form).unwrap())).await
}

/// A key pair of a client or an issuer.
struct Pair {
    encoding: EncodingKey,
    jwk: Value,
}

impl Pair {
    fn new(kid: &str) -> Self {
        let document = Ed25519KeyPair::generate_pkcs8v1(&aws_lc_rs::rand::SystemRandom::new()).unwrap();
        let pair = Ed25519KeyPair::from_pkcs8(document.as_ref()).unwrap();
        let x = URL_SAFE_NO_PAD.encode(pair.public_key().as_ref());
        Self { encoding: EncodingKey::from_ed_der(document.as_ref()), jwk: json!({"kty": "OKP", "crv": "Ed25519", "kid": kid, "x": x}) }
    }

    fn sign(&self, kid: &str, claims: &Value) -> String {
        jsonwebtoken::encode(&Header { kid: Some(kid.into()), ..Header::new(Algorithm::EdDSA) }, claims, &self.encoding).unwrap()
    }
}

fn claims(app: &TestApp, client: &str, jti: &str) -> Value {
    let now = app.clock.now().as_second();
    json!({"iss": client, "sub": client, "aud": format!("{}/oauth/token", app.config.issuer), "iat": now, "exp": now + 60, "jti": jti})
}

/// Publishes keys over HTTP, and counts how often they are asked for.
fn publish(keys: Arc<std::sync::Mutex<Value>>) -> (String, Arc<AtomicUsize>, actix_web::dev::ServerHandle) {
    let count = Arc::new(AtomicUsize::new(0));
    let (counted, listener) = (count.clone(), std::net::TcpListener::bind("127.0.0.1:0").unwrap());
    let address = format!("http://{}/keys", listener.local_addr().unwrap());
    let server = HttpServer::new(move || {
        let (keys, counted) = (keys.clone(), counted.clone());
        let answer = move || {
            counted.fetch_add(1, Ordering::SeqCst);
            let body = keys.lock().unwrap().clone();
            async move { HttpResponse::Ok().json(body) }
        };
        App::new().route("/keys", web::get().to(answer))
    });
    let running = server.workers(1).listen(listener).unwrap().run();
    let handle = running.handle();
    actix_web::rt::spawn(running);
    (address, count, handle)
}

on_both_databases! {
    async fn the_secret_may_come_by_basic_or_in_the_form_but_not_both(app: TestApp) {
        let vendor = Vendor::make(&app, &lms(), &[]).await;
        let encoded = |text: &str| serde_urlencoded::to_string([("v", text)]).unwrap()[2..].to_owned();
        let basic = format!("Basic {}", STANDARD.encode(format!("{}:{}", encoded(&vendor.id), encoded(&vendor.secret))));
        let grant = ("grant_type", "client_credentials");
        let token = post(&app, Some(basic.clone()), &[grant]).await;
        assert_eq!((token.header("cache-control"), token.header("pragma")), ("no-store", "no-cache"));
        assert_eq!(token.expect(200)["scope"], "completions:write status:read");
        assert_eq!(post(&app, Some(basic.clone()), &[grant, ("client_id", &vendor.id), ("scope", "status:read")]).await.expect(200)["scope"], "status:read");
        assert_eq!(vendor.ask(&app, &[("unknown", "is ignored"), ("scope", "")]).await.expect(200)["scope"], "completions:write status:read");
        let both = [grant, ("client_id", vendor.id.as_str()), ("client_secret", vendor.secret.as_str())];
        assert_eq!(post(&app, Some(basic), &both).await.expect(400)["error"], "invalid_request");
    }

    async fn what_is_wrong_is_told_as_rfc_6749_has_it(app: TestApp) {
        let vendor = Vendor::make(&app, &lms(), &[]).await;
        let grant = ("grant_type", "client_credentials");
        let (id, secret) = (("client_id", vendor.id.as_str()), ("client_secret", vendor.secret.as_str()));
        let nobody = ("client_id", "0199c1f0-0000-7000-8000-00000000dead");
        let table = [
            (vec![id, secret], 400, "invalid_request"),
            (vec![("grant_type", "password"), id, secret], 400, "unsupported_grant_type"),
            (vec![grant, grant, id, secret], 400, "invalid_request"),
            (vec![grant, id, secret, ("scope", "clients:admin")], 400, "invalid_scope"),
            (vec![grant, id, secret, ("scope", "nonsense \" \\ \u{e9}")], 400, "invalid_scope"),
            (vec![grant], 401, "invalid_client"),
            (vec![grant, id], 401, "invalid_client"),
            (vec![grant, id, ("client_secret", "wrong")], 401, "invalid_client"),
            (vec![grant, nobody, secret], 401, "invalid_client"),
            (vec![grant, ("client_id", "nonsense"), secret], 401, "invalid_client"),
            (vec![grant, ("client_assertion_type", BEARER), ("client_assertion", "nonsense")], 401, "invalid_client"),
            (vec![grant, id, secret, ("client_assertion_type", BEARER), ("client_assertion", "a.b.c")], 400, "invalid_request"),
        ];
        for (form, status, error) in table {
            let reply = post(&app, None, &form).await;
            assert_eq!(reply.expect(status)["error"], error, "{form:?}");
            let words = reply.json()["error_description"].as_str().unwrap().to_owned();
            assert!(words.chars().all(|c| matches!(c, ' '..='~') && !matches!(c, '"' | '\\')), "RFC 6749 §5.2: {words}");
            assert_eq!(reply.header("cache-control"), "no-store");
            assert_eq!(reply.headers.contains_key("www-authenticate"), status == 401);
        }
        for authorization in ["Basic nonsense", "Basic ", "Bearer x", "Basic OjpJ"] {
            assert_eq!(post(&app, Some(authorization.into()), &[grant]).await.expect(401)["error"], "invalid_client", "{authorization}");
        }
        let wrong = post(&app, None, &[grant, id, ("client_secret", "wrong")]).await.text;
        assert_eq!(wrong, post(&app, None, &[grant, nobody, ("client_secret", "wrong")]).await.text, "whether there is a client is not told");
        let stranger = app.stranger();
        let json = stranger.request(Method::POST, "/oauth/token").json(&json!({"grant_type": "client_credentials"}));
        assert_eq!(stranger.send(json).await.expect(400)["error"], "invalid_request");
        let large = stranger.request(Method::POST, "/oauth/token").header("content-type", FORM).body(format!("scope={}", "a".repeat(70_000)));
        assert_eq!(stranger.send(large).await.expect(400)["error"], "invalid_request");
    }

    async fn who_was_not_let_in_is_in_the_audit_log_with_the_client_that_was_claimed(app: TestApp) {
        let vendor = Vendor::make(&app, &lms(), &[]).await;
        let entry = async |reply: &Reply| {
            let log = app.client("auditor", "audit:read", None).all("/v1/audit-log?limit=500").await;
            let mut own = log.into_iter().filter(|entry| entry["request_id"] == reply.header("x-request-id"));
            own.next().unwrap()
        };
        let basic = |id: &str| Some(format!("Basic {}", STANDARD.encode(format!("{id}:wrong"))));
        let refused = post(&app, basic(&vendor.id), &[("grant_type", "client_credentials")]).await;
        let told = entry(&refused).await;
        assert_eq!((&told["client"], &told["outcome"], &told["status"]), (&json!(null), &json!("refused"), &json!(401)));
        assert_eq!(told["resource"], json!({"kind": "client", "id": vendor.id}));
        // Within a minute, refusals of one address are counted together.
        app.clock.advance(SignedDuration::from_mins(2));
        let refused = post(&app, basic("hunter2"), &[("grant_type", "client_credentials")]).await;
        assert_eq!(entry(&refused).await["resource"]["id"], json!(null), "what is no id may be a secret in the wrong field");
    }

    async fn an_assertion_is_good_for_once(app: TestApp) {
        let pair = Pair::new("k1");
        let mut body = lms();
        body["jwks"] = json!({"keys": [pair.jwk]});
        let vendor = Vendor::make(&app, &body, &[]).await;
        let ask = |assertion: String| {
            let app = &app;
            async move {
                let form = [("grant_type", "client_credentials"), ("client_assertion_type", BEARER), ("client_assertion", assertion.as_str())];
                post(app, None, &form).await
            }
        };
        let first = pair.sign("k1", &claims(&app, &vendor.id, "a1"));
        let token = ask(first.clone()).await.expect(200)["access_token"].as_str().unwrap().to_owned();
        assert_eq!(Client::new(&app.address, Some(token)).get("/v1/whoami").await.expect(200)["client"], json!(vendor.id));
        assert_eq!(ask(first.clone()).await.expect(401)["error"], "invalid_client", "a replay");
        ask(pair.sign("k1", &claims(&app, &vendor.id, "a2"))).await.expect(200);
        let with = |name: &str, value: Value| {
            let mut claims = claims(&app, &vendor.id, "a3");
            claims[name] = value;
            pair.sign("k1", &claims)
        };
        let now = app.clock.now().as_second();
        let bad = [
            with("aud", json!("https://elsewhere.example/oauth/token")),
            with("iss", json!("somebody")),
            with("sub", json!("0199c1f0-0000-7000-8000-00000000dead")),
            with("exp", json!(now - 60)),
            with("exp", json!(now + 7200)),
            with("nbf", json!(now + 60)),
            with("jti", Value::Null),
            with("jti", json!("")),
            Pair::new("k1").sign("k1", &claims(&app, &vendor.id, "a4")),
            pair.sign("k2", &claims(&app, &vendor.id, "a5")),
        ];
        for assertion in bad {
            assert_eq!(ask(assertion.clone()).await.expect(401)["error"], "invalid_client", "{assertion}");
        }
        // It is remembered for as long as it is good, and no longer.
        app.clock.advance(SignedDuration::from_secs(64));
        assert_eq!(ask(first).await.expect(401)["error"], "invalid_client");
        app.clock.advance(SignedDuration::from_secs(60));
        ask(pair.sign("k1", &claims(&app, &vendor.id, "a6"))).await.expect(200);
    }

    async fn only_keys_that_are_fit_to_verify_are_registered(app: TestApp) {
        let staff = app.staff();
        let weak = json!({"kty": "RSA", "e": "AQAB", "n": URL_SAFE_NO_PAD.encode([255_u8; 128])});
        let good = Pair::new("k1").jwk;
        let private = json!({"kty": "OKP", "crv": "Ed25519", "x": good["x"], "d": "secret"});
        for (keys, fault) in [
            (json!([]), "/jwks invalid_jwks"),
            (json!([weak]), "/jwks invalid_jwks"),
            (json!([{"kty": "oct"}]), "/jwks invalid_jwks"),
            (json!([{"kty": "OKP", "crv": "X25519", "x": good["x"]}]), "/jwks invalid_jwks"),
            (json!([{"kty": "OKP", "crv": "Ed25519", "x": good["x"], "alg": "ES256"}]), "/jwks invalid_jwks"),
            (json!(vec![good.clone(); 11]), "/jwks invalid_jwks"),
            (json!([private]), "/jwks/keys/0/d unknown_field"),
        ] {
            let mut body = lms();
            body["jwks"] = json!({"keys": keys});
            let reply = staff.post("/v1/clients", &body).await;
            assert_eq!(reply.problem(422, "invalid-content"), [fault], "{body}");
            assert!(!reply.text.contains("\"secret\""));
        }
    }

    async fn the_metadata_leads_to_the_endpoint_and_to_the_keys(app: TestApp) {
        let metadata = app.stranger().get("/.well-known/oauth-authorization-server").await.expect(200);
        assert_eq!(metadata["issuer"], json!(app.config.issuer));
        assert_eq!(metadata["token_endpoint"], json!(format!("{}/oauth/token", app.config.issuer)));
        let keys = app.stranger().get("/.well-known/jwks.json").await.expect(200);
        let header = jsonwebtoken::decode_header(app.token("iacp", "all", None)).unwrap();
        assert_eq!(keys["keys"][0]["kid"], json!(header.kid.unwrap()));
        let jwk: jsonwebtoken::jwk::Jwk = serde_json::from_value(keys["keys"][0].clone()).unwrap();
        let mut validation = jsonwebtoken::Validation::new(Algorithm::EdDSA);
        validation.set_audience(&[&app.config.audience]);
        validation.validate_exp = false;
        let key = jsonwebtoken::DecodingKey::from_jwk(&jwk).unwrap();
        let vendor = Vendor::make(&app, &lms(), &[]).await;
        let token = vendor.ask(&app, &[]).await.expect(200)["access_token"].as_str().unwrap().to_owned();
        let verified = jsonwebtoken::decode::<Value>(&token, &key, &validation).unwrap();
        assert_eq!(verified.header.typ.as_deref(), Some("at+jwt"));
        let claims = verified.claims;
        assert_eq!((&claims["iss"], &claims["sub"], &claims["client_id"]), (&json!(app.config.issuer), &json!(vendor.id), &json!(vendor.id)));
        assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 900);
    }

    async fn a_key_follows_another_and_no_token_is_refused_on_the_way(app: TestApp) {
        let vendor = Vendor::make(&app, &lms(), &[]).await;
        let kids = || async {
            let keys = app.stranger().get("/.well-known/jwks.json").await.expect(200);
            // Those of access tokens: those of credentials stay.
            let of_tokens = keys["keys"].as_array().unwrap().iter().filter(|key| key["alg"] == "EdDSA");
            of_tokens.map(|key| key["kid"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        let kid_of = |client: &Client| jsonwebtoken::decode_header(client.token.as_ref().unwrap()).unwrap().kid.unwrap();
        let first = kids().await;
        let before = vendor.client(&app).await;
        let from = app.clock.now() + SignedDuration::from_mins(10);
        let new = app.registry.tokens.keys().add(from).unwrap();
        assert_eq!(kids().await, [first[0].clone(), new.clone()]);
        assert_eq!(kid_of(&vendor.client(&app).await), first[0], "it is published before it signs");
        app.clock.advance(SignedDuration::from_mins(10));
        let after = vendor.client(&app).await;
        assert_eq!(kid_of(&after), new);
        before.get("/v1/whoami").await.expect(200);
        after.get("/v1/whoami").await.expect(200);
        // Another process finds it in the folder.
        Client::new(&app.replica().address, after.token.clone()).get("/v1/whoami").await.expect(200);
        app.clock.advance(SignedDuration::from_hours(26));
        assert_eq!(kids().await, [new]);
    }

    async fn people_of_an_outside_issuer_act_as_a_registered_client(app: TestApp) {
        let pair = Pair::new("idp-1");
        let published = Arc::new(std::sync::Mutex::new(json!({"keys": [pair.jwk, {"kty": "oct", "k": "AAAA"}]})));
        let (url, asked, publisher) = publish(published.clone());
        let body = json!({"name": "IACP staff", "kind": "iacp", "scopes": ["agencies:read", "trainings:recognize", "status:read"]});
        let staff = Vendor::make(&app, &body, &[]).await;
        let grant = json!({"client": staff.id, "agency": null, "starts_on": "2026-01-01", "ends_on": null});
        app.staff().post("/v1/grants", &grant).await.expect(201);
        app.agency("TX2270000").await;
        let issuer = OutsideIssuer {
            issuer: "https://login.example/".into(),
            audience: "onemind-registry".into(),
            jwks_url: url,
            client: staff.id.parse().unwrap(),
            subject_claim: "email".into(),
            scope_claim: "roles".into(),
            scopes: [("Reviewer".to_owned(), vec!["agencies:read".to_owned(), "clients:admin".to_owned()])].into(),
        };
        issuer.check().unwrap();
        let app = app.restarted(|registry| registry.outside = OutsideIssuers::new(std::slice::from_ref(&issuer)).unwrap());
        let now = app.clock.now().as_second();
        let claims = |name: &str, value: Value| {
            let mut claims = json!({"iss": "https://login.example/", "aud": ["other", "onemind-registry"], "sub": "u1", "email": "ada@iacp.example",
                "exp": now + 600, "iat": now, "roles": ["Reviewer", "Unmapped"]});
            claims[name] = value;
            claims
        };
        let call = |token: String| Client::new(&app.address, Some(token));
        let good = pair.sign("idp-1", &claims("sub", json!("u1")));
        let said = call(good.clone()).get("/v1/whoami").await.expect(200);
        // What the role means, as far as the client may.
        assert_eq!((&said["client"], &said["subject"], &said["scopes"], &said["agencies"]), (&json!(staff.id), &json!("ada@iacp.example"), &json!(["agencies:read"]), &Value::Null));
        assert_eq!(call(good.clone()).all("/v1/agencies").await.len(), 1);
        let used = app.staff().get(&format!("/v1/clients/{}", staff.id)).await.expect(200);
        assert!(used["last_used_at"].is_string(), "{used}");
        call(good.clone()).get("/v1/clients").await.problem(403, "missing-scope");
        for bad in [
            claims("aud", json!("somebody")),
            claims("exp", json!(now - 60)),
            claims("nbf", json!(now + 60)),
            claims("email", Value::Null),
        ] {
            call(pair.sign("idp-1", &bad)).get("/v1/whoami").await.problem(401, "unauthorized");
        }
        assert_eq!(asked.load(Ordering::SeqCst), 1, "the keys are kept");
        // Keys that nobody knows don't make the service ask at every token.
        let stranger = Pair::new("idp-2");
        for _ in 0..5 {
            call(stranger.sign("idp-2", &claims("sub", json!("u1")))).get("/v1/whoami").await.problem(401, "unauthorized");
        }
        assert!(asked.load(Ordering::SeqCst) <= 2);
        // The issuer takes a new key into use: it is fetched when a token names it.
        published.lock().unwrap()["keys"].as_array_mut().unwrap().push(stranger.jwk.clone());
        actix_web::rt::time::sleep(std::time::Duration::from_millis(10_500)).await;
        call(stranger.sign("idp-2", &claims("sub", json!("u1")))).get("/v1/whoami").await.expect(200);
        let forged = stranger.sign("idp-1", &claims("sub", json!("u1")));
        call(forged).get("/v1/whoami").await.problem(401, "unauthorized");
        app.staff().post(&format!("/v1/clients/{}/revocation", staff.id), &json!({"reason": "gone"})).await.expect(200);
        call(good).get("/v1/whoami").await.problem(401, "unauthorized");
        publisher.stop(false).await;
    }
}

#[test]
fn the_keys_of_an_issuer_come_by_https() {
    let issuer = |url: &str| OutsideIssuer {
        issuer: "https://login.example/".into(),
        audience: "a".into(),
        jwks_url: url.into(),
        client: uuid::Uuid::nil(),
        subject_claim: "sub".into(),
        scope_claim: "scope".into(),
        scopes: std::collections::HashMap::new(),
    };
    assert!(issuer("https://login.example/keys").check().is_ok());
    assert!(issuer("http://127.0.0.1:9/keys").check().is_ok());
    for url in ["http://login.example/keys", "file:///etc/passwd", "nonsense"] {
        assert!(issuer(url).check().is_err(), "{url}");
    }
}
