//! What is measured on a database, in rounds. What is compared has its turns one after the other within a round, so that both
//! meet the same machine.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

use crate::Outcome;
use crate::http::{Connection, request};
use crate::load::{CONNECTIONS, MANY, send_batches, send_for};
use crate::postgres::{Inserts, Postgres, Protocol};
use crate::rate::Rate;
use crate::sample::{self, BATCH, OFFICERS};
use crate::service::Service;

/// How many rounds count; one before them warms up.
pub const ROUNDS: usize = 5;
/// How long requests are sent in a round.
const TIME: Duration = Duration::from_secs(2);
/// Batches in a round at the most, and how long they may take together as far as the first round tells.
const MOST_BATCHES: u32 = 10;
const BATCHES_TIME: Duration = Duration::from_secs(3);

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Figure {
    Livez,
    Status,
    Select,
    Prepared,
    Push8,
    Both8,
    Pgbench8,
    Push32,
    Both32,
    Pgbench32,
    Batch,
    Again,
    Copy,
    File,
    FileAgain,
    FileCopy,
    FileInserts,
    Plain1,
    Lanes1,
    Lane1,
    Plain8,
    Lanes8,
    Lane8,
}

/// What is measured together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Stage {
    /// Reads of a status.
    Read,
    /// Single pushes.
    Push,
    /// Batches.
    Batch,
    /// Files, streamed.
    Stream,
    /// The audit log alone.
    Audit,
}

/// The rates of each round.
pub type Figures = BTreeMap<Figure, Vec<Rate>>;

/// Measures the service on a fresh database: this one, or SQLite. All stages, or one.
pub fn measure(postgres: Option<&Postgres>, only: Option<Stage>) -> Outcome<Figures> {
    let service = Service::start(postgres.map(Postgres::url).as_deref())?;
    say("loading", postgres);
    sample::load(&service)?;
    let agencies: Vec<String> = (0..sample::AGENCIES).map(sample::agency).collect();
    let token = service.token("lms", "completions:write status:read", &agencies)?;
    send_batches(&service, &sample::first_batches(&token), BATCH, "created")?;
    if let Some(postgres) = postgres {
        postgres.sql(&["ANALYZE"])?; // as autovacuum does, sooner or later
    }
    let mut figures = Figures::new();
    let wanted = |stage| only.is_none_or(|only| only == stage);
    if wanted(Stage::Read) {
        say("reading", postgres);
        read(&service, &token, postgres, &mut figures)?;
    }
    if wanted(Stage::Push) {
        say("pushing", postgres);
        push(&service, &token, postgres, &mut figures)?;
    }
    if wanted(Stage::Batch) {
        say("pushing batches", postgres);
        push_batches(&service, &token, postgres, &mut figures)?;
    }
    if wanted(Stage::Stream) {
        say("streaming files", postgres);
        crate::stream::measure(&service, &token, postgres, &mut figures)?;
    }
    if let Some(postgres) = postgres
        && wanted(Stage::Audit)
    {
        say("writing the audit log alone", Some(postgres));
        crate::audit::measure(postgres, &service.audit_keys()?, TIME / 2, &mut figures)?;
    }
    Ok(figures)
}

fn read(service: &Service, token: &str, postgres: Option<&Postgres>, figures: &mut Figures) -> Outcome<()> {
    let live = request("GET", "/livez", None, "");
    let status = request("GET", &format!("/v1/agencies/{}/certification-status", sample::agency(7)), Some(token), "");
    let answer = Connection::open(service.address)?.expect(&status, 200)?;
    let training = &answer["requirements"]["training"];
    if training["sworn"] != OFFICERS || training["trained"]["count"] != OFFICERS {
        return Err(format!("all {OFFICERS} should be trained: {answer}").into());
    }
    for round in 0..=ROUNDS {
        let rates = [
            (Figure::Livez, send_for(service, CONNECTIONS, TIME, 200, |_, _| Cow::Borrowed(&live))?),
            (Figure::Status, send_for(service, CONNECTIONS, TIME, 200, |_, _| Cow::Borrowed(&status))?),
        ];
        keep(figures, round, rates);
        if let Some(postgres) = postgres {
            let agency = sample::agency(7);
            let ori = agency.trim_start_matches("ori:");
            let rates = [
                (Figure::Select, postgres.select(ori, Protocol::Simple, TIME)?),
                (Figure::Prepared, postgres.select(ori, Protocol::Prepared, TIME)?),
            ];
            keep(figures, round, rates);
        }
    }
    Ok(())
}

fn push(service: &Service, token: &str, postgres: Option<&Postgres>, figures: &mut Figures) -> Outcome<()> {
    if let Some(postgres) = postgres {
        postgres.twin("completions_by_pgbench")?;
        postgres.prepare_pgbench("completions_by_pgbench")?;
    }
    for round in 0..=ROUNDS {
        let turns = [(CONNECTIONS, Figure::Push8, Figure::Both8, Figure::Pgbench8), (MANY, Figure::Push32, Figure::Both32, Figure::Pgbench32)];
        for (connections, pushed, both, one) in turns {
            let record = |connection: u32, number: u32| {
                let record = sample::completion(&format!("push-{connections}-{round}-{connection}-{number}"), connection + number * 7);
                Cow::Owned(request("POST", "/v1/completions", Some(token), &record.to_string()))
            };
            keep(figures, round, [(pushed, send_for(service, connections, TIME, 201, record)?)]);
            if let Some(postgres) = postgres {
                keep(figures, round, [(both, postgres.pgbench(Inserts::Both, connections, round, TIME)?)]);
                keep(figures, round, [(one, postgres.pgbench(Inserts::Completion, connections, round, TIME)?)]);
            }
        }
    }
    Ok(())
}

fn push_batches(service: &Service, token: &str, postgres: Option<&Postgres>, figures: &mut Figures) -> Outcome<()> {
    if let Some(postgres) = postgres {
        postgres.twin("completions_by_copy")?;
    }
    let mut count = 2;
    for round in 0..=ROUNDS {
        let name = format!("batch-{round}");
        let batches = sample::batches(token, &name, count);
        let new = send_batches(service, &batches, BATCH, "created")?;
        let again = send_batches(service, &batches, BATCH, "unchanged")?;
        keep(figures, round, [(Figure::Batch, new), (Figure::Again, again)]);
        if let Some(postgres) = postgres {
            keep(figures, round, [(Figure::Copy, postgres.copy("completions_by_copy", &name, count * BATCH)?)]);
        }
        if round == 0 {
            count = batches_within(BATCHES_TIME, new);
        }
    }
    Ok(())
}

/// How many batches take this long at this rate.
fn batches_within(time: Duration, rate: Rate) -> u32 {
    let one = f64::from(BATCH) / rate.per_second;
    (1..=MOST_BATCHES).rev().find(|count| f64::from(*count) * one <= time.as_secs_f64()).unwrap_or(1)
}

/// Keeps the rates of a round that counts.
pub fn keep<const N: usize>(figures: &mut Figures, round: usize, rates: [(Figure, Rate); N]) {
    if round > 0 {
        for (figure, rate) in rates {
            figures.entry(figure).or_default().push(rate);
        }
    }
}

fn say(what: &str, postgres: Option<&Postgres>) {
    eprintln!("{what}, on {}", if postgres.is_some() { "PostgreSQL" } else { "SQLite" });
}
