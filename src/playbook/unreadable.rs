//! What the YAML parser complains of, in words for somebody who wrote the document and never heard of the parser.

use super::fault::Fault;
use super::node::Span;
use serde_saphyr::Error;
use serde_saphyr::budget::BudgetBreach;

/// A longer line is not shown: nobody finds anything in it.
const LONGEST_LINE: usize = 400;
const TOO_DEEP: &str = "this is nested too deeply";

/// The fault behind a parser's error in `text`.
#[must_use]
pub fn fault(error: &Error, text: &str) -> Fault {
    let outer = error.without_snippet();
    let error = if let Error::AliasError { error: inner, .. } = outer { inner.without_snippet() } else { outer };
    let start = outer.location().map(|place| offset(text, place.line(), place.column()));
    let rest = |start: usize| text[start..].find('\n').map_or(text.len(), |line| start + line);
    let at = |end: usize, message: String| match (start, outer.location()) {
        (Some(start), _) if line_length(text, start) <= LONGEST_LINE => {
            Fault::new(Span { start, end: end.max(start) }, message)
        }
        (_, Some(place)) => Fault::whole(format!("line {}, column {}: {message}", place.line(), place.column())),
        _ => Fault::whole(message),
    };
    let line_end = start.map_or(0, rest);
    match error {
        Error::DuplicateMappingKey { key, .. } => {
            let key = key.as_deref().unwrap_or_default();
            let end = start.unwrap_or(0) + key.len();
            let end = if text.get(start.unwrap_or(0)..end) == Some(key) { end } else { line_end };
            at(end, format!("the field `{key}` is set twice")).label("again here").help("remove one of the two")
        }
        Error::Budget { breach: BudgetBreach::Documents { .. }, .. } => {
            at(line_end, "a second document begins here".into()).help("write one document per file")
        }
        Error::Budget { breach: BudgetBreach::Depth { .. }, .. } => too_deep(at(line_end, TOO_DEEP.into())),
        Error::Budget { .. } => at(line_end, "this document expands to more than any playbook needs".into())
            .label("too much from here on")
            .help("write it out, without aliases (`*name`) to aliases"),
        other => {
            let said = other.to_string();
            let said = said.split(" at line ").next().unwrap_or(&said);
            if said.contains("recursion limit") {
                return too_deep(at(line_end, TOO_DEEP.into()));
            }
            at(line_end, format!("this is not valid YAML: {said}"))
                .label("from here on")
                .help("quote texts that contain `: `, `#`, `{` or `[`, close every bracket, and indent with spaces")
        }
    }
}

fn too_deep(fault: Fault) -> Fault {
    fault.label("too deep").help("no playbook or inventory needs more than 64 levels")
}

fn line_length(text: &str, at: usize) -> usize {
    let before = text[..at].rfind('\n').map_or(at, |line| at - line - 1);
    before + text[at..].find('\n').unwrap_or(text.len() - at)
}

/// Byte offset of a line and column, both counted from one, the column in characters.
fn offset(text: &str, line: u64, column: u64) -> usize {
    let before = |count: u64| usize::try_from(count.saturating_sub(1)).unwrap_or(usize::MAX);
    let begin: usize = text.split_inclusive('\n').take(before(line)).map(str::len).sum();
    let within: usize = text[begin..].chars().take(before(column)).take_while(|c| *c != '\n').map(char::len_utf8).sum();
    begin + within
}
