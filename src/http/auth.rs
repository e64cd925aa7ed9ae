//! Who calls, and what they may do: bearer tokens (RFC 6750), scopes as argument types, and the reach of the client.

use std::future::{Ready, ready};
use std::marker::PhantomData;
use std::sync::Arc;

use actix_web::dev::Payload;
use actix_web::http::header::{AUTHORIZATION, HeaderValue, WWW_AUTHENTICATE};
use actix_web::{FromRequest, HttpRequest, web};
use uuid::Uuid;

use super::audit::{self, Asked};
use super::problem::{ApiError, Kind};
use super::registry::Registry;
use super::strict;
use crate::domain::agency::AgencyKey;
use crate::service::audit::Trail;
use crate::service::{ServiceResult, Tx, reach};
use crate::storage::AnyConn;

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
    PartnershipsRead = "partnerships:read": "Read partnerships.";
    PartnershipsWrite = "partnerships:write": "Record and change partnerships.";
    PoliciesRead = "policies:read": "Read policies.";
    PoliciesWrite = "policies:write": "Record and change policies.";
    PledgesRead = "pledges:read": "Read pledges.";
    PledgesWrite = "pledges:write": "Make, change and withdraw pledges.";
    CertificationsDecide = "certifications:decide": "Decide on certifications, and publish standards.";
    AuditRead = "audit:read": "Read the audit log, with a grant for all agencies.";
    StatusRead = "status:read": "Ask for certification status, training gaps and standards.";
}

/// A caller whose token is valid, whatever its scopes.
#[derive(Clone)]
pub struct Caller {
    /// The client whose records the caller's are.
    pub client: Uuid,
    /// Who acts.
    pub subject: String,
    /// The scopes of the token.
    pub scopes: Vec<String>,
    /// The agencies of the client's grants; `None`: all.
    pub agencies: Option<Vec<AgencyKey>>,
    registry: Arc<Registry>,
    /// The request, as the audit log tells of it.
    asked: Arc<Asked>,
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

    /// Runs `work` in a transaction that reads, within the caller's reach.
    ///
    /// # Errors
    /// What `work` answered, or the database.
    pub async fn read<T: Send + 'static>(&self, mut work: impl FnMut(&mut Tx<'_>) -> ServiceResult<T> + Send + 'static) -> Result<T, ApiError> {
        let opener = self.opener();
        let asked = self.asked.clone();
        let read = move |conn: &mut AnyConn| {
            let mut tx = opener.open(conn)?;
            let told = work(&mut tx)?;
            asked.of_agency(tx.trail.agency);
            ServiceResult::Ok(told)
        };
        Ok(self.registry.store.read(read).await?)
    }

    /// Runs `work` in a transaction that may write, within the caller's reach, and tells the audit log in it what was done.
    ///
    /// # Errors
    /// What `work` answered, or the database.
    pub async fn write<T: Send + 'static>(&self, mut work: impl FnMut(&mut Tx<'_>) -> ServiceResult<T> + Send + 'static) -> Result<T, ApiError> {
        let opener = self.opener();
        let (asked, registry) = (self.asked.clone(), self.registry.clone());
        let write = move |conn: &mut AnyConn| {
            let mut tx = opener.open(conn)?;
            let done = work(&mut tx)?;
            asked.write(&mut tx, &registry.audit.keys)?;
            ServiceResult::Ok(done)
        };
        let done = self.registry.store.write(write).await?;
        self.asked.written();
        Ok(done)
    }

    /// The caller, unless the request breaks what holds for all of them.
    fn with_strict(self, request: &HttpRequest) -> Result<Self, ApiError> {
        strict::check(request, &self.registry.documents)?;
        Ok(self)
    }

    fn opener(&self) -> Opener {
        Opener { client: self.client, agencies: self.agencies.clone(), now: self.registry.clock.now() }
    }
}

/// What it takes to open a [`Tx`] on a connection.
struct Opener {
    client: Uuid,
    agencies: Option<Vec<AgencyKey>>,
    now: jiff::Timestamp,
}

impl Opener {
    fn open<'a>(&self, conn: &'a mut AnyConn) -> ServiceResult<Tx<'a>> {
        let reach = reach::of(conn, self.agencies.as_deref())?;
        Ok(Tx { conn, reach, client: self.client, now: self.now, trail: Trail::default() })
    }
}

impl FromRequest for Caller {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(authenticate(request).and_then(|caller| caller.with_strict(request)))
    }
}

impl<S: Scopes> FromRequest for Allowed<S> {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(authenticate(request).and_then(|caller| {
            let missing: Vec<&str> = S::NAMES.iter().copied().filter(|name| !caller.may(name)).collect();
            if missing.is_empty() {
                Ok(Self { caller: caller.with_strict(request)?, scope: PhantomData })
            } else {
                Err(missing_scopes(&missing, S::NAMES))
            }
        }))
    }
}

fn authenticate(request: &HttpRequest) -> Result<Caller, ApiError> {
    let Some(registry) = request.app_data::<web::Data<Registry>>() else {
        return Err(ApiError::new(Kind::Internal));
    };
    let Some(value) = request.headers().get(AUTHORIZATION) else {
        let problem = ApiError::new(Kind::Unauthorized).detail("there is no Authorization header");
        return Err(with_challenge(problem, "Bearer realm=\"onemind\""));
    };
    let token = value.to_str().ok().and_then(|value| value.split_once(' ')).filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    let refused = |why: &str| {
        let problem = ApiError::new(Kind::Unauthorized).detail(why);
        with_challenge(problem, &format!("Bearer realm=\"onemind\", error=\"invalid_token\", error_description=\"{why}\""))
    };
    let (_, token) = token.ok_or_else(|| refused("the Authorization header is not `Bearer <token>`"))?;
    let claims = registry.tokens.verify(token.trim()).map_err(refused)?;
    let agencies = claims
        .agencies
        .map(|keys| keys.iter().map(|key| AgencyKey::parse(key)).collect::<Result<Vec<_>, _>>())
        .transpose()
        .map_err(|_| refused("the token names an agency that is none"))?;
    // What is not in the document would escape the audit log.
    let asked = audit::asked(request).ok_or_else(|| ApiError::new(Kind::Internal))?;
    asked.by(claims.client_id, &claims.sub);
    Ok(Caller {
        client: claims.client_id,
        subject: claims.sub,
        scopes: claims.scope.split_whitespace().map(str::to_owned).collect(),
        agencies,
        registry: registry.clone().into_inner(),
        asked,
    })
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
