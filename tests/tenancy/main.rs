//! Clients side by side on a busy service: what each gets to see, and what it could tell by a clock.

#![expect(clippy::unwrap_used, reason = "a test ends where something is not as it should be")]

#[expect(dead_code, unused_imports, reason = "it serves the tests of the HTTP interface too")]
#[path = "../support/mod.rs"]
mod support;

mod log;
mod soak;
mod timing;
mod world;

/// Held by the one test that runs: the others would disturb what it measures.
static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
