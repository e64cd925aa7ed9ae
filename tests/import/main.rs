//! `onemind import` against a service that keeps to the contract.

#![expect(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

mod agencies;
mod completions;
mod fake;
mod roster;
mod service;
mod usage;

use std::{
    fs,
    path::{Path, PathBuf},
};

use clap::Parser;
use onemind::import::{Ending, ImportArgs, import};
use tempfile::TempDir;

#[derive(Parser)]
struct Cli {
    #[command(flatten)]
    import: ImportArgs,
}

/// What a run left behind.
struct Run {
    ending: Ending,
    out: String,
    err: String,
    rejected: Option<String>,
}

/// A folder with one file to import.
struct File {
    dir: TempDir,
    path: PathBuf,
}

impl File {
    fn new(name: &str, text: impl AsRef<[u8]>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(name);
        fs::write(&path, text).unwrap();
        Self { dir, path }
    }

    /// Imports it as `onemind import KIND FILE --url URL FLAGS…` would.
    async fn import(&self, kind: &str, url: &str, flags: &[&str]) -> Run {
        let rejected = self.dir.path().join("rejected");
        let _ = fs::remove_file(&rejected);
        self.import_beside(&rejected, kind, url, flags).await
    }

    /// The same, with rejected rows to a path of choice.
    async fn import_beside(&self, rejected: &Path, kind: &str, url: &str, flags: &[&str]) -> Run {
        let line = [&["onemind", kind, self.path.to_str().unwrap(), "--url", url, "--rejected", rejected.to_str().unwrap()], flags].concat();
        let args = Cli::try_parse_from(line).unwrap().import;
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let ending = import(args, &mut out, &mut err).await;
        Run { ending, out: String::from_utf8(out).unwrap(), err: String::from_utf8(err).unwrap(), rejected: fs::read_to_string(rejected).ok() }
    }
}

impl Run {
    /// The count that the summary gives for an outcome.
    fn count(&self, outcome: &str) -> u64 {
        let counts = self.out.lines().take_while(|line| *line != "why");
        let mut of_outcome = counts.filter_map(|line| line.strip_prefix("  ")?.strip_prefix(outcome));
        of_outcome.next().map_or(0, |number| number.trim().replace(',', "").parse().unwrap())
    }
}
