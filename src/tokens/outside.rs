//! Access tokens of outside issuers, such as the identity provider by which IACP staff sign in: verified by the keys that the
//! issuer publishes, and turned into what a registered client of this service may do.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use jsonwebtoken::jwk::JwkSet;
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use super::{PublicKeys, check_times, header_of, refusal, validation};

/// How old the keys of an issuer may be before they are fetched again.
const FRESH: Duration = Duration::from_secs(600);

/// How old they may be while the issuer can't be reached.
const USABLE: Duration = Duration::from_secs(24 * 3600);

/// How long to wait after a fetch before the next, however many tokens name keys that are not known.
const PAUSE: Duration = Duration::from_secs(10);

/// The most bytes of a key set.
const MAX_BYTES: usize = 256 * 1024;

/// The settings of an outside issuer.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutsideIssuer {
    /// The `iss` of its tokens.
    pub issuer: String,
    /// The `aud` of those that are for this service.
    pub audience: String,
    /// Where it publishes its keys.
    pub jwks_url: String,
    /// The registered client as which its people act: its scopes and grants are the most that they may.
    pub client: Uuid,
    /// The claim that says who acts.
    #[serde(default = "subject_claim")]
    pub subject_claim: String,
    /// The claim that says what they may do: words separated by spaces, or a list.
    #[serde(default = "scope_claim")]
    pub scope_claim: String,
    /// What the words of that claim mean, as scopes of this service; without it they are scopes.
    #[serde(default)]
    pub scopes: HashMap<String, Vec<String>>,
}

fn subject_claim() -> String {
    "sub".into()
}

fn scope_claim() -> String {
    "scope".into()
}

/// A token of an outside issuer that holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutsideToken {
    /// The registered client as which its bearer acts.
    pub client: Uuid,
    /// Who acts.
    pub subject: String,
    /// What the token lets them do, as far as the client may.
    pub scopes: Vec<String>,
}

/// Why a token of an outside issuer is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutsideRefusal {
    /// The token, in words that may be told to the caller.
    Token(&'static str),
    /// The issuer's keys could not be fetched.
    Unreachable,
}

/// The outside issuers, and the keys that they have published.
pub struct OutsideIssuers {
    issuers: Vec<Known>,
    http: reqwest::Client,
}

struct Known {
    settings: OutsideIssuer,
    held: RwLock<Held>,
    /// Held while keys are fetched, so that one request at a time does.
    fetching: tokio::sync::Mutex<()>,
}

#[derive(Default, Clone)]
struct Held {
    keys: Arc<PublicKeys>,
    fetched_at: Option<Instant>,
    tried_at: Option<Instant>,
}

#[derive(Deserialize)]
struct Issued {
    iss: Option<String>,
}

impl OutsideIssuer {
    /// Checks the settings.
    ///
    /// # Errors
    /// A sentence that says what is wrong.
    pub fn check(&self) -> Result<(), String> {
        let url = reqwest::Url::parse(&self.jwks_url).map_err(|cause| format!("issuers: jwks_url: {cause}"))?;
        let loopback = matches!(url.host_str(), Some("127.0.0.1" | "localhost" | "[::1]"));
        if url.scheme() != "https" && !(url.scheme() == "http" && loopback) {
            return Err(format!("issuers: jwks_url: `{url}` is not https"));
        }
        if self.issuer.is_empty() || self.audience.is_empty() {
            return Err("issuers: `issuer` and `audience` must not be empty".into());
        }
        Ok(())
    }
}

impl OutsideIssuers {
    /// The issuers of the settings. Keys are fetched when a token needs them.
    ///
    /// # Errors
    /// Where no HTTP client can be made.
    pub fn new(issuers: &[OutsideIssuer]) -> Result<Self, std::io::Error> {
        let http = reqwest::Client::builder()
            .timeout(Duration::from_secs(5))
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(std::io::Error::other)?;
        let known = |settings: &OutsideIssuer| Known { settings: settings.clone(), held: RwLock::default(), fetching: tokio::sync::Mutex::new(()) };
        Ok(Self { issuers: issuers.iter().map(known).collect(), http })
    }

    /// Whether a token says that one of them issued it; nothing of it is checked yet.
    pub fn issued(&self, token: &str) -> bool {
        self.issuer_of(token).is_some()
    }

    fn issuer_of(&self, token: &str) -> Option<&Known> {
        if self.issuers.is_empty() {
            return None;
        }
        let claims: Issued = jsonwebtoken::dangerous::insecure_decode_claims(token).ok()?;
        self.issuers.iter().find(|known| claims.iss.as_deref() == Some(known.settings.issuer.as_str()))
    }

