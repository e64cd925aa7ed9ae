//! `onemind token`

use jiff::SignedDuration;

use super::Failure;
use crate::config::Config;
use crate::domain::agency::AgencyKey;
use crate::domain::clock::{Clock as _, SystemClock};
use crate::http::auth::SCOPES;
use crate::tokens::{Grant, KeyRing, Tokens};

/// Arguments of `onemind token`.
#[derive(Debug, clap::Args)]
#[command(group(clap::ArgGroup::new("reach").required(true).args(["agency", "all_agencies"])))]
pub struct Args {
    /// Scopes, separated by spaces; `all` for every one.
    #[arg(long, value_parser = scopes)]
    scope: String,
    /// An agency that the token may act for: `ori:TX2270000`, or an id. May be repeated.
    #[arg(long, value_parser = |text: &str| AgencyKey::parse(text).map_err(|invalid| invalid.to_string()))]
    agency: Vec<AgencyKey>,
    /// The token may act for every agency.
    #[arg(long)]
    all_agencies: bool,
    /// The client whose records the caller's are; the same name is the same client.
    #[arg(long, default_value = "operator")]
    client: String,
    /// How many minutes the token is good for.
    #[arg(long, default_value_t = 15, value_parser = clap::value_parser!(i64).range(1..=1440))]
    minutes: i64,
}

pub(super) fn scopes(text: &str) -> Result<String, String> {
    if text.trim() == "all" {
        return Ok(SCOPES.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(" "));
    }
    match text.split_whitespace().find(|scope| SCOPES.iter().all(|(name, _)| name != scope)) {
        Some(unknown) => {
            Err(format!("there is no scope `{unknown}`; there are {}", SCOPES.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")))
        }
        None => Ok(text.to_owned()),
    }
}

/// Prints a token.
///
/// # Errors
/// [`Failure::Unreachable`] where there is no key and none can be made.
pub fn run(config: &Config, args: &Args) -> Result<(), Failure> {
    let keys = KeyRing::open(&config.data_dir).map_err(|cause| Failure::Unreachable(cause.to_string()))?;
    let tokens = Tokens::new(keys, &config.issuer, &config.audience);
    let grant = Grant {
        client: args.client.clone(),
        scope: args.scope.clone(),
        agencies: (!args.all_agencies).then(|| args.agency.clone()),
        lifetime: SignedDuration::from_mins(args.minutes),
    };
    let token = tokens.sign(&grant, SystemClock.now()).map_err(|cause| Failure::Unreachable(cause.to_string()))?;
    println!("{token}");
    Ok(())
}
