//! A report as SARIF 2.1.0, the OASIS standard that code hosts and editors read.

use super::{Located, Point, RULES, Report, Rule, Severity};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

const SCHEMA: &str = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// The whole log. Allowed findings are in it too, as suppressed.
#[must_use]
pub fn log(report: &Report) -> Value {
    let results: Vec<Value> = report.findings.iter().chain(&report.allowed).map(result).collect();
    json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "cutover",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": RULES.iter().map(|rule| descriptor(rule)).collect::<Vec<_>>(),
            } },
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

fn level(severity: Severity) -> &'static str {
    severity.into() // SARIF's levels have the same names
}

fn descriptor(rule: &Rule) -> Value {
    let page = rule.explanation();
    json!({
        "id": rule.code,
        "name": rule.name,
        "shortDescription": { "text": rule.title },
        "help": { "text": page, "markdown": page },
        "defaultConfiguration": { "level": level(rule.severity) },
    })
}

fn result(found: &Located) -> Value {
    let uri = uri(&found.file);
    let mut place = json!({ "artifactLocation": { "uri": uri } });
    if found.span.is_some() {
        place["region"] = region(found.start, found.end);
    }
    let help = found.help.as_ref().map(|help| format!("\nhelp: {help}")).unwrap_or_default();
    let mut result = json!({
        "ruleId": found.rule.code,
        "ruleIndex": RULES.iter().position(|rule| rule.code == found.rule.code),
        "level": level(found.rule.severity),
        "message": { "text": format!("{}{help}", found.message) },
        "locations": [{ "physicalLocation": place }],
    });
    if let Some((fix, start, end)) = &found.fix {
        result["fixes"] = json!([{
            "description": { "text": fix.description },
            "artifactChanges": [{
                "artifactLocation": { "uri": uri },
                "replacements": [{ "deletedRegion": region(*start, *end), "insertedContent": { "text": fix.text } }],
            }],
        }]);
    }
    if let Some(reason) = &found.reason {
        result["suppressions"] = json!([{ "kind": "inSource", "justification": reason }]);
    }
    result
}

fn region(start: Point, end: Point) -> Value {
    json!({ "startLine": start.line, "startColumn": start.column, "endLine": end.line, "endColumn": end.column })
}

/// What stands as it is in a path: RFC 3986, section 2.3, and the slashes.
const PATH: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');

/// A path as a URI reference: relative as it was given, every byte that has a meaning there escaped.
fn uri(path: &str) -> String {
    let scheme = if path.starts_with('/') { "file://" } else { "" };
    format!("{scheme}{}", utf8_percent_encode(path.trim_start_matches("./"), PATH))
}

#[cfg(test)]
mod tests {
    use super::uri;

    #[test]
    fn paths_become_references() {
        assert_eq!(uri("./playbooks/my shop.yaml"), "playbooks/my%20shop.yaml");
        assert_eq!(uri("/srv/a:b.yaml"), "file:///srv/a%3Ab.yaml");
    }
}
