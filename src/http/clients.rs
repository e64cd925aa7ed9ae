//! `/v1/clients`

use actix_web::{HttpRequest, delete, get, patch, post, put};
use deserr::{Deserr, ValuePointerRef};
use secrecy::ExposeSecret as _;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::auth::{Allowed, Caller, ClientsAdmin, SCOPES};
use super::decode::Faults;
use super::extract::{Body, ClientSecretPath, IdPath, IdempotencyKey, MergePatch, NoBody, Preconditions, Query};
use super::once::once;
use super::page::{self, Cursor, Limit, Page};
use super::problem::{ApiError, ApiResult, Kind};
use super::respond::{self, Answer, etag_of};
use crate::domain::client::{ClientKind, ClientStatus};
use crate::domain::invalid::Invalid;
use crate::domain::text::{Name, Note, Text};
use crate::service::clients as service;
use crate::service::{ServiceResult, Tx};
use crate::storage::clients::{Client, ClientDraft, Secret};
use crate::tokens::{PublicKeys, digest_of, new_secret};

/// A scope of this service.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct ScopeName(&'static str);

impl ScopeName {
    /// # Errors
    /// `unknown_scope`, naming those that there are.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let named = SCOPES.iter().find(|(name, _)| *name == text).map(|(name, _)| Self(name));
        named.ok_or_else(|| {
            let names: Vec<&str> = SCOPES.iter().map(|(name, _)| *name).collect();
            Invalid::new("unknown_scope", format_args!("must be one of {}", names.join(", ")))
        })
    }
}

super::decode::parsed!(ScopeName, ClientKind);

/// Public keys as a JSON Web Key Set (RFC 7517).
#[derive(Debug, Clone, Deserr, Serialize, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields, validate = fit_to_verify -> Invalid)]
#[serde(deny_unknown_fields)]
#[schema(as = Jwks)]
pub struct JwksInput {
    /// 1 to 10 keys.
    #[schema(min_items = 1, max_items = 10)]
    keys: Vec<JwkInput>,
}

/// A public key: Ed25519 (`OKP`), P-256 (`EC`), or RSA of 2,048 bits and more.
#[derive(Debug, Clone, Deserr, Serialize, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[serde(deny_unknown_fields)]
#[schema(as = Jwk, example = json!({"kty": "OKP", "crv": "Ed25519", "kid": "2026-01", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}))]
pub struct JwkInput {
    #[schema(example = "OKP")]
    kty: Text<50>,
    /// Its name in the header of an assertion.
    #[deserr(default)]
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2026-01")]
    kid: Option<Text<200>>,
    #[deserr(default)]
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "EdDSA")]
    alg: Option<Text<50>>,
    #[deserr(rename = "use", default)]
    #[serde(rename = "use", skip_serializing_if = "Option::is_none")]
    #[schema(example = "sig")]
    usage: Option<Text<50>>,
    #[deserr(default)]
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "Ed25519")]
    crv: Option<Text<50>>,
    #[deserr(default)]
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo")]
    x: Option<Text<200>>,
    #[deserr(default)]
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4")]
    y: Option<Text<200>>,
    #[deserr(default)]
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMs")]
    n: Option<Text<2000>>,
    #[deserr(default)]
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "AQAB")]
    e: Option<Text<50>>,
}

fn fit_to_verify(set: JwksInput, _: ValuePointerRef<'_>) -> Result<JwksInput, Invalid> {
    PublicKeys::parse(&set.to_json()).map(|_| set)
}

impl JwksInput {
    fn to_json(&self) -> Value {
        serde_json::to_value(self).unwrap_or_default()
    }

    /// What is held was read as one before.
    fn held(set: &Value) -> Option<Self> {
        super::decode::decode(set.clone()).ok()
    }
}

/// A client as it is described: a system or a tool that calls.
#[derive(Debug, Clone, Deserr, Serialize, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[serde(deny_unknown_fields)]
pub struct ClientInput {
    /// What it is called.
    #[schema(example = "Riverside LMS")]
    name: Name,
    kind: ClientKind,
    /// What its tokens may be for.
    #[schema(max_items = 100)]
    scopes: Vec<ScopeName>,
    /// The public keys that sign its assertions (`private_key_jwt`, RFC 7523); null where it authenticates by its secret.
    #[deserr(default)]
    jwks: Option<JwksInput>,
}

/// Why a client is revoked.
#[derive(Debug, Clone, Deserr, Serialize, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[serde(deny_unknown_fields)]
pub struct ClientRevocationInput {
    /// Why.
    reason: Note,
}

