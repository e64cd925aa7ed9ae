//! `onemind demo`, run as anybody runs it: what it prints, and that what it prints works.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test ends where something is not as it should be")]

#[path = "support/database.rs"]
mod database;

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use database::{Backend, TestDatabase};
use diesel::connection::SimpleConnection as _;
use onemind::storage::{AnyConn, Database};
use reqwest::{Method, StatusCode};
use serde_json::Value;
use tempfile::TempDir;

const STATUS: &str = "/v1/agencies/ori:TX9980100/certification-status";

/// The command with no setting but these.
fn demo(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_onemind"));
    let settings = ["DATABASE_URL", "ONEMIND_CONFIG", "ONEMIND_LISTEN", "ONEMIND_LOG", "ONEMIND_POOL_SIZE", "ONEMIND_WORKERS"];
    settings.iter().chain(&["ONEMIND_ISSUER", "ONEMIND_AUDIENCE", "ONEMIND_DATA_DIR"]).for_each(|name| {
        command.env_remove(name);
    });
    command.arg("demo").arg("--data-dir").arg(folder).args(arguments);
    if !arguments.contains(&"--listen") {
        command.args(["--listen", "127.0.0.1:0"]);
    }
    command
}

fn run(folder: &Path, arguments: &[&str]) -> Output {
    demo(folder, arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// The words of every line that begins with this one.
fn rows<'a>(printed: &'a str, first: &str) -> Vec<Vec<&'a str>> {
    printed.lines().map(|line| line.split_whitespace().collect::<Vec<_>>()).filter(|words| words.first() == Some(&first)).collect()
}

/// What every complete run says, whatever the database.
fn expect_the_whole_story(output: &Output) {
    let (printed, log) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(0), "{printed}\n{log}");
    assert_eq!(log, "", "the demo logs nothing while all is well");
    assert_eq!(rows(&printed, "trained"), [vec!["trained", "29", "48", "19", "not", "met"], vec!["trained", "47", "48", "1", "+18", "not", "met"]]);
    let crisis: Vec<String> = rows(&printed, "crisis").iter().map(|words| words[2..].join(" ")).collect();
    assert_eq!(crisis, ["7 10 3 not met", "13 10 0 +6 met"]);
    assert_eq!(rows(&printed, "stage").iter().map(|words| words[1..3].join(" ")).collect::<Vec<_>>(), ["in progress", "in progress"]);
    let lapses: Vec<&str> = rows(&printed, "next").iter().map(|words| words[3]).collect();
    assert_eq!(lapses, ["7", "5"], "two of the seven who lapse next complete crisis intervention, which doesn't lapse");
    for (word, count) in [("created", "20"), ("parked", "3"), ("rejected", "1")] {
        assert_eq!(rows(&printed, word)[0][1], count, "{word}");
    }
    for code in ["no_match", "conflict", "unknown_training", "invalid_date"] {
        assert_eq!(printed.lines().filter(|line| line.contains(code)).count(), 1, "{code}");
    }
    let wide = printed.lines().filter(|line| !line.starts_with("export TOKEN=") && line.chars().count() > 100);
    assert_eq!(wide.collect::<Vec<_>>(), Vec::<&str>::new());
    assert!(printed.lines().all(|line| line == line.trim_end()), "blanks at the end of a line");
}

#[test]
fn it_tells_the_same_story_each_time_and_keeps_what_is_not_its_own() {
    let parent = TempDir::new().unwrap();
    let folder = parent.path().join("demo");
    expect_the_whole_story(&run(&folder, &["--exit"]));
    std::fs::write(folder.join("notes.txt"), "mine").unwrap();
    expect_the_whole_story(&run(&folder, &["--exit"]));
    assert_eq!(std::fs::read_to_string(folder.join("notes.txt")).unwrap(), "mine");
}

#[test]
fn a_folder_of_somebody_else_is_refused_and_left_alone() {
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("onemind.db"), "a service's").unwrap();
    let output = run(folder.path(), &["--exit"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("no demo made it"), "{}", text(&output.stderr));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    assert_eq!(std::fs::read_to_string(folder.path().join("onemind.db")).unwrap(), "a service's");
}

