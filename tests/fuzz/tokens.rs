//! Access tokens and assertions that were altered, and text that is none; and ORIs.

use std::sync::LazyLock;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use onemind::domain::ori::Ori;
use onemind::tokens::{Grant, KeyRing, PublicKeys, Tokens};
use proptest::prelude::*;
use serde_json::{Value, json};
use tempfile::TempDir;
use uuid::Uuid;

const CLIENT: Uuid = Uuid::from_u128(0x0199_c1f0_0000_7000_8000_0000_0000_0001);
const ENDPOINT: &str = "http://127.0.0.1/oauth/token";

/// A service's keys with a token that they signed, and a client's keys with an assertion that they signed.
struct Signed {
    _folder: TempDir,
    tokens: Tokens,
    token: String,
    keys: PublicKeys,
    assertion: String,
    now: Timestamp,
}

static SIGNED: LazyLock<Signed> = LazyLock::new(|| {
    let folder = TempDir::new().unwrap();
    let tokens = Tokens::new(KeyRing::open(folder.path()).unwrap(), "http://127.0.0.1", "onemind");
    let now: Timestamp = "2026-11-21T12:00:00Z".parse().unwrap();
    let grant = Grant { client: "iacp".into(), scope: "agencies:read".into(), agencies: None, lifetime: SignedDuration::from_mins(15) };
    let token = tokens.sign(&grant, now).unwrap();
    let pair = Ed25519KeyPair::generate().unwrap();
    let claims = json!({"iss": CLIENT, "sub": CLIENT, "aud": ENDPOINT, "iat": now.as_second(), "exp": now.as_second() + 60, "jti": "a1"});
    let assertion = sign(&pair, &json!({"alg": "EdDSA", "typ": "JWT", "kid": "k1"}), &claims);
    let keys = PublicKeys::parse(&json!({"keys": [jwk(&pair, "k1")]})).unwrap();
    Signed { _folder: folder, tokens, token, keys, assertion, now }
});

fn jwk(pair: &Ed25519KeyPair, kid: &str) -> Value {
    json!({"kty": "OKP", "crv": "Ed25519", "kid": kid, "x": URL_SAFE_NO_PAD.encode(pair.public_key().as_ref())})
}

fn encoded(part: &Value) -> String {
    URL_SAFE_NO_PAD.encode(part.to_string())
}

fn sign(pair: &Ed25519KeyPair, header: &Value, claims: &Value) -> String {
    let signed = format!("{}.{}", encoded(header), encoded(claims));
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(pair.sign(signed.as_bytes())))
}

/// Header and claims of a JWT.
fn read(token: &str) -> (Value, Value) {
    let mut parts = token.split('.').map(|part| URL_SAFE_NO_PAD.decode(part).unwrap());
    let mut json = || serde_json::from_slice(&parts.next().unwrap()).unwrap();
    (json(), json())
}

fn token_holds(token: &str) -> bool {
    SIGNED.tokens.verify(token, SIGNED.now).is_ok()
}

fn assertion_holds(assertion: &str) -> bool {
    SIGNED.keys.verify(assertion, CLIENT, &[ENDPOINT], SIGNED.now).is_ok()
}

#[test]
fn what_was_signed_holds() {
    assert!(token_holds(&SIGNED.token) && assertion_holds(&SIGNED.assertion));
    assert!(!token_holds(&SIGNED.assertion) && !assertion_holds(&SIGNED.token));
}