/// A client as it is held.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Client)]
pub struct ClientView {
    id: Uuid,
    #[schema(example = "Riverside LMS")]
    name: Name,
    kind: ClientKind,
    scopes: Vec<String>,
    jwks: Option<JwksInput>,
    status: ClientStatus,
    /// Its secrets, of which there are two at the most.
    secrets: Vec<SecretView>,
    /// When it last got a token, or its people called.
    last_used_at: Option<jiff::Timestamp>,
    revoked_at: Option<jiff::Timestamp>,
    revocation_reason: Option<Note>,
    created_at: jiff::Timestamp,
    updated_at: jiff::Timestamp,
}

/// A secret, as far as it is known after it was shown.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ClientSecret)]
pub struct SecretView {
    id: Uuid,
    created_at: jiff::Timestamp,
    last_used_at: Option<jiff::Timestamp>,
}

/// A client, and its secret, which is shown this once.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = NewClient)]
struct NewClientView {
    #[serde(flatten)]
    client: ClientView,
    /// The `client_id` of OAuth.
    client_id: Uuid,
    /// Keep it: it is not stored, and not shown again. Null where an answer is repeated under an idempotency key.
    #[schema(required, example = "omrs_5vT1rQy0m3kq0m0u0a4n7j1m9c2b8x6z5w4v3u2t1s0")]
    client_secret: Option<String>,
}

/// A secret, which is shown this once.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = NewClientSecret)]
struct NewSecretView {
    #[serde(flatten)]
    secret: SecretView,
    client_id: Uuid,
    /// Keep it: it is not stored, and not shown again. Null where an answer is repeated under an idempotency key.
    #[schema(required, example = "omrs_5vT1rQy0m3kq0m0u0a4n7j1m9c2b8x6z5w4v3u2t1s0")]
    client_secret: Option<String>,
}

/// Filters of the list of clients.
#[derive(Debug, Deserr, IntoParams)]
#[deserr(error = Faults, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ClientQuery {
    /// Only of this kind.
    #[deserr(default)]
    #[param(inline)]
    kind: Option<ClientKind>,
    /// How many items a page has.
    #[deserr(default)]
    #[param(value_type = Option<u16>, minimum = 1, maximum = 500)]
    limit: Option<Limit>,
    /// Where the page begins, as the page before gave it.
    #[deserr(default)]
    #[param(value_type = Option<String>)]
    cursor: Option<Cursor>,
}

super::rules::unruled!(ClientInput, ClientRevocationInput);

impl From<ClientInput> for ClientDraft {
    fn from(input: ClientInput) -> Self {
        let mut scopes: Vec<String> = input.scopes.into_iter().map(|scope| scope.0.to_owned()).collect();
        scopes.sort_unstable();
        scopes.dedup();
        Self { name: input.name, kind: input.kind, scopes, jwks: input.jwks.map(|jwks| jwks.to_json()) }
    }
}

impl From<&ClientDraft> for ClientInput {
    fn from(draft: &ClientDraft) -> Self {
        Self {
            name: draft.name.clone(),
            kind: draft.kind,
            // A scope that is no more is left out.
            scopes: draft.scopes.iter().filter_map(|scope| ScopeName::parse(scope).ok()).collect(),
            jwks: draft.jwks.as_ref().and_then(JwksInput::held),
        }
    }
}

impl From<&Secret> for SecretView {
    fn from(secret: &Secret) -> Self {
        Self { id: secret.id, created_at: secret.created_at, last_used_at: secret.last_used_at }
    }
}

impl ClientView {
    fn of(client: &Client, now: jiff::Timestamp, unused_days: u32) -> Self {
        let draft = client.draft.clone();
        Self {
            id: client.id,
            name: draft.name,
            kind: draft.kind,
            scopes: draft.scopes,
            jwks: draft.jwks.as_ref().and_then(JwksInput::held),
            status: client.times.status(now, unused_days),
            secrets: client.secrets.iter().map(SecretView::from).collect(),
            last_used_at: client.times.last_used_at,
            revoked_at: client.times.revoked_at,
            revocation_reason: client.revocation_reason.clone(),
            created_at: client.created_at,
            updated_at: client.updated_at,
        }
    }
}

fn fresh_secret() -> Result<secrecy::SecretString, ApiError> {
    new_secret().map_err(|cause| {
        let mut problem = ApiError::new(Kind::Internal);
        problem.cause = Some(cause.to_string());
        problem
    })
}

/// List clients
///
/// For IACP staff: needs a grant for all agencies.
#[utoipa::path(tag = "clients", params(ClientQuery), security(("bearer" = ["clients:admin"])),
    responses((status = 200, description = "A page of clients.", body = Page<ClientView>)))]
