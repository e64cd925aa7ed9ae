//! Who calls, and what they may do: bearer tokens (RFC 6750), scopes as argument types, and the reach of the client.

use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;

use actix_web::body::MessageBody;
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::http::header::{AUTHORIZATION, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use actix_web::middleware::Next;
use actix_web::{Error, FromRequest, HttpMessage as _, HttpRequest, web};
use uuid::Uuid;

use super::access::Access;
use super::audit::{self, Asked};
use super::basic;
use super::problem::{ApiError, Kind};
use super::registry::Registry;
use super::routing::Routed;
use super::strict;
use crate::domain::agency::AgencyKey;
use crate::domain::client::ClientStatus;
use crate::storage::imports::{Import, ImportAuthority};
use crate::tokens::{ActsFor, Bearer, OutsideRefusal};

/// A scope, known at compile time.
pub trait Scope: Send + Sync + 'static {
    /// As it stands in a token.
    const NAME: &'static str;
}

/// One scope, or several that are needed together.
pub trait Scopes: Send + Sync + 'static {
    /// As they stand in a token.
    const NAMES: &'static [&'static str];
}

impl<S: Scope> Scopes for S {
    const NAMES: &'static [&'static str] = &[S::NAME];
}

impl<A: Scope, B: Scope> Scopes for (A, B) {
    const NAMES: &'static [&'static str] = &[A::NAME, B::NAME];
}

macro_rules! scopes {
    ($($type:ident = $name:literal: $doc:literal;)+) => {
        $(
            #[doc = $doc]
            #[derive(Debug, Clone, Copy)]
            pub enum $type {}
            impl Scope for $type {
                const NAME: &'static str = $name;
            }
        )+
        /// Every scope and what it allows.
        pub const SCOPES: &[(&str, &str)] = &[$(($name, $doc)),+];
    };
}

scopes! {
    AgenciesRead = "agencies:read": "Read agencies.";
    AgenciesWrite = "agencies:write": "Create and change agencies.";
    OfficersRead = "officers:read": "Read officers, their appointments and identifiers.";
    OfficersWrite = "officers:write": "Create and change officers and appointments, and push rosters.";
    TrainingsRead = "trainings:read": "Read the catalogue of trainings and course mappings.";
    TrainingsWrite = "trainings:write": "Propose trainings, and map the client's own course codes.";
    TrainingsRecognize = "trainings:recognize": "Decide which trainings count.";
    CompletionsRead = "completions:read": "Read completions.";
    CompletionsWrite = "completions:write": "Push, revoke and place completions.";
    MappingsRead = "mappings:read": "Read how the client's own CSV files are mapped.";
    MappingsWrite = "mappings:write": "Keep and change how the client's own CSV files are mapped.";
    PartnershipsRead = "partnerships:read": "Read partnerships.";
    PartnershipsWrite = "partnerships:write": "Record and change partnerships.";
    PoliciesRead = "policies:read": "Read policies.";
    PoliciesWrite = "policies:write": "Record and change policies.";
    PledgesRead = "pledges:read": "Read pledges.";
    PledgesWrite = "pledges:write": "Make, change and withdraw pledges.";
    WebhooksRead = "webhooks:read": "Read events, webhooks and their deliveries.";
    WebhooksWrite = "webhooks:write": "Make, change and delete webhooks, and deliver anew.";
    ClientsAdmin = "clients:admin": "Administer clients, their secrets and their grants.";
    CertificationsRead = "certifications:read": "Read applications for certification.";
    CertificationsWrite = "certifications:write": "Apply for certification, and answer what is asked.";
    CertificationsDecide = "certifications:decide": "Decide on certifications, extend pledges, and publish standards.";
    ResourcesRead = "resources:read": "Read and search the library.";
    ResourcesWrite = "resources:write": "Keep the library, with a grant for all agencies.";
    AssistanceRead = "assistance:read": "Read requests for assistance.";
    AssistanceWrite = "assistance:write": "Ask for assistance, and write notes to a request.";
    AssistanceHandle = "assistance:handle": "Work on requests for assistance and answer them, with a grant for all agencies.";
    AuditRead = "audit:read": "Read the audit log, with a grant for all agencies.";
    StatusRead = "status:read": "Ask for certification status, training gaps and standards.";
}

