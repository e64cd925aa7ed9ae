//! The figures as a page of Markdown.

use std::fmt::Write as _;
use std::process::Command;

use crate::load::{CONNECTIONS, MANY};
use crate::rate::{Rate, median};
use crate::sample::{AGENCIES, BATCH, OFFICERS};
use crate::stages::{Figure, Figures, ROUNDS};
use crate::stream::RECORDS;

/// What was measured on a database.
pub struct Column {
    /// Its name.
    pub database: &'static str,
    /// The rates.
    pub figures: Figures,
}

const NAMES: [(Figure, &str); 23] = [
    (Figure::Livez, "`GET /livez`"),
    (Figure::Status, "`GET /v1/agencies/{agency}/certification-status`"),
    (Figure::Select, "pgbench: a select of the agency's row by its id, as `pgbench -S`"),
    (Figure::Prepared, "pgbench: the same select, prepared"),
    (Figure::Push8, "`POST /v1/completions`, new records, 8 connections"),
    (Figure::Both8, "pgbench: the same two inserts in a transaction, 8 connections"),
    (Figure::Pgbench8, "pgbench: the completion alone, 8 connections"),
    (Figure::Push32, "`POST /v1/completions`, new records, 32 connections"),
    (Figure::Both32, "pgbench: the same two inserts in a transaction, 32 connections"),
    (Figure::Pgbench32, "pgbench: the completion alone, 32 connections"),
    (Figure::Batch, "`POST /v1/completions/batch`, new records"),
    (Figure::Again, "the same batches again: unchanged"),
    (Figure::Copy, "COPY: the same rows, in one"),
    (Figure::File, "`POST /v1/completions/batch` of a file as NDJSON, new records"),
    (Figure::FileAgain, "the same file again: unchanged"),
    (Figure::FileCopy, "COPY: the rows of the file, in one"),
    (Figure::FileInserts, "prepared inserts: the rows of the file, in one transaction"),
    (Figure::Plain1, "audit rows without a chain, 1 writer"),
    (Figure::Lanes1, "audit entries in 64 lanes, 1 writer"),
    (Figure::Lane1, "audit entries in one lane, 1 writer"),
    (Figure::Plain8, "audit rows without a chain, 8 writers"),
    (Figure::Lanes8, "audit entries in 64 lanes, 8 writers"),
    (Figure::Lane8, "audit entries in one lane, 8 writers"),
];

/// What is put beside what, its name, and what the project wants it to be at least, where it has said so.
const RATIOS: [(Figure, Figure, &str, Option<f64>); 15] = [
    (Figure::Status, Figure::Livez, "status / `/livez`", Some(0.5)),
    (Figure::Status, Figure::Select, "status / pgbench's select", Some(0.5)),
    (Figure::Status, Figure::Prepared, "status / pgbench's select, prepared", None),
    (Figure::Push8, Figure::Both8, "single pushes / pgbench, 8 connections", Some(0.5)),
    (Figure::Push32, Figure::Both32, "single pushes / pgbench, 32 connections", Some(0.5)),
    (Figure::Push8, Figure::Pgbench8, "single pushes / pgbench, the completion alone, 8 connections", None),
    (Figure::Push32, Figure::Pgbench32, "single pushes / pgbench, the completion alone, 32 connections", None),
    (Figure::Batch, Figure::Copy, "batch / COPY", Some(0.25)),
    (Figure::File, Figure::FileCopy, "NDJSON / COPY", Some(0.25)),
    (Figure::File, Figure::FileInserts, "NDJSON / prepared inserts", Some(0.25)),
    (Figure::FileAgain, Figure::File, "the same file again, unchanged / the first time", Some(1.0)),
    (Figure::Batch, Figure::Push8, "completions by batch / by single pushes, 8 connections", None),
    (Figure::Lanes1, Figure::Plain1, "audit entries / rows without a chain, 1 writer", None),
    (Figure::Lanes8, Figure::Plain8, "audit entries / rows without a chain, 8 writers", None),
    (Figure::Lanes8, Figure::Lane8, "audit entries in 64 lanes / in one, 8 writers", None),
];

/// Where and on what the figures are measured.
pub fn facts() -> Vec<String> {
    let commit = Command::new("git").args(["describe", "--always", "--dirty", "--exclude=*"]).output();
    let commit = commit.ok().filter(|output| output.status.success()).and_then(|output| String::from_utf8(output.stdout).ok());
    let cores = std::thread::available_parallelism().map_or_else(|_| "an unknown number of".to_owned(), |cores| cores.to_string());
    let load = std::fs::read_to_string("/proc/loadavg").ok().and_then(|text| text.split(' ').next().map(str::to_owned));
    let build = if cfg!(debug_assertions) { ", a debug build: compare nothing" } else { "" };
    vec![
        format!("commit {}{build}", commit.as_deref().map_or("unknown", str::trim)),
        format!("{cores} cores ({}), shared by service, database and client", std::env::consts::ARCH),
        format!("a load of {} before it began: what other work the machine had", load.as_deref().unwrap_or("unknown size")),
        "SQLite in WAL mode with synchronous NORMAL, as the service sets it: a commit is not flushed to disk one by one".to_owned(),
    ]
}

