//! Whatever is sent: nothing of it is believed that is not so, and nothing of it breaks the service.

#![expect(clippy::unwrap_used, reason = "a test ends where something is not as it should be")]

#[expect(dead_code, unused_imports, reason = "it serves the tests of the HTTP interface too")]
#[path = "../support/mod.rs"]
mod support;

mod bodies;
mod requests;
mod statements;
mod tokens;

use proptest::strategy::{Strategy, ValueTree as _};
use proptest::test_runner::TestRunner;

/// A value of a strategy.
fn sample<S: Strategy>(runner: &mut TestRunner, strategy: &S) -> S::Value {
    strategy.new_tree(runner).unwrap().current()
}
