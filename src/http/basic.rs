//! HTTP Basic (RFC 7617) with client id and secret, for `/xapi/` alone: many learning systems can be set to nothing else.
//!
//! The secret is held against the digests of the client as it was read a few seconds ago at the most, so a request costs no question of its
//! own. Scopes and grants are all that the client has.

use std::sync::Arc;

use actix_web::http::header::{AUTHORIZATION, HeaderValue, WWW_AUTHENTICATE};
use actix_web::{HttpRequest, web};
use secrecy::SecretString;
use uuid::Uuid;

use super::address::client_address;
use super::auth::{Caller, registered};
use super::oauth;
use super::problem::{ApiError, Kind};
use super::registry::Registry;
use super::routing::Routed;
use crate::domain::client::ClientStatus;
use crate::tokens::{digest_of, same};

/// How to authenticate.
pub const CHALLENGE: &str = "Basic realm=\"onemind\", charset=\"UTF-8\"";

/// Where HTTP Basic is taken.
pub fn is_taken(request: &HttpRequest) -> bool {
    Routed::of(request).pattern().is_some_and(|pattern| pattern.starts_with("/xapi/"))
}

/// Whether a request tries it where it is taken.
pub fn is_tried(request: &HttpRequest) -> bool {
    let scheme = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok()).and_then(|value| value.split(' ').next());
    is_taken(request) && scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case("basic"))
}

/// Who calls. A failure counts as one at the token endpoint does: whoever fails often waits.
///
/// # Errors
/// 401 in the same words whatever is wrong, 429.
pub async fn authenticate(request: &HttpRequest, registry: &web::Data<Registry>) -> Result<Caller, ApiError> {
    let limits = &registry.limits;
    let Some((name, secret)) = request.headers().get(AUTHORIZATION).and_then(oauth::basic) else {
        return Err(limits.count_bad_token(request, refused()));
    };
    let address = client_address(request);
    if let Err(wait) = limits.attempts.may_try(address, Some(&name)) {
        limits.count_address(request)?;
        return Err(wait.into());
    }
    if let Some(caller) = verified(request, registry.clone().into_inner(), &name, &secret).await? {
        return limits.count_client(request, caller.client).map(|()| caller);
    }
    limits.count_address(request)?;
    limits.attempts.failed(address, Some(&name));
    Err(refused())
}

async fn verified(request: &HttpRequest, registry: Arc<Registry>, name: &str, secret: &SecretString) -> Result<Option<Caller>, ApiError> {
    // To the letter, as it was given out.
    let id = Uuid::try_parse(name).ok().filter(|id| id.to_string() == name).unwrap_or(Uuid::nil());
    let (access, digest) = (registry.access.of(&registry.store, id).await?, digest_of(secret));
    let Some(access) = access else { return Ok(None) };
    let now = registry.clock.now();
    let Some(held) = access.client.secrets.iter().find(|held| same(&held.digest, &digest)) else { return Ok(None) };
    if access.client.times.status(now, registry.unused_days) != ClientStatus::Active {
        return Ok(None);
    }
    registry.access.note_use(&registry.store, &access, Some(held), now).await?;
    let scopes = access.client.draft.scopes.as_slice().into();
    registered(request, registry, id, id.to_string().into(), scopes).await.map(Some)
}

fn refused() -> ApiError {
    let problem = ApiError::new(Kind::Unauthorized).detail("the client is not known here, may not call, or did not prove itself");
    problem.header(WWW_AUTHENTICATE, HeaderValue::from_static(CHALLENGE))
}
