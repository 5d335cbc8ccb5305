//! From a file to a spanned tree. The only place that knows which YAML parser is used.

use super::fault::{Fault, Faults};
use super::node::{Node, Span};
use super::{mask, unreadable};
use crate::domain::marker;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

/// Largest document that is read, in bytes: ten thousand steps need a fifth of it.
pub const MAX_BYTES: u64 = 16 << 20;

/// What distinguishes one version of a file from another: when it was changed, and its length.
pub type Version = (SystemTime, u64);

/// The version of the file that is there now; `None` when there is none.
#[must_use]
pub fn version(path: &Path) -> Option<Version> {
    let about = std::fs::metadata(path).ok()?;
    Some((about.modified().ok()?, about.len()))
}

/// A document: its name, its text, its tree.
#[derive(Debug, Clone)]
pub struct Document {
    /// The name it was opened under.
    pub name: String,
    /// Its text, which every span points into.
    pub text: Arc<str>,
    /// Its tree.
    pub root: Node,
}

impl Document {
    /// Reads and parses a file. Nothing larger than [`MAX_BYTES`] is read into memory.
    ///
    /// # Errors
    /// When it cannot be read, is too large, or is not YAML.
    pub fn open(path: &Path) -> Result<Self, Faults> {
        let name = path.display().to_string();
        let whole = |fault: Fault| Faults::new(&name, &Arc::from(""), vec![fault]);
        let size = std::fs::metadata(path).map_err(|error| {
            whole(Fault::whole(format!("cannot read {name}: {error}")).help("check the path; nothing was changed"))
        })?;
        if size.len() > MAX_BYTES {
            let size = bytesize::ByteSize(size.len()).display().iec();
            return Err(whole(
                Fault::whole(format!("{name} is too large for a playbook or inventory: {size}"))
                    .help("give a playbook or inventory of at most 16 MiB; data is never part of it"),
            ));
        }
        let text = std::fs::read_to_string(path).map_err(|error| {
            whole(Fault::whole(format!("cannot read {name}: {error}")).help("it must be a text file in UTF-8"))
        })?;
        Self::parse(&name, &text)
    }

    /// Parses a text.
    ///
    /// # Errors
    /// When it is not YAML, or uses the signs that plans reserve for markers.
    pub fn parse(name: &str, text: &str) -> Result<Self, Faults> {
        let text: Arc<str> = Arc::from(text);
        let faults = |fault: Fault| Faults::new(name, &mask::hide(&text, None), vec![fault]);
        if let Some(at) = text.find([marker::OPEN, marker::CLOSE]) {
            let span = Span { start: at, end: at + marker::OPEN.len_utf8() };
            return Err(faults(
                Fault::new(span, "the signs ‹ and › are reserved")
                    .label("reserved")
                    .help("plans use them to mark secrets and run-time values; write < and > instead"),
            ));
        }
        let root = serde_saphyr::from_str_with_options::<Node>(&text, options());
        let mut root = root.map_err(|error| faults(unreadable::fault(&error, &text)))?;
        root.enclose(&text);
        Ok(Self { name: name.to_owned(), text, root })
    }

    /// Binds faults to this document.
    #[must_use]
    pub fn faults(&self, faults: Vec<Fault>) -> Faults {
        Faults::new(&self.name, &mask::hide(&self.text, Some(&self.root)), faults)
    }

    /// Where byte range `range` of a scalar's value stands in the text, if the value is written there as it is.
    #[must_use]
    pub fn within(&self, scalar: &Node, range: &std::ops::Range<usize>) -> Span {
        let value = scalar.as_str().unwrap_or_default();
        let written = self.text.get(scalar.span.start..scalar.span.end).unwrap_or_default();
        let token = value.get(range.clone()).unwrap_or_default();
        // escapes and folding move bytes: the value's start is looked for, then the token near where it should be
        let offset = written.find(value).map(|start| start + range.start).or_else(|| written.find(token));
        match offset {
            Some(offset) if !token.is_empty() => {
                let start = scalar.span.start + offset;
                Span { start, end: start + token.len() }
            }
            _ => scalar.span,
        }
    }
}

fn options() -> serde_saphyr::Options {
    let budget = serde_saphyr::budget! {
        max_nodes: 1_500_000,
        max_events: 4_000_000,
        max_aliases: 1_000,
        max_anchors: 1_000,
        max_recorded_anchor_events: 100_000,
        max_depth: 64,
        max_documents: 1,
    };
    serde_saphyr::options! {
        budget: budget,
        strict_booleans: true,
        with_snippet: false,
    }
}

#[cfg(test)]
mod tests {
    use super::Document;
    use crate::playbook::node::Value;

    fn first_fault(text: &str) -> (String, Option<String>) {
        let faults = Document::parse("t.yaml", text).unwrap_err();
        let fault = &faults.faults[0].fault;
        (fault.message.clone(), fault.span.map(|span| text[span.start..span.end].to_owned()))
    }

    #[test]
    fn every_value_and_key_knows_its_place() {
        let text = "a: one\nb:\n  - c: 2\n    d: no\n";
        let document = Document::parse("t.yaml", text).unwrap();
        let d = document.root.at("b.0.d");
        assert_eq!((&text[d.span.start..d.span.end], &d.value), ("no", &Value::Str("no".into())));
        let (key, b) = document.root.entry("b").unwrap();
        assert_eq!(&text[key.span.start..key.span.end], "b");
        assert!(b.span.end > b.span.start);
    }

    #[test]
    fn refuses_what_is_no_honest_document() {
        assert!(first_fault("a: 1\na: 2\n").0.contains("set twice"));
        assert_eq!(first_fault("a: ‹x›\n").1.as_deref(), Some("‹"));
        assert!(first_fault("a: [1, 2\nb: {").0.contains("not valid YAML"));
        let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
        for level in 1..12 {
            let previous = vec![format!("*a{}", level - 1); 10].join(", ");
            bomb += format!("a{level}: &a{level} [{previous}]\n").as_str();
        }
        let begin = std::time::Instant::now();
        assert!(first_fault(&bomb).0.contains("expands"));
        assert!(begin.elapsed().as_secs() < 60);
    }

    #[test]
    fn points_into_scalars() {
        let text = "a: \"x {{ inputs.nope }}\"\n";
        let document = Document::parse("t.yaml", text).unwrap();
        let span = document.within(document.root.get("a").unwrap(), &(5..16));
        assert_eq!(&text[span.start..span.end], "inputs.nope");
    }
}
