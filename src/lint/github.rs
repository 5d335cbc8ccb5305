//! A report as workflow commands, which GitHub shows as annotations on the lines of a pull request.
//! The syntax and its escapes are those of `actions/toolkit`, `packages/core/src/command.ts`.

use super::{Located, Report, Severity};
use std::fmt::Write as _;

/// One command a finding, one a line.
#[must_use]
pub fn commands(report: &Report) -> String {
    let mut out = String::new();
    for found in &report.findings {
        let _ = writeln!(out, "{}", command(found));
    }
    out
}

fn command(found: &Located) -> String {
    let level = match found.rule.severity {
        Severity::Note => "notice",
        Severity::Warning => "warning",
        Severity::Error => "error",
    };
    let mut place = format!("file={}", property(&found.file));
    if found.span.is_some() {
        let _ = write!(place, ",line={},endLine={}", found.start.line, found.end.line);
        if found.start.line == found.end.line {
            // GitHub takes columns only within one line, and counts the last one in
            let last = found.end.column.saturating_sub(1).max(found.start.column);
            let _ = write!(place, ",col={},endColumn={last}", found.start.column);
        }
    }
    let title = property(&format!("{}: {}", found.rule.code, found.rule.title));
    let help = found.help.as_ref().map(|help| format!("\nhelp: {help}")).unwrap_or_default();
    format!("::{level} {place},title={title}::{}", data(&format!("{}{help}", found.message)))
}

fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::{data, property};

    #[test]
    fn escapes_what_would_end_a_command() {
        assert_eq!(data("50% of\na::b, c\r"), "50%25 of%0Aa::b, c%0D");
        assert_eq!(property("a: b, c%\n"), "a%3A b%2C c%25%0A");
    }
}
