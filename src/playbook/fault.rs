//! Faults of a document: each with the file, the underlined token and the fix; all of a file in one report.

use super::node::Span;
use crate::domain::visible;
use miette::{Diagnostic, NamedSource};
use thiserror::Error;

/// One fault at one place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Where; `None` when the file as a whole is at fault.
    pub span: Option<Span>,
    /// What is wrong.
    pub message: String,
    /// What the underlined token is: "not a step kind".
    pub label: String,
    /// The fix.
    pub help: Option<String>,
}

impl Fault {
    /// A fault at a place.
    pub fn new(span: Span, message: impl Into<String>) -> Self {
        Self { span: Some(span), message: visible(&message.into()).into_owned(), label: "here".into(), help: None }
    }
    /// A fault of the file as a whole.
    pub fn whole(message: impl Into<String>) -> Self {
        Self { span: None, message: visible(&message.into()).into_owned(), label: String::new(), help: None }
    }
    /// Names the token.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = visible(&label.into()).into_owned();
        self
    }
    /// Names the fix.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(visible(&help.into()).into_owned());
        self
    }
}

/// All faults found in one file, in the order of their places.
#[derive(Debug, Error, Diagnostic)]
#[error("{name}: {} fault{}", faults.len(), if faults.len() == 1 { "" } else { "s" })]
#[diagnostic(code(cutover::invalid))]
pub struct Faults {
    /// The file's name.
    pub name: String,
    /// The faults.
    #[related]
    pub faults: Vec<Shown>,
}

/// A fault together with the text it points into.
#[derive(Debug, Error)]
#[error("{}", fault.message)]
pub struct Shown {
    /// The fault.
    pub fault: Fault,
    source_code: NamedSource<std::sync::Arc<str>>,
}

impl Shown {
    /// The text it points into, passwords hidden.
    #[must_use]
    pub fn text(&self) -> &std::sync::Arc<str> {
        self.source_code.inner()
    }
}

impl Diagnostic for Shown {
    fn help<'a>(&'a self) -> Option<Box<dyn std::fmt::Display + 'a>> {
        self.fault.help.as_ref().map(|help| Box::new(help) as Box<dyn std::fmt::Display>)
    }
    fn source_code(&self) -> Option<&dyn miette::SourceCode> {
        self.fault.span.map(|_| &self.source_code as &dyn miette::SourceCode)
    }
    fn labels(&self) -> Option<Box<dyn Iterator<Item = miette::LabeledSpan> + '_>> {
        let span = self.fault.span?;
        let label = miette::LabeledSpan::new_with_span(Some(self.fault.label.clone()), span);
        Some(Box::new(std::iter::once(label)))
    }
}

impl Faults {
    /// Binds faults to the text they point into, with passwords already hidden.
    #[must_use]
    pub fn new(name: &str, text: &std::sync::Arc<str>, mut faults: Vec<Fault>) -> Self {
        faults.sort_by_key(|fault| fault.span.map_or(0, |span| span.start));
        let faults = faults
            .into_iter()
            .map(|fault| Shown { fault, source_code: NamedSource::new(name, text.clone()).with_language("yaml") })
            .collect();
        Self { name: name.to_owned(), faults }
    }
}
