//! `onemind key`

use jiff::{SignedDuration, Timestamp};

use super::Failure;
use crate::config::Config;
use crate::domain::clock::{Clock as _, SystemClock};
use crate::tokens::{KeyError, KeyRing};

/// Arguments of `onemind key`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Make a key that signs from some minutes on. It is published at once, and the one before verifies until its tokens have expired.
    Rotate(RotateArgs),
    /// List the keys that verify, and which of them signs.
    List,
}

#[derive(Debug, clap::Args)]
struct RotateArgs {
    /// After how many minutes it begins to sign: longer than others keep the published keys.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(i64).range(1..=1440))]
    after_minutes: i64,
}

/// Does what the subcommand says, on the data folder; running services see it within seconds.
///
/// # Errors
/// [`Failure::Unreachable`] where the folder can't be read or written.
pub fn run(config: &Config, args: &Args) -> Result<(), Failure> {
    let unreachable = |cause: KeyError| Failure::Unreachable(cause.to_string());
    let keys = KeyRing::open(&config.data_dir).map_err(unreachable)?;
    let now = SystemClock.now();
    match &args.command {
        Command::List => list(&keys, now),
        Command::Rotate(args) => {
            let from = now.saturating_add(SignedDuration::from_mins(args.after_minutes)).unwrap_or(now);
            let kid = keys.add(from).map_err(unreachable)?;
            println!("{kid} signs from {}", from.strftime("%Y-%m-%dT%H:%M:%SZ"));
        }
    }
    Ok(())
}

fn list(keys: &KeyRing, now: Timestamp) {
    let signing = keys.signing(now).kid.clone();
    for key in keys.published(now) {
        let state = match () {
            () if key.kid == signing => "signs",
            () if key.signs_from > now => "is to sign",
            () => "verifies",
        };
        println!("{}  {state:10}  from {}", key.kid, key.signs_from.strftime("%Y-%m-%dT%H:%M:%SZ"));
    }
}
