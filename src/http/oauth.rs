//! `/oauth/token` (RFC 6749 §4.4) and what describes it: the metadata of RFC 8414, and the keys of RFC 7517.

use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::http::header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, HeaderValue, PRAGMA, WWW_AUTHENTICATE};
use actix_web::web::{self, Data};
use actix_web::{HttpRequest, HttpResponse, get, post};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::address::client_address;
use super::audit;
use super::auth::SCOPES;
use super::paced::Paced;
use super::problem::{ApiError, ApiResult, Kind};
use super::registry::Registry;
use super::strict;
use crate::domain::client::ClientStatus;
use crate::domain::reach::Reach;
use crate::service::credentials::{self, Proof};
use crate::service::{ServiceError, ServiceResult, Tx};
use crate::storage::AnyConn;
use crate::storage::clients::Client;
use crate::tokens::{CredentialKey, Key, LIFETIME, PublicKeys, assertion_of, digest_of, same};

/// The most bytes of a token request.
const LIMIT: usize = 64 * 1024;

/// The kind of assertion that is taken (RFC 7523 §2.2).
const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// What a client asks for: the parameters of RFC 6749 §4.4.2 and RFC 7523 §2.2, as a form.
#[derive(Serialize, ToSchema)]
#[schema(as = TokenRequest)]
struct TokenForm {
    #[schema(example = "client_credentials", pattern = "^client_credentials$")]
    grant_type: String,
    /// Scopes, separated by spaces; without it, all that the client has.
    #[schema(required = false, nullable = false, max_length = 4000, example = "completions:write status:read")]
    scope: Option<String>,
    /// The client, where it is not named by HTTP Basic.
    #[schema(required = false, nullable = false, max_length = 100, example = "0199c1f0-0000-7000-8000-000000000000")]
    client_id: Option<String>,
    /// Its secret, where it is not given by HTTP Basic.
    #[schema(required = false, nullable = false, max_length = 200, example = "omrs_5vT1rQy0m3kq0m0u0a4n7j1m9c2b8x6z5w4v3u2t1s0")]
    client_secret: Option<String>,
    #[schema(required = false, nullable = false, max_length = 100, example = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")]
    client_assertion_type: Option<String>,
    /// A JWT that the client signed (RFC 7523 §3): `iss` and `sub` are its id, `aud` is this endpoint, `jti` is new each time.
    #[schema(required = false, nullable = false, max_length = 8192, example = "eyJhbGciOiJFZERTQSJ9.e30.c2lnbmF0dXJl")]
    client_assertion: Option<String>,
}

/// An access token (RFC 6749 §5.1).
#[derive(Serialize, ToSchema)]
#[schema(as = AccessToken)]
struct TokenView {
    #[schema(example = "eyJhbGciOiJFZERTQSIsInR5cCI6ImF0K2p3dCJ9.e30.c2lnbmF0dXJl")]
    access_token: String,
    #[schema(example = "Bearer")]
    token_type: &'static str,
    /// For how many seconds it is good.
    #[schema(minimum = 1, example = 900)]
    expires_in: i64,
    /// What it is for, separated by spaces.
    #[schema(example = "completions:write status:read")]
    scope: String,
}

/// Why there is no token (RFC 6749 §5.2).
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TokenError)]
struct ErrorView {
    #[schema(example = "invalid_client")]
    error: &'static str,
    #[schema(example = "the client is not known, or its secret is wrong")]
    error_description: String,
}

/// Where the token endpoint is, and what it takes (RFC 8414).
#[derive(Serialize, ToSchema)]
struct AuthorizationServer {
    #[schema(example = "http://127.0.0.1:8080")]
    issuer: String,
    #[schema(example = "http://127.0.0.1:8080/oauth/token")]
    token_endpoint: String,
    #[schema(example = "http://127.0.0.1:8080/.well-known/jwks.json")]
    jwks_uri: String,
    #[schema(example = json!(["completions:write"]))]
    scopes_supported: Vec<&'static str>,
    #[schema(example = json!([]))]
    response_types_supported: Vec<&'static str>,
    #[schema(example = json!(["client_credentials"]))]
    grant_types_supported: Vec<&'static str>,
    #[schema(example = json!(["client_secret_basic"]))]
    token_endpoint_auth_methods_supported: Vec<&'static str>,
    #[schema(example = json!(["EdDSA"]))]
    token_endpoint_auth_signing_alg_values_supported: Vec<&'static str>,
    #[schema(example = "http://127.0.0.1:8080/docs")]
    service_documentation: String,
}

