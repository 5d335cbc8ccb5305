//! How commands print: results on stdout, everything else on stderr; colours only on a terminal.

use crate::domain::{coloured, visible, visible_json};
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
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(|| Log).with_target(false);
    // a second subscriber can only come from a test, which then keeps its own
    let _ = log.with_ansi(colours_on_stderr()).try_init();
}

/// Logs to stderr, line by line, without control characters except colours.
struct Log;

impl Write for Log {
    fn write(&mut self, line: &[u8]) -> std::io::Result<usize> {
        std::io::stderr().write_all(coloured(&String::from_utf8_lossy(line)).as_bytes())?;
        Ok(line.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        std::io::stderr().flush()
    }
}

/// Whether stderr shows colours: it is a terminal, and `NO_COLOR` is not set.
#[must_use]
pub fn colours_on_stderr() -> bool {
    std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// Prints a text on stdout, without control characters for a terminal. A closed pipe is not a failure.
pub fn text(text: &str) {
    let _ = std::io::stdout().write_all(visible(text).as_bytes());
}

/// Prints a line on stderr, likewise.
pub fn say(line: &str) {
    tell(&format!("{line}\n"));
}

/// Prints a text on stderr without a line end, likewise.
pub fn tell(text: &str) {
    let _ = std::io::stderr().write_all(visible(text).as_bytes());
}

/// Prints one JSON document on stdout.
pub fn json<T: Serialize>(value: &T) {
    let document = serde_json::to_string_pretty(value).unwrap_or_default();
    let _ = std::io::stdout().write_all((visible_json(document) + "\n").as_bytes());
}

/// The exit code of a command that only shows something; a failure is printed.
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
    let shown = if colours_on_stderr() { coloured(&shown) } else { visible(&shown).into_owned() };
    let _ = std::io::stderr().write_all(shown.as_bytes());
}
