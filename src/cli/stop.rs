//! Stops a command that leaves nothing to resume, at the request of a person or a supervisor.

use crate::error::{Failure, Result};
use tokio::signal::unix::{SignalKind, signal};

/// Runs `work` to its end, or until SIGINT, SIGTERM or SIGHUP: then it is dropped at once, together with every server, host
/// and process that it has started.
///
/// # Errors
/// Those of `work`; `Cancelled` after a signal.
pub async fn unless_stopped<T>(attempted: &str, work: impl Future<Output = Result<T>>) -> Result<T> {
    let failed = |error: std::io::Error| Failure::permanent(attempted, error.to_string());
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    let mut hang_up = signal(SignalKind::hangup()).map_err(failed)?;
    tokio::select! {
        done = work => done,
        _ = interrupt.recv() => Err(Failure::cancelled(attempted)),
        _ = terminate.recv() => Err(Failure::cancelled(attempted)),
        _ = hang_up.recv() => Err(Failure::cancelled(attempted)),
    }
}