#[get("/v1/clients")]
async fn list_clients(caller: Allowed<ClientsAdmin>, request: HttpRequest, query: Query<ClientQuery>) -> ApiResult {
    let query = query.0;
    let asked = page::requested(&request, query.limit, query.cursor.as_ref())?;
    let days = caller.registry().unused_days;
    let found = caller.read(move |tx| Ok((service::list(tx, query.kind, asked)?, tx.now))).await?;
    page::respond(&request, found.0, asked.limit, |client| ClientView::of(&client, found.1, days))
}

/// Make a client
///
/// The answer shows its secret, this once. It may act for no agency until it is granted one (`POST /v1/grants`).
#[utoipa::path(tag = "clients", request_body = ClientInput, security(("bearer" = ["clients:admin"])),
    responses((status = 201, description = "The client is made.", body = NewClientView)))]
#[post("/v1/clients")]
async fn create_client(caller: Allowed<ClientsAdmin>, key: IdempotencyKey, body: Body<ClientInput>) -> ApiResult {
    let draft = ClientDraft::from(body.value);
    let (secret, days) = (fresh_secret()?, caller.registry().unused_days);
    once(&caller, key, body.fingerprint, move |tx| {
        let client = service::create(tx, &draft, &digest_of(&secret))?;
        let view = |client_secret| NewClientView { client: ClientView::of(&client, tx.now, days), client_id: client.id, client_secret };
        let answer = Answer::created(format!("/v1/clients/{}", client.id), &view(None))?;
        answer.showing_once(&view(Some(secret.expose_secret().to_owned())))
    })
    .await
}

/// Get a client
///
/// For IACP staff: needs a grant for all agencies.
#[utoipa::path(tag = "clients", params(("id" = super::decode::Ref, Path, description = "The client.")), security(("bearer" = ["clients:admin"])),
    responses((status = 200, description = "The client.", body = ClientView)))]
#[get("/v1/clients/{id}")]
async fn get_client(caller: Allowed<ClientsAdmin>, path: IdPath, preconditions: Preconditions) -> ApiResult {
    let days = caller.registry().unused_days;
    let view = caller.read(move |tx| Ok(ClientView::of(&service::get(tx, path.0)?, tx.now, days))).await?;
    respond::resource(&preconditions, &view)
}

/// Replace a client
///
/// A scope that is taken away is out of every token of the client within seconds.
#[utoipa::path(tag = "clients", params(("id" = super::decode::Ref, Path, description = "The client.")), request_body = ClientInput, security(("bearer" = ["clients:admin"])),
    responses((status = 200, description = "The client is as sent.", body = ClientView)))]
#[put("/v1/clients/{id}")]
async fn put_client(caller: Allowed<ClientsAdmin>, path: IdPath, preconditions: Preconditions, body: Body<ClientInput>) -> ApiResult {
    let draft = ClientDraft::from(body.value);
    edit(&caller, path.0, preconditions, move |_| Ok(draft.clone())).await
}

/// Change a client
///
/// A scope that is taken away is out of every token of the client within seconds.
#[utoipa::path(tag = "clients", params(("id" = super::decode::Ref, Path, description = "The client.")), security(("bearer" = ["clients:admin"])),
    request_body(content = ClientInput, content_type = "application/merge-patch+json"),
    responses((status = 200, description = "The client as it is now.", body = ClientView)))]
#[patch("/v1/clients/{id}")]
async fn change_client(caller: Allowed<ClientsAdmin>, path: IdPath, preconditions: Preconditions, patch: MergePatch) -> ApiResult {
    edit(&caller, path.0, preconditions, move |current| patch.apply::<ClientInput>(&ClientInput::from(&current.draft)).map(ClientDraft::from)).await
}

async fn edit(
    caller: &Caller,
    id: Uuid,
    preconditions: Preconditions,
    made: impl Fn(&Client) -> ServiceResult<ClientDraft> + Send + 'static,
) -> ApiResult {
    let days = caller.registry().unused_days;
    let view = caller
        .write(move |tx| {
            let now = tx.now;
            let client = service::change(tx, id, |current| {
                preconditions.check(Some(&etag_of(&ClientView::of(current, now, days))?))?;
                made(current)
            })?;
            Ok(ClientView::of(&client, now, days))
        })
        .await?;
    caller.registry().access.forget(id);
    respond::changed(&view)
}

