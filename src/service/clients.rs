//! Clients and their secrets: made, changed, revoked and reinstated by who administers them, which takes a grant for all agencies.

use uuid::Uuid;

use super::audit::{fields_between, fields_of};
use super::page::{PageOf, PageRequest};
use super::{ServiceError, ServiceResult, Tx};
use crate::domain::client::{ClientKind, ClientTimes};
use crate::domain::text::Note;
use crate::storage::clients::{self as rows, Client, ClientDraft, Secret};
use crate::storage::dialect::lock_client;

/// How many secrets of a client are good at the same time, so that one can follow the other without a gap.
pub const SECRETS: usize = 2;

/// The client of this id.
///
/// # Errors
/// [`ServiceError::NotFound`]; [`ServiceError::Forbidden`] without a grant for all agencies.
pub fn get(tx: &mut Tx<'_>, id: Uuid) -> ServiceResult<Client> {
    staff_only(tx)?;
    rows::by_id(tx.conn, id)?.ok_or(ServiceError::NotFound)
}

/// A page of clients.
///
/// # Errors
/// [`ServiceError::Forbidden`] without a grant for all agencies.
pub fn list(tx: &mut Tx<'_>, kind: Option<ClientKind>, page: PageRequest) -> ServiceResult<PageOf<Client>> {
    staff_only(tx)?;
    let fetched = rows::list(tx.conn, kind, page.after, page.fetch())?;
    Ok(page.cut(fetched, |client| client.id))
}

/// Makes a client with a secret, of which `digest` is kept. It may act for no agency until it is granted one.
///
/// # Errors
/// [`ServiceError::Forbidden`] without a grant for all agencies.
pub fn create(tx: &mut Tx<'_>, draft: &ClientDraft, digest: &str) -> ServiceResult<Client> {
    staff_only(tx)?;
    let times = ClientTimes { enabled_at: tx.now, last_used_at: None, revoked_at: None };
    let mut client =
        Client { id: tx.new_id(), draft: draft.clone(), times, revocation_reason: None, secrets: Vec::new(), created_at: tx.now, updated_at: tx.now };
    rows::insert(tx.conn, &client)?;
    tx.changed("client", client.id, fields_of(draft));
    client.secrets.push(give_secret(tx, client.id, digest)?);
    Ok(client)
}

/// Changes what describes a client to what `edit` makes of it.
///
/// # Errors
/// As [`get`], and what `edit` says.
pub fn change(tx: &mut Tx<'_>, id: Uuid, edit: impl FnOnce(&Client) -> ServiceResult<ClientDraft>) -> ServiceResult<Client> {
    let current = locked(tx, id)?;
    let draft = edit(&current)?;
    if draft == current.draft {
        return Ok(current);
    }
    tx.changed("client", id, fields_between(&current.draft, &draft));
    let client = Client { draft, updated_at: tx.now, ..current };
    rows::update(tx.conn, &client)?;
    Ok(client)
}

/// Revokes a client: none of its tokens and secrets is accepted from now on.
///
/// # Errors
/// As [`get`].
pub fn revoke(tx: &mut Tx<'_>, id: Uuid, reason: &Note) -> ServiceResult<Client> {
    let current = locked(tx, id)?;
    if current.times.revoked_at.is_some() {
        return Ok(current);
    }
    let times = ClientTimes { revoked_at: Some(tx.now), ..current.times };
    let client = Client { times, revocation_reason: Some(reason.clone()), updated_at: tx.now, ..current };
    rows::update(tx.conn, &client)?;
    tx.changed("client", id, vec!["revoked_at".into(), "revocation_reason".into()]);
    Ok(client)
}

/// Lets a client call again that was revoked, or unused for too long. Tokens that it got before are good again until they expire.
///
/// # Errors
/// As [`get`].
pub fn reinstate(tx: &mut Tx<'_>, id: Uuid) -> ServiceResult<Client> {
    let current = locked(tx, id)?;
    let times = ClientTimes { enabled_at: tx.now, revoked_at: None, ..current.times };
    let client = Client { times, revocation_reason: None, updated_at: tx.now, ..current };
    rows::update(tx.conn, &client)?;
    tx.changed("client", id, vec!["enabled_at".into(), "revoked_at".into()]);
    Ok(client)
}

/// Gives a client one more secret, of which `digest` is kept.
///
/// # Errors
/// As [`get`]; `too_many_secrets` where it has [`SECRETS`] already.
pub fn add_secret(tx: &mut Tx<'_>, id: Uuid, digest: &str) -> ServiceResult<(Client, Secret)> {
    let client = locked(tx, id)?;
    if client.secrets.len() >= SECRETS {
        return Err(ServiceError::conflict(
            "too_many_secrets",
            format!("a client has at most {SECRETS} secrets; delete the one that is not used any more"),
        ));
    }
    let secret = give_secret(tx, id, digest)?;
    tx.changed("client", id, vec!["secrets".into()]);
    Ok((client, secret))
}

/// Takes a secret from a client.
///
/// # Errors
/// [`ServiceError::NotFound`] where it has no such secret.
pub fn delete_secret(tx: &mut Tx<'_>, id: Uuid, secret: Uuid) -> ServiceResult<()> {
    let client = locked(tx, id)?;
    if client.secrets.iter().all(|held| held.id != secret) {
        return Err(ServiceError::NotFound);
    }
    rows::remove_secret(tx.conn, id, secret)?;
    tx.changed("client", id, vec!["secrets".into()]);
    Ok(())
}

fn give_secret(tx: &mut Tx<'_>, client: Uuid, digest: &str) -> ServiceResult<Secret> {
    let secret = Secret { id: tx.new_id(), digest: digest.to_owned(), created_at: tx.now, last_used_at: None };
    rows::add_secret(tx.conn, client, &secret)?;
    Ok(secret)
}

fn locked(tx: &mut Tx<'_>, id: Uuid) -> ServiceResult<Client> {
    staff_only(tx)?;
    lock_client(tx.conn, id)?;
    get(tx, id)
}

/// Refuses who has no grant for all agencies: a client that could make others would have the rights of any.
pub(super) fn staff_only(tx: &Tx<'_>) -> ServiceResult<()> {
    tx.needs_all_agencies("clients and grants are administered with a grant for all agencies")
}
