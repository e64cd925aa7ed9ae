//! The full-size installation of DESIGN.md §7, or a part of it, generated and loaded through the HTTP interface: 18,000 agencies, 800,000 sworn
//! officers, 5 million completions. Run by `scripts/bench-national`; minutes at full size.
#![expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "counts of what this makes itself")]

mod progress;
mod service;
mod world;

use std::fmt::Write as _;
use std::ops::Range;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use futures_util::stream::iter;
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};

use progress::{Progress, Took};
use service::{Place, Service};
use world::{TRAININGS, World, key};

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

/// How many requests are under way at once.
const AT_ONCE: usize = 8;
/// How many records a file has.
const RECORDS: u32 = 50_000;
/// A prime, which is in no count of agencies.
const STRIDE: usize = 15_485_863;
const NDJSON: &str = "application/x-ndjson";
/// How often a latency is measured.
const ROUNDS: usize = 400;

struct Loader {
    http: Client,
    token: String,
    origin: String,
    /// The head of the report and its table, and what is noted under it.
    table: String,
    notes: String,
}

impl Loader {
    fn request(&self, method: Method, path: &str, media_type: &str, body: String) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.origin)).bearer_auth(&self.token);
        request.header("content-type", media_type).body(body)
    }

    async fn json(&self, method: Method, path: &str, body: Value) -> Outcome<Value> {
        let answer = self.request(method.clone(), path, "application/json", body.to_string()).header("prefer", "return=minimal").send().await?;
        let (status, text) = (answer.status(), answer.text().await?);
        if !status.is_success() {
            return Err(format!("{method} {path} answered {status}: {text}").into());
        }
        Ok(serde_json::from_str(&text)?)
    }

    /// Does something `count` times, several at once, each of which says how many rows it brought in; and says how long all took.
    async fn all<F: Future<Output = Outcome<u32>>>(&mut self, what: &str, count: usize, rows: u32, work: impl Fn(usize) -> F) -> Outcome<()> {
        let mut progress = Progress::start(what, rows);
        // Large agencies come among the others, and the largest in the middle, so that the first tenth and the last can be compared.
        let in_turn = (0..count).map(|place| (place + count / 2) * STRIDE % count);
        let mut outcomes = iter(in_turn).map(work).buffer_unordered(AT_ONCE);
        while let Some(outcome) = outcomes.next().await {
            progress.add(outcome?);
        }
        self.tell(what, rows, &progress.end())
    }

    fn tell(&mut self, what: &str, rows: u32, took: &Took) -> Outcome<()> {
        let [all, first, last] = took.rates.map(|rate| rate.map_or_else(|| "–".to_owned(), |rate| format!("{rate:.0}")));
        self.row(&format!("| {what} | {rows} | {:.1} | {all} | {first} | {last} |", took.whole.as_secs_f64()))
    }

    fn row(&mut self, line: &str) -> Outcome<()> {
        println!("{line}");
        Ok(writeln!(self.table, "{line}")?)
    }

    fn note(&mut self, line: &str) -> Outcome<()> {
        println!("{line}");
        Ok(writeln!(self.notes, "{line}")?)
    }

    /// The median of how long each of these takes, asked in turns.
    async fn latencies<const N: usize>(&self, paths: [String; N]) -> Outcome<[Duration; N]> {
        let mut times: [Vec<Duration>; N] = std::array::from_fn(|_| Vec::with_capacity(ROUNDS));
        for round in 0..ROUNDS + 10 {
            for (path, times) in paths.iter().zip(&mut times) {
                let began = Instant::now();
                self.http.get(format!("{}{path}", self.origin)).bearer_auth(&self.token).send().await?.error_for_status()?.bytes().await?;
                if round >= 10 {
                    times.push(began.elapsed());
                }
            }
        }
        Ok(times.map(|mut times| {
            times.sort_unstable();
            times[times.len() / 2]
        }))
    }

    async fn once(&self, path: &str) -> Outcome<Duration> {
        let began = Instant::now();
        self.http.get(format!("{}{path}", self.origin)).bearer_auth(&self.token).send().await?.error_for_status()?.bytes().await?;
        Ok(began.elapsed())
    }

    async fn load(&mut self, world: &World) -> Outcome<()> {
        for (code, program, category) in TRAININGS {
            let body = json!({"code": code, "title": code, "program": program, "category": category});
            let training = self.json(Method::POST, "/v1/trainings", body).await?;
            let path = format!("/v1/trainings/{}/recognition", training["id"].as_str().unwrap_or_default());
            self.json(Method::PUT, &path, json!({"status": "recognized", "note": null})).await?;
        }
        let (table, notes) = (String::new(), String::new());
        let this = Self { http: self.http.clone(), token: self.token.clone(), origin: self.origin.clone(), table, notes };
        let this = &this;
        let count = world.sizes.len();
        let agency = async |number| this.json(Method::PUT, &format!("/v1/agencies/{}", key(number)), World::agency(number)).await.map(|_| 1);
        self.all("agencies", count, count as u32, agency).await?;
        let roster = async |number| {
            this.json(Method::PUT, &format!("/v1/agencies/{}/roster", key(number)), world.roster(number)).await.map(|_| world.sizes[number])
        };
        self.all("officers, by the roster of each agency", count, world.officers(), roster).await?;
        let pledge = async |number| {
            let body = json!({"agency": key(number), "standard": "one-mind", "pledged_on": "2025-02-01", "term_months": 24, "signatory": {"name": "A. Chief", "title": "Chief"}});
            this.json(Method::POST, "/v1/pledges", body).await.map(|_| 1)
        };
        self.all("pledges", count / 2, count as u32 / 2, pledge).await
    }

    /// Pushes these records, a file at a time.
    async fn push(&mut self, what: &str, world: &World, numbers: Range<u32>) -> Outcome<()> {
        let rows = numbers.end - numbers.start;
        let mut progress = Progress::start(what, rows);
        for first in numbers.clone().step_by(RECORDS as usize) {
            self.push_file(world, first..(first + RECORDS).min(numbers.end), &mut progress).await?;
        }
        self.tell(what, rows, &progress.end())
    }

    /// Sends a file, and counts the records that the service tells of while it takes it.
    async fn push_file(&self, world: &World, numbers: Range<u32>, progress: &mut Progress<'_>) -> Outcome<()> {
        let mut left = numbers.end - numbers.start;
        let summary = json!({"received": left, "created": left});
        let lines: String = numbers.map(|number| world.completion(number)).collect();
        let mut answer = self.request(Method::POST, "/v1/completions/batch", NDJSON, lines).header("accept", NDJSON).send().await?;
        let status = answer.status();
        let mut last: Vec<u8> = Vec::new();
        while let Some(piece) = answer.chunk().await? {
            // The line after that of the last record is the summary.
            let told = left.min(memchr::memchr_iter(b'\n', &piece).count() as u32);
            left -= told;
            progress.add(told);
            last.extend_from_slice(&piece);
            if let Some(end) = last.trim_ascii_end().iter().rposition(|byte| *byte == b'\n') {
                last.drain(..=end);
            }
        }
        let told: Value = serde_json::from_slice(&last).unwrap_or_default();
        if status != 207 || ["received", "created"].iter().any(|count| told["summary"][count] != summary[count]) {
            return Err(format!("all of a file should be created, {summary}: {status} {}", String::from_utf8_lossy(&last)).into());
        }
        Ok(())
    }

    /// What a status costs now: of the largest agency, of one of ten, and of nothing at all.
    async fn compare(&mut self, when: &str) -> Outcome<f64> {
        eprintln!("asking for statuses");
        let status = |number| format!("/v1/agencies/{}/certification-status", key(number));
        let [largest, ten, nothing] = self.latencies([status(0), status(1), "/livez".to_owned()]).await?;
        let ratio = largest.as_secs_f64() / ten.as_secs_f64();
        let beside = ten.as_secs_f64() / nothing.as_secs_f64();
        self.note(&format!(
            "- status with {when}: the largest agency / one of ten officers {ratio:.2}; one of ten / `/livez` {beside:.2} ({ten:.0?}, medians)"
        ))?;
        Ok(beside)
    }
}

