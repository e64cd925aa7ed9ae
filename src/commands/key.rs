//! `onemind key`

use jiff::{SignedDuration, Timestamp};

use super::Failure;
use crate::config::Config;
use crate::domain::clock::{Clock as _, SystemClock};
use crate::tokens::{CredentialKeys, KeyError, KeyRing};

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
    /// List the keys that verify, what they sign, and which of them does.
    List,
}

#[derive(Debug, clap::Args)]
struct RotateArgs {
    /// A key of badges, in the place of one of access tokens. Those before verify for as long as their files are there.
    #[arg(long)]
    badges: bool,
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
    let tokens = KeyRing::open(&config.data_dir).map_err(unreachable)?;
    let badges = CredentialKeys::in_folder(&config.data_dir);
    let now = SystemClock.now();
    match &args.command {
        Command::List => list(&tokens, &badges, now).map_err(unreachable)?,
        Command::Rotate(args) => {
            let from = now.saturating_add(SignedDuration::from_mins(args.after_minutes)).unwrap_or(now);
            let kid = if args.badges { badges.add(from) } else { tokens.add(from) }.map_err(unreachable)?;
            println!("{kid} signs {} from {}", if args.badges { BADGES } else { TOKENS }, from.strftime(INSTANT));
        }
    }
    Ok(())
}

const TOKENS: &str = "access tokens";
const BADGES: &str = "badges";
const INSTANT: &str = "%Y-%m-%dT%H:%M:%SZ";

fn list(tokens: &KeyRing, badges: &CredentialKeys, now: Timestamp) -> Result<(), KeyError> {
    let line = |kid: &str, signing: &str, signs_from: Timestamp, what: &str| {
        let state = match () {
            () if kid == signing => "signs",
            () if signs_from > now => "is to sign",
            () => "verifies",
        };
        let from = if signs_from == Timestamp::UNIX_EPOCH { "the beginning".to_owned() } else { signs_from.strftime(INSTANT).to_string() };
        println!("{kid}  {state:10}  {what:13}  from {from}");
    };
    let signing = tokens.signing(now).kid.clone();
    for key in tokens.published(now) {
        line(&key.kid, &signing, key.signs_from, TOKENS);
    }
    let signing = badges.signing(now)?;
    for key in &*badges.published()? {
        line(&key.kid, &signing, key.signs_from, BADGES);
    }
    Ok(())
}
