//! `onemind verify-readiness`

use super::Failure;
use crate::config::Config;
use crate::service::verify::{Difference, compare, repair};
use crate::service::{ServiceError, ServiceResult};
use crate::storage::{AnyConn, Database, migrations, read_once, write_once};

/// Arguments of `onemind verify-readiness`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Put what the facts come to in the place of the timelines, where any of them differs.
    #[arg(long)]
    repair: bool,
}

/// Counts every agency anew from appointments, completions and trainings, and names each whose timeline says something else.
///
/// # Errors
/// [`Failure::Faults`] where one differs and isn't repaired, [`Failure::Unreachable`] without database.
pub fn run(config: &Config, args: &Args) -> Result<(), Failure> {
    if let Database::Sqlite(path) = &config.database
        && !path.is_file()
    {
        // Asking makes nothing.
        return Err(Failure::Unreachable(format!("{}: there is no such file", path.display())));
    }
    let mut conn = config.database.connect().map_err(|cause| Failure::Unreachable(cause.to_string()))?;
    let lacking = migrations::lacking(&mut conn).map_err(|cause| Failure::Unreachable(cause.to_string()))?;
    if !lacking.is_empty() {
        return Err(Failure::Faults(format!("the database lacks these migrations: {}; run `onemind migrate`", lacking.join(", "))));
    }
    let (agencies, differences) = verify(&mut conn).map_err(failure)?;
    for Difference { agency, detail } in &differences {
        println!("{} {}: {detail}", agency.id, agency.ori.as_deref().unwrap_or("(no ORI)"));
    }
    if differences.is_empty() {
        println!("the timelines of {agencies} agencies are what the facts come to");
        return Ok(());
    }
    let found = format!("the timelines of {} of {agencies} agencies differ from the facts", differences.len());
    if !args.repair {
        return Err(Failure::Faults(format!("{found}; --repair puts them right")));
    }
    println!("{found}");
    write_once(&mut conn, repair).map_err(failure)?;
    match verify(&mut conn).map_err(failure)?.1.len() {
        0 => {
            println!("repaired");
            Ok(())
        }
        left => Err(Failure::Faults(format!("{left} agencies differ after the repair"))),
    }
}

/// How many agencies there are, and which differ. Each comparison sees one state of the database; writers need not stop.
fn verify(conn: &mut AnyConn) -> ServiceResult<(usize, Vec<Difference>)> {
    let (mut agencies, mut differences, mut after) = (0, Vec::new(), None);
    loop {
        let compared = read_once(conn, |conn| compare(conn, after))?;
        agencies += compared.agencies;
        differences.extend(compared.differences);
        if compared.last.is_none() {
            return Ok((agencies, differences));
        }
        after = compared.last;
    }
}

fn failure(error: ServiceError) -> Failure {
    match error {
        ServiceError::Storage(cause) => Failure::Unreachable(cause.to_string()),
        other => Failure::Faults(other.to_string()),
    }
}
