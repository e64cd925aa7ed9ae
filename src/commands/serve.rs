//! `onemind serve`

use actix_web::web;

use super::Failure;
use crate::app::{self, Migrate, StartError};
use crate::config::Config;

/// Arguments of `onemind serve`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Bring a PostgreSQL database up to date first; a SQLite file always is.
    #[arg(long)]
    migrate: bool,
}

/// Serves until told to stop.
///
/// # Errors
/// [`Failure::Unreachable`] without database, keys or address.
pub fn run(config: &Config, args: &Args) -> Result<(), Failure> {
    let registry = app::open(config, if args.migrate { Migrate::Always } else { Migrate::SqliteOnly })?;
    // Made before anybody asks, so that whoever copies the folder for another process has it.
    registry.credentials.published().map_err(StartError::Keys)?;
    actix_web::rt::System::new()
        .block_on(app::serve(config, web::Data::new(registry)))
        .map_err(|cause| Failure::Unreachable(format!("{}: {cause}", config.listen)))
}