proptest! {
    #[test]
    fn text_is_no_token(text in "\\PC{0,200}|[A-Za-z0-9_.-]{0,300}|(eyJ[A-Za-z0-9_-]{0,80}\\.){1,3}[A-Za-z0-9_-]{0,90}") {
        prop_assert!(!token_holds(&text) && !assertion_holds(&text));
    }

    #[test]
    fn a_token_with_one_byte_changed_does_not_hold(at in any::<prop::sample::Index>(), byte in "[A-Za-z0-9_.=/+ -]|\\PC") {
        for (original, holds) in [(&SIGNED.token, token_holds as fn(&str) -> bool), (&SIGNED.assertion, assertion_holds)] {
            let at = at.index(original.len());
            let changed = format!("{}{byte}{}", &original[..at], &original[at + 1..]);
            prop_assert_eq!(holds(&changed), changed == *original, "{}", changed);
            let cut = &original[..at];
            prop_assert!(!holds(cut));
            let grown = format!("{original}{byte}");
            prop_assert!(!holds(&grown), "{}", grown);
        }
    }

    /// The signature is another's, whose key comes along or is named.
    #[test]
    fn a_key_that_a_token_brings_is_not_believed(
        name in prop::sample::select(vec!["jku", "x5u", "x5c", "jwk", "crit", "x5t", "x5t#S256", "kid", "alg", "typ", "b64", "zip"]),
        alg in prop::sample::select(vec!["EdDSA", "none", "None", "HS256", "HS384", "HS512", "RS256", "PS256", "ES256", "ES384", "", "nonsense"]),
        other_kid in any::<bool>(), text in "\\PC{0,20}",
    ) {
        let pair = Ed25519KeyPair::generate().unwrap();
        for (original, holds) in [(&SIGNED.token, token_holds as fn(&str) -> bool), (&SIGNED.assertion, assertion_holds)] {
            let (mut header, claims) = read(original);
            header["alg"] = json!(alg);
            if other_kid {
                header["kid"] = json!("theirs");
            }
            header[name] = match name {
                "jwk" => jwk(&pair, header["kid"].as_str().unwrap_or_default()),
                "x5c" | "crit" => json!([URL_SAFE_NO_PAD.encode(pair.public_key().as_ref()), text]),
                "alg" => json!(alg),
                _ => json!(text),
            };
            let forged = sign(&pair, &header, &claims);
            prop_assert!(!holds(&forged), "{}", forged);
            let (signed, _) = forged.rsplit_once('.').unwrap();
            let (was, old) = original.rsplit_once('.').unwrap();
            prop_assume!(signed != was);
            let (with_the_old, unsigned) = (format!("{signed}.{old}"), format!("{signed}."));
            // Where the header comes out as it was, it is the token itself.
            prop_assert_eq!(holds(&with_the_old), with_the_old == *original, "{}", with_the_old);
            prop_assert!(!holds(&unsigned), "{}", signed);
        }
    }

    #[test]
    fn claims_that_were_not_signed_are_not_believed(name in "[a-z_]{1,9}|exp|nbf|sub|aud|iss|scope|agencies|client_id|jti", value in any::<i64>(), text in proptest::option::of("\\PC{0,20}")) {
        for (original, holds) in [(&SIGNED.token, token_holds as fn(&str) -> bool), (&SIGNED.assertion, assertion_holds)] {
            let (header, mut claims) = read(original);
            claims[&name] = text.as_ref().map_or_else(|| json!(value), |text| json!(text));
            let signature = original.rsplit_once('.').unwrap().1;
            let forged = format!("{}.{}.{signature}", encoded(&header), encoded(&claims));
            prop_assert!(!holds(&forged), "{}", forged);
        }
    }

    /// Whatever stands in a key set, it is read or refused.
    #[test]
    fn any_key_set_is_read_or_refused(kty in "OKP|EC|RSA|oct|\\PC{0,5}", crv in "Ed25519|P-256|X25519|\\PC{0,5}", x in "[A-Za-z0-9_-]{0,100}", n in "[A-Za-z0-9_-]{0,400}") {
        let set = json!({"keys": [{"kty": kty, "crv": crv, "x": x, "y": x, "n": n, "e": "AQAB"}]});
        if let Ok(keys) = PublicKeys::parse(&set) {
            prop_assert!(keys.verify(&SIGNED.assertion, CLIENT, &[ENDPOINT], SIGNED.now).is_err());
        }
    }

    #[test]
    fn an_ori_prints_as_it_was_read(text in "\\PC{0,12}|[A-Z0-9]{5,11}|[A-Z]{2}[A-Z0-9]{7}|[A-Z]{2}[A-Z0-9]{5}") {
        if let Ok(ori) = Ori::parse(&text) {
            prop_assert_eq!(ori.to_string(), if text.len() == 7 { format!("{text}00") } else { text.clone() });
            prop_assert_eq!(Ori::parse(ori.as_str()), Ok(ori.clone()));
        } else {
            prop_assert!(text.len() != 9 || !text.bytes().all(|b| b.is_ascii_uppercase()));
        }
    }
}