/// The public keys that verify this service's tokens and credentials (RFC 7517).
#[derive(Serialize, ToSchema)]
struct KeySet {
    keys: Vec<PublicKey>,
}

/// A public key: Ed25519 (RFC 8037) signs access tokens, RSA (RFC 7518) signs credentials.
#[derive(Serialize, ToSchema)]
struct PublicKey {
    #[schema(example = "OKP")]
    kty: &'static str,
    #[schema(example = "Ed25519")]
    #[serde(skip_serializing_if = "Option::is_none")]
    crv: Option<&'static str>,
    #[schema(example = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo")]
    #[serde(skip_serializing_if = "Option::is_none")]
    x: Option<String>,
    /// The modulus of an RSA key.
    #[serde(skip_serializing_if = "Option::is_none")]
    n: Option<String>,
    /// The exponent of an RSA key.
    #[serde(skip_serializing_if = "Option::is_none")]
    e: Option<String>,
    #[schema(example = "c3YD1n0nJ6dTtQxH")]
    kid: String,
    #[schema(example = "EdDSA")]
    alg: &'static str,
    #[serde(rename = "use")]
    #[schema(example = "sig")]
    usage: &'static str,
}

impl From<&Key> for PublicKey {
    fn from(key: &Key) -> Self {
        let (crv, x) = (Some("Ed25519"), Some(key.x.clone()));
        Self { kty: "OKP", crv, x, n: None, e: None, kid: key.kid.clone(), alg: "EdDSA", usage: "sig" }
    }
}

impl From<&CredentialKey> for PublicKey {
    fn from(key: &CredentialKey) -> Self {
        let (n, e) = (Some(key.n.clone()), Some(key.e.clone()));
        Self { kty: "RSA", crv: None, x: None, n, e, kid: key.kid.clone(), alg: "RS256", usage: "sig" }
    }
}

/// Why there is no token.
#[derive(Debug)]
enum Refusal {
    /// An error of RFC 6749 §5.2, and whether the client tried HTTP Basic.
    Oauth { error: &'static str, description: String, basic: bool },
    /// Something that is not about OAuth.
    Api(ApiError),
}

impl Refusal {
    fn new(error: &'static str, description: impl Into<String>) -> Self {
        Self::Oauth { error, description: description.into(), basic: false }
    }

    /// All that is wrong with who asks, in the same words: whether there is such a client is not told.
    fn client(basic: bool) -> Self {
        Self::Oauth { error: "invalid_client", description: "the client is not known here, may not call, or did not prove itself".into(), basic }
    }

    fn respond(self) -> HttpResponse {
        match self {
            Self::Api(error) => actix_web::ResponseError::error_response(&error),
            Self::Oauth { error, description, basic } => {
                // RFC 6749 §5.2: 401 with the scheme that the client tried; RFC 9110 wants a challenge with every 401.
                let status = if error == "invalid_client" { StatusCode::UNAUTHORIZED } else { StatusCode::BAD_REQUEST };
                let mut response = HttpResponse::build(status);
                if status == StatusCode::UNAUTHORIZED {
                    response.insert_header((WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"onemind\", charset=\"UTF-8\"")));
                }
                if basic {
                    tracing::debug!(error, "a client failed to authenticate by HTTP Basic");
                }
                no_store(&mut response).json(ErrorView { error, error_description: description })
            }
        }
    }
}

impl From<ServiceError> for Refusal {
    fn from(error: ServiceError) -> Self {
        Self::Api(error.into())
    }
}

fn no_store(response: &mut actix_web::HttpResponseBuilder) -> &mut actix_web::HttpResponseBuilder {
    response.insert_header((CACHE_CONTROL, "no-store")).insert_header((PRAGMA, "no-cache"))
}

/// The parameters of a token request.
#[derive(Default)]
struct Form {
    grant_type: Option<String>,
    scope: Option<String>,
    client_id: Option<String>,
    client_secret: Option<SecretString>,
    assertion_type: Option<String>,
    assertion: Option<SecretString>,
}

/// How a client says who it is.
struct Credentials {
    client: String,
    shown: Shown,
    basic: bool,
}

enum Shown {
    Secret(SecretString),
    Assertion(SecretString),
}

