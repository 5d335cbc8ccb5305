//! Hides what may be a password where a document is shown. It should not stand there at all, but a report about it,
//! or about a line beside it, must not carry it on into logs and tickets.

use super::node::{Node, Span, Value};
use super::template;
use std::sync::Arc;

/// Fields under which a reference to a secret has its parts, none of them secret.
const REFERENCE: [&str; 3] = ["env", "file", "command"];
/// How fields for secrets end.
const ENDINGS: [&str; 5] = ["password", "passwd", "pwd", "secret", "passphrase"];

/// Whether a field of this name holds a secret, slips of the pen included.
#[must_use]
pub fn is_secret(name: &str) -> bool {
    let name = name.to_lowercase();
    ENDINGS.iter().any(|ending| name.ends_with(ending)) || strsim::damerau_levenshtein(&name, "password") <= 2
}

/// Whether a secret may stand under this name: the address of a webhook is one, too.
fn may_hold_one(name: &str) -> bool {
    is_secret(name) || matches!(name, "url" | "headers")
}

/// The text with everything starred out, byte for byte, that stands where a secret may stand.
#[must_use]
pub fn hide(text: &Arc<str>, root: Option<&Node>) -> Arc<str> {
    let mut spans = Vec::new();
    match root {
        Some(root) => in_tree(root, &mut spans),
        None => in_lines(text, &mut spans),
    }
    star(text, &spans)
}

/// The text with these places starred out, byte for byte.
#[must_use]
pub fn star(text: &Arc<str>, spans: &[Span]) -> Arc<str> {
    if spans.is_empty() {
        return text.clone();
    }
    let mut bytes = text.as_bytes().to_vec();
    for span in spans {
        let range = span.start.min(bytes.len())..span.end.min(bytes.len());
        bytes[range].iter_mut().filter(|byte| **byte != b'\n').for_each(|byte| *byte = b'*');
    }
    String::from_utf8(bytes).unwrap_or_default().into()
}

fn in_tree(node: &Node, spans: &mut Vec<Span>) {
    match &node.value {
        Value::Seq(items) => items.iter().for_each(|item| in_tree(item, spans)),
        Value::Map(entries) => {
            for (key, value) in entries {
                if may_hold_one(&key.text) { below(value, spans) } else { in_tree(value, spans) }
            }
        }
        _ => {}
    }
}

/// Everything below a field for a secret, but for the parts of a reference.
fn below(node: &Node, spans: &mut Vec<Span>) {
    match &node.value {
        Value::Seq(items) => items.iter().for_each(|item| below(item, spans)),
        Value::Map(entries) => {
            for (key, value) in entries.iter().filter(|(key, _)| !REFERENCE.contains(&key.text.as_str())) {
                if value.value == Value::Null {
                    spans.push(key.span);
                }
                below(value, spans);
            }
        }
        Value::Null => {}
        Value::Str(text) if template::is_template(text) => {}
        _ => spans.push(node.span),
    }
}

/// The same for a text that is no tree: the rest of each line after the name of such a field.
fn in_lines(text: &str, spans: &mut Vec<Span>) {
    let mut begin = 0;
    for line in text.split_inclusive('\n') {
        for (colon, _) in line.match_indices(':') {
            let name = line[..colon].trim_end_matches(['"', '\'', ' ']);
            let name = name.rsplit(|c: char| !c.is_alphanumeric() && c != '_' && c != '-').next().unwrap_or_default();
            let rest = line[colon + 1..].trim();
            let reference = rest.strip_prefix('{').map(str::trim_start);
            let is_reference = reference.is_some_and(|rest| REFERENCE.iter().any(|part| rest.starts_with(part)));
            if may_hold_one(name) && !rest.is_empty() && !is_reference {
                spans.push(Span { start: begin + colon + 1, end: begin + line.len() });
                break;
            }
        }
        begin += line.len();
    }
}

#[cfg(test)]
mod tests {
    use super::{hide, is_secret};
    use crate::playbook::document::Document;
    use std::sync::Arc;

    #[test]
    fn hides_values_and_keeps_references_and_templates() {
        let text = "a: { password: x1y2, b: 1 }\npasswrod: z9\npassword: { env: NAME }\npwd: '{{ inputs.pw }}'\n";
        let root = Document::parse("t", text).unwrap().root;
        let shown = hide(&Arc::from(text), Some(&root));
        let stars = "a: { password: ****, b: 1 }\npasswrod: **\npassword: { env: NAME }\npwd: '{{ inputs.pw }}'\n";
        assert_eq!(&*shown, stars);
        let shown = hide(&Arc::from("x: { user: u, password: x1y2, \nport: 3"), None);
        assert_eq!(&*shown, "x: { user: u, password:*******\nport: 3");
        let hook = "ops: { url: http://x/y, headers: { authorization: z } }\n";
        let root = Document::parse("t", hook).unwrap().root;
        let shown = hide(&Arc::from(hook), Some(&root));
        assert_eq!(&*shown, "ops: { url: **********, headers: { authorization: * } }\n");
        assert!(is_secret("MYSQL_PASSWORD") && is_secret("pasword") && !is_secret("address"));
    }
}
