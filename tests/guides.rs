//! The guides say what is so: every `sh` block of the vendors' guides is run, in order, against the real binary, and what it prints is
//! compared with the `json` or `text` block that follows it. The operating guide names every setting and every metric.

#![expect(clippy::unwrap_used, reason = "a test ends where something is not as it should be")]

#[path = "support/database.rs"]
mod database;

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use clap::Args as _;
use database::{Backend, TestDatabase};
use onemind::config::Settings;
use onemind::domain::placement::{CompletionStatus, ParkedReason};
use onemind::domain::stage::Stage;
use onemind::http::problem::KINDS;
use onemind::telemetry;
use serde_json::Value;

const LMS: &str = include_str!("../docs/lms-vendors.md");
const XAPI: &str = include_str!("../docs/xapi.md");
const RMS: &str = include_str!("../docs/rms-vendors.md");
const OPERATING: &str = include_str!("../docs/operating.md");

#[test]
fn the_guide_for_lms_vendors_works_on_sqlite() {
    follow(LMS, Backend::Sqlite);
}

#[test]
fn the_guide_for_rms_vendors_works_on_sqlite() {
    follow(RMS, Backend::Sqlite);
}

#[test]
fn the_guide_for_xapi_works_on_sqlite() {
    follow(XAPI, Backend::Sqlite);
}

#[test]
fn the_guide_for_xapi_works_on_postgresql() {
    if Backend::postgres_is_here() {
        follow(XAPI, Backend::Postgres);
    }
}

#[test]
fn the_guide_for_lms_vendors_works_on_postgresql() {
    if Backend::postgres_is_here() {
        follow(LMS, Backend::Postgres);
    }
}

#[test]
fn the_guide_for_rms_vendors_works_on_postgresql() {
    if Backend::postgres_is_here() {
        follow(RMS, Backend::Postgres);
    }
}

#[test]
fn the_operating_guide_names_every_setting() {
    let command = Settings::augment_args(clap::Command::new("onemind"));
    for argument in command.get_arguments() {
        let flag = format!("--{}", argument.get_long().unwrap());
        let variable = argument.get_env().unwrap().to_str().unwrap().to_owned();
        let key = if flag == "--config" { "none".to_owned() } else { format!("`{}`", argument.get_id()) };
        let row = OPERATING.lines().find(|line| line.starts_with(&format!("| `{flag}`")));
        let row = row.unwrap_or_else(|| panic!("the table of settings lacks {flag}"));
        let help = argument.get_help().unwrap().to_string();
        let default = help.split_once("[default: ").map(|(_, rest)| rest.trim_end_matches(['.', ']']).to_owned());
        for part in [Some(format!("`{variable}`")), Some(key), default].into_iter().flatten() {
            assert!(row.contains(&part), "the row of {flag} lacks {part}: {row}");
        }
    }
}

#[test]
fn the_guides_name_every_metric_and_every_word_of_an_answer() {
    for metric in [telemetry::REQUEST_DURATION, telemetry::REQUESTS, telemetry::RECORDS, telemetry::IMPORTS, telemetry::POOL] {
        assert!(OPERATING.contains(&format!("`{metric}`")), "{metric}");
    }
    for word in ParkedReason::ALL.iter().map(|reason| reason.as_str()).chain(CompletionStatus::ALL.iter().map(|status| status.as_str())) {
        assert!(LMS.contains(&format!("`{word}`")), "{word}");
    }
    for stage in Stage::ALL {
        assert!(RMS.contains(&format!("`{}`", stage.as_str())), "{}", stage.as_str());
    }
    for row in KINDS {
        assert!(LMS.contains(&format!("| {} `{}` |", row.status, row.slug)), "{} {}", row.status, row.slug);
    }
}

// ---------------------------------------------------------------- following a guide

/// Commands of a guide, and what they are said to print.
struct Step {
    line: usize,
    commands: String,
    prints: Option<Printed>,
}

enum Printed {
    Json(Value),
    Text(String),
}

/// Runs a guide as its reader would: one shell, with the command `onemind` at hand and the address in `ONEMIND`.
fn follow(guide: &str, backend: Backend) {
    let steps = steps(guide);
    assert!(steps.len() >= 5, "the guide has hardly any commands");
    let database = TestDatabase::create(backend);
    let service = Service::start(&database);
    let script: String = steps
        .iter()
        .enumerate()
        .map(|(number, step)| format!("echo 'at line {} of the guide' >&2\n{{\n{}}} >{number}.out\n", step.line, step.commands))
        .collect::<Vec<_>>()
        .concat();
    let binaries = Path::new(env!("CARGO_BIN_EXE_onemind")).parent().unwrap();
    let run = Command::new("bash")
        .args(["-c", &format!("set -euo pipefail\nPATH='{}':$PATH\n{script}", binaries.display())])
        .current_dir(database.folder())
        .env("ONEMIND", &service.url)
        .env("ONEMIND_DATA_DIR", database.folder())
        .env_remove("DATABASE_URL")
        .env_remove("ONEMIND_CONFIG")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success(), "a command failed (is curl installed?):\n{errors}");
    for (number, step) in steps.iter().enumerate() {
        let printed = std::fs::read_to_string(database.folder().join(format!("{number}.out"))).unwrap();
        if let Some(expected) = &step.prints {
            expected.compare(printed.trim(), step.line);
        }
    }
}