#[test]
fn a_taken_port_is_said_before_anything_is_deleted() {
    let folder = TempDir::new().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = run(folder.path(), &["--exit", "--listen", &address]);
    assert_eq!(output.status.code(), Some(3));
    assert!(text(&output.stderr).contains(&format!("{address} is taken")), "{}", text(&output.stderr));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_database_that_is_named_must_be_empty() {
    let held = TestDatabase::create(Backend::Sqlite);
    let path = held.folder().join("onemind.db");
    let (own, before) = (held.folder().join("demo"), std::fs::read(&path).unwrap());
    let output = run(&own, &["--exit", "--database-url", held.url()]);
    assert_eq!(output.status.code(), Some(2), "{}", text(&output.stderr));
    assert!(text(&output.stderr).contains("not empty"), "{}", text(&output.stderr));
    assert!(std::fs::read(&path).unwrap() == before && !own.exists());
    let url = format!("sqlite:{}", held.folder().join("named.db").display());
    expect_the_whole_story(&run(&own, &["--exit", "--database-url", &url]));
}

#[test]
fn it_runs_on_an_empty_postgresql_and_on_no_other() {
    if !Backend::postgres_is_here() {
        return;
    }
    let database = TestDatabase::create(Backend::Postgres);
    let own = database.folder().join("demo");
    let arguments = ["--exit", "--database-url", database.url()];
    assert_eq!(run(&own, &arguments).status.code(), Some(2), "the template of the tests has tables");
    let mut conn: AnyConn = Database::parse(database.url()).unwrap().connect().unwrap();
    conn.batch_execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public").unwrap();
    drop(conn);
    expect_the_whole_story(&run(&own, &arguments));
}

/// A demo that serves; it ends with the test, however that ends.
struct Serving(Child);

impl Serving {
    /// SIGTERM.
    fn stop(&self) {
        assert!(Command::new("kill").args(["-TERM", &self.0.id().to_string()]).status().unwrap().success());
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A printed command, as a request.
struct Printed {
    method: Method,
    path: String,
    body: Option<String>,
}

/// The curl commands among the lines.
fn commands(lines: &[String]) -> Vec<Printed> {
    let text = lines.join("\n");
    let commands = text.split("\ncurl ").skip(1).map(|command| command.split("\n\n").next().unwrap());
    commands
        .map(|command| {
            assert!(command.contains("-H \"Authorization: Bearer $TOKEN\""), "{command}");
            let path = command.split("\"$API").nth(1).and_then(|rest| rest.split('"').next()).expect("a path");
            let body = command.split("-d '").nth(1).and_then(|rest| rest.split('\'').next()).map(str::to_owned);
            let method = if body.is_some() { Method::POST } else { Method::GET };
            Printed { method, path: path.to_owned(), body }
        })
        .collect()
}

#[test]
fn told_to_stop_while_it_fills_the_registry_it_ends_without_complaint() {
    let folder = TempDir::new().unwrap();
    let mut serving = Serving(demo(folder.path(), &[]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap());
    let mut printed = BufReader::new(serving.0.stdout.take().unwrap());
    let mut line = String::new();
    while !line.contains("database") {
        line.clear();
        assert!(printed.read_line(&mut line).unwrap() > 0, "it ended before it began");
    }
    serving.stop();
    assert_eq!(serving.0.wait().unwrap().code(), Some(0));
    assert_eq!(std::io::read_to_string(serving.0.stderr.take().unwrap()).unwrap(), "");
}

#[actix_web::test]
async fn what_it_prints_works_and_it_serves_until_it_is_told_to_stop() {
    let folder = TempDir::new().unwrap();
    let mut serving = Serving(demo(folder.path(), &[]).stdout(Stdio::piped()).spawn().unwrap());
    let mut lines = Vec::new();
    for line in BufReader::new(serving.0.stdout.take().unwrap()).lines() {
        lines.push(line.unwrap());
        if lines.last().unwrap().starts_with("Serving on") {
            break;
        }
    }
    let exported = |name: &str| {
        let prefix = format!("export {name}=");
        lines.iter().find_map(|line| line.strip_prefix(&prefix)).unwrap().to_owned()
    };
    let (api, token) = (exported("API"), exported("TOKEN"));
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let call = async |command: &Printed| {
        let mut request = http.request(command.method.clone(), format!("{api}{}", command.path)).bearer_auth(&token);
        if let Some(body) = &command.body {
            request = request.header("content-type", "application/json").body(body.clone());
        }
        let response = request.send().await.unwrap();
        let status = response.status();
        (status, response.json::<Value>().await.unwrap())
    };

    let commands = commands(&lines);
    let [status, push, parked, gaps] = commands.as_slice() else { panic!("{} commands", commands.len()) };
    assert_eq!(status.path, STATUS);
    let (code, before) = call(status).await;
    assert_eq!(
        (code, &before["stage"], &before["requirements"]["training"]["trained"]["count"]),
        (StatusCode::OK, &"in_progress".into(), &47.into())
    );
    let lacking =
        |page: &Value| page["items"].as_array().unwrap().iter().filter(|item| item["lacks"].as_array().unwrap().contains(&"trained".into())).count();
    let (code, page) = call(gaps).await;
    assert_eq!((code, lacking(&page)), (StatusCode::OK, 1));
    assert!(page["items"].as_array().unwrap().len() > 1, "others lapse within the year");

    assert_eq!(call(push).await.0, StatusCode::CREATED);
    assert_eq!(call(push).await.0, StatusCode::OK, "the same again changes nothing");
    let (_, after) = call(status).await;
    assert_eq!((&after["stage"], &after["requirements"]["training"]["trained"]["count"]), (&"requirements_met".into(), &48.into()));
    assert_eq!(lacking(&call(gaps).await.1), 0);
    let (code, page) = call(parked).await;
    let mut reasons: Vec<&str> = page["items"].as_array().unwrap().iter().map(|item| item["reason"].as_str().unwrap()).collect();
    reasons.sort_unstable();
    assert_eq!((code, reasons), (StatusCode::OK, vec!["conflict", "no_match", "unknown_training"]));
    assert_eq!(http.get(format!("{api}/docs/")).send().await.unwrap().status(), StatusCode::OK);
    drop(http);

    serving.stop();
    assert_eq!(serving.0.wait().unwrap().code(), Some(0));
}
