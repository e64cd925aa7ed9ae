//! `private_key_jwt`: a client authenticates by a JWT that it signed itself (RFC 7523 §3), checked by the public keys that it
//! registered.

use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, JwkSet, KeyAlgorithm};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use super::{LEEWAY, check_times, header_of, refusal, validation};
use crate::domain::invalid::Invalid;

/// How far ahead an assertion may expire: until then it is remembered, so that it is not used twice. Common clients say an hour.
const LONGEST: SignedDuration = SignedDuration::from_mins(61);

/// How many keys a set has at the most.
const MAX_KEYS: usize = 10;

/// The fewest bytes of an RSA modulus: 2,048 bits.
const RSA_BYTES: usize = 256;

/// An assertion that holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assertion {
    /// Its own id, which may be used once.
    pub jti: String,
    /// When it ends, with what the clocks may be off.
    pub expires_at: Timestamp,
}

/// Public keys by their names: Ed25519, P-256, or RSA of 2,048 bits and more.
#[derive(Clone, Default)]
pub struct PublicKeys(Vec<(Option<String>, Algorithm, DecodingKey)>);

#[derive(Deserialize)]
struct Claims {
    sub: String,
    jti: Option<String>,
    exp: Option<i64>,
    nbf: Option<i64>,
}

#[derive(Deserialize)]
struct Subject {
    sub: String,
}

/// The client that an assertion names, of which nothing is checked yet.
pub fn assertion_of(assertion: &str) -> Option<Uuid> {
    let claims: Subject = jsonwebtoken::dangerous::insecure_decode_claims(assertion).ok()?;
    Uuid::try_parse(&claims.sub).ok()
}

impl PublicKeys {
    /// Reads a JSON Web Key Set (RFC 7517) in which every key must be fit to verify.
    ///
    /// # Errors
    /// `invalid_jwks`, with the place of the key in the set.
    pub fn parse(set: &Value) -> Result<Self, Invalid> {
        let invalid = |why: &str| Invalid::new("invalid_jwks", why);
        let keys = set["keys"].as_array().ok_or_else(|| invalid("must be a JSON Web Key Set: an object with `keys`"))?;
        if keys.is_empty() || keys.len() > MAX_KEYS {
            return Err(invalid(&format!("must have 1 to {MAX_KEYS} keys")));
        }
        let mut read = Vec::with_capacity(keys.len());
        for (index, key) in keys.iter().enumerate() {
            if ["d", "p", "q", "k"].iter().any(|private| key.get(*private).is_some()) {
                return Err(invalid(&format!("key {index} is a private one; make a new pair, and send the public half")));
            }
            let jwk: Option<Jwk> = serde_json::from_value(key.clone()).ok();
            let usable = jwk
                .as_ref()
                .and_then(usable)
                .ok_or_else(|| invalid(&format!("key {index} is not a public key for signatures: Ed25519, P-256, or RSA of 2,048 bits and more")))?;
            read.push(usable);
        }
        Ok(Self(read))
    }

    /// Reads the keys of a set that are fit to verify, and leaves out the others.
    pub fn usable(set: &JwkSet) -> Self {
        Self(set.keys.iter().filter_map(usable).collect())
    }

    /// The keys that may have signed what names `kid`; of keys without names each may.
    pub(super) fn named<'a>(&'a self, kid: Option<&'a str>) -> impl Iterator<Item = (Algorithm, &'a DecodingKey)> {
        self.0.iter().filter(move |(name, ..)| kid.is_none() || name.is_none() || name.as_deref() == kid).map(|(_, algorithm, key)| (*algorithm, key))
    }

    /// Verifies an assertion of `client` for one of `audiences`.
    ///
    /// # Errors
    /// Why it isn't accepted.
    pub fn verify(&self, assertion: &str, client: Uuid, audiences: &[&str], now: Timestamp) -> Result<Assertion, &'static str> {
        let header = header_of(assertion)?;
        let issuer = client.to_string();
        let mut refused = "the assertion is signed with a key that the client has not registered";
        for (algorithm, key) in self.named(header.kid.as_deref()).filter(|(algorithm, _)| *algorithm == header.alg) {
            match jsonwebtoken::decode::<Claims>(assertion, key, &validation(algorithm, &issuer, audiences)) {
                Ok(verified) => return accept(verified.claims, &issuer, now),
                Err(error) => refused = refusal(&error),
            }
        }
        Err(refused)
    }
}

fn accept(claims: Claims, client: &str, now: Timestamp) -> Result<Assertion, &'static str> {
    check_times(claims.exp, claims.nbf, now)?;
    let expires_at = claims.exp.and_then(|exp| Timestamp::from_second(exp).ok()).ok_or("the assertion has no `exp`")?;
    if expires_at.duration_since(now) > LONGEST {
        return Err("the assertion is good for more than an hour");
    }
    if claims.sub != client {
        return Err("`iss` and `sub` of an assertion are the client's id");
    }
    match claims.jti.filter(|jti| (1..=255).contains(&jti.len())) {
        Some(jti) => Ok(Assertion { jti, expires_at: expires_at.saturating_add(LEEWAY * 2).unwrap_or(expires_at) }),
        None => Err("the assertion has no `jti` of 1 to 255 characters"),
    }
}

/// A key that is fit to verify: its name, its algorithm, and itself.
fn usable(jwk: &Jwk) -> Option<(Option<String>, Algorithm, DecodingKey)> {
    let (algorithm, declared) = match &jwk.algorithm {
        AlgorithmParameters::OctetKeyPair(pair) if pair.curve == EllipticCurve::Ed25519 => (Algorithm::EdDSA, KeyAlgorithm::EdDSA),
        AlgorithmParameters::EllipticCurve(point) if point.curve == EllipticCurve::P256 => (Algorithm::ES256, KeyAlgorithm::ES256),
        AlgorithmParameters::RSA(rsa) if modulus_bytes(&rsa.n) >= RSA_BYTES => (Algorithm::RS256, KeyAlgorithm::RS256),
        _ => return None,
    };
    if jwk.common.key_algorithm.as_ref().is_some_and(|named| *named != declared) {
        return None;
    }
    Some((jwk.common.key_id.clone(), algorithm, DecodingKey::from_jwk(jwk).ok()?))
}

fn modulus_bytes(n: &str) -> usize {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(n).map_or(0, |bytes| bytes.iter().skip_while(|byte| **byte == 0).count())
}
