//! A client of the service that the demo started, like any other.

use std::cell::Cell;
use std::time::Duration;

use reqwest::{Method, header};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::commands::Failure;

/// Calls one service with one token.
pub struct Client {
    http: reqwest::Client,
    base: String,
    token: String,
    sent: Cell<usize>,
}

impl Client {
    /// A client of the service at `base`.
    ///
    /// # Errors
    /// [`Failure::Unreachable`] where the system gives no client.
    pub fn new(base: &str, token: &str) -> Result<Self, Failure> {
        let http = reqwest::Client::builder()
            .no_proxy()
            .timeout(Duration::from_secs(60))
            .user_agent(concat!("onemind-demo/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| Failure::Unreachable(error.to_string()))?;
        Ok(Self { http, base: base.to_owned(), token: token.to_owned(), sent: Cell::new(0) })
    }

    /// How many requests it sent.
    pub fn sent(&self) -> usize {
        self.sent.get()
    }

    /// `GET`.
    ///
    /// # Errors
    /// [`Failure`] where there is no answer, or it is a problem.
    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Failure> {
        self.send(Method::GET, path, None).await
    }

    /// `POST`.
    ///
    /// # Errors
    /// [`Failure`] where there is no answer, or it is a problem.
    pub async fn post<T: DeserializeOwned>(&self, path: &str, body: &Value) -> Result<T, Failure> {
        self.send(Method::POST, path, Some(body)).await
    }

    /// `PUT`.
    ///
    /// # Errors
    /// [`Failure`] where there is no answer, or it is a problem.
    pub async fn put<T: DeserializeOwned>(&self, path: &str, body: &Value) -> Result<T, Failure> {
        self.send(Method::PUT, path, Some(body)).await
    }

    async fn send<T: DeserializeOwned>(&self, method: Method, path: &str, body: Option<&Value>) -> Result<T, Failure> {
        let unreachable = |error: reqwest::Error| Failure::Unreachable(format!("{method} {path}: {error}"));
        let request = self.http.request(method.clone(), format!("{}{path}", self.base)).bearer_auth(&self.token);
        let request = match body {
            Some(body) => request.header(header::CONTENT_TYPE, "application/json").body(body.to_string()),
            None => request,
        };
        self.sent.set(self.sent.get() + 1);
        let response = request.send().await.map_err(unreachable)?;
        let status = response.status();
        let text = response.text().await.map_err(unreachable)?;
        if !status.is_success() {
            return Err(Failure::Faults(format!("{method} {path} was answered {status}: {text}")));
        }
        serde_json::from_str(&text).map_err(|error| Failure::Faults(format!("{method} {path} was answered {status} with something else: {error}")))
    }
}
