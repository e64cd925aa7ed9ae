//! `onemind client`

use jiff::civil::Date;
use secrecy::ExposeSecret as _;
use uuid::Uuid;

use super::Failure;
use super::token::scopes;
use crate::app::{self, Migrate};
use crate::config::Config;
use crate::domain::agency::AgencyKey;
use crate::domain::audit::{AuditOutcome, Entry};
use crate::domain::client::{ClientKind, GrantDraft};
use crate::domain::clock::{Clock as _, SystemClock};
use crate::domain::reach::Reach;
use crate::domain::text::{Name, Note};
use crate::http::registry::Registry;
use crate::service::audit::close;
use crate::service::page::PageRequest;
use crate::service::{ServiceError, ServiceResult, Tx, clients, grants};
use crate::storage::clients::ClientDraft;
use crate::tokens::{client_id, digest_of, new_secret};

/// Arguments of `onemind client`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Make a client and its grants; prints its id and, this once, its secret.
    Create(CreateArgs),
    /// List clients.
    List,
    /// Give a client a new secret; prints it, this once. The one before stays good until it is deleted.
    Rotate(RotateArgs),
    /// Revoke a client: none of its tokens and secrets is accepted any more, within a minute.
    Revoke(RevokeArgs),
}

#[derive(Debug, clap::Args)]
struct CreateArgs {
    /// What it is called.
    #[arg(long, value_parser = |text: &str| Name::parse(text).map_err(|invalid| invalid.to_string()))]
    name: Name,
    /// lms, rms, agency or iacp.
    #[arg(long, value_parser = |text: &str| ClientKind::parse(text).map_err(|invalid| invalid.to_string()))]
    kind: ClientKind,
    /// Scopes, separated by spaces; `all` for every one.
    #[arg(long, value_parser = scopes)]
    scope: String,
    /// An agency that it may act for: `ori:TX2270000`, or an id. May be repeated.
    #[arg(long, conflicts_with = "all_agencies", value_parser = |text: &str| AgencyKey::parse(text).map_err(|invalid| invalid.to_string()))]
    agency: Vec<AgencyKey>,
    /// It may act for every agency.
    #[arg(long)]
    all_agencies: bool,
    /// The first day of its grants [default: today].
    #[arg(long)]
    starts_on: Option<Date>,
    /// The day after the last [default: none].
    #[arg(long)]
    ends_on: Option<Date>,
}

#[derive(Debug, clap::Args)]
struct RotateArgs {
    /// The client.
    client: Uuid,
    /// Delete the secrets that it has, instead of leaving one good until it is deleted.
    #[arg(long)]
    now: bool,
}

#[derive(Debug, clap::Args)]
struct RevokeArgs {
    /// The client.
    client: Uuid,
    /// Why.
    #[arg(long, value_parser = |text: &str| Note::parse(text).map_err(|invalid| invalid.to_string()))]
    reason: Note,
}

/// Does what the subcommand says, on the database itself.
///
/// # Errors
/// [`Failure::Faults`] where it can't be done, [`Failure::Unreachable`] without database.
pub fn run(config: &Config, args: &Args) -> Result<(), Failure> {
    match &args.command {
        Command::Create(args) => create(config, args),
        Command::List => list(config),
        Command::Rotate(args) => rotate(config, args),
        Command::Revoke(args) => {
            let (client, reason) = (args.client, args.reason.clone());
            in_transaction(config, Some("revoke_client"), move |tx| clients::revoke(tx, client, &reason))?;
            println!("revoked {client}");
            Ok(())
        }
    }
}

fn create(config: &Config, args: &CreateArgs) -> Result<(), Failure> {
    let mut scopes: Vec<String> = args.scope.split_whitespace().map(str::to_owned).collect();
    scopes.sort_unstable();
    scopes.dedup();
    let draft = ClientDraft { name: args.name.clone(), kind: args.kind, scopes, jwks: None };
    let secret = new_secret().map_err(|cause| Failure::Unreachable(cause.to_string()))?;
    let digest = digest_of(&secret);
    let mut agencies: Vec<Option<AgencyKey>> = args.agency.iter().cloned().map(Some).collect();
    if args.all_agencies {
        agencies.push(None);
    }
    let (starts_on, ends_on) = (args.starts_on, args.ends_on);
    let client = in_transaction(config, Some("create_client"), move |tx| {
        let client = clients::create(tx, &draft, &digest)?;
        let starts_on = starts_on.unwrap_or_else(|| tx.today());
        for agency in agencies.clone() {
            grants::create(tx, &GrantDraft { client: client.id, agency, starts_on, ends_on })?;
        }
        Ok(client)
    })?;
    println!("client_id     {}\nclient_secret {}", client.id, secret.expose_secret());
    Ok(())
}

