//! How long a refusal takes does not tell whether there is something behind it.

use std::time::{Duration, Instant};

use reqwest::{Method, RequestBuilder};
use serde_json::json;

use crate::support::Client;
use crate::support::document::{Document, NO_ID};
use crate::support::scene::Scene;
use crate::support::vendor::Vendor;
use crate::{ALONE, on_both_databases};

/// How often each is asked.
const TIMES: usize = 300;

async fn timed(client: &Client, request: RequestBuilder, status: u16) -> Duration {
    let began = Instant::now();
    let reply = client.send(request).await;
    let took = began.elapsed();
    assert_eq!(reply.status, status, "{}", reply.text);
    took
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

/// Asks for both in turns, and asserts that the medians are about the same.
async fn expect_alike(what: &str, client: &Client, status: u16, there: impl Fn() -> RequestBuilder, nowhere: impl Fn() -> RequestBuilder) {
    let (mut first, mut second) = (Vec::new(), Vec::new());
    for turn in 0..TIMES {
        if turn % 2 == 0 {
            first.push(timed(client, there(), status).await);
            second.push(timed(client, nowhere(), status).await);
        } else {
            second.push(timed(client, nowhere(), status).await);
            first.push(timed(client, there(), status).await);
        }
    }
    let (there, nowhere) = (median(first), median(second));
    println!("{what}: {there:?} for what is there, {nowhere:?} for what is not");
    assert!(there.abs_diff(nowhere) < nowhere / 2 + Duration::from_micros(300), "{what}: {there:?} for what is there, {nowhere:?} for what is not");
}

on_both_databases! {
    async fn a_refusal_takes_as_long_for_what_is_there_as_for_what_is_not(app: TestApp) {
        let _alone = ALONE.lock().await;
        let scene = Scene::make(&app).await;
        let body = json!({"name": "Neighbour", "kind": "lms", "scopes": ["agencies:read", "officers:read", "completions:read", "status:read"]});
        let vendor = Vendor::make(&app, &body, &["ori:TX0000009"]).await;
        let client = vendor.client(&app).await;
        let operations = Document::current().operations();
        let of = |path: &str| scene.path(operations.iter().find(|operation| operation.path == path).unwrap());
        let get = |path: String| client.request(Method::GET, &path);
        for (what, there, nowhere) in [
            ("an agency by its ORI", "/v1/agencies/ori:TX2270000".to_owned(), "/v1/agencies/ori:WA0000000".to_owned()),
            ("an agency by its id", of("/v1/agencies/{agency}"), format!("/v1/agencies/{NO_ID}")),
            ("an officer", of("/v1/officers/{id}"), format!("/v1/officers/{NO_ID}")),
            ("a completion", of("/v1/completions/{id}"), format!("/v1/completions/{NO_ID}")),
            ("a status", "/v1/agencies/ori:TX2270000/certification-status".to_owned(), "/v1/agencies/ori:WA0000000/certification-status".to_owned()),
        ] {
            expect_alike(what, &client, 404, || get(there.clone()), || get(nowhere.clone())).await;
        }
        let stranger = app.stranger();
        let ask = |id: &str| {
            let form = serde_urlencoded::to_string([("grant_type", "client_credentials"), ("client_id", id), ("client_secret", "wrong")]).unwrap();
            stranger.request(Method::POST, "/oauth/token").header("content-type", "application/x-www-form-urlencoded").body(form)
        };
        expect_alike("a token", &stranger, 401, || ask(&vendor.id), || ask(NO_ID)).await;
    }
}