/// A caller whose token is valid, whatever its scopes.
#[derive(Clone)]
pub struct Caller {
    /// The client whose records the caller's are.
    pub client: Uuid,
    /// Who acts.
    pub subject: Arc<str>,
    /// The scopes of the token.
    pub scopes: Arc<[String]>,
    /// For which agencies.
    pub authority: Authority,
    registry: Arc<Registry>,
    /// The request, as the audit log tells of it.
    asked: Arc<Asked>,
}

/// Where a caller's rights over agencies come from.
#[derive(Clone)]
pub enum Authority {
    /// A token that an operator signed names them; `None`: all.
    Token(Option<Arc<[AgencyKey]>>),
    /// The grants of a registered client.
    Client(Arc<Access>),
}

/// A caller whose token carries the scope `S`, or each of a pair.
#[derive(Clone)]
pub struct Allowed<S> {
    caller: Caller,
    scope: PhantomData<fn() -> S>,
}

impl<S> std::ops::Deref for Allowed<S> {
    type Target = Caller;
    fn deref(&self) -> &Caller {
        &self.caller
    }
}

impl Caller {
    /// Everything that the process shares.
    pub fn registry(&self) -> &Arc<Registry> {
        &self.registry
    }

    /// Whether the token carries a scope.
    pub fn may(&self, scope: &str) -> bool {
        self.scopes.iter().any(|held| held == scope)
    }

    /// Whether it is plain, without asking the database, that an agency is within the caller's reach: the one that `key` names.
    pub fn plainly_reaches(&self, key: &AgencyKey, id: Uuid) -> bool {
        match &self.authority {
            Authority::Token(None) => true,
            // Whichever agency goes by the key, the token is for that one.
            Authority::Token(Some(keys)) => keys.contains(key) || keys.contains(&AgencyKey::Id(id)),
            Authority::Client(access) => {
                let today = self.registry.clock.today();
                access.grants.iter().any(|grant| grant.covers(today) && grant.agency.as_ref().is_none_or(|agency| *agency == AgencyKey::Id(id)))
            }
        }
    }

    /// The request, as the audit log tells of it.
    pub(super) fn asked(&self) -> &Arc<Asked> {
        &self.asked
    }

    /// Whether another caller acts as the same client for the same agencies.
    pub(super) fn has_authority_of(&self, other: &Self) -> bool {
        self.client == other.client
            && match (&self.authority, &other.authority) {
                (Authority::Token(own), Authority::Token(others)) => own == others,
                (Authority::Client(own), Authority::Client(others)) => Arc::ptr_eq(own, others),
                _ => false,
            }
    }

    /// The caller as it may act by now, for requests that take long: a client that was revoked, or lost a scope or a grant meanwhile, goes
    /// no further.
    ///
    /// # Errors
    /// As for a new request of the client.
    pub async fn renewed<S: Scope>(&self) -> Result<Self, ApiError> {
        let Authority::Client(held) = &self.authority else { return Ok(self.clone()) };
        let access = active(&self.registry, held.client.id).await?;
        if !access.client.draft.scopes.iter().any(|scope| scope == S::NAME) {
            return Err(missing_scopes(&[S::NAME], &[S::NAME]));
        }
        Ok(Self { authority: Authority::Client(access), ..self.clone() })
    }

    /// The caller that sent an import, as far as a token named agencies; one that is registered acts for none before [`Self::as_registered`].
    ///
    /// # Errors
    /// A problem of the kind [`Kind::Internal`], which none is expected to meet.
    pub fn of_import(registry: Arc<Registry>, import: &Import) -> Result<Self, ApiError> {
        let asked = audit::Asked::of_import(&registry, import.id).ok_or_else(|| ApiError::new(Kind::Internal))?;
        let subject: Arc<str> = import.subject.as_str().into();
        asked.by(import.client, subject.clone());
        let authority = match &import.authority {
            ImportAuthority::Token(keys) => Authority::Token(keys.clone().map(Into::into)),
            ImportAuthority::Client => Authority::Token(Some(Arc::default())),
        };
        let scopes = [CompletionsWrite::NAME.to_owned()].into();
        Ok(Self { client: import.client, subject, scopes, authority, registry, asked: Arc::new(asked) })
    }

