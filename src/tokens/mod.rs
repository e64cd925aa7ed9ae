//! Access tokens (RFC 9068): signed with the key of the data folder, and verified by any process that has it.

mod audit;
mod keys;

use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::{Algorithm, Header, Validation};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use audit::audit_keys;
pub use keys::{KeyError, KeyRing};

use crate::domain::agency::AgencyKey;

/// How long a token is good for, unless the operator says otherwise.
pub const LIFETIME: SignedDuration = SignedDuration::from_mins(15);

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
    /// Its own id.
    pub jti: Uuid,
    /// Scopes, separated by spaces.
    pub scope: String,
    /// The agencies that the client may act for, as in a path: an id or `ori:…`. Absent: all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agencies: Option<Vec<String>>,
}

/// Who a token is for.
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
}

/// The id of a client that an operator names: the same name is the same client.
pub fn client_id(name: &str) -> Uuid {
    const NAMESPACE: Uuid = Uuid::from_u128(0x0b1d_5c0e_6f2a_5d3b_9a11_0e3d_0a4c_77f1);
    Uuid::new_v5(&NAMESPACE, name.as_bytes())
}

impl Tokens {
    /// Tokens of `issuer` for `audience`, signed with the newest key of `keys`.
    pub fn new(keys: KeyRing, issuer: impl Into<String>, audience: impl Into<String>) -> Self {
        Self { keys, issuer: issuer.into(), audience: audience.into() }
    }

    /// Signs a token.
    ///
    /// # Errors
    /// Where signing fails.
    pub fn sign(&self, grant: &Grant, now: Timestamp) -> Result<String, jsonwebtoken::errors::Error> {
        let claims = Claims {
            iss: self.issuer.clone(),
            aud: self.audience.clone(),
            sub: grant.client.clone(),
            client_id: client_id(&grant.client),
            iat: now.as_second(),
            exp: now.as_second() + grant.lifetime.as_secs(),
            jti: Uuid::new_v4(),
            scope: grant.scope.clone(),
            agencies: grant.agencies.as_ref().map(|keys| keys.iter().map(ToString::to_string).collect()),
        };
        let key = self.keys.signing();
        let header = Header { typ: Some("at+jwt".into()), kid: Some(key.kid.clone()), ..Header::new(Algorithm::EdDSA) };
        jsonwebtoken::encode(&header, &claims, &key.encoding)
    }

    /// Verifies a token and answers what it says. The algorithm is that of our own key; what the token's header says of
    /// algorithms and keys is used for nothing but to find the key by its `kid`.
    ///
    /// # Errors
    /// Why it isn't accepted, in words that may be told to the caller.
    pub fn verify(&self, token: &str) -> Result<Claims, &'static str> {
        use jsonwebtoken::errors::ErrorKind;
        let header = jsonwebtoken::decode_header(token).map_err(|_| "the token is not a signed JWT")?;
        if header.typ.as_deref().is_some_and(|typ| !typ.eq_ignore_ascii_case("at+jwt") && !typ.eq_ignore_ascii_case("application/at+jwt")) {
            return Err("the token is not an access token (its typ is not at+jwt)");
        }
        let key = header.kid.as_deref().and_then(|kid| self.keys.find(kid)).ok_or("the token is signed with a key that is not known here")?;
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_audience(&[&self.audience]);
        validation.set_issuer(&[&self.issuer]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        validation.validate_nbf = true;
        validation.leeway = 5;
        let verified = jsonwebtoken::decode::<Claims>(token, &key.decoding, &validation).map_err(|error| match error.kind() {
            ErrorKind::ExpiredSignature => "the token has expired",
            ErrorKind::ImmatureSignature => "the token is not valid yet",
            ErrorKind::InvalidIssuer => "the token is from another issuer",
            ErrorKind::InvalidAudience => "the token is for another audience",
            ErrorKind::InvalidSignature | ErrorKind::InvalidAlgorithm | ErrorKind::InvalidAlgorithmName => "the token's signature does not hold",
            _ => "the token is not an access token of this service",
        })?;
        Ok(verified.claims)
    }
}
