//! The reference of step kinds for a terminal.

use crate::plan::reference::Reference;
use std::fmt::Write as _;

/// A line for each kind.
pub(super) fn list(references: &[Reference]) -> String {
    let mut lines = String::new();
    for kind in references {
        let first = kind.about.split(". ").next().unwrap_or_default().trim_end_matches('.');
        // writing into a String cannot fail
        let _ = writeln!(lines, "{:<20} {first}", kind.name);
    }
    lines
}

/// Everything about one kind.
pub(super) fn explain(kind: &Reference) -> String {
    let mut out = String::new();
    // writing into a String cannot fail
    let _ = write_kind(&mut out, kind);
    out
}

fn write_kind(out: &mut String, kind: &Reference) -> std::fmt::Result {
    writeln!(out, "{}\n\n{}\n\nundo:\n  {}\n\nwith:", kind.name, kind.about, kind.undo)?;
    for parameter in &kind.parameters {
        let default = match &parameter.default {
            _ if parameter.required => " (required)".to_owned(),
            None => String::new(),
            Some(default) => format!(" (default {default})"),
        };
        writeln!(out, "  {:<18} {}{default}", parameter.name, parameter.kind)?;
        writeln!(out, "  {:<18} {}", "", parameter.about)?;
    }
    if !kind.outputs.is_empty() {
        writeln!(out, "\noutputs:")?;
    }
    for output in &kind.outputs {
        writeln!(out, "  {:<18} {:<9} {}", output.name, output.kind, output.about)?;
    }
    writeln!(out, "\nexample:\n  - id: {0}\n    uses: {0}\n    with: {1}", kind.name, kind.example)
}
