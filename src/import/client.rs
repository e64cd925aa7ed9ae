//! The HTTP client: one request at a time, sent again where that is safe and may help.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use bytes::Bytes;
use reqwest::{Method, Response, StatusCode, Url, header, redirect};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use super::{
    problem::{Problem, Stop},
    progress::Progress,
};

const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(300);
/// How often a service that never answered is tried.
const STRANGER_ATTEMPTS: u32 = 3;
/// How often one that answered before is tried.
const FRIEND_ATTEMPTS: u32 = 9;

/// A client of one service.
pub struct Client {
    http: reqwest::Client,
    base: Url,
    token: Option<SecretString>,
    heard: AtomicBool,
    progress: Progress,
}

/// A request that may be sent again.
#[derive(Debug, Clone)]
pub struct Request {
    /// PUT or POST.
    pub method: Method,
    /// Below the address of the service, in whole segments.
    pub path: Vec<String>,
    /// Parameters.
    pub query: Vec<(&'static str, &'static str)>,
    /// More headers than type and authorization.
    pub headers: Vec<(&'static str, String)>,
    /// JSON.
    pub body: Bytes,
}

/// What the service answered, where it let the caller in.
#[derive(Debug)]
pub enum Answer {
    /// 2xx.
    Done {
        /// The status.
        status: u16,
        /// The header `X-Outcome`.
        outcome: Option<String>,
        /// The body, null where there is none.
        body: Value,
    },
    /// 4xx or 5xx, with a problem.
    Refused(Problem),
}

enum Attempt {
    Answered(StatusCode, header::HeaderMap, Bytes),
    Again(String, Option<Duration>),
}

impl Client {
    /// A client for the service at this address.
    ///
    /// # Errors
    /// Where the address can't be one.
    pub fn new(url: &str, token: Option<SecretString>, progress: Progress) -> Result<Self, Stop> {
        let base: Url = url.parse().map_err(|error| Stop::Usage(format!("--url {url}: {error}")))?;
        if !matches!(base.scheme(), "http" | "https") || base.cannot_be_a_base() {
            return Err(Stop::Usage(format!("--url {url}: not an http or https address")));
        }
        let near = is_loopback(&base);
        if base.scheme() == "http" && !near && token.is_some() {
            progress.note(&format!("warning: the token goes to {url} unencrypted"));
        }
        let mut builder = reqwest::Client::builder()
            .connect_timeout(Duration::from_secs(10))
            .timeout(Duration::from_secs(300))
            .redirect(redirect::Policy::none())
            .user_agent(concat!("onemind/", env!("CARGO_PKG_VERSION")));
        if near {
            builder = builder.no_proxy();
        }
        let http = builder.build().map_err(|error| Stop::Unreachable(format!("no HTTP client: {error}")))?;
        Ok(Self { http, base, token, heard: AtomicBool::new(false), progress })
    }

    /// Sends a request until it is answered.
    ///
    /// # Errors
    /// Where the service can't be reached, doesn't let the caller in, or answers what it never would.
    pub async fn send(&self, request: &Request) -> Result<Answer, Stop> {
        let url = self.address(request);
        let mut failed = 0;
        let mut pause = FIRST_PAUSE;
        loop {
            let (why, asked) = match self.attempt(&url, request).await {
                Attempt::Answered(status, headers, body) => {
                    return self.read(&url, status, &headers, &body);
                }
                Attempt::Again(why, asked) => (why, asked),
            };
            failed += 1;
            let heard = self.heard.load(Ordering::Relaxed);
            let most = if heard { FRIEND_ATTEMPTS } else { STRANGER_ATTEMPTS };
            if failed >= most {
                return Err(Stop::Unreachable(format!("{url}: {why}")));
            }
            let wait = asked.unwrap_or(pause);
            // A second or so is how a service with rate limits sets the pace.
            if wait > Duration::from_secs(1) {
                let seconds = wait.as_secs();
                self.progress.note(&format!("{why}; trying again in {seconds} s"));
            }
            tokio::time::sleep(wait).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    fn address(&self, request: &Request) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(&request.path);
        }
        if !request.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&request.query);
        }
        url
    }

    async fn attempt(&self, url: &Url, request: &Request) -> Attempt {
        let mut sending = self
            .http
            .request(request.method.clone(), url.clone())
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::ACCEPT, "application/json, application/problem+json")
            .body(request.body.clone());
        if let Some(token) = &self.token {
            sending = sending.bearer_auth(token.expose_secret());
        }
        for (name, value) in &request.headers {
            sending = sending.header(*name, value);
        }
        match sending.send().await {
            Err(error) => Attempt::Again(causes(&error), None),
            Ok(response) => {
                self.heard.store(true, Ordering::Relaxed);
                let status = response.status();
                if matches!(status.as_u16(), 429 | 502 | 503 | 504) {
                    return Attempt::Again(format!("the service answered {status}"), retry_after(&response));
                }
                let headers = response.headers().clone();
                match response.bytes().await {
                    Ok(body) => Attempt::Answered(status, headers, body),
                    Err(error) => Attempt::Again(causes(&error), None),
                }
            }
        }
    }

    fn read(&self, url: &Url, status: StatusCode, headers: &header::HeaderMap, body: &Bytes) -> Result<Answer, Stop> {
        let text_of = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        if status.is_success() {
            let json = match body.trim_ascii() {
                b"" => Ok(Value::Null),
                text => serde_json::from_slice(text),
            };
            return match json {
                Ok(body) => Ok(Answer::Done { status: status.as_u16(), outcome: text_of("x-outcome").map(str::to_owned), body }),
                Err(_) => Err(stranger(url, status)),
            };
        }
        let is_problem = text_of("content-type").is_some_and(|kind| kind.starts_with("application/problem+json"));
        let problem = match serde_json::from_slice::<Problem>(body) {
            Ok(problem) if is_problem => problem,
            _ if matches!(status.as_u16(), 401 | 403) => {
                Problem { title: status.canonical_reason().unwrap_or("refused").to_owned(), ..Problem::default() }
            }
            _ => return Err(stranger(url, status)),
        };
        let problem = Problem { status: status.as_u16(), ..problem };
        match (status.as_u16(), &self.token) {
            (401, None) => {
                Err(Stop::Unreachable("the service asks for a token: give --token or set ONEMIND_TOKEN (`onemind token` prints one)".to_owned()))
            }
            (401 | 403, _) => Err(Stop::Unreachable(problem.in_full())),
            _ => Ok(Answer::Refused(problem)),
        }
    }
}

fn stranger(url: &Url, status: StatusCode) -> Stop {
    Stop::Unreachable(format!("{url} answered {status}, and not as One Mind Registry does: is --url right?"))
}

fn is_loopback(url: &Url) -> bool {
    match url.host_str() {
        Some("localhost" | "[::1]") => true,
        Some(host) => host.parse::<std::net::Ipv4Addr>().is_ok_and(|address| address.is_loopback()),
        None => false,
    }
}

fn retry_after(response: &Response) -> Option<Duration> {
    let text = response.headers().get(header::RETRY_AFTER)?.to_str().ok()?;
    let seconds = text.trim().parse().ok()?;
    Some(Duration::from_secs(seconds).min(LONGEST_RETRY_AFTER))
}

/// An error with all that caused it: reqwest's own text stops at "error sending request".
fn causes(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text = cause.to_string();
        source = cause.source();
    }
    text
}
