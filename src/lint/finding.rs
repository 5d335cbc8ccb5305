//! What a rule finds.

use super::rule::Rule;
use crate::playbook::node::Span;

/// The document that a finding is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum File {
    /// The playbook.
    Playbook,
    /// The inventory.
    Inventory,
}

/// A change of the text that would put it right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fix {
    /// What it does, as an order: "set a deadline".
    pub description: String,
    /// What is replaced; empty where something is put in.
    pub span: Span,
    /// By what.
    pub text: String,
}

/// Something that breaks a rule.
#[derive(Debug, Clone)]
pub struct Finding {
    /// The rule.
    pub rule: &'static Rule,
    /// The document.
    pub file: File,
    /// The token.
    pub span: Span,
    /// What is wrong.
    pub message: String,
    /// What the token is.
    pub label: String,
    /// What to do.
    pub help: Option<String>,
    /// The same as a change of the text, where there is one right change.
    pub fix: Option<Fix>,
    /// Whether the token may be a secret, which no output may repeat.
    pub is_secret: bool,
}

impl Finding {
    /// A finding in the playbook.
    pub fn new(rule: &'static Rule, span: Span, message: impl Into<String>) -> Self {
        Self {
            rule,
            file: File::Playbook,
            span,
            message: message.into(),
            label: "here".into(),
            help: None,
            fix: None,
            is_secret: false,
        }
    }
    /// Names the document.
    #[must_use]
    pub fn file(mut self, file: File) -> Self {
        self.file = file;
        self
    }
    /// Names the token.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }
    /// Adds what to do.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
    /// Gives the change that does it.
    #[must_use]
    pub fn fix(mut self, fix: Option<Fix>) -> Self {
        self.fix = fix;
        self
    }
    /// Keeps the token out of every output.
    #[must_use]
    pub fn secret(mut self) -> Self {
        self.is_secret = true;
        self
    }
}