fn list(config: &Config) -> Result<(), Failure> {
    let (days, mut after) = (config.client_unused_days, None);
    println!("{:36}  {:6}  {:7}  {:7}  {:20}  name", "client_id", "kind", "status", "secrets", "last used");
    loop {
        let page = in_transaction(config, None, move |tx| clients::list(tx, None, PageRequest { after, limit: 500 }))?;
        for client in page.items {
            let status = client.times.status(SystemClock.now(), days).as_str();
            let used = client.times.last_used_at.map_or_else(|| "never".to_owned(), |at| at.strftime("%Y-%m-%d %H:%M").to_string());
            let draft = &client.draft;
            println!("{}  {:6}  {status:7}  {:7}  {used:20}  {}", client.id, draft.kind.as_str(), client.secrets.len(), draft.name);
        }
        match page.next {
            None => return Ok(()),
            next => after = next,
        }
    }
}

fn rotate(config: &Config, args: &RotateArgs) -> Result<(), Failure> {
    let secret = new_secret().map_err(|cause| Failure::Unreachable(cause.to_string()))?;
    let digest = digest_of(&secret);
    let (id, now) = (args.client, args.now);
    let before = in_transaction(config, Some("create_client_secret"), move |tx| {
        let before = clients::get(tx, id)?;
        if now {
            for old in &before.secrets {
                clients::delete_secret(tx, id, old.id)?;
            }
        }
        clients::add_secret(tx, id, &digest)?;
        Ok(before)
    })?;
    println!("client_id     {id}\nclient_secret {}", secret.expose_secret());
    for old in before.secrets.iter().filter(|_| !now) {
        eprintln!("the secret {} stays good until it is deleted: DELETE /v1/clients/{id}/secrets/{}", old.id, old.id);
    }
    Ok(())
}

/// Runs `work` in a transaction as the operator, with a grant for all agencies; what it does is told to the audit log as the
/// `operation` of the interface that does the same.
fn in_transaction<T: Send + 'static>(
    config: &Config,
    operation: Option<&'static str>,
    mut work: impl FnMut(&mut Tx<'_>) -> ServiceResult<T> + Send + 'static,
) -> Result<T, Failure> {
    let Registry { store, audit, .. } = app::open(config, Migrate::SqliteOnly)?;
    let done = actix_web::rt::System::new().block_on(store.write(move |conn| -> ServiceResult<T> {
        let mut tx = Tx::new(conn, Reach::All, client_id(OPERATOR), SystemClock.now());
        let done = work(&mut tx)?;
        if let Some(operation) = operation {
            let entry = entry(operation, &tx);
            close(&mut tx, &audit.keys, entry)?;
        }
        Ok(done)
    }));
    done.map_err(|error| match error {
        ServiceError::NotFound => Failure::Faults("there is no such client".into()),
        ServiceError::Invalid(faults) => Failure::Faults(faults.iter().map(|fault| fault.detail.clone()).collect::<Vec<_>>().join("; ")),
        ServiceError::Storage(cause) => Failure::Unreachable(cause.to_string()),
        other => Failure::Faults(other.to_string()),
    })
}

/// The client as which an operator acts.
const OPERATOR: &str = "operator";

fn entry(operation: &str, tx: &Tx<'_>) -> Entry {
    Entry {
        id: tx.new_id(),
        at: tx.now,
        client: Some(tx.client),
        subject: Some(OPERATOR.into()),
        operation: operation.into(),
        outcome: AuditOutcome::Unchanged,
        status: 200,
        resource: Some("client".into()),
        resource_id: None,
        agency: None,
        request: None,
        address: None,
        fields: None,
        detail: None,
        ids: None,
    }
}