/// Every page of the national list of those in progress.
async fn whole_list(loader: &Loader) -> Outcome<(usize, Duration)> {
    let began = Instant::now();
    let (mut count, mut cursor) = (0, String::new());
    loop {
        let path = format!("/v1/certification-status?stage=in_progress&limit=500{cursor}");
        let page: Value =
            loader.http.get(format!("{}{path}", loader.origin)).bearer_auth(&loader.token).send().await?.error_for_status()?.json().await?;
        count += page["items"].as_array().map_or(0, Vec::len);
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return Ok((count, began.elapsed())),
        }
    }
}

async fn measure(place: &Place, world: &World, loader: &mut Loader, service: Service) -> Outcome<()> {
    loader.load(world).await?;
    let few = world.completions / 100;
    loader.push("the first hundredth of the completions, as NDJSON", world, 0..few).await?;
    let before = loader.compare(&format!("{few} completions")).await?;
    loader.push("all other completions, as NDJSON", world, few..world.completions).await?;
    let after = loader.compare(&format!("{} completions", world.completions)).await?;
    loader.note(&format!("- the latter beside the former, each as a multiple of `/livez`: {:.2}", after / before))?;

    eprintln!("asking for the whole country");
    let first = loader.once("/v1/statistics").await?;
    let body = World::agency(3);
    loader
        .json(
            Method::PUT,
            &format!("/v1/agencies/{}", key(3)),
            json!({"name": "Renamed Police", "kind": body["kind"], "country": "US", "subdivision": body["subdivision"]}),
        )
        .await?;
    let changed = loader.once("/v1/statistics").await?;
    let [again] = loader.latencies(["/v1/statistics".to_owned()]).await?;
    loader.note(&format!("- `/v1/statistics` of all agencies: {first:.0?} the first time, {changed:.0?} after one of them changed, {again:.0?} without a change (median)"))?;
    let (count, took) = whole_list(loader).await?;
    loader.note(&format!("- the list of the {count} agencies in progress, by pages of 500: {took:.0?}"))?;
    let (most, now) = service.memory()?;
    loader.note(&format!("- resident memory of the service: {most} MiB at the most, {now} MiB at the end"))?;

    eprintln!("starting again");
    drop(service);
    let again = place.serve().await?;
    loader.note(&format!("- from its start to ready, with all of that in the database: {:.0?}", again.ready_in))?;
    loader.origin.clone_from(&again.origin);
    let cold = loader.once("/v1/statistics").await?;
    loader.note(&format!("- `/v1/statistics` right after that: {cold:.0?}"))?;
    drop(again);
    loader.note(&format!("- the database on disk: {} MiB", place.size()?))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Outcome<()> {
    let mut scale = 1.0;
    let (mut postgres, mut write) = (None, None);
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        match name.as_str() {
            "--bench" => {}
            "--scale" => scale = arguments.next().ok_or("--scale needs a number")?.parse()?,
            "--postgres" => postgres = arguments.next(),
            "--write" => write = arguments.next(),
            other => return Err(format!("{other}: not known here").into()),
        }
    }
    let folder = tempfile::tempdir()?;
    let database = if postgres.is_some() { "PostgreSQL" } else { "SQLite" };
    let place = Place { folder: folder.path().to_owned(), postgres };
    let world = World::new(scale);
    let service = place.serve().await?;
    let http = Client::builder().no_proxy().build()?;
    let mut loader = Loader { http, token: place.token()?, origin: service.origin.clone(), table: String::new(), notes: String::new() };
    loader.row(&format!(
        "## {database}, at {scale} of the full size\n\n- {} agencies, {} sworn officers ({} at the largest agency), {} completions\n\
         - from its start to ready, with an empty database: {:.0?}\n\n| loaded through the interface | rows | seconds | a second | in the first tenth | in the last |\n\
         | --- | --: | --: | --: | --: | --: |",
        world.sizes.len(),
        world.officers(),
        world.sizes[0],
        world.completions,
        service.ready_in
    ))?;
    measure(&place, &world, &mut loader, service).await?;
    if let Some(path) = write {
        std::fs::write(PathBuf::from(path), format!("{}\n{}", loader.table, loader.notes))?;
    }
    Ok(())
}
