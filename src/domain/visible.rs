//! Texts from servers, hosts and files as people may see them: what a terminal would obey, or what turns the direction of
//! reading, is written as its number.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Whether a sign must not reach a terminal as it is: control characters of both blocks but the line's end and the tab,
/// and marks that turn the direction of reading.
fn obeys_nobody(sign: char) -> bool {
    let turns = matches!(
        sign,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
    );
    !turns && (!sign.is_control() || matches!(sign, '\n' | '\t'))
}

/// Adds a sign, or its number.
pub(super) fn push_visible(out: &mut String, sign: char) {
    if obeys_nobody(sign) {
        out.push(sign);
    } else {
        out.extend(sign.escape_unicode());
    }
}

/// The text with `\u{1b}` where it had an escape character, and so on; lines and tabs stay.
#[must_use]
pub fn visible(text: &str) -> Cow<'_, str> {
    if text.chars().all(obeys_nobody) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    text.chars().for_each(|sign| push_visible(&mut out, sign));
    Cow::Owned(out)
}

/// The same on one line, for names in a list: a name with the end of a line in it begins no line of its own.
#[must_use]
pub fn on_one_line(text: &str) -> Cow<'_, str> {
    match visible(text) {
        plain if !plain.contains(['\n', '\t']) => plain,
        lines => Cow::Owned(lines.replace('\n', "\\n").replace('\t', "\\t")),
    }
}

/// The same for a text with colours in it, which stay; nothing else of what a terminal obeys does.
#[must_use]
pub fn coloured(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\u{1b}') {
        out.push_str(&visible(&rest[..at]));
        let length = colour(&rest[at..]).unwrap_or(0);
        if length == 0 {
            push_visible(&mut out, '\u{1b}');
        }
        out.push_str(&rest[at..at + length]);
        rest = &rest[at + length.max(1)..];
    }
    out.push_str(&visible(rest));
    out
}

/// How long the change of colour is that a text begins with, in bytes.
fn colour(text: &str) -> Option<usize> {
    let numbers = text.strip_prefix("\u{1b}[")?;
    let end = numbers.find(|sign: char| !sign.is_ascii_digit() && sign != ';')?;
    numbers[end..].starts_with('m').then_some(end + 3)
}

/// A JSON document with the same signs written as JSON escapes: it means what it meant.
#[must_use]
pub fn visible_json(document: String) -> String {
    if document.chars().all(obeys_nobody) {
        return document;
    }
    let mut out = String::with_capacity(document.len() + 16);
    for sign in document.chars() {
        if obeys_nobody(sign) {
            out.push(sign);
        } else {
            let mut units = [0; 2];
            for unit in sign.encode_utf16(&mut units) {
                let _ = write!(out, "\\u{unit:04x}"); // a String takes everything
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HOSTILE: &str = "a\u{1b}]0;title\u{7}\u{1b}[2Jb\u{9b}31m\u{202e}c\r\u{8}d\u{7f}";

    #[test]
    fn what_a_terminal_obeys_is_seen() {
        assert_eq!(visible("two\nlines\tand ✓ å 数"), "two\nlines\tand ✓ å 数");
        let seen = visible(HOSTILE);
        assert!(seen.starts_with("a\\u{1b}]0;title\\u{7}") && seen.chars().all(obeys_nobody), "{seen}");
        assert_eq!(on_one_line("a\n✓ done"), "a\\n✓ done");
    }

    #[test]
    fn colours_stay_and_nothing_else() {
        assert_eq!(coloured("\u{1b}[31mred\u{1b}[0m"), "\u{1b}[31mred\u{1b}[0m");
        assert_eq!(coloured("\u{1b}[38;5;1mx"), "\u{1b}[38;5;1mx");
        assert_eq!(coloured("\u{1b}[2Jx\u{1b}]0;t\u{7}\u{1b}"), "\\u{1b}[2Jx\\u{1b}]0;t\\u{7}\\u{1b}");
        assert_eq!(coloured("\u{1b}[31"), "\\u{1b}[31");
    }

    proptest! {
        #[test]
        fn json_means_what_it_meant(text in any::<String>()) {
            let document = serde_json::to_string(&text).unwrap();
            let seen = visible_json(document);
            prop_assert!(seen.chars().all(obeys_nobody));
            prop_assert_eq!(serde_json::from_str::<String>(&seen).unwrap(), text);
        }

        #[test]
        fn any_text_is_harmless(text in any::<String>()) {
            prop_assert!(visible(&text).chars().all(obeys_nobody));
            prop_assert!(on_one_line(&text).lines().count() <= 1);
        }
    }
}
