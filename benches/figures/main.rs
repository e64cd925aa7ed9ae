//! What the service does in a second, on each database, beside what the database does without it.
//!
//! `scripts/bench` runs it with a PostgreSQL of its own; `cargo bench --bench figures` alone measures SQLite.
//! It runs the binary as it is served, on 127.0.0.1 and on a fresh database, and takes about five minutes.

mod audit;
mod http;
mod load;
mod postgres;
mod rate;
mod report;
mod sample;
mod service;
mod sqlite;
mod stages;
mod stream;

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;

use clap::Parser;

use postgres::Postgres;
use report::Column;

/// What is measured, or why it could not be.
type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// Where `--write` puts the report.
const REPORT: &str = "docs/benchmarks.md";

/// Measures requests and completions a second.
#[derive(Parser)]
struct Arguments {
    /// A PostgreSQL on which databases may be made: the service is measured on it too, beside COPY and pgbench.
    #[arg(long, value_name = "URL")]
    postgres: Option<String>,
    /// Measure this alone, to look closer at it.
    #[arg(long, value_enum, conflicts_with = "write")]
    only: Option<stages::Stage>,
    /// Write the figures to docs/benchmarks.md.
    #[arg(long)]
    write: bool,
    /// `cargo bench` gives it to every benchmark.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            eprintln!("figures: {fault}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Outcome<()> {
    if arguments.write && cfg!(debug_assertions) {
        return Err("--write needs a release build".into());
    }
    let mut facts = report::facts();
    let mut columns: Vec<Column> = Vec::new();
    columns.push(Column { database: "SQLite", figures: stages::measure(None, arguments.only)? });
    if let Some(admin) = &arguments.postgres {
        let postgres = Postgres::create(admin)?;
        facts.push(postgres.facts()?);
        columns.push(Column { database: "PostgreSQL", figures: stages::measure(Some(&postgres), arguments.only)? });
    }
    let report = report::render(&facts, &columns);
    print!("{report}");
    if arguments.write {
        std::fs::write(Path::new(env!("CARGO_MANIFEST_DIR")).join(REPORT), report)?;
    }
    Ok(())
}