    /// Verifies a token of one of the issuers.
    ///
    /// # Errors
    /// [`OutsideRefusal`].
    pub async fn verify(&self, token: &str, now: Timestamp) -> Result<OutsideToken, OutsideRefusal> {
        let known = self.issuer_of(token).ok_or(OutsideRefusal::Token("the token is from another issuer"))?;
        let header = header_of(token).map_err(OutsideRefusal::Token)?;
        let kid = header.kid.as_deref();
        let settings = &known.settings;
        let keys = known.keys_for(&self.http, kid).await?;
        let mut refused = "the token is signed with a key that its issuer does not publish";
        for (algorithm, key) in keys.named(kid).filter(|(algorithm, _)| *algorithm == header.alg) {
            match jsonwebtoken::decode::<Value>(token, key, &validation(algorithm, &settings.issuer, &[&settings.audience])) {
                Ok(verified) => return accept(settings, &verified.claims, now).map_err(OutsideRefusal::Token),
                Err(error) => refused = refusal(&error),
            }
        }
        Err(OutsideRefusal::Token(refused))
    }
}

fn accept(settings: &OutsideIssuer, claims: &Value, now: Timestamp) -> Result<OutsideToken, &'static str> {
    let seconds = |name: &str| claims[name].as_f64().map(f64::floor);
    #[expect(clippy::cast_possible_truncation, reason = "a NumericDate (RFC 7519 §2) saturates at either end of time")]
    check_times(seconds("exp").map(|exp| exp as i64), seconds("nbf").map(|nbf| nbf as i64), now)?;
    let subject = claims[&settings.subject_claim].as_str().filter(|subject| (1..=200).contains(&subject.len()));
    let subject = subject.ok_or("the token does not say who acts")?.to_owned();
    let words: Vec<&str> = match &claims[&settings.scope_claim] {
        Value::String(words) => words.split_whitespace().collect(),
        Value::Array(words) => words.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let meant = |word: &&str| match settings.scopes.get(*word) {
        Some(scopes) => scopes.clone(),
        None if settings.scopes.is_empty() => vec![(*word).to_owned()],
        None => Vec::new(),
    };
    let mut scopes: Vec<String> = words.iter().flat_map(meant).collect();
    scopes.sort_unstable();
    scopes.dedup();
    Ok(OutsideToken { client: settings.client, subject, scopes })
}

impl Known {
    fn held(&self) -> Held {
        self.held.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The issuer's keys: those in memory where they are fresh and know `kid`; fetched otherwise, but not at every token.
    async fn keys_for(&self, http: &reqwest::Client, kid: Option<&str>) -> Result<Arc<PublicKeys>, OutsideRefusal> {
        let known = |held: &Held| held.keys.named(kid).next().is_some();
        let fresh = |held: &Held| held.fetched_at.is_some_and(|at| at.elapsed() < FRESH);
        let held = self.held();
        if fresh(&held) && known(&held) {
            return Ok(held.keys);
        }
        // An asynchronous lock is what makes the others wait for the one that fetches.
        let _one = self.fetching.lock().await;
        let held = self.held();
        if (fresh(&held) && known(&held)) || held.tried_at.is_some_and(|at| at.elapsed() < PAUSE) {
            return usable(held);
        }
        let fetched = fetch(http, &self.settings.jwks_url).await;
        let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
        held.tried_at = Some(Instant::now());
        match fetched {
            Ok(keys) => {
                held.keys = Arc::new(keys);
                held.fetched_at = Some(Instant::now());
            }
            Err(cause) => tracing::warn!(issuer = self.settings.issuer, cause, "the keys of an issuer could not be fetched"),
        }
        usable(held.clone())
    }
}

fn usable(held: Held) -> Result<Arc<PublicKeys>, OutsideRefusal> {
    if held.fetched_at.is_some_and(|at| at.elapsed() < USABLE) { Ok(held.keys) } else { Err(OutsideRefusal::Unreachable) }
}

async fn fetch(http: &reqwest::Client, url: &str) -> Result<PublicKeys, String> {
    let mut answer = http.get(url).send().await.and_then(reqwest::Response::error_for_status).map_err(|cause| cause.to_string())?;
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|cause| cause.to_string())? {
        body.extend_from_slice(&chunk);
        if body.len() > MAX_BYTES {
            return Err(format!("more than {MAX_BYTES} bytes"));
        }
    }
    let set: JwkSet = serde_json::from_slice(&body).map_err(|cause| cause.to_string())?;
    Ok(PublicKeys::usable(&set))
}