/// Get an access token
///
/// By client credentials (RFC 6749 §4.4): the secret by HTTP Basic or in the form, or a JWT that the client signed (`private_key_jwt`,
/// RFC 7523). A token is good for 15 minutes.
#[utoipa::path(tag = "oauth", security((), ("client" = [])), request_body(content = TokenForm, content_type = "application/x-www-form-urlencoded"),
    responses((status = 200, description = "A token.", body = TokenView),
        (status = 400, description = "The request is not one for a token, or asks for scopes that the client doesn't have (RFC 6749 §5.2).", body = ErrorView),
        (status = 401, description = "The client did not prove who it is.", body = ErrorView,
            headers(("WWW-Authenticate" = String, description = "How to authenticate."))),
        (status = 503, description = "The database can't be reached.", body = super::problem::Problem, content_type = "application/problem+json")))]
#[post("/oauth/token")]
async fn issue_token(request: HttpRequest, registry: Data<Registry>, payload: web::Payload) -> HttpResponse {
    match token(&request, &registry, payload.into_inner()).await {
        Ok(view) => no_store(&mut HttpResponse::Ok()).json(view),
        Err(refusal) => refusal.respond(),
    }
}

async fn token(request: &HttpRequest, registry: &Data<Registry>, payload: Payload) -> Result<TokenView, Refusal> {
    let form = read(request, payload).await?;
    let credentials = credentials_of(request, &form)?;
    match form.grant_type.as_deref() {
        Some("client_credentials") => {}
        Some(other) => {
            return Err(Refusal::new("unsupported_grant_type", format!("`{}` is not a grant type here; client_credentials is", printable(other))));
        }
        None => return Err(Refusal::new("invalid_request", "`grant_type` is missing")),
    }
    let (address, name) = (client_address(request), credentials.client.clone());
    // What is no client's id may be anything, such as a secret in the wrong field.
    if let (Some(asked), Ok(claimed)) = (audit::asked(request), Uuid::try_parse(&name)) {
        asked.in_the_name_of(claimed);
    }
    registry.limits.attempts.may_try(address, Some(&name)).map_err(|wait| Refusal::Api(wait.into()))?;
    let client = authenticate(request, registry, credentials).await.inspect_err(|refusal| {
        if matches!(refusal, Refusal::Oauth { error: "invalid_client", .. }) {
            registry.limits.attempts.failed(address, Some(&name));
        }
    })?;
    let scope = granted(form.scope.as_deref(), &client)?;
    let now = registry.clock.now();
    let access_token = registry.tokens.sign_for_client(client.id, &scope, now).map_err(|cause| {
        let mut problem = ApiError::new(Kind::Internal);
        problem.cause = Some(format!("a token could not be signed: {cause}"));
        Refusal::Api(problem)
    })?;
    Ok(TokenView { access_token, token_type: "Bearer", expires_in: LIFETIME.as_secs(), scope })
}

/// A parameter in an error description, which is ASCII without quotes and backslashes (RFC 6749 §5.2).
fn printable(text: &str) -> String {
    text.chars().take(60).map(|c| if c.is_ascii_graphic() && !matches!(c, '"' | '\\') { c } else { '?' }).collect()
}

async fn read(request: &HttpRequest, payload: Payload) -> Result<Form, Refusal> {
    let invalid = |why: &str| Refusal::new("invalid_request", why);
    let content_type = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return Err(invalid("the body is application/x-www-form-urlencoded"));
    }
    let mut bytes = zeroize::Zeroizing::new(Vec::new());
    let mut payload = Paced::new(request, payload);
    while let Some(chunk) = payload.next().await.map_err(Refusal::Api)? {
        let chunk = chunk.map_err(|_| invalid("the body broke off"))?;
        if bytes.len() + chunk.len() > LIMIT {
            return Err(invalid("the body is too large"));
        }
        bytes.extend_from_slice(&chunk);
    }
    let text = std::str::from_utf8(&bytes).map_err(|_| invalid("the body is not UTF-8"))?;
    let pairs = strict::pairs(text).map_err(|_| invalid("the body is not a form"))?;
    let mut form = Form::default();
    for (name, value) in pairs {
        // RFC 6749 §3.2: a parameter without a value counts as left out, unknown ones are ignored, none comes twice.
        let twice = match (name.as_str(), value.is_empty()) {
            (_, true) => false,
            ("grant_type", _) => form.grant_type.replace(value).is_some(),
            ("scope", _) => form.scope.replace(value).is_some(),
            ("client_id", _) => form.client_id.replace(value).is_some(),
            ("client_secret", _) => form.client_secret.replace(value.into()).is_some(),
            ("client_assertion_type", _) => form.assertion_type.replace(value).is_some(),
            ("client_assertion", _) => form.assertion.replace(value.into()).is_some(),
            _ => false,
        };
        if twice {
            return Err(invalid("a parameter comes more than once"));
        }
    }
    Ok(form)
}

