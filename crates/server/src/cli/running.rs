//! How a running program ends: at a signal, with what is under way finished.

use std::error::Error;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// A token that ctrl-c and SIGTERM cancel.
pub(super) fn stop_on_signal(tasks: &TaskTracker) -> std::io::Result<CancellationToken> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let stop = CancellationToken::new();
    let token = stop.clone();
    tasks.spawn(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            () = token.cancelled() => {}
        }
        token.cancel();
    });
    Ok(stop)
}

/// What lies behind an error, for the log.
pub(super) fn cause_of(error: &dyn Error) -> String {
    let mut causes = Vec::new();
    let mut source = error.source();
    while let Some(cause) = source {
        causes.push(cause.to_string());
        source = cause.source();
    }
    causes.join(": ")
}
