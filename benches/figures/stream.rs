//! Files of completions, streamed both ways as NDJSON, beside the same rows written without the service: by COPY, or by prepared inserts.

use crate::Outcome;
use crate::load::send_file;
use crate::postgres::Postgres;
use crate::sample;
use crate::service::Service;
use crate::sqlite::Sqlite;
use crate::stages::{Figure, Figures, ROUNDS, keep};

/// How many records a file has.
pub const RECORDS: u32 = 20_000;

/// Where the rows are written without the service.
enum Beside<'a> {
    Postgres(&'a Postgres),
    Sqlite(Sqlite),
}

const TWIN: &str = "completions_by_file";

/// Measures new files, and the same ones again.
pub fn measure(service: &Service, token: &str, postgres: Option<&Postgres>, figures: &mut Figures) -> Outcome<()> {
    let mut beside = if let Some(postgres) = postgres {
        postgres.twin(TWIN)?;
        Beside::Postgres(postgres)
    } else {
        Beside::Sqlite(Sqlite::twin(&service.file())?)
    };
    for round in 0..=ROUNDS {
        let name = format!("file-{round}");
        let file = sample::file(token, &name, RECORDS);
        let new = send_file(service, &file, RECORDS, "created")?;
        let again = send_file(service, &file, RECORDS, "unchanged")?;
        let written = match &mut beside {
            Beside::Postgres(postgres) => (Figure::FileCopy, postgres.copy(TWIN, &name, RECORDS)?),
            Beside::Sqlite(sqlite) => (Figure::FileInserts, sqlite.insert(&name, RECORDS)?),
        };
        keep(figures, round, [(Figure::File, new), (Figure::FileAgain, again), written]);
    }
    Ok(())
}