    /// The caller with the grants that the client has by now.
    ///
    /// # Errors
    /// As for a new request of the client.
    pub async fn as_registered<S: Scope>(&self) -> Result<Self, ApiError> {
        let access = active(&self.registry, self.client).await?;
        Self { authority: Authority::Client(access), ..self.clone() }.renewed::<S>().await
    }

    /// The caller, unless the request breaks what holds for all of them.
    fn with_strict(self, request: &HttpRequest) -> Result<Self, ApiError> {
        strict::check(request)?;
        Ok(self)
    }

    /// The agencies that the caller may act for now, as they are named by who granted them; `None`: all.
    pub fn agencies(&self) -> Option<Vec<AgencyKey>> {
        match &self.authority {
            Authority::Token(keys) => keys.as_ref().map(|keys| keys.to_vec()),
            Authority::Client(access) => {
                let today = self.registry.clock.today();
                let in_force = access.grants.iter().filter(|grant| grant.covers(today));
                in_force.map(|grant| grant.agency.clone()).collect()
            }
        }
    }
}

type Pending<T> = Pin<Box<dyn Future<Output = Result<T, ApiError>>>>;

impl FromRequest for Caller {
    type Error = ApiError;
    type Future = Pending<Self>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move { authenticated(&request).await?.with_strict(&request) })
    }
}

impl<S: Scopes> FromRequest for Allowed<S> {
    type Error = ApiError;
    type Future = Pending<Self>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let caller = authenticated(&request).await?;
            let missing: Vec<&str> = S::NAMES.iter().copied().filter(|name| !caller.may(name)).collect();
            if missing.is_empty() {
                Ok(Self { caller: caller.with_strict(&request)?, scope: PhantomData })
            } else {
                Err(missing_scopes(&missing, S::NAMES))
            }
        })
    }
}

/// Asks who calls before a handler reads anything else of the request. The arguments of a handler are read side by side: while the
/// grants of a client are looked up, a body that is not as it should be would be answered in place of a token that doesn't hold.
///
/// # Errors
/// None of its own: a refusal is an answer by then.
pub async fn first(request: ServiceRequest, next: Next<impl MessageBody + 'static>) -> Result<ServiceResponse<impl MessageBody>, Error> {
    if Routed::of(request.request()).takes_token() {
        match authenticate(request.request()).await {
            Ok(caller) => drop(request.extensions_mut().insert(caller)),
            Err(refused) => return Ok(request.error_response(refused).map_into_right_body()),
        }
    }
    Ok(next.call(request).await?.map_into_left_body())
}

/// Who calls, as [`first`] found out.
async fn authenticated(request: &HttpRequest) -> Result<Caller, ApiError> {
    let known = request.extensions().get::<Caller>().cloned();
    match known {
        Some(caller) => Ok(caller),
        None => authenticate(request).await,
    }
}

/// Reads the token and counts the request: for the client where it is valid, and for the address otherwise.
async fn authenticate(request: &HttpRequest) -> Result<Caller, ApiError> {
    let Some(registry) = request.app_data::<web::Data<Registry>>() else {
        return Err(ApiError::new(Kind::Internal));
    };
    if basic::is_tried(request) {
        return basic::authenticate(request, registry).await;
    }
    match identify(request, registry.clone().into_inner()).await {
        Ok(caller) => registry.limits.count_client(request, caller.client).map(|()| caller),
        // Without a header it was counted before.
        Err(refused) if refused.kind == Kind::Unauthorized && request.headers().contains_key(AUTHORIZATION) => {
            Err(registry.limits.count_bad_token(request, refused))
        }
        Err(refused) => Err(refused),
    }
}

async fn identify(request: &HttpRequest, registry: Arc<Registry>) -> Result<Caller, ApiError> {
    let token = bearer(request)?;
    let now = registry.clock.now();
    if registry.outside.issued(token) {
        let outside = registry.outside.verify(token, now).await.map_err(|refusal| match refusal {
            OutsideRefusal::Token(why) => refused(why),
            OutsideRefusal::Unreachable => {
                let problem = ApiError::new(Kind::Unavailable).detail("the keys of the token's issuer can't be fetched");
                problem.header(RETRY_AFTER, HeaderValue::from_static("10"))
            }
        })?;
        let caller = registered(request, registry, outside.client, outside.subject.into(), outside.scopes.into()).await?;
        if let Authority::Client(access) = &caller.authority {
            caller.registry.access.note_use(&caller.registry.store, access, None, now).await?;
        }
        return Ok(caller);
    }
    let Bearer { client, subject, scopes, agencies, .. } = registry.tokens.verify(token, now).map_err(refused)?;
    let agencies = match agencies {
        ActsFor::Granted => return registered(request, registry, client, subject, scopes).await,
        ActsFor::All => None,
        ActsFor::Some(keys) => Some(keys),
    };
    caller(request, registry, client, subject, scopes, Authority::Token(agencies))
}

