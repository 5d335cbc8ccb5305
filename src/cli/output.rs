//! How commands print: results on stdout, everything else on stderr; colours only on a terminal.

use clap::ValueEnum;
use miette::{GraphicalReportHandler, GraphicalTheme};
use serde::Serialize;
use std::io::{IsTerminal, Write};

/// How results are printed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// One JSON document on stdout.
    Json,
}

/// Sets up logs on stderr. `RUST_LOG` wins over `-v`.
pub fn set_up(verbose: u8) {
    let level = ["warn", "info", "debug"][usize::from(verbose.min(2))];
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(format!("cutover={level}")));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false);
    // a second subscriber can only come from a test, which then keeps its own
    let _ = log.with_ansi(colours_on_stderr()).try_init();
}

/// Whether stderr is for eyes: a terminal, and `NO_COLOR` is not set.
#[must_use]
pub fn colours_on_stderr() -> bool {
    std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// Prints a text on stdout. A reader that has gone away is no failure.
pub fn text(text: &str) {
    let _ = anstream::stdout().write_all(text.as_bytes());
}

/// Prints one JSON document on stdout.
pub fn json<T: Serialize>(value: &T) {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let _ = serde_json::to_writer_pretty(&mut out, value);
    let _ = out.write_all(b"\n");
}

/// The exit code of a command that only shows something; what kept it from that is said.
pub fn shown(result: &crate::error::Result<()>) -> u8 {
    match result {
        Ok(()) => crate::error::exit::DONE,
        Err(failure) => {
            complain(failure);
            crate::error::exit::INVALID
        }
    }
}

/// Prints a diagnostic on stderr.
pub fn complain(diagnostic: &dyn miette::Diagnostic) {
    let theme = if colours_on_stderr() { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
    let mut shown = String::new();
    let handler = GraphicalReportHandler::new_themed(theme).with_width(110).with_cause_chain();
    if handler.render_report(&mut shown, diagnostic).is_err() {
        shown = diagnostic.to_string();
    }
    let _ = std::io::stderr().write_all(shown.as_bytes());
}
