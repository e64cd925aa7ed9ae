//! One Mind Registry: who pledged, who is trained, who is One Mind Certified.
//!
//! Layers, each of which imports only those to its right: `main -> app -> http -> service -> storage -> domain`. Beside them:
//! [`commands`] are the subcommands of `main`, [`tokens`] signs and verifies access tokens for `http` and the command line, [`config`] reads every setting, [`telemetry`] is
//! the log and the metrics, [`tls`] reads the certificate that the service shows, [`outgoing`] calls what clients gave it to call, [`xapi`] says what statements are and mean, by the domain alone; [`documents`] makes certificates, letters and badges, by the domain alone. [`import`] is a client of the HTTP interface and uses nothing of the server but the domain's words.

pub mod app;
pub mod commands;
pub mod config;
pub mod documents;
pub mod domain;
pub mod http;
pub mod import;
pub mod outgoing;
mod private;
pub mod rows;
pub mod service;
pub mod storage;
pub mod telemetry;
pub mod tls;
pub mod tokens;
pub mod xapi;
