//! A finding with its file and its lines: what every format prints.

use super::finding::{Finding, Fix};
use super::rule::{Rule, Severity};
use super::rules;
use crate::playbook::document::Document;
use crate::playbook::fault::{Fault, Faults};
use crate::playbook::mask;
use crate::playbook::node::Span;
use miette::{Diagnostic, NamedSource};
use std::fmt;
use std::sync::Arc;

/// A place in a text. Both count from 1; columns are characters, not bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Point {
    /// Line.
    pub line: usize,
    /// Column.
    pub column: usize,
}

/// A document's text, ready to show parts of.
#[derive(Debug)]
pub(super) struct Page<'a> {
    name: &'a str,
    text: &'a str,
    /// The text with passwords hidden.
    shown: Arc<str>,
    /// Where each line begins.
    lines: Vec<usize>,
}

impl<'a> Page<'a> {
    /// Of a document as read.
    pub fn of(document: &'a Document) -> Self {
        Self::new(&document.name, &document.text, mask::hide(&document.text, Some(&document.root)))
    }
    fn new(name: &'a str, text: &'a str, shown: Arc<str>) -> Self {
        let lines = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Self { name, text, shown, lines }
    }
    fn point(&self, at: usize) -> Point {
        let line = self.lines.partition_point(|&begin| begin <= at).max(1);
        let begin = self.lines[line - 1];
        let column = self.text.get(begin..at).map_or(0, |before| before.chars().count()) + 1;
        Point { line, column }
    }
}

/// A finding, placed.
#[derive(Debug)]
pub struct Located {
    /// The rule.
    pub rule: &'static Rule,
    /// The file's name, as it was opened.
    pub file: String,
    /// The bytes; none when the file as a whole is meant.
    pub span: Option<Span>,
    /// Where it begins.
    pub start: Point,
    /// One past its end.
    pub end: Point,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub help: Option<String>,
    /// The change that does it, with the places it begins and ends.
    pub fix: Option<(Fix, Point, Point)>,
    /// The reason for which the file allows it.
    pub reason: Option<String>,
    label: String,
    source: NamedSource<Arc<str>>,
}

impl Located {
    /// A rule's finding on `page`.
    pub(super) fn new(page: &Page<'_>, finding: &Finding, reason: Option<String>) -> Self {
        let span = finding.span;
        let shown = if finding.is_secret { mask::star(&page.shown, &[span]) } else { page.shown.clone() };
        Self {
            rule: finding.rule,
            file: page.name.to_owned(),
            span: Some(span),
            start: page.point(span.start),
            end: page.point(span.end),
            message: finding.message.clone(),
            help: finding.help.clone(),
            fix: finding.fix.clone().map(|fix| {
                let (start, end) = (page.point(fix.span.start), page.point(fix.span.end));
                (fix, start, end)
            }),
            reason,
            label: finding.label.clone(),
            source: NamedSource::new(page.name, shown).with_language("yaml"),
        }
    }

    /// The faults of a document that is not valid.
    pub(super) fn faults(report: &Faults) -> Vec<Self> {
        let Some(first) = report.faults.first() else { return Vec::new() };
        let page = Page::new(&report.name, first.text(), first.text().clone());
        report.faults.iter().map(|shown| Self::fault(&page, &shown.fault)).collect()
    }

    fn fault(page: &Page<'_>, fault: &Fault) -> Self {
        let span = fault.span.unwrap_or_default();
        Self {
            rule: &rules::invalid::RULE,
            file: page.name.to_owned(),
            span: fault.span,
            start: page.point(span.start),
            end: page.point(span.end),
            message: fault.message.clone(),
            help: fault.help.clone(),
            fix: None,
            reason: None,
            label: fault.label.clone(),
            source: NamedSource::new(page.name, page.shown.clone()).with_language("yaml"),
        }
    }
}

impl fmt::Display for Located {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Located {}

impl Diagnostic for Located {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(self.rule.code))
    }
    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.rule.severity {
            Severity::Note => miette::Severity::Advice,
            Severity::Warning => miette::Severity::Warning,
            Severity::Error => miette::Severity::Error,
        })
    }
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.help.as_ref().map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }
    fn source_code(&self) -> Option<&dyn miette::SourceCode> {
        self.span.map(|_| &self.source as &dyn miette::SourceCode)
    }
    fn labels(&self) -> Option<Box<dyn Iterator<Item = miette::LabeledSpan> + '_>> {
        let label = miette::LabeledSpan::new_with_span(Some(self.label.clone()), self.span?);
        Some(Box::new(std::iter::once(label)))
    }
}

#[cfg(test)]
mod tests {
    use super::{Page, Point};
    use std::sync::Arc;

    #[test]
    fn counts_characters() {
        let text = "ä: 1\nbü: x\n";
        let page = Page::new("t", text, Arc::from(text));
        assert_eq!(page.point(0), Point { line: 1, column: 1 });
        assert_eq!(page.point(text.find('x').unwrap()), Point { line: 2, column: 5 });
        assert_eq!(page.point(text.len()), Point { line: 3, column: 1 });
    }
}
