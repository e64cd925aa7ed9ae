//! The command line of `onemind import`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use jiff::civil::Date;
use secrecy::SecretString;

use crate::domain::csv_mapping::DateFormat;
use crate::rows::encoding;
use crate::rows::mapping::Pair;
use crate::rows::read::Format;
use crate::rows::sheet::Layout;

/// `onemind import agencies|roster|completions FILE`.
#[derive(Debug, Clone, Args)]
pub struct ImportArgs {
    /// What the file holds.
    #[command(subcommand)]
    pub what: ImportCommand,
}

/// What a file holds, with what only that kind of file needs.
#[derive(Debug, Clone, Subcommand)]
pub enum ImportCommand {
    /// Create or replace agencies, one a row
    Agencies(AgenciesArgs),
    /// Put the whole roster of one agency: officers that the file leaves out get an end date
    Roster(RosterArgs),
    /// Push training completions, one a row
    Completions(CompletionsArgs),
}

/// `onemind import agencies`.
#[derive(Debug, Clone, Args)]
pub struct AgenciesArgs {
    /// The file, the service and the mapping.
    #[command(flatten)]
    pub common: CommonArgs,
}

/// `onemind import roster`.
#[derive(Debug, Clone, Args)]
pub struct RosterArgs {
    /// The file, the service and the mapping.
    #[command(flatten)]
    pub common: CommonArgs,
    /// The agency whose roster this is: `ori:TX2270000` or its id
    #[arg(long, value_name = "AGENCY")]
    pub agency: String,
    /// The day on which the roster was true (default: today)
    #[arg(long, value_name = "DATE")]
    pub as_of: Option<Date>,
    /// Show what would change, and change nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Go on even if more than half of the agency would get an end date
    #[arg(long)]
    pub allow_shrink: bool,
}

/// `onemind import completions`.
#[derive(Debug, Clone, Args)]
pub struct CompletionsArgs {
    /// The file, the service and the mapping.
    #[command(flatten)]
    pub common: CommonArgs,
    /// How many records go into one request
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub batch_size: u32,
}

/// What every import takes.
#[derive(Debug, Clone, Args)]
pub struct CommonArgs {
    /// A CSV file with a header row, or NDJSON (one object a line); `-` is standard input
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Where the service is
    #[arg(long, env = "ONEMIND_URL", default_value = "http://127.0.0.1:8080", value_name = "URL")]
    pub url: String,
    /// An access token (`onemind token` prints one)
    #[arg(long, env = "ONEMIND_TOKEN", hide_env_values = true, value_name = "TOKEN")]
    pub token: Option<SecretString>,
    /// Take a field from a column, such as `officer.family_name=last_name`; a column named like a field needs none
    #[arg(long = "map", value_name = "FIELD=COLUMN", value_parser = Pair::parse)]
    pub maps: Vec<Pair>,
    /// Give a field the same value in every row, such as `officer.agency=ori:ILCPD0000`
    #[arg(long = "set", value_name = "FIELD=VALUE", value_parser = Pair::parse)]
    pub sets: Vec<Pair>,
    /// How dates are written: iso (2004-10-29), mdy (10/29/2004 too) or dmy (29.10.2004 too)
    #[arg(long, value_name = "FORMAT", default_value = "iso", value_parser = |text: &str| DateFormat::parse(text).map_err(|invalid| invalid.detail))]
    pub date_format: DateFormat,
    /// What the file is written in, such as windows-1252, where a byte order mark doesn't say (default: utf-8)
    #[arg(long, value_name = "NAME", value_parser = encoding::named)]
    pub encoding: Option<&'static encoding_rs::Encoding>,
    /// How the first row after the last record begins, such as `Total`: nothing is read from there on
    #[arg(long, value_name = "TEXT")]
    pub footer: Option<String>,
    /// What the file is, where its name doesn't say
    #[arg(long, value_enum)]
    pub format: Option<Format>,
    /// Where rows that were parked or rejected are written (default: FILE's name with `.rejected.csv`, in the current folder)
    #[arg(long, value_name = "PATH")]
    pub rejected: Option<PathBuf>,
}

