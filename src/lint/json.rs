//! A report as data: the `findings` of `check --format json`, documented in `docs/check.md`.

use super::{Located, Report};
use serde_json::{Value, json};

impl Report {
    /// The findings that count.
    #[must_use]
    pub fn json(&self) -> Value {
        self.findings.iter().map(finding).collect()
    }
    /// The findings that a comment allows.
    #[must_use]
    pub fn allowed_json(&self) -> Value {
        self.allowed.iter().map(finding).collect()
    }
}

fn finding(found: &Located) -> Value {
    let fix = found.fix.as_ref().map(
        |(fix, start, end)| json!({ "description": fix.description, "start": start, "end": end, "text": fix.text }),
    );
    let mut value = json!({
        "code": found.rule.code,
        "severity": found.rule.severity.to_string(),
        "message": found.message,
        "file": found.file,
        "line": found.start.line,
        "column": found.start.column,
        "end": found.end,
        "help": found.help,
        "fix": fix,
    });
    if let Some(reason) = &found.reason {
        value["because"] = json!(reason);
    }
    value
}
