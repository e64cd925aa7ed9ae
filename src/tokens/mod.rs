//! Access tokens (RFC 9068): signed with the key of the data folder, and verified by any process that has it; those of outside
//! issuers, by the keys that they publish; and the assertions by which clients authenticate (RFC 7523).

mod assertion;
mod credentials;
mod keys;
mod outside;
mod random_keys;
mod secret;
mod verified;

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::{Algorithm, Header, Validation};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use assertion::{Assertion, PublicKeys, assertion_of};
pub use credentials::{CredentialError, CredentialKey, CredentialKeys};
pub use keys::{Key, KeyError, KeyRing, REFRESH};
pub use outside::{OutsideIssuer, OutsideIssuers, OutsideRefusal, OutsideToken};
pub use random_keys::{audit_keys, webhook_key};
pub use secret::{digest_of, new_secret, same};

use crate::domain::agency::AgencyKey;
use verified::Verified;

/// How long a token is good for, unless the operator says otherwise.
pub const LIFETIME: SignedDuration = SignedDuration::from_mins(15);

/// How far the clock of another process may be off.
const LEEWAY: SignedDuration = SignedDuration::from_secs(5);

/// What a token says (RFC 9068 §2.2, and the agencies of the grant).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// Who issued it.
    pub iss: String,
    /// Whom it is for: this service.
    pub aud: String,
    /// Who acts.
    pub sub: String,
    /// The client, whose records these are.
    pub client_id: Uuid,
    /// When it was issued, in seconds since 1970.
    pub iat: i64,
    /// When it ends, in seconds since 1970.
    pub exp: i64,
    /// When it begins, in seconds since 1970; absent: when it is issued.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nbf: Option<i64>,
    /// Its own id.
    pub jti: Uuid,
    /// Scopes, separated by spaces.
    pub scope: String,
    /// The agencies that it may act for. Absent: those of the grants of the client, which is registered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agencies: Option<NamedAgencies>,
}

/// The agencies of a token that an operator signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum NamedAgencies {
    /// Every agency.
    All(AllAgencies),
    /// Some, as in a path: an id or `ori:…`.
    Some(Vec<String>),
}

/// Who brings a token that holds, and what it lets them do: read once, and given to each request that comes with the token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bearer {
    /// The client, whose records these are.
    pub client: Uuid,
    /// Who acts.
    pub subject: Arc<str>,
    /// The scopes.
    pub scopes: Arc<[String]>,
    /// For which agencies.
    pub agencies: ActsFor,
    exp: i64,
    nbf: Option<i64>,
}

/// The agencies that a token is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ActsFor {
    /// Those of the grants of the client, which is registered.
    Granted,
    /// Every agency.
    All,
    /// These.
    Some(Arc<[AgencyKey]>),
}

impl Bearer {
    fn of(claims: Claims) -> Result<Self, &'static str> {
        let agencies = match claims.agencies {
            None => ActsFor::Granted,
            Some(NamedAgencies::All(_)) => ActsFor::All,
            Some(NamedAgencies::Some(keys)) => {
                let keys: Result<Arc<[AgencyKey]>, _> = keys.iter().map(|key| AgencyKey::parse(key)).collect();
                ActsFor::Some(keys.map_err(|_| "the token names an agency that is none")?)
            }
        };
        Ok(Self {
            client: claims.client_id,
            subject: claims.sub.into(),
            scopes: claims.scope.split_whitespace().map(str::to_owned).collect(),
            agencies,
            exp: claims.exp,
            nbf: claims.nbf,
        })
    }
}

/// The word for every agency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum AllAgencies {
    /// Every agency.
    #[serde(rename = "all")]
    All,
}

/// Who a token of an operator is for.
#[derive(Debug, Clone)]
pub struct Grant {
    /// The client's name, from which its id is made.
    pub client: String,
    /// Scopes, separated by spaces.
    pub scope: String,
    /// Its agencies; `None`: all.
    pub agencies: Option<Vec<AgencyKey>>,
    /// How long the token is good for.
    pub lifetime: SignedDuration,
}

/// Signs and verifies tokens of one issuer for one audience.
pub struct Tokens {
    keys: KeyRing,
    issuer: String,
    audience: String,
    verified: Verified,
}

/// The id of a client that an operator names: the same name is the same client.
pub fn client_id(name: &str) -> Uuid {
    const NAMESPACE: Uuid = Uuid::from_u128(0x0b1d_5c0e_6f2a_5d3b_9a11_0e3d_0a4c_77f1);
    Uuid::new_v5(&NAMESPACE, name.as_bytes())
}

impl Tokens {
    /// Tokens of `issuer` for `audience`, signed with the newest key of `keys`.
    pub fn new(keys: KeyRing, issuer: impl Into<String>, audience: impl Into<String>) -> Self {
        Self { keys, issuer: issuer.into(), audience: audience.into(), verified: Verified::default() }
    }

    /// The keys.
    pub fn keys(&self) -> &KeyRing {
        &self.keys
    }