impl CommonArgs {
    /// True where the file is standard input.
    pub fn is_standard_input(&self) -> bool {
        self.file.as_os_str() == "-"
    }

    /// How the file is to be read.
    pub fn layout(&self) -> Layout {
        Layout {
            maps: self.maps.clone(),
            sets: self.sets.clone(),
            delimiter: None,
            encoding: self.encoding,
            dates: self.date_format,
            footer: self.footer.clone(),
        }
    }

    /// The format asked for, or the one that the file's name tells.
    ///
    /// # Errors
    /// Says which flag to give where neither tells.
    pub fn format(&self) -> Result<Format, String> {
        if let Some(format) = self.format {
            return Ok(format);
        }
        let extension = self.file.extension().and_then(|e| e.to_str()).unwrap_or("");
        match extension.to_ascii_lowercase().as_str() {
            "csv" => Ok(Format::Csv),
            "ndjson" | "jsonl" => Ok(Format::Ndjson),
            _ => Err(format!("{} doesn't say by its name what it is: give --format csv or --format ndjson", self.file.display())),
        }
    }

    /// Where parked and rejected rows go.
    pub fn rejected_path(&self, format: Format) -> PathBuf {
        if let Some(path) = &self.rejected {
            return path.clone();
        }
        let stem = match self.file.file_stem() {
            Some(stem) if !self.is_standard_input() => stem.to_os_string(),
            _ => "stdin".into(),
        };
        let mut name = stem;
        name.push(".rejected.");
        name.push(match format {
            Format::Csv => "csv",
            Format::Ndjson => "ndjson",
        });
        PathBuf::from(name)
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        import: ImportArgs,
    }

    fn common(words: &[&str]) -> CommonArgs {
        let line = [&["onemind", "completions"], words].concat();
        match Cli::try_parse_from(line).unwrap().import.what {
            ImportCommand::Completions(args) => args.common,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_field_ends_at_the_first_equals_sign() {
        let args = common(&["a.csv", "--map", "identifiers.post:US-IL=id=no"]);
        assert_eq!(args.maps[0].field, "identifiers.post:US-IL");
        assert_eq!(args.maps[0].to, "id=no");
    }

    #[test]
    fn a_pair_without_equals_sign_is_refused() {
        assert!(Cli::try_parse_from(["onemind", "completions", "a.csv", "--map", "hours"]).is_err());
    }

    #[test]
    fn a_batch_holds_at_most_ten_thousand() {
        let parse = |n| Cli::try_parse_from(["onemind", "completions", "a.csv", "--batch-size", n]).is_ok();
        assert!(parse("10000"));
        assert!(!parse("10001"));
        assert!(!parse("0"));
    }

    #[test]
    fn the_rejected_file_stands_in_the_current_folder_and_keeps_the_format() {
        let csv = common(&["/data/night/a.csv"]);
        assert_eq!(csv.rejected_path(Format::Csv), PathBuf::from("a.rejected.csv"));
        let json = common(&["b.jsonl"]);
        assert_eq!(json.rejected_path(Format::Ndjson), PathBuf::from("b.rejected.ndjson"));
        let stdin = common(&["-", "--format", "csv"]);
        assert_eq!(stdin.rejected_path(Format::Csv), PathBuf::from("stdin.rejected.csv"));
        let chosen = common(&["a.csv", "--rejected", "/tmp/x.csv"]);
        assert_eq!(chosen.rejected_path(Format::Csv), PathBuf::from("/tmp/x.csv"));
    }

    #[test]
    fn the_name_tells_the_format_and_the_flag_overrules_it() {
        assert_eq!(common(&["A.CSV"]).format(), Ok(Format::Csv));
        assert_eq!(common(&["a.jsonl"]).format(), Ok(Format::Ndjson));
        assert_eq!(common(&["a.csv", "--format", "ndjson"]).format(), Ok(Format::Ndjson));
        assert!(common(&["a.txt"]).format().is_err());
        assert!(common(&["-"]).format().is_err());
    }

    #[test]
    fn a_token_is_not_shown_by_debug() {
        let args = common(&["a.csv", "--token", "eyJsecret"]);
        assert!(!format!("{args:?}").contains("eyJsecret"));
    }
}
