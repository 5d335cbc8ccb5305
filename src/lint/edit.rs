//! Changes of a text that keep its layout.

use super::finding::Fix;
use crate::playbook::document::Document;
use crate::playbook::node::{Node, Span};

/// Sets `name: value` in a mapping: the value is replaced where there is one, or else the field is put in
/// before the first. None where the mapping has no place for it.
pub fn set_field(document: &Document, mapping: &Node, name: &str, value: &str) -> Option<Fix> {
    let description = format!("set `{name}: {value}`");
    if let Some(old) = mapping.get(name) {
        return Some(Fix { description, span: old.span, text: value.to_owned() });
    }
    let (key, _) = mapping.entries().first()?;
    let begin = key.span.start;
    let before = document.text.get(..begin)?;
    let line = before.rfind('\n').map_or(0, |at| at + 1);
    let column = before[line..].chars().count();
    // the dash of a list item stands where the following fields have blanks
    let text = if before.trim_end().ends_with('{') || before.trim_end().ends_with(',') {
        format!("{name}: {value}, ")
    } else {
        format!("{name}: {value}\n{}", " ".repeat(column))
    };
    Some(Fix { description, span: Span { start: begin, end: begin }, text })
}

#[cfg(test)]
mod tests {
    use super::set_field;
    use crate::playbook::document::Document;

    fn changed(text: &str) -> String {
        let document = Document::parse("t", text).unwrap();
        let fix = set_field(&document, document.root.at("s.0"), "when", "true").unwrap();
        let changed = format!("{}{}{}", &text[..fix.span.start], fix.text, &text[fix.span.end..]);
        assert_eq!(Document::parse("t", &changed).unwrap().root.at("s.0.when").to_json(), true, "{changed}");
        changed
    }

    #[test]
    fn keeps_the_layout() {
        assert_eq!(changed("s:\n  - id: a\n    uses: b\n"), "s:\n  - when: true\n    id: a\n    uses: b\n");
        assert_eq!(changed("s:\n  - { id: a }\n"), "s:\n  - { when: true, id: a }\n");
        assert_eq!(changed("s: [{ id: a, when: false }]\n"), "s: [{ id: a, when: true }]\n");
    }
}
