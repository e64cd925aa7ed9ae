//! What the compiler doesn't hold: the layer rule, migrations in pairs, files of a readable length, no real data in the repository.

mod layers;
mod paths;

use std::collections::{BTreeSet, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

use layers::LAYERS;

const LONGEST_SOURCE: usize = 500;
/// At the top of the repository; none of them is in it.
const NOT_SHIPPED: [&str; 4] = [".git", "data", "node_modules", "target"];

#[test]
fn each_layer_names_only_what_lies_below_it() {
    let dependencies = dependencies();
    let mut faults = Vec::new();
    for layer in &LAYERS {
        let sources: Vec<PathBuf> = sources().into_iter().filter(|file| lies_in(file, layer.name)).collect();
        assert!(!sources.is_empty(), "src/{} is gone: the rule has to follow it", layer.name);
        for file in sources {
            for path in layer.faults(&file, &read(&root().join("src").join(&file)), &dependencies) {
                faults.push(format!("src/{}:{}: {}", file.display(), path.line, path.segments.join("::")));
            }
        }
    }
    assert!(faults.is_empty(), "names what its layer must not know:\n{}", faults.join("\n"));
}

#[test]
fn a_source_that_names_what_it_must_not_is_caught_however_it_writes_it() {
    let cases = [
        ("domain/ori.rs", "use diesel::prelude::*;", "diesel::prelude"),
        ("domain/ori.rs", "use diesel;", "diesel"),
        ("domain/ori.rs", "use ::tokio::time;", "tokio::time"),
        ("domain/ori.rs", "fn f() { tracing::info!(\"x\") }", "tracing::info"),
        ("domain/ori.rs", "#[derive(Debug, utoipa::ToSchema)] struct A;", "utoipa::ToSchema"),
        ("domain/ori.rs", "fn f() -> Vec<serde_json::Value> { Vec::new() }", "serde_json::Value"),
        ("domain/ori.rs", "use crate::storage::Store;", "crate::storage::Store"),
        ("domain/mod.rs", "use super::service;", "super::service"),
        ("domain/rules/credit.rs", "use super::super::super::http::routes;", "super::super::super::http::routes"),
        ("domain/ori.rs", "mod a { fn f() {} mod b { use super::super::super::super::app::x; } }", "super::super::super::super::app::x"),
        ("storage/officers.rs", "use crate::{domain::Ori, service::{place, park as p}};", "crate::service::place"),
        ("storage/officers.rs", "use crate::{domain::Ori, service::{place, park as p}};", "crate::service::park"),
        ("storage/officers.rs", "/* a /* b */ \" */ use actix_web::web;", "actix_web::web"),
        ("service/officers.rs", "let c = '\"'; crate::http::problem::f(); let d = '\"';", "crate::http::problem::f"),
        ("service/officers.rs", "const A: &str = r#\"\"\"#; use utoipa_actix_web as u;", "utoipa_actix_web"),
        ("http/officers.rs", "#[diesel(table_name = officers)] struct Row;", "diesel"),
        ("http/officers.rs", "fn f<'a>(x: &'a str) { crate::storage::schema::officers::table }", "crate::storage::schema::officers::table"),
        ("http/officers.rs", "use crate::storage::{schema, Store};", "crate::storage::schema"),
    ];
    for (file, source, fault) in cases {
        assert!(faults_in(file, source).contains(&fault.to_owned()), "not caught in {file}: {source}");
    }
}

#[test]
fn a_source_that_names_what_it_may_is_left_alone() {
    let cases = [
        ("domain/ori.rs", "//! Not `diesel::prelude`.\n// use diesel::prelude::*;\n/* crate::http::x */ const A: &str = \"crate::storage::x\";"),
        ("domain/ori.rs", "use std::fmt; use jiff::civil::Date; use serde::Serialize; use super::agency::Agency; use crate::domain::names;"),
        ("domain/ori.rs", "fn f(bytes: &[u8]) -> usize { let metrics = bytes.len(); metrics + self::metrics::count(b\"\\\"tokio::x\") }"),
        ("domain/ori.rs", "const A: &str = r##\"a \"# use diesel::x; \"##; const B: char = '\\''; const C: &str = \"'; use diesel::x;\";"),
        ("domain/ori.rs", "fn f() {} mod tests { fn g() {} use super::super::agency::Agency; }"),
        ("storage/officers.rs", "use diesel::prelude::*; use crate::domain::Ori; use super::schema::{officers, service};"),
        ("service/officers.rs", "use crate::{domain::Ori, storage::Store}; use super::http_like; let x = actixlike::y;"),
        ("http/officers.rs", "use actix_web::web; use crate::service::officers; use crate::storage::Store; use dieselish::x;"),
    ];
    for (file, source) in cases {
        assert_eq!(faults_in(file, source), Vec::<String>::new(), "in {file}: {source}");
    }
}

#[test]
fn every_migration_goes_up_and_down_on_both_databases() {
    let names = |database: &str| -> BTreeSet<String> {
        let folder = root().join("migrations").join(database);
        entries(&folder).iter().filter(|entry| entry.is_dir()).map(|entry| name_of(entry)).collect()
    };
    let (sqlite, postgres) = (names("sqlite"), names("postgres"));
    assert!(!sqlite.is_empty(), "no migration");
    assert_eq!(sqlite, postgres, "a migration that stands on one database alone");
    for database in ["sqlite", "postgres"] {
        for (migration, direction) in sqlite.iter().flat_map(|name| [(name, "up.sql"), (name, "down.sql")]) {
            let file = root().join("migrations").join(database).join(migration).join(direction);
            assert!(!read(&file).trim().is_empty(), "{} is empty", file.display());
        }
    }
}

/// What is counted follows from these tables, so whoever writes them says whom it touches. Pseudonyms change nothing that counts.
#[test]
fn whatever_writes_what_is_counted_notes_it_in_the_coverage() {
    let mut writers = Vec::new();
    for file in sources().into_iter().filter(|file| lies_in(file, "storage") && !file.ends_with("pseudonyms.rs")) {
        let source = read(&root().join("src").join(&file));
        for function in source.split("\npub").skip(1).flat_map(|text| text.split("\nfn")) {
            let writes = ["appointments", "completions", "trainings", "officers"].iter().any(|table| {
                // By a statement of diesel, by rows that `columns!` declares, or by one that is written out.
                let verbs = ["insert_into", "update", "delete"].map(|verb| format!("diesel::{verb}({table}::table"));
                verbs.iter().any(|verb| function.contains(verb))
                    || function.contains(&format!("into \"{table}\" {{"))
                    || function.contains(&format!("\"UPDATE {table} "))
            });
            if writes {
                let name = function.split(['(', '<']).next().unwrap_or_default().trim().to_owned();
                writers.push((shown(&file), name, function.contains("coverage.touch") || function.contains("touch(conn, coverage")));
            }
        }
    }
    let unnoted: Vec<_> = writers.iter().filter(|(_, _, noted)| !noted).map(|(file, name, _)| format!("{file}: {name}")).collect();
    // New completions, of which their writer notes what they add; a training that is new, and one that nothing refers to; an officer by name and address, and the mark of one who was merged.
    let allowed = [
        "storage/completions/writing.rs: fn insert",
        "storage/merges.rs: set_merged",
        "storage/officers.rs: fn save",
        "storage/officers/digest.rs: fn fill_digests",
        "storage/trainings.rs: fn delete",
        "storage/trainings.rs: fn insert",
    ];
    assert_eq!(
        unnoted.iter().collect::<BTreeSet<_>>(),
        allowed.map(str::to_owned).iter().collect(),
        "writes what is counted, and doesn't say whom it touches"
    );
    assert!(writers.len() >= allowed.len() + 11, "{writers:?}");
}

#[test]
fn no_source_file_is_longer_than_a_reader_can_hold() {
    let long: Vec<String> = sources()
        .iter()
        .map(|file| (file, read(&root().join("src").join(file)).lines().count()))
        .filter(|(_, lines)| *lines > LONGEST_SOURCE)
        .map(|(file, lines)| format!("src/{}: {lines} lines", file.display()))
        .collect();
    assert!(long.is_empty(), "over {LONGEST_SOURCE} lines:\n{}", long.join("\n"));
}

/// The real input files are read in place, never shipped. Without them only their names can be looked for.
#[test]
fn no_real_input_is_copied_into_the_repository() {
    let shipped = shipped_files();
    assert!(shipped.iter().any(|file| file.ends_with("Cargo.toml")), "the repository's files were not found");
    let names = ["us_agencies.csv", "chicago_roster_2016.csv", "chicago_cit_completions_2016.csv"];
    let mut copies: Vec<String> = shipped.iter().filter(|file| names.contains(&name_of(file).as_str())).map(|file| shown(file)).collect();

    let folder = root().join("../shared/data");
    if folder.is_dir() {
        let samples: HashSet<String> = names.iter().flat_map(|name| sample_rows(&read(&folder.join(name)))).collect();
        copies.extend(shipped.iter().filter(|file| holds_rows(file, &samples)).map(|file| shown(file)));
    } else {
        assert!(std::env::var_os("REQUIRE_SHARED_DATA").is_none(), "{} is not there", folder.display());
    }
    assert!(copies.is_empty(), "copies of real input:\n{}", copies.join("\n"));
}

/// Every tenth row, where it is long enough to be told from anything else.
fn sample_rows(table: &str) -> Vec<String> {
    table.lines().skip(1).step_by(10).filter(|row| row.len() >= 30).map(str::to_owned).collect()
}

/// One row may be an example in a guide; several of those sampled are an excerpt.
fn holds_rows(file: &Path, samples: &HashSet<String>) -> bool {
    let Ok(text) = fs::read_to_string(file) else {
        return false;
    };
    text.lines().filter(|line| samples.contains(line.trim())).take(3).count() == 3
}

fn faults_in(file: &str, source: &str) -> Vec<String> {
    let layer = LAYERS.iter().find(|layer| lies_in(Path::new(file), layer.name));
    let layer = layer.unwrap_or_else(|| panic!("{file} lies in no layer"));
    layer.faults(Path::new(file), source, &dependencies()).iter().map(|path| path.segments.join("::")).collect()
}

/// The package's dependencies, tests' own aside, as Rust writes their names.
fn dependencies() -> Vec<String> {
    let manifest: toml::Table = read(&root().join("Cargo.toml")).parse().unwrap_or_else(|error| panic!("Cargo.toml: {error}"));
    let table = manifest["dependencies"].as_table().unwrap_or_else(|| panic!("Cargo.toml has no dependencies"));
    table.keys().map(|name| name.replace('-', "_")).collect()
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// `file` is relative to `src`: `http/…` and `http.rs` lie in the layer `http`.
fn lies_in(file: &Path, layer: &str) -> bool {
    file.starts_with(layer) || file == Path::new(layer).with_extension("rs")
}

/// Every Rust file under `src`, relative to it.
fn sources() -> Vec<PathBuf> {
    let src = root().join("src");
    let mut files = Vec::new();
    walk(&src, &mut files);
    files.retain(|file| file.extension().is_some_and(|extension| extension == "rs"));
    files.iter().filter_map(|file| file.strip_prefix(&src).ok()).map(Path::to_path_buf).collect()
}

fn shipped_files() -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in entries(&root()).into_iter().filter(|entry| !NOT_SHIPPED.contains(&name_of(entry).as_str())) {
        walk(&entry, &mut files);
    }
    files
}

/// Adds the path, or all files below it; symbolic links are not followed.
fn walk(path: &Path, files: &mut Vec<PathBuf>) {
    if path.is_symlink() {
        return;
    }
    if path.is_dir() {
        for entry in entries(path) {
            walk(&entry, files);
        }
    } else {
        files.push(path.to_path_buf());
    }
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    paths
}

fn name_of(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

fn shown(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).display().to_string()
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
