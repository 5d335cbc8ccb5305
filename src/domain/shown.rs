//! A text as people read it: `‹…›` stands for what is not known or not shown, quoting is always whole, and signs that a
//! terminal would obey are written out.

use super::text::{Form, Part, Text};
use super::visible::push_visible;
use super::words::{Piece, Private};
use std::fmt;

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.parts().iter().try_for_each(|part| show(part, f))
    }
}

fn show(part: &Part, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match part {
        Part::Fixed(text) => f.write_str(text),
        Part::Group(about, None) => write!(f, "‹{about}›"),
        Part::Group(_, Some(parts)) => parts.iter().try_for_each(|part| show(part, f)),
        Part::Slot(Form::Identifier, value) => write!(f, "`{}`", visible(value, &[("`", "``")])),
        Part::Slot(Form::Number, value) if is_number(value) => write!(f, "{value}"),
        Part::Slot(Form::Setting, value) if is_setting(value) => write!(f, "{value}"),
        Part::Slot(Form::Literal | Form::Number | Form::Setting, value) => {
            write!(f, "'{}'", visible(value, &IN_LITERAL))
        }
        Part::Slot(Form::Word, value) => write!(f, "{}", visible(value, &[])),
        Part::Slot(Form::Hexadecimal, value) => write!(f, "X'{}'", visible(value, &IN_LITERAL)),
        Part::Slot(Form::NativeHash, value) => write!(f, "'{}'", hash_of(value)),
        Part::Slot(Form::Copied, value) => f.write_str(&without_hash(&value.to_string())),
        Part::Slot(Form::Verbatim | Form::Plain, value) => write!(f, "{value}"),
        Part::Slot(Form::Argument, value) => f.write_str(&argument(value)),
        Part::Slot(Form::OptionValue, value) => write!(f, "{}", visible(value, &IN_OPTION)),
        Part::Ours(ours) => writeln!(f, "<<{}>>", ours.name()),
        Part::Quoted(parts) => f.write_str(&shell_words::quote(&Text::of(parts.clone()).to_string())),
    }
}

/// In the order in which they are replaced.
const IN_LITERAL: [(&str, &str); 2] = [("\\", "\\\\"), ("'", "''")];

const IN_OPTION: [(&str, &str); 5] = [("\\", "\\\\"), ("\"", "\\\""), ("\n", "\\n"), ("\r", "\\r"), ("\t", "\\t")];

fn hash_of(password: &Private) -> String {
    match password.pieces().as_slice() {
        [Piece::Text(text)] => super::sent::native_hash(text),
        [Piece::Secret(label)] => format!("‹hash of the secret {label}›"),
        _ => format!("‹hash of {password}›"),
    }
}

/// A password's hash must be as secret as the password, because it helps to guess it, so what follows the word is left
/// out.
fn without_hash(copied: &str) -> String {
    const BEFORE_IT: &str = "IDENTIFIED ";
    match copied.split_once(BEFORE_IT) {
        Some((before, _)) => format!("{before}{BEFORE_IT}‹not shown›"),
        None => copied.to_owned(),
    }
}

/// A word as a shell reads it, with quotes around whatever is not known yet.
fn argument(value: &Private) -> String {
    match value.pieces().as_slice() {
        [] => "''".to_owned(),
        [Piece::Text(text)] => {
            let mut out = String::new();
            shell_words::quote(text).chars().for_each(|sign| push_visible(&mut out, sign));
            out
        }
        [Piece::Home(rest), more @ ..] => in_home(rest, more),
        _ => quoted(value),
    }
}

/// What a shell reads as a word that begins in a home folder: the tilde stands outside of all quotes.
fn in_home(rest: &str, more: &[Piece]) -> String {
    let rest = rest.strip_prefix('/').unwrap_or(rest);
    let value = more.iter().fold(Private::from(rest), |value, piece| value.then(Private::of_piece(piece.clone())));
    match value.pieces().as_slice() {
        [] => "~".to_owned(),
        [Piece::Text(text)] if text.starts_with('/') => format!("~{}", argument(&value)),
        _ => format!("~/{}", argument(&value)),
    }
}

fn quoted(value: &Private) -> String {
    format!("'{}'", visible(value, &[("'", r"'\''")]))
}

/// Digits, or something that is not known yet.
fn is_number(value: &Private) -> bool {
    let pieces = value.pieces();
    !pieces.is_empty()
        && pieces.iter().all(|piece| match piece {
            Piece::Text(text) | Piece::Value(text) => text.bytes().all(|byte| byte.is_ascii_digit()),
            Piece::Late(_) => true,
            Piece::Home(_) | Piece::Secret(_) => false,
        })
}

/// A whole or decimal number, or something that is not known yet.
fn is_setting(value: &Private) -> bool {
    match value.pieces().as_slice() {
        [Piece::Text(text)] => super::sent::is_amount(text),
        [Piece::Late(_)] => true,
        _ => false,
    }
}

fn visible(value: &Private, doubled: &[(&str, &str)]) -> String {
    let mut out = String::new();
    for piece in value.pieces() {
        match piece {
            Piece::Text(mut text) => {
                for (sign, twice) in doubled {
                    text = text.replace(sign, twice);
                }
                text.chars().for_each(|sign| push_visible(&mut out, sign));
            }
            other => out.push_str(&Private::of_piece(other).to_string()),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use crate::domain::sql::{identifier, literal, number};
    use crate::domain::{Backslash, Sql, Words};

    #[test]
    fn what_is_shown_can_be_pasted_and_obeys_nobody() {
        assert_eq!(identifier("a`b").to_string(), "`a``b`");
        assert_eq!(literal(r"it's a \ b").to_string(), r"'it''s a \\ b'");
        assert_eq!(literal("\u{1b}[2J\u{202e}").to_string(), "'\\u{1b}[2J\\u{202e}'");
        assert_eq!(literal(Words::late("steps.a.b")).to_string(), "'‹steps.a.b›'");
        assert_eq!(number("1542").to_string(), "1542");
        assert_eq!(number(Words::late("number")).to_string(), "‹number›");
        assert_eq!(number("1; DROP").to_string(), "'1; DROP'");
        assert_eq!(number("").to_string(), "''");
        let user = "CREATE USER `shop` IDENTIFIED BY PASSWORD '*2470C0C06DEE42FD1618BB99005ADCA2EC9D1E19'";
        let copied = Sql::copied(user, &["CREATE USER"], Backslash::Escapes).unwrap();
        assert_eq!(copied.to_string(), "CREATE USER `shop` IDENTIFIED ‹not shown›");
    }
}