/// How the client says who it is, by exactly one of the ways.
fn credentials_of(request: &HttpRequest, form: &Form) -> Result<Credentials, Refusal> {
    let invalid = |why: &str| Refusal::new("invalid_request", why);
    let basic = request.headers().get(AUTHORIZATION).map(|value| basic(value).ok_or_else(|| Refusal::client(true))).transpose()?;
    let ways = [basic.is_some(), form.client_secret.is_some(), form.assertion.is_some()];
    if ways.iter().filter(|way| **way).count() > 1 {
        return Err(invalid("a client proves itself in one way at a time"));
    }
    if let Some((client, secret)) = basic {
        if form.client_id.as_ref().is_some_and(|id| *id != client) {
            return Err(invalid("`client_id` is not the one of the Authorization header"));
        }
        return Ok(Credentials { client, shown: Shown::Secret(secret), basic: true });
    }
    if let Some(assertion) = &form.assertion {
        if form.assertion_type.as_deref() != Some(JWT_BEARER) {
            return Err(invalid("`client_assertion_type` is urn:ietf:params:oauth:client-assertion-type:jwt-bearer"));
        }
        let named = assertion_of(assertion.expose_secret()).ok_or_else(|| Refusal::client(false))?.to_string();
        if form.client_id.as_ref().is_some_and(|id| *id != named) {
            return Err(Refusal::client(false));
        }
        return Ok(Credentials { client: named, shown: Shown::Assertion(assertion.clone()), basic: false });
    }
    match (&form.client_id, &form.client_secret) {
        (Some(client), Some(secret)) => Ok(Credentials { client: client.clone(), shown: Shown::Secret(secret.clone()), basic: false }),
        _ => Err(Refusal::client(false)),
    }
}

/// Client id and secret of HTTP Basic, each encoded as in a form (RFC 6749 §2.3.1).
pub(super) fn basic(value: &HeaderValue) -> Option<(String, SecretString)> {
    let (scheme, encoded) = value.to_str().ok()?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let bytes = zeroize::Zeroizing::new(STANDARD.decode(encoded.trim()).or_else(|_| URL_SAFE_NO_PAD.decode(encoded.trim())).ok()?);
    let (client, secret) = std::str::from_utf8(&bytes).ok()?.split_once(':')?;
    Some((decoded(client)?, decoded(secret)?.into()))
}

fn decoded(text: &str) -> Option<String> {
    let pairs = strict::pairs(&format!("v={text}")).ok()?;
    match pairs.as_slice() {
        [(_, value)] => Some(value.clone()),
        _ => None,
    }
}

async fn authenticate(request: &HttpRequest, registry: &Data<Registry>, credentials: Credentials) -> Result<Client, Refusal> {
    let refused = || Refusal::client(credentials.basic);
    let now = registry.clock.now();
    // To the letter, as it was given out.
    let id = Uuid::try_parse(&credentials.client).ok().filter(|id| id.to_string() == credentials.client).unwrap_or(Uuid::nil());
    let client = registry.store.read(move |conn| credentials::find(conn, id)).await?;
    let secrets = client.as_ref().map(|client| client.secrets.clone()).unwrap_or_default();
    let proof = match &credentials.shown {
        Shown::Secret(secret) => {
            let digest = digest_of(secret);
            secrets.iter().find(|held| same(&held.digest, &digest)).map(|held| Proof::Secret(held.id))
        }
        Shown::Assertion(assertion) => client.as_ref().and_then(|client| {
            let keys = PublicKeys::parse(client.draft.jwks.as_ref()?).ok()?;
            let (issuer, endpoint) = (registry.tokens.issuer(), token_endpoint(registry.tokens.issuer()));
            let verified = keys.verify(assertion.expose_secret(), id, &[&endpoint, issuer], now);
            let verified = verified.map_err(|why| tracing::debug!(why, client = %id, "an assertion was refused")).ok()?;
            Some(Proof::Assertion { jti: verified.jti, expires_at: verified.expires_at })
        }),
    };
    let (Some(client), Some(proof)) = (client, proof) else { return Err(refused()) };
    if client.times.status(now, registry.unused_days) != ClientStatus::Active {
        return Err(refused());
    }
    let asked = audit::asked(request).ok_or_else(|| Refusal::Api(ApiError::new(Kind::Internal)))?;
    asked.by(id, id.to_string().into());
    let (told, shared) = (asked.clone(), registry.clone());
    let prove = move |conn: &mut AnyConn| {
        let mut tx = Tx::new(conn, Reach::of(Vec::new(), Vec::new(), None), id, now);
        let proved = credentials::prove(&mut tx, &proof)?;
        if proved {
            told.write(&mut tx, &shared.audit.keys)?;
        }
        ServiceResult::Ok(proved)
    };
    if !registry.store.write(prove).await? {
        return Err(refused());
    }
    asked.written();
    Ok(client)
}

