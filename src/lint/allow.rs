//! Comments that allow a finding: `# cutover: allow C003 because REASON`. One without a reason does not count, and one
//! that matches nothing is reported, so that it does not outlive its purpose.

use super::finding::{File, Finding};
use super::rule;
use super::rules::{allow_of_nothing, allow_without_reason};
use crate::playbook::document::Document;
use crate::playbook::node::{Node, Span, Value};
use crate::playbook::suggest;
use std::cell::Cell;

const SIGN: &str = "cutover:";

/// What is left of the findings in a file.
#[derive(Debug, Default)]
pub(super) struct Verdict {
    /// Findings that count, those about the comments included.
    pub counted: Vec<Finding>,
    /// Findings that are allowed, with the reason.
    pub allowed: Vec<(Finding, String)>,
}

/// A comment that allows something.
#[derive(Debug)]
struct Allow {
    /// From its sign to its end.
    span: Span,
    /// Each code, and whether anything needed it.
    codes: Vec<(String, Cell<bool>)>,
    reason: String,
    /// What it holds for.
    scope: Span,
}

/// Sorts the findings of one file by its comments.
pub(super) fn apply(document: &Document, file: File, findings: &[&Finding]) -> Verdict {
    let allows = comments(document);
    let mut verdict = Verdict::default();
    for &finding in findings {
        let inside = |scope: Span| scope.start <= finding.span.start && finding.span.start < scope.end;
        let mut fitting = allows.iter().filter(|allow| !allow.reason.is_empty() && inside(allow.scope));
        let found = fitting.find_map(|allow| {
            let (_, used) = allow.codes.iter().find(|(code, _)| code.eq_ignore_ascii_case(finding.rule.code))?;
            used.set(true);
            Some(allow.reason.clone())
        });
        match found {
            Some(reason) => verdict.allowed.push((finding.clone(), reason)),
            None => verdict.counted.push(finding.clone()),
        }
    }
    verdict.counted.extend(allows.iter().flat_map(complaints).map(|finding| finding.file(file)));
    verdict
}

/// What is wrong with a comment itself.
fn complaints(allow: &Allow) -> Vec<Finding> {
    let codes: Vec<&str> = allow.codes.iter().map(|(code, _)| code.as_str()).collect();
    if codes.is_empty() || allow.reason.is_empty() {
        let what = if codes.is_empty() { "names no rule" } else { "gives no reason, so it allows nothing" };
        let codes = if codes.is_empty() { "C000".to_owned() } else { codes.join(", ") };
        let finding = Finding::new(&allow_without_reason::RULE, allow.span, format!("this comment {what}"));
        return vec![finding.help(format!("write `# cutover: allow {codes} because REASON`"))];
    }
    let unneeded = allow.codes.iter().filter(|(_, used)| !used.get()).map(|(code, _)| {
        let finding = |what: &str| Finding::new(&allow_of_nothing::RULE, allow.span, format!("`{code}` {what}"));
        if rule::find(code).is_none() {
            let known = rule::RULES.iter().map(|rule| rule.code);
            return finding("is not a rule").help(suggest::help(code, known));
        }
        finding("finds nothing here, so there is nothing to allow").help("remove the comment")
    });
    unneeded.collect()
}

fn comments(document: &Document) -> Vec<Allow> {
    if !document.text.contains(SIGN) {
        return Vec::new();
    }
    let mut scalars = Vec::new();
    gather_scalars(&document.root, &mut scalars);
    let content = document.text.split_inclusive('\n').scan(0, |at, line| {
        let begin = *at;
        *at += line.len();
        Some((begin, line))
    });
    let lines: Vec<(usize, &str)> = content.collect();
    let is_blank = |line: &str| line.trim().is_empty() || line.trim_start().starts_with('#') || line.trim() == "---";
    let first = lines.iter().position(|(_, line)| !is_blank(line)).unwrap_or(lines.len());
    let mut allows = Vec::new();
    for (number, &(begin, line)) in lines.iter().enumerate() {
        let Some((at, said)) = comment(line) else { continue };
        let span = Span { start: begin + at, end: begin + line.trim_end().len() };
        if scalars.iter().any(|scalar| scalar.start <= span.start && span.start < scalar.end) {
            continue; // a text that looks like a comment
        }
        let own_line = line[..at].trim().is_empty();
        let scope = if number < first {
            Span { start: 0, end: document.text.len() }
        } else {
            let target =
                if own_line { (number + 1..lines.len()).find(|&n| !is_blank(lines[n].1)) } else { Some(number) };
            let target = target.map_or((document.text.len(), ""), |number| lines[number]);
            let line = Span { start: target.0, end: target.0 + target.1.len() };
            begun_on(&document.root, line)
        };
        let (codes, reason) = parts(said);
        allows.push(Allow { span, codes, reason, scope });
    }
    allows
}

