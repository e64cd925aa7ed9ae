//! Tokens that must not be accepted.

use std::net::TcpListener;
use std::path::Path;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use onemind::domain::clock::Clock as _;
use onemind::http::auth::SCOPES;
use onemind::tokens::{Grant, KeyRing, Tokens};
use serde_json::{Value, json};

use crate::on_both_databases;
use crate::support::{Client, TestApp};

fn every_scope() -> String {
    SCOPES.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(" ")
}

fn grant(scope: &str, lifetime: SignedDuration) -> Grant {
    Grant { client: "iacp".into(), scope: scope.into(), agencies: None, lifetime }
}

/// The parts of a token: header, claims and signature.
fn parts(token: &str) -> (Value, Value, String) {
    let mut parts = token.split('.');
    let mut read = || serde_json::from_slice(&URL_SAFE_NO_PAD.decode(parts.next().unwrap()).unwrap()).unwrap();
    (read(), read(), token.rsplit('.').next().unwrap().to_owned())
}

fn encoded(part: &Value) -> String {
    URL_SAFE_NO_PAD.encode(part.to_string())
}

/// Tokens that must not be accepted, and what each is.
pub fn bad_tokens(app: &TestApp) -> Vec<(&'static str, String)> {
    let good = app.token("iacp", "all", None);
    let (header, claims, signature) = parts(&good);
    let again = |header: &Value, claims: &Value| format!("{}.{}.{signature}", encoded(header), encoded(claims));
    let now = app.clock.now();
    let signed = |tokens: &Tokens, now: Timestamp| tokens.sign(&grant(&every_scope(), SignedDuration::from_mins(15)), now).unwrap();
    let own_keys = || KeyRing::open(&app.config.data_dir).unwrap();
    let other_folder = app.config.data_dir.join("other");
    std::fs::create_dir_all(&other_folder).unwrap();
    let other_key = signed(&Tokens::new(KeyRing::open(&other_folder).unwrap(), &app.config.issuer, &app.config.audience), now);
    let (_, _, other_signature) = parts(&other_key);
    let none = with(&header, "alg", json!("none"));
    let symmetric = with(&header, "alg", json!("HS256"));
    let own = own_key(&app.config.data_dir);
    let public_key = own.public_key().as_ref().to_vec();
    let later = json!(now.as_second() + 3600);
    let long = sign(&own, &header, &with(&claims, "note", json!("x".repeat(9_000))));
    let forged = jsonwebtoken::encode(
        &jsonwebtoken::Header {
            kid: header["kid"].as_str().map(str::to_owned),
            typ: Some("at+jwt".into()),
            ..jsonwebtoken::Header::new(jsonwebtoken::Algorithm::HS256)
        },
        &claims,
        &jsonwebtoken::EncodingKey::from_secret(&public_key),
    );
    let mut bad = vec![
        ("no JWT", "nonsense".into()),
        ("empty", String::new()),
        ("cut off", good[..good.len() - 10].to_owned()),
        ("without its signature", format!("{}.{}.", encoded(&header), encoded(&claims))),
        ("alg none, unsigned", format!("{}.{}.", encoded(&none), encoded(&claims))),
        ("alg none, with a signature", again(&none, &claims)),
        ("alg HS256, with the old signature", again(&symmetric, &claims)),
        ("alg HS256, signed with the public key", forged.unwrap()),
        ("with other claims than were signed", again(&header, &with(&claims, "sub", json!("somebody else")))),
        ("of another key", other_key),
        ("of another key, under the name of ours", format!("{}.{}.{other_signature}", encoded(&header), encoded(&claims))),
        ("expired", signed(&app.registry.tokens, now - SignedDuration::from_hours(1))),
        ("of another issuer", signed(&Tokens::new(own_keys(), "somebody", &app.config.audience), now)),
        ("for another audience", signed(&Tokens::new(own_keys(), &app.config.issuer, "somebody"), now)),
        ("not yet valid", sign(&own, &header, &with(&claims, "nbf", later))),
        ("with a kid that nobody knows", sign(&own, &with(&header, "kid", json!("unknown")), &claims)),
        ("without a kid", sign(&own, &with(&header, "kid", Value::Null), &claims)),
        ("with a critical header", sign(&own, &with(&with(&header, "crit", json!(["exp"])), "exp", json!(1)), &claims)),
        ("of another type", sign(&own, &with(&header, "typ", json!("JWT")), &claims)),
        ("longer than any", long),
    ];
    bad.extend(with_a_key_of_their_own(&header, &claims, "https://attacker.example"));
    bad
}

/// An object with another value of a member.
fn with(part: &Value, name: &str, value: Value) -> Value {
    let mut part = part.clone();
    part[name] = value;
    part
}

/// The key in the data folder, with which the service signs.
fn own_key(folder: &Path) -> Ed25519KeyPair {
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if entry.is_dir() {
                folders.push(entry);
            } else if entry.extension().is_some_and(|extension| extension == "pk8") {
                return Ed25519KeyPair::from_pkcs8(&std::fs::read(entry).unwrap()).unwrap();
            }
        }
    }
    panic!("there is no key")
}

/// A JWT with any header, signed by Ed25519.
fn sign(pair: &Ed25519KeyPair, header: &Value, claims: &Value) -> String {
    let signed = format!("{}.{}", encoded(header), encoded(claims));
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(pair.sign(signed.as_bytes())))
}

/// Tokens that bring or name the key that is to verify them, signed with that key.
fn with_a_key_of_their_own(header: &Value, claims: &Value, url: &str) -> Vec<(&'static str, String)> {
    let pair = Ed25519KeyPair::generate().unwrap();
    let x = URL_SAFE_NO_PAD.encode(pair.public_key().as_ref());
    let key = json!({"kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": header["kid"], "x": x});
    let table = [
        ("with jku", "jku", json!(format!("{url}/keys"))),
        ("with x5u", "x5u", json!(format!("{url}/chain"))),
        ("with an embedded jwk", "jwk", key),
        ("with an embedded x5c", "x5c", json!([base64::engine::general_purpose::STANDARD.encode(pair.public_key().as_ref())])),
    ];
    let mut tokens = Vec::new();
    for (what, name, value) in table {
        let named = with(header, name, value);
        tokens.push((what, sign(&pair, &named, claims)));
        tokens.push((what, sign(&pair, &with(&named, "kid", json!("theirs")), claims)));
    }
    tokens
}

on_both_databases! {
    async fn no_key_is_fetched_that_a_token_names(app: TestApp) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (header, claims, _) = parts(&app.token("iacp", "all", None));
        for (what, token) in with_a_key_of_their_own(&header, &claims, &url) {
            let reply = Client::new(&app.address, Some(token)).get("/v1/whoami").await;
            assert_eq!(reply.status, 401, "{what}: {}", reply.text);
        }
        assert_eq!(listener.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock, "somebody came for the keys");
    }
}