    /// The `iss` of the tokens: the address of the service, as clients know it.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Signs a token that names its agencies itself.
    ///
    /// # Errors
    /// Where signing fails.
    pub fn sign(&self, grant: &Grant, now: Timestamp) -> Result<String, jsonwebtoken::errors::Error> {
        let agencies = match &grant.agencies {
            None => NamedAgencies::All(AllAgencies::All),
            Some(keys) => NamedAgencies::Some(keys.iter().map(ToString::to_string).collect()),
        };
        let id = client_id(&grant.client);
        self.sign_claims(&self.claims(grant.client.clone(), id, &grant.scope, grant.lifetime, Some(agencies), now), now)
    }

    /// Signs a token for a registered client, which acts for the agencies of its grants.
    ///
    /// # Errors
    /// Where signing fails.
    pub fn sign_for_client(&self, client: Uuid, scope: &str, now: Timestamp) -> Result<String, jsonwebtoken::errors::Error> {
        self.sign_claims(&self.claims(client.to_string(), client, scope, LIFETIME, None, now), now)
    }

    fn claims(&self, sub: String, client: Uuid, scope: &str, lifetime: SignedDuration, agencies: Option<NamedAgencies>, now: Timestamp) -> Claims {
        Claims {
            iss: self.issuer.clone(),
            aud: self.audience.clone(),
            sub,
            client_id: client,
            iat: now.as_second(),
            exp: now.as_second() + lifetime.as_secs(),
            nbf: None,
            jti: Uuid::new_v4(),
            scope: scope.to_owned(),
            agencies,
        }
    }

    fn sign_claims(&self, claims: &Claims, now: Timestamp) -> Result<String, jsonwebtoken::errors::Error> {
        let key = self.keys.signing(now);
        let header = Header { typ: Some("at+jwt".into()), kid: Some(key.kid.clone()), ..Header::new(Algorithm::EdDSA) };
        jsonwebtoken::encode(&header, claims, &key.encoding)
    }

    /// Verifies a token of this issuer and answers what it lets its bearer do. The algorithm is that of our own key; what the token's header says
    /// of algorithms and keys is used for nothing but to find the key by its `kid`.
    ///
    /// # Errors
    /// Why it isn't accepted, in words that may be told to the caller.
    pub fn verify(&self, token: &str, now: Timestamp) -> Result<Bearer, &'static str> {
        if let Some(bearer) = self.verified.find(token, now) {
            check_times(Some(bearer.exp), bearer.nbf, now)?;
            return Ok(bearer);
        }
        let header = header_of(token)?;
        if header.typ.as_deref().is_some_and(|typ| !typ.eq_ignore_ascii_case("at+jwt") && !typ.eq_ignore_ascii_case("application/at+jwt")) {
            return Err("the token is not an access token (its typ is not at+jwt)");
        }
        let key = header.kid.as_deref().and_then(|kid| self.keys.find(kid, now)).ok_or("the token is signed with a key that is not known here")?;
        let validation = validation(Algorithm::EdDSA, &self.issuer, &[&self.audience]);
        let verified = jsonwebtoken::decode::<Claims>(token, &key.decoding, &validation).map_err(|error| refusal(&error))?;
        check_times(Some(verified.claims.exp), verified.claims.nbf, now)?;
        let bearer = Bearer::of(verified.claims)?;
        self.verified.keep(token, &bearer, now);
        Ok(bearer)
    }
}

/// The header of a JWT, of which nothing is checked yet but that it asks for nothing that is not understood here (RFC 7515 §4.1.11).
fn header_of(token: &str) -> Result<Header, &'static str> {
    let header = jsonwebtoken::decode_header(token).map_err(|_| "the token is not a signed JWT")?;
    if header.crit.is_some() {
        return Err("the token's header has a `crit`, and no extension is understood here");
    }
    Ok(header)
}

/// What is asked of every JWT: signature, issuer and audience. Times are checked by [`check_times`], against the clock of the
/// service.
fn validation(algorithm: Algorithm, issuer: &str, audiences: &[&str]) -> Validation {
    let mut validation = Validation::new(algorithm);
    validation.set_audience(audiences);
    validation.set_issuer(&[issuer]);
    validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation
}

/// Checks `exp` and `nbf`, in seconds since 1970.
fn check_times(exp: Option<i64>, nbf: Option<i64>, now: Timestamp) -> Result<(), &'static str> {
    let (now, leeway) = (now.as_second(), LEEWAY.as_secs());
    if exp.is_none_or(|exp| exp.saturating_add(leeway) < now) {
        return Err("the token has expired");
    }
    if nbf.is_some_and(|nbf| nbf.saturating_sub(leeway) > now) {
        return Err("the token is not valid yet");
    }
    Ok(())
}

fn refusal(error: &jsonwebtoken::errors::Error) -> &'static str {
    use jsonwebtoken::errors::ErrorKind;
    match error.kind() {
        ErrorKind::InvalidIssuer => "the token is from another issuer",
        ErrorKind::InvalidAudience => "the token is for another audience",
        ErrorKind::InvalidSignature | ErrorKind::InvalidAlgorithm | ErrorKind::InvalidAlgorithmName => "the token's signature does not hold",
        _ => "the token is not an access token of this service",
    }
}
