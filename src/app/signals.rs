//! What tells the process to stop.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// Waits for a signal, and answers whether what was accepted is finished first.
pub async fn told_to_stop() -> bool {
    tokio::select! {
        () = heard(signal(SignalKind::terminate())) => true,
        () = heard(signal(SignalKind::interrupt())) => true,
        () = heard(signal(SignalKind::quit())) => false,
    }
}

/// Waits for one signal; for ever, where the system doesn't tell of it.
async fn heard(signal: io::Result<Signal>) {
    match signal {
        Ok(mut signal) => {
            signal.recv().await;
        }
        Err(cause) => {
            tracing::warn!(error = %cause, "a signal can't be listened to");
            std::future::pending::<()>().await;
        }
    }
}
