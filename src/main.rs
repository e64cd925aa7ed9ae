//! The `onemind` binary: its subcommands, and nothing else.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use onemind::commands::{self, Failure};
use onemind::config::{Config, Defaults, Settings};
use onemind::telemetry;

/// Requests are small pieces of memory that one thread makes and another frees: a third of a batch's time went to that in the C library's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// One Mind Registry: who pledged, who is trained, who is One Mind Certified.
#[derive(Parser)]
#[command(name = "onemind", version, propagate_version = true)]
struct Arguments {
    #[command(flatten)]
    settings: Settings,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve a fresh registry with sample data, and show what it does.
    Demo(commands::demo::Args),
    /// Answer requests.
    Serve(commands::serve::Args),
    /// Bring the database up to date.
    Migrate(commands::migrate::Args),
    /// Verify or shorten the audit log.
    Audit(commands::audit::Args),
    /// Count every agency anew from the facts, and name those whose coverage timeline differs; exit with 1 where any does.
    VerifyReadiness(commands::verify_readiness::Args),
    /// Print the OpenAPI document.
    Openapi(commands::openapi::Args),
    /// Print an access token, signed with the key of the data folder.
    Token(commands::token::Args),
    /// Make, list and revoke clients, and give them new secrets.
    Client(commands::client::Args),
    /// Rotate and list the keys that sign access tokens.
    Key(commands::key::Args),
    /// Send a CSV or NDJSON file into a running service.
    Import(onemind::import::ImportArgs),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(arguments) {
        Ok(code) => code,
        Err(failure) => {
            eprintln!("onemind: {failure}");
            ExitCode::from(failure.exit_code())
        }
    }
}

fn run(arguments: Arguments) -> Result<ExitCode, Failure> {
    let defaults = if matches!(arguments.command, Command::Demo(_)) { Defaults::DEMO } else { Defaults::SERVICE };
    let config = Config::load_over(defaults, &arguments.settings).map_err(Failure::Usage)?;
    telemetry::start_log(&config.log).map_err(Failure::Usage)?;
    match arguments.command {
        Command::Demo(args) => commands::demo::run(&config, &args),
        Command::Serve(args) => commands::serve::run(&config, &args),
        Command::Migrate(args) => commands::migrate::run(&config, &args),
        Command::Audit(args) => commands::audit::run(&config, &args),
        Command::VerifyReadiness(args) => commands::verify_readiness::run(&config, &args),
        Command::Openapi(args) => commands::openapi::run(&args),
        Command::Token(args) => commands::token::run(&config, &args),
        Command::Client(args) => commands::client::run(&config, &args),
        Command::Key(args) => commands::key::run(&config, &args),
        Command::Import(args) => return Ok(actix_web::rt::System::new().block_on(onemind::import::run(args))),
    }?;
    Ok(ExitCode::SUCCESS)
}