/// The `sh` blocks of a guide, each with the `json` or `text` block after it.
fn steps(guide: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut lines = guide.lines().zip(1..);
    while let Some((fence, line)) = lines.next() {
        let Some(language) = fence.strip_prefix("```").filter(|language| !language.is_empty()) else { continue };
        let block: String = lines.by_ref().map(|(text, _)| text).take_while(|text| *text != "```").flat_map(|text| [text, "\n"]).collect();
        let prints = match language {
            "sh" => {
                steps.push(Step { line, commands: block, prints: None });
                continue;
            }
            "json" => Printed::Json(serde_json::from_str(&block).unwrap_or_else(|cause| panic!("line {line}: {cause}"))),
            "text" => Printed::Text(block),
            other => panic!("line {line}: a block of `{other}` is neither run nor compared"),
        };
        let former = steps.last_mut().unwrap_or_else(|| panic!("line {line}: nothing prints this"));
        assert!(former.prints.is_none(), "line {line}: the commands of line {} print two things", former.line);
        former.prints = Some(prints);
    }
    steps
}

impl Printed {
    fn compare(&self, printed: &str, line: usize) {
        match self {
            Self::Json(expected) => {
                let value: Value = serde_json::from_str(printed).unwrap_or_else(|cause| panic!("line {line} prints no JSON ({cause}): {printed}"));
                if let Err(place) = agrees(expected, &value, String::new()) {
                    panic!("line {line} prints something else at `{place}`:\n{value:#}");
                }
            }
            Self::Text(expected) => {
                let (expected, actual): (Vec<&str>, Vec<&str>) = (expected.trim().lines().collect(), printed.lines().collect());
                let same = expected.len() == actual.len() && expected.iter().zip(&actual).all(|(expected, actual)| line_agrees(expected, actual));
                assert!(same, "line {line} prints something else:\n{printed}");
            }
        }
    }
}

/// `"…"` stands for any value, within a string for any text, and as the name of a member for any members that aren't shown.
/// Otherwise, where they differ.
fn agrees(expected: &Value, actual: &Value, place: String) -> Result<(), String> {
    match (expected, actual) {
        (Value::String(any), _) if any == "…" => Ok(()),
        (Value::String(expected), Value::String(actual)) if line_agrees(expected, actual) => Ok(()),
        (Value::Object(expected), Value::Object(actual)) => {
            let shown = |name: &String| name != "…" && !expected.contains_key(name);
            if let Some(more) = actual.keys().find(|name| shown(name)).filter(|_| !expected.contains_key("…")) {
                return Err(format!("{place}/{more}"));
            }
            expected.iter().filter(|(name, _)| *name != "…").try_for_each(|(name, expected)| {
                let place = format!("{place}/{name}");
                agrees(expected, actual.get(name).ok_or_else(|| place.clone())?, place)
            })
        }
        (Value::Array(expected), Value::Array(actual)) if expected.len() == actual.len() => {
            expected.iter().zip(actual).enumerate().try_for_each(|(index, (expected, actual))| agrees(expected, actual, format!("{place}/{index}")))
        }
        _ if expected == actual => Ok(()),
        _ => Err(place),
    }
}

/// `…` in a line stands for any text.
fn line_agrees(expected: &str, actual: &str) -> bool {
    let mut parts = expected.split('…');
    let Some(mut rest) = parts.next().and_then(|first| actual.strip_prefix(first)) else { return false };
    let mut last = None;
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
        last = Some(part);
    }
    last == Some("") || rest.is_empty()
}

#[test]
fn what_is_compared_is_told_apart() {
    let differs =
        |expected: &str, actual: &str| agrees(&serde_json::from_str(expected).unwrap(), &serde_json::from_str(actual).unwrap(), String::new()).err();
    assert_eq!(differs(r#"{"a": "…", "b": [1]}"#, r#"{"b": [1], "a": {"c": 2}}"#), None);
    assert_eq!(differs(r#"{"b": [1], "…": "…"}"#, r#"{"b": [1], "a": {"c": 2}}"#), None);
    assert_eq!(differs(r#"{"b": [1]}"#, r#"{"b": [1], "a": 2}"#).as_deref(), Some("/a"));
    assert_eq!(differs(r#"["urn:uuid:…"]"#, r#"["urn:uuid:1"]"#), None);
    assert_eq!(differs(r#"["urn:uuid:…"]"#, r#"["urn:oid:1"]"#).as_deref(), Some("/0"));
    assert_eq!(differs(r#"{"b": [1, {"c": null}]}"#, r#"{"b": [1, {"c": 0}]}"#).as_deref(), Some("/b/1/c"));
    assert_eq!(differs(r#"{"b": [1], "…": "…"}"#, r#"{"a": [1]}"#).as_deref(), Some("/b"));
    for (expected, actual, same) in [("a…c", "abc", true), ("a…", "abc", true), ("abc", "abc", true), ("ab", "abc", false), ("a…b", "abc", false)]
    {
        assert_eq!(line_agrees(expected, actual), same, "{expected} {actual}");
    }
}

/// The binary, serving.
struct Service {
    process: Child,
    url: String,
}

impl Service {
    fn start(database: &TestDatabase) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_onemind"))
            .args(["serve", "--migrate", "--listen", "127.0.0.1:0", "--workers", "1", "--database-url", database.url(), "--data-dir"])
            .arg(database.folder())
            .env_remove("ONEMIND_CONFIG")
            .env("ONEMIND_LOG", "info")
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
        let mut seen = String::new();
        let address = loop {
            let Some(line) = lines.next() else {
                let _ = process.wait();
                panic!("the service ended at its start:\n{seen}");
            };
            let line = line.unwrap();
            seen.push_str(&line);
            let event: Value = serde_json::from_str(&line).unwrap_or_default();
            if event["message"] == "listening" {
                break event["address"].as_str().unwrap().to_owned();
            }
        };
        // What it logs later must not fill the pipe.
        std::thread::spawn(move || lines.for_each(drop));
        Self { process, url: format!("http://{address}") }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