/// A caller, of whom the audit log is told.
fn caller(
    request: &HttpRequest,
    registry: Arc<Registry>,
    client: Uuid,
    subject: Arc<str>,
    scopes: Arc<[String]>,
    authority: Authority,
) -> Result<Caller, ApiError> {
    // What is not in the document would escape the audit log.
    let asked = audit::asked(request).ok_or_else(|| ApiError::new(Kind::Internal))?;
    asked.by(client, subject.clone());
    Ok(Caller { client, subject, scopes, authority, registry, asked })
}

/// A caller that is, or acts as, a registered client: its scopes and grants as they are now are the most that it may.
pub(super) async fn registered(
    request: &HttpRequest,
    registry: Arc<Registry>,
    client: Uuid,
    subject: Arc<str>,
    mut scopes: Arc<[String]>,
) -> Result<Caller, ApiError> {
    let access = active(&registry, client).await?;
    let may = |scope: &&String| access.client.draft.scopes.contains(scope);
    if !scopes.iter().all(|scope| may(&scope)) {
        scopes = scopes.iter().filter(may).cloned().collect();
    }
    caller(request, registry, client, subject, scopes, Authority::Client(access))
}

/// A client that may call now.
async fn active(registry: &Registry, client: Uuid) -> Result<Arc<Access>, ApiError> {
    let access = registry.access.of(&registry.store, client).await?.ok_or_else(|| refused("the token is of a client that is not known here"))?;
    match access.client.times.status(registry.clock.now(), registry.unused_days) {
        ClientStatus::Active => Ok(access),
        ClientStatus::Revoked => Err(refused("the client was revoked")),
        ClientStatus::Unused => Err(refused("the client was not used for too long, and has to be reinstated")),
    }
}

/// The token of the `Authorization` header.
fn bearer(request: &HttpRequest) -> Result<&str, ApiError> {
    let Some(value) = request.headers().get(AUTHORIZATION) else {
        let problem = ApiError::new(Kind::Unauthorized).detail("there is no Authorization header");
        let problem = with_challenge(problem, "Bearer realm=\"onemind\"");
        return Err(if basic::is_taken(request) { with_challenge(problem, basic::CHALLENGE) } else { problem });
    };
    let parts = value.to_str().ok().and_then(|value| value.split_once(' ')).filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    let (_, token) = parts.ok_or_else(|| refused("the Authorization header is not `Bearer <token>`"))?;
    if token.len() > TOKEN_LIMIT {
        return Err(refused("the token is longer than any that this service accepts"));
    }
    Ok(token.trim())
}

/// The most characters of a token.
const TOKEN_LIMIT: usize = 8192;

fn refused(why: &'static str) -> ApiError {
    let problem = ApiError::new(Kind::Unauthorized).detail(why);
    with_challenge(problem, &format!("Bearer realm=\"onemind\", error=\"invalid_token\", error_description=\"{why}\""))
}

/// The problem of a token that lacks `missing` of the scopes that are `needed`.
pub fn missing_scopes(missing: &[&str], needed: &[&str]) -> ApiError {
    let challenge = format!("Bearer realm=\"onemind\", error=\"insufficient_scope\", scope=\"{}\"", needed.join(" "));
    let detail = format!("the operation needs the scope `{}`", missing.join("` and `"));
    with_challenge(ApiError::new(Kind::MissingScope).detail(detail), &challenge)
}

fn with_challenge(problem: ApiError, challenge: &str) -> ApiError {
    match HeaderValue::from_str(challenge) {
        Ok(value) => problem.header(WWW_AUTHENTICATE, value),
        Err(_) => problem,
    }
}