/// Revoke a client
///
/// None of its tokens and secrets is accepted any more: at once here, within a minute on every replica.
#[utoipa::path(tag = "clients", params(("id" = super::decode::Ref, Path, description = "The client.")), request_body = ClientRevocationInput,
    security(("bearer" = ["clients:admin"])), responses((status = 200, description = "The client as it is now.", body = ClientView)))]
#[post("/v1/clients/{id}/revocation")]
async fn revoke_client(caller: Allowed<ClientsAdmin>, path: IdPath, key: IdempotencyKey, body: Body<ClientRevocationInput>) -> ApiResult {
    let reason = body.value.reason;
    settle(&caller, path.0, key, body.fingerprint, move |tx, id| service::revoke(tx, id, &reason)).await
}

/// Reinstate a client
///
/// It was revoked, or unused for too long, and may call again.
#[utoipa::path(tag = "clients", params(("id" = super::decode::Ref, Path, description = "The client.")), security(("bearer" = ["clients:admin"])),
    responses((status = 200, description = "The client as it is now.", body = ClientView)))]
#[post("/v1/clients/{id}/reinstatement")]
async fn reinstate_client(caller: Allowed<ClientsAdmin>, path: IdPath, key: IdempotencyKey, body: NoBody) -> ApiResult {
    settle(&caller, path.0, key, body.fingerprint, service::reinstate).await
}

async fn settle(
    caller: &Caller,
    id: Uuid,
    key: IdempotencyKey,
    fingerprint: String,
    work: impl Fn(&mut Tx<'_>, Uuid) -> ServiceResult<Client> + Send + 'static,
) -> ApiResult {
    let days = caller.registry().unused_days;
    let answer = once(caller, key, fingerprint, move |tx| {
        let client = work(tx, id)?;
        Answer::ok(&ClientView::of(&client, tx.now, days))
    })
    .await;
    caller.registry().access.forget(id);
    answer
}

/// Give a client another secret
///
/// Two are good at a time, so that one can follow the other without a gap: make the new one, put it in place, delete the old one.
#[utoipa::path(tag = "clients", params(("id" = super::decode::Ref, Path, description = "The client.")), security(("bearer" = ["clients:admin"])),
    responses((status = 201, description = "The secret, which is shown this once.", body = NewSecretView)))]
#[post("/v1/clients/{id}/secrets")]
async fn create_client_secret(caller: Allowed<ClientsAdmin>, path: IdPath, key: IdempotencyKey, body: NoBody) -> ApiResult {
    let secret = fresh_secret()?;
    once(&caller, key, body.fingerprint, move |tx| {
        let (client, made) = service::add_secret(tx, path.0, &digest_of(&secret))?;
        let view = |client_secret| NewSecretView { secret: SecretView::from(&made), client_id: client.id, client_secret };
        let answer = Answer::created(format!("/v1/clients/{}", client.id), &view(None))?;
        answer.showing_once(&view(Some(secret.expose_secret().to_owned())))
    })
    .await
}

/// Delete a secret of a client
///
/// No token is given for it any more; those that were stay good until they expire.
#[utoipa::path(tag = "clients", params(("id" = super::decode::Ref, Path, description = "The client."), ("secret" = super::decode::Ref, Path, description = "The secret.")),
    security(("bearer" = ["clients:admin"])), responses((status = 204, description = "The secret is gone.")))]
#[delete("/v1/clients/{id}/secrets/{secret}")]
async fn delete_client_secret(caller: Allowed<ClientsAdmin>, path: ClientSecretPath, preconditions: Preconditions) -> ApiResult {
    // A secret has no version of its own: none that a caller names is the current one.
    caller
        .write(move |tx| {
            service::get(tx, path.client)?;
            preconditions.check(None)?;
            service::delete_secret(tx, path.client, path.secret)
        })
        .await?;
    respond::no_content()
}

impl utoipa::PartialSchema for ScopeName {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        utoipa::openapi::schema::ObjectBuilder::new()
            .schema_type(utoipa::openapi::Type::String)
            .description(Some("A scope of this service."))
            .enum_values(Some(SCOPES.iter().map(|(name, _)| *name)))
            .examples([json!("completions:write")])
            .into()
    }
}

impl ToSchema for ScopeName {
    fn name() -> std::borrow::Cow<'static, str> {
        "Scope".into()
    }
}

/// Every operation of this file.
pub fn routes(config: &mut utoipa_actix_web::service_config::ServiceConfig<'_>) {
    config.service(list_clients).service(create_client).service(get_client).service(put_client).service(change_client);
    config.service(revoke_client).service(reinstate_client).service(create_client_secret).service(delete_client_secret);
}
