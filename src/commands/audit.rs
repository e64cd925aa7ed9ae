//! `onemind audit`

use jiff::{SignedDuration, Timestamp};

use super::Failure;
use crate::config::Config;
use crate::domain::audit::{AuditOutcome, Entry, LANES};
use crate::domain::clock::{Clock as _, SystemClock};
use crate::service::audit::{Keys, LaneReport, adopt, lanes, prune, verify_lane};
use crate::service::{ServiceError, new_id};
use crate::storage::{AnyConn, read_once, write_once};
use crate::tokens::audit_keys;

/// How many faults of a lane are printed at the most.
const MOST_FAULTS: usize = 100;

/// Arguments of `onemind audit`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Read every chain from beginning to end, and name what was altered, removed or inserted; exit with 1 where anything was.
    Verify,
    /// Take away what is older than the retention.
    Prune,
    /// Go on with the present key after the former one was lost; what was sealed before can't be verified without it.
    Adopt,
}

/// Runs the subcommand.
///
/// # Errors
/// [`Failure::Faults`] where the log is not whole, [`Failure::Unreachable`] without database or key.
pub fn run(config: &Config, args: &Args) -> Result<(), Failure> {
    let keys = audit_keys(&config.data_dir).map_err(|cause| Failure::Unreachable(cause.to_string()))?;
    let mut conn = config.database.connect().map_err(|cause| Failure::Unreachable(cause.to_string()))?;
    match args.command {
        Command::Verify => verify(&mut conn, &keys),
        Command::Prune => prune_all(&mut conn, &keys, config.audit_retention_days),
        Command::Adopt => {
            let made = |detail| entry("audit_adopt", detail);
            let count = write_once(&mut conn, |conn| adopt(conn, &keys, made)).map_err(failure)?;
            println!("{count} lanes go on with the key {}", keys.current().name());
            Ok(())
        }
    }
}

/// An entry that tells of a command.
fn entry(command: &str, detail: String) -> Entry {
    Entry {
        id: new_id(),
        at: SystemClock.now(),
        client: None,
        subject: None,
        operation: command.to_owned(),
        outcome: AuditOutcome::Changed,
        status: 0,
        resource: Some("audit_log".into()),
        resource_id: None,
        agency: None,
        request: None,
        address: None,
        fields: None,
        detail: Some(detail),
        ids: None,
    }
}

fn failure(error: ServiceError) -> Failure {
    match error {
        ServiceError::Storage(cause) => Failure::Unreachable(cause.to_string()),
        other => Failure::Faults(other.to_string()),
    }
}

fn verify(conn: &mut AnyConn, keys: &Keys) -> Result<(), Failure> {
    let (mut entries, mut faulty) = (0, Vec::new());
    let named = read_once(conn, lanes).map_err(failure)?;
    for lane in &named {
        let report = read_once(conn, |conn| verify_lane(conn, keys, *lane)).map_err(failure)?;
        entries += report.entries;
        if !report.faults.is_empty() {
            print_faults(*lane, &report);
            faulty.push(*lane);
        }
    }
    println!("{entries} entries in {} lanes", named.len());
    if faulty.is_empty() {
        println!("every chain is whole");
        return Ok(());
    }
    Err(Failure::Faults(format!("the audit log is not whole: {} of its lanes have faults", faulty.len())))
}

fn print_faults(lane: i32, report: &LaneReport) {
    for fault in report.faults.iter().take(MOST_FAULTS) {
        println!("lane {lane}: {fault}");
    }
    if report.faults.len() > MOST_FAULTS {
        println!("lane {lane}: and {} more", report.faults.len() - MOST_FAULTS);
    }
}

fn prune_all(conn: &mut AnyConn, keys: &Keys, days: u32) -> Result<(), Failure> {
    let before = SystemClock.now().checked_sub(SignedDuration::from_hours(24 * i64::from(days))).unwrap_or(Timestamp::MIN);
    let mut pruned = 0;
    for lane in 0..LANES {
        let made = |detail| entry("audit_prune", detail);
        pruned += write_once(conn, |conn| prune(conn, keys, lane, before, made)).map_err(failure)?.entries;
    }
    println!("{pruned} entries from before {before} are gone");
    Ok(())
}
