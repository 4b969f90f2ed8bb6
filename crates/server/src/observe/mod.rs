//! What the program says about itself: logs now, metrics where `http` renders them. This room
//! never logs a body or a secret; secrets have types that print nothing. Start with [`start_log`].

use std::io::IsTerminal;
use tracing_subscriber::EnvFilter;

/// Sends the log to stderr, as text for people or as JSON for machines. `RUST_LOG` filters it.
pub fn start_log(json: bool) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    // Colours are for a terminal; in a file they would be rubbish.
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    // A second start, as in tests, keeps the first one's.
    let started = if json { log.json().try_init() } else { log.try_init() };
    drop(started);
}