/// Where an `allow` comment begins in a line, and its text after `allow`.
fn comment(line: &str) -> Option<(usize, &str)> {
    line.match_indices('#').find_map(|(at, _)| {
        let begins = at == 0 || line[..at].ends_with([' ', '\t']);
        let said = line[at + 1..].trim_start().strip_prefix(SIGN)?.trim_start().strip_prefix("allow")?;
        (begins && said.chars().next().is_none_or(char::is_whitespace)).then_some((at, said.trim()))
    })
}

/// The codes, and the reason behind `because`.
fn parts(said: &str) -> (Vec<(String, Cell<bool>)>, String) {
    let (codes, reason) = match said.split_once("because") {
        Some((codes, reason)) => (codes, reason.trim()),
        None => (said, ""),
    };
    let codes = codes.split([',', ' ']).map(str::trim).filter(|code| !code.is_empty());
    (codes.map(|code| (code.to_owned(), Cell::new(false))).collect(), reason.to_owned())
}

/// The line, and all of everything that begins on it: a step, a block, a field with its value.
fn begun_on(root: &Node, line: Span) -> Span {
    let mut scope = line;
    widen(root, &mut scope, line);
    scope
}

fn widen(node: &Node, scope: &mut Span, line: Span) {
    let begins = |at: usize| line.start <= at && at < line.end;
    match &node.value {
        Value::Seq(items) => {
            for item in items {
                if begins(first_byte(item)) {
                    scope.end = scope.end.max(last_byte(item));
                }
                widen(item, scope, line);
            }
        }
        Value::Map(entries) => {
            for (key, value) in entries {
                if begins(key.span.start) {
                    scope.end = scope.end.max(last_byte(value));
                }
                widen(value, scope, line);
            }
        }
        _ => {}
    }
}

fn first_byte(node: &Node) -> usize {
    match &node.value {
        Value::Map(entries) => entries.first().map_or(node.span.start, |(key, _)| key.span.start),
        Value::Seq(items) => items.first().map_or(node.span.start, first_byte),
        _ => node.span.start,
    }
}

fn last_byte(node: &Node) -> usize {
    match &node.value {
        Value::Map(entries) => entries.iter().map(|(_, value)| last_byte(value)).max().unwrap_or(0).max(node.span.end),
        Value::Seq(items) => items.iter().map(last_byte).max().unwrap_or(0).max(node.span.end),
        _ => node.span.end,
    }
}

fn gather_scalars(node: &Node, spans: &mut Vec<Span>) {
    match &node.value {
        Value::Seq(items) => items.iter().for_each(|item| gather_scalars(item, spans)),
        Value::Map(entries) => entries.iter().for_each(|(_, value)| gather_scalars(value, spans)),
        Value::Str(_) => spans.push(node.span),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::{begun_on, comment, parts};
    use crate::playbook::document::Document;
    use crate::playbook::node::Span;

    #[test]
    fn reads_codes_and_reason() {
        let (at, said) = comment("  - id: a # cutover: allow C001, C007 because it is a test").unwrap();
        assert_eq!(at, 10);
        let (codes, reason) = parts(said);
        assert_eq!(codes.iter().map(|(code, _)| code.as_str()).collect::<Vec<_>>(), ["C001", "C007"]);
        assert_eq!(reason, "it is a test");
        assert_eq!(comment("a: b#cutover: allow C001"), None);
        assert_eq!(comment("# cutover: allowance"), None);
    }

    #[test]
    fn holds_for_all_that_begins_on_the_line() {
        let text = "s:\n  - id: a\n    b:\n      c: 1\n  - id: d\n";
        let document = Document::parse("t", text).unwrap();
        let line = |start: usize, end| begun_on(&document.root, Span { start, end });
        assert_eq!(&text[5..line(3, 13).end], "- id: a\n    b:\n      c: 1");
        assert_eq!(line(13, 20).end, text.find("  - id: d").unwrap() - 1);
        assert_eq!(line(0, 3).end, text.len() - 1);
    }
}
