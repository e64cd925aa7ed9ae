//! `onemind import`: files from other systems, pushed through the HTTP interface.
//!
//! A client like any other: what it does, a vendor's own script could do. [`crate::rows`] gives rows that know their line, and records of
//! them; the modules named like what a file holds send them by [`client`], and [`report`] says what became of each.

mod agencies;
mod args;
mod client;
mod completions;
mod feed;
mod problem;
mod progress;
mod rejected;
mod report;
mod roster;

use std::{fs::File, io::Read, io::Write, path::Path, process::ExitCode, sync::Arc};

use jiff::tz::TimeZone;

use crate::domain::clock::{Clock, SystemClock};
use crate::rows::read::Format;
use crate::rows::sheet::{Layout, OpenError, Rows, open};
use crate::rows::{convert, fields};

pub use args::{AgenciesArgs, CommonArgs, CompletionsArgs, ImportArgs, ImportCommand, RosterArgs};
use client::Client;
use feed::Feed;
use problem::Stop;
use progress::Progress;
use rejected::Rejected;
use report::Report;

/// How an import ended; its number is the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// Every row went in.
    Done = 0,
    /// There are rows that didn't, and they were named.
    Faults = 1,
    /// The flags or the mapping can't be read.
    Usage = 2,
    /// The service can't be reached, or doesn't let the caller in.
    Unreachable = 3,
}

impl From<Ending> for ExitCode {
    fn from(ending: Ending) -> Self {
        Self::from(ending as u8)
    }
}

/// Imports a file, with the summary on standard output and all else on standard error.
pub async fn run(args: ImportArgs) -> ExitCode {
    import(args, &mut std::io::stdout(), &mut std::io::stderr()).await.into()
}

/// Imports a file, with the summary to `out` and what went wrong to `err`.
pub async fn import(args: ImportArgs, out: &mut dyn Write, err: &mut dyn Write) -> Ending {
    let ended = attempt(args.what, out).await;
    match ended {
        Ok(ending) => ending,
        Err(stop) => {
            // Nobody is left to tell where standard error is closed.
            let _ = writeln!(err, "error: {stop}");
            match stop {
                Stop::Usage(_) => Ending::Usage,
                Stop::Refused(_) => Ending::Faults,
                Stop::Unreachable(_) => Ending::Unreachable,
            }
        }
    }
}

async fn attempt(what: ImportCommand, out: &mut dyn Write) -> Result<Ending, Stop> {
    let (common, table, word) = match &what {
        ImportCommand::Agencies(args) => (&args.common, &fields::AGENCIES, "agencies"),
        ImportCommand::Roster(args) => (&args.common, &fields::ROSTER, "roster"),
        ImportCommand::Completions(args) => (&args.common, &fields::COMPLETIONS, "completions"),
    };
    let format = common.format().map_err(Stop::Usage)?;
    let path = (!common.is_standard_input()).then_some(common.file.as_path());
    let rejected_path = common.rejected_path(format);
    if path.is_some_and(|path| is_same_file(path, &rejected_path)) {
        return Err(Stop::Usage("--rejected is the file that is imported: choose another".to_owned()));
    }
    let name = path.map_or("standard input".to_owned(), |path| path.display().to_string());
    let Rows { source, mapping } = open_file(path, format, table, &common.layout()).map_err(|error| match error {
        OpenError::Mapping(fault) => Stop::Usage(fault),
        other => Stop::Usage(format!("{name}: {other}")),
    })?;
    let mapping = Arc::new(mapping);
    let bytes = path.and_then(|path| path.metadata().ok()).map(|file| file.len());
    let progress = Progress::new(bytes);
    let client = Client::new(&common.url, common.token.clone(), progress.clone())?;
    let makes_ids = matches!(what, ImportCommand::Completions(_));
    let rejected = Rejected::new(rejected_path, source.header(), &mapping, makes_ids);
    let mut report = Report::new(format!("{word} from {name}"), progress, rejected);
    let feed = Feed::start(source, Arc::clone(&mapping));

    let ended = match &what {
        ImportCommand::Agencies(_) => agencies::run(feed, &mapping, &Arc::new(client), &mut report).await,
        ImportCommand::Completions(args) => completions::run(feed, &mapping, &client, args.batch_size as usize, &mut report).await,
        ImportCommand::Roster(args) => {
            let order = roster::Order {
                agency: convert::agency(&args.agency),
                as_of: args.as_of.unwrap_or_else(|| SystemClock.now().to_zoned(TimeZone::system()).date()),
                dry_run: args.dry_run,
                allow_shrink: args.allow_shrink,
            };
            roster::run(feed, &mapping, &client, &order, &mut report).await
        }
    };
    if ended.is_err() && report.last_line() > 0 {
        report.remark(format!("It ended early, after line {}. To import the whole file again is safe.", report.last_line()));
    }
    for name in mapping.unseen().iter() {
        report.remark(format!("no row has a value of \"{name}\": is --map right?"));
    }
    report.finish(out)?;
    ended?;
    Ok(if report.is_clean() { Ending::Done } else { Ending::Faults })
}

/// Opens a file, or standard input where there is no path.
fn open_file(path: Option<&Path>, format: Format, table: &'static fields::Table, layout: &Layout) -> Result<Rows, OpenError> {
    let raw: Box<dyn Read + Send> = match path {
        Some(path) => Box::new(File::open(path)?),
        None => Box::new(std::io::stdin()),
    };
    open(raw, format, table, layout)
}

fn is_same_file(one: &Path, other: &Path) -> bool {
    match (one.canonicalize(), other.canonicalize()) {
        (Ok(one), Ok(other)) => one == other,
        _ => false,
    }
}
