//! `onemind migrate`

use super::Failure;
use crate::app;
use crate::config::Config;
use crate::storage::{Database, StorageError, migrations};

/// Arguments of `onemind migrate`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Change nothing; exit with 1 where something is pending.
    #[arg(long)]
    check: bool,
}

/// Applies what is pending, or names it.
///
/// # Errors
/// [`Failure::Faults`] where something is pending and `--check` was given, [`Failure::Unreachable`] without database.
pub fn run(config: &Config, args: &Args) -> Result<(), Failure> {
    let unreachable = |cause: StorageError| Failure::Unreachable(cause.to_string());
    if args.check {
        let pending = pending(config)?;
        if pending.is_empty() {
            println!("the database is up to date");
            return Ok(());
        }
        return Err(Failure::Faults(format!("pending: {}", pending.join(", "))));
    }
    app::make_folders(config).map_err(|cause| Failure::Unreachable(cause.to_string()))?;
    let mut conn = config.database.connect().map_err(|cause| Failure::Unreachable(cause.to_string()))?;
    let applied = migrations::apply(&mut conn).map_err(unreachable)?;
    if applied.is_empty() {
        println!("the database is up to date");
    }
    for name in applied {
        println!("applied {name}");
    }
    Ok(())
}

/// What is pending. A SQLite file that isn't there lacks everything, and is not made by asking.
fn pending(config: &Config) -> Result<Vec<String>, Failure> {
    let unreachable = |cause: StorageError| Failure::Unreachable(cause.to_string());
    if let Database::Sqlite(path) = &config.database
        && !path.try_exists().map_err(|cause| Failure::Unreachable(format!("{}: {cause}", path.display())))?
    {
        return migrations::all().map_err(unreachable);
    }
    let mut conn = config.database.connect().map_err(|cause| Failure::Unreachable(cause.to_string()))?;
    migrations::pending(&mut conn).map_err(unreachable)
}