/// The scopes of the token: those that are asked for, or all that the client has.
fn granted(asked: Option<&str>, client: &Client) -> Result<String, Refusal> {
    let held = &client.draft.scopes;
    let Some(asked) = asked else { return Ok(held.join(" ")) };
    let mut scopes: Vec<&str> = asked.split(' ').filter(|scope| !scope.is_empty()).collect();
    scopes.sort_unstable();
    scopes.dedup();
    match scopes.iter().find(|scope| held.iter().all(|held| held != *scope)) {
        Some(other) => Err(Refusal::new("invalid_scope", format!("the client does not have the scope `{}`", printable(other)))),
        None => Ok(scopes.join(" ")),
    }
}

fn token_endpoint(issuer: &str) -> String {
    format!("{issuer}/oauth/token")
}

/// Where tokens come from
///
/// The metadata of RFC 8414.
#[utoipa::path(tag = "oauth", security(()), responses((status = 200, description = "The metadata.", body = AuthorizationServer)))]
#[get("/.well-known/oauth-authorization-server")]
async fn get_authorization_server(registry: Data<Registry>) -> HttpResponse {
    let issuer = registry.tokens.issuer();
    HttpResponse::Ok().insert_header((CACHE_CONTROL, "public, max-age=300")).json(AuthorizationServer {
        issuer: issuer.to_owned(),
        token_endpoint: token_endpoint(issuer),
        jwks_uri: format!("{issuer}/.well-known/jwks.json"),
        scopes_supported: SCOPES.iter().map(|(name, _)| *name).collect(),
        response_types_supported: Vec::new(),
        grant_types_supported: vec!["client_credentials"],
        token_endpoint_auth_methods_supported: vec!["client_secret_basic", "client_secret_post", "private_key_jwt"],
        token_endpoint_auth_signing_alg_values_supported: vec!["EdDSA", "ES256", "RS256"],
        service_documentation: format!("{issuer}/docs"),
    })
}

/// The keys that sign
///
/// A key of access tokens (`EdDSA`) is here before it signs, and until every token that it signed has expired; a key of credentials (`RS256`) stays.
#[utoipa::path(tag = "oauth", security(()), responses((status = 200, description = "The public keys.", body = KeySet)))]
#[get("/.well-known/jwks.json")]
async fn get_jwks(registry: Data<Registry>) -> ApiResult {
    let credentials = registry.credentials.clone();
    let of_credentials =
        web::block(move || credentials.published()).await.map_err(|cause| cause.to_string()).and_then(|keys| keys.map_err(|cause| cause.to_string()));
    let of_credentials = of_credentials.map_err(|cause| {
        let mut error = ApiError::new(Kind::Internal);
        error.cause = Some(cause);
        error
    })?;
    let mut keys: Vec<PublicKey> = registry.tokens.keys().published(registry.clock.now()).iter().map(|key| PublicKey::from(&**key)).collect();
    keys.extend(of_credentials.iter().map(PublicKey::from));
    Ok(HttpResponse::Ok().insert_header((CACHE_CONTROL, "public, max-age=300")).json(KeySet { keys }))
}

/// Every operation of this file.
pub fn routes(config: &mut utoipa_actix_web::service_config::ServiceConfig<'_>) {
    config.service(issue_token).service(get_authorization_server).service(get_jwks);
}