/// The page.
pub fn render(facts: &[String], columns: &[Column]) -> String {
    let mut page = String::from(
        "# Benchmarks\n\nMade by `scripts/bench --write`, in one run. Absolute times on shared machines prove nothing: compare the ratios.\n\n",
    );
    for fact in facts {
        let _ = writeln!(page, "- {fact}");
    }
    let _ = writeln!(
        page,
        "\nThe service runs as its own process with its default settings, its log written to a file, and is called over 127.0.0.1 by a lean client that\n\
         keeps its connections open: {CONNECTIONS} of them at once, or {MANY}, and one for batches (of {BATCH}) and files (of {RECORDS} lines, with an outcome read of\n\
         each while the file is sent). The database begins with {AGENCIES} agencies of {OFFICERS} sworn officers, one completion each. Officers are named by agency,\n\
         badge number and family name. The rows beside are written into a table with the same rows, indexes and foreign keys as `completions`, on\n\
         SQLite into a copy of the database, with the same settings, by prepared inserts in one transaction; pgbench has as many connections as the\n\
         pushes beside it, prepares what it inserts, draws its ids at random, and inserts what a push does, a completion and its audit entry, or the completion alone. What a round writes stays there for those after it, so each officer has ever more completions.\n\
         Each figure is the median of {ROUNDS} rounds, with the lowest and the highest. The processor time is of service and client, not of PostgreSQL;\n\
         microseconds each are milliseconds for a thousand rows."
    );
    for column in columns {
        let _ = writeln!(page, "\n## {}\n", column.database);
        page += &table(&["", "a second", "lowest to highest", "service, µs each", "client, µs each"], &rates(&column.figures));
    }
    page += "\n## Ratios\n\nThe median of the ratios of the rounds, and what they shall be at least, where the project has set itself a bound.\n\n";
    let mut titles = vec![""];
    titles.extend(columns.iter().map(|column| column.database));
    titles.push("at least");
    page += &table(&titles, &ratios(columns));
    page
}

fn rates(figures: &Figures) -> Vec<Vec<String>> {
    let row = |(figure, name): &(Figure, &str)| {
        let rates = figures.get(figure)?;
        let of = |value: fn(&Rate) -> Option<f64>| median(rates.iter().filter_map(value).collect()).map_or_else(|| "–".to_owned(), thousands);
        let all: Vec<f64> = rates.iter().map(|rate| rate.per_second).collect();
        let (lowest, highest) = (all.iter().copied().fold(f64::INFINITY, f64::min), all.iter().copied().fold(0.0, f64::max));
        let range = format!("{} to {}", thousands(lowest), thousands(highest));
        Some(vec![(*name).to_owned(), of(|rate| Some(rate.per_second)), range, of(|rate| rate.service), of(|rate| rate.client)])
    };
    NAMES.iter().filter_map(row).collect()
}

fn ratios(columns: &[Column]) -> Vec<Vec<String>> {
    let cell = |column: &Column, one: Figure, other: Figure| {
        let pairs = column.figures.get(&one)?.iter().zip(column.figures.get(&other)?);
        median(pairs.map(|(one, other)| one.per_second / other.per_second).collect()).map(|ratio| format!("{ratio:.3}"))
    };
    let row = |(one, other, name, bound): &(Figure, Figure, &str, Option<f64>)| {
        let mut row = vec![(*name).to_owned()];
        row.extend(columns.iter().map(|column| cell(column, *one, *other).unwrap_or_else(|| "–".to_owned())));
        row.push(bound.map_or_else(|| "–".to_owned(), |bound| bound.to_string()));
        row
    };
    RATIOS.iter().map(row).collect()
}

/// A table whose columns are as wide as their widest cell, so that it can be read as it stands.
fn table(titles: &[&str], rows: &[Vec<String>]) -> String {
    let wide = |index: usize| rows.iter().map(|row| row[index].chars().count()).chain([titles[index].chars().count(), 3]).max().unwrap_or(3);
    let widths: Vec<usize> = (0..titles.len()).map(wide).collect();
    let line = |cells: Vec<&str>| {
        let cells: Vec<String> = cells
            .iter()
            .zip(&widths)
            .enumerate()
            .map(|(index, (cell, width))| if index == 0 { format!("{cell:<width$}") } else { format!("{cell:>width$}") })
            .collect();
        format!("| {} |\n", cells.join(" | "))
    };
    let rules: Vec<String> =
        widths.iter().enumerate().map(|(index, width)| if index == 0 { "-".repeat(*width) } else { "-".repeat(width - 1) + ":" }).collect();
    let mut text = line(titles.to_vec());
    text += &line(rules.iter().map(String::as_str).collect());
    for row in rows {
        text += &line(row.iter().map(String::as_str).collect());
    }
    text
}

/// A number of three digits or more, without fraction and with commas.
fn thousands(value: f64) -> String {
    let digits = if value < 100.0 { format!("{value:.1}") } else { format!("{value:.0}") };
    let (whole, fraction) = digits.split_once('.').map_or((digits.as_str(), String::new()), |(whole, rest)| (whole, format!(".{rest}")));
    let groups: Vec<&str> = whole.as_bytes().rchunks(3).rev().filter_map(|group| std::str::from_utf8(group).ok()).collect();
    groups.join(",") + &fraction
}
