//! A text as it is sent: every value quoted for its place, every secret fetched at the last moment.

use super::text::{Form, Part, Text};
use super::words::{Piece, Private};
use crate::error::{Failure, Result};
use secrecy::{ExposeSecret, SecretString};
use sha1::{Digest, Sha1};

/// What a backslash in a SQL string means to a session, by its `sql_mode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backslash {
    /// It escapes the character behind it.
    Escapes,
    /// It is a character as any other: `NO_BACKSLASH_ESCAPES`.
    Plain,
}

/// Where values of secrets are to be had, by their labels.
pub trait Lookup {
    /// The value; `None` when it was never read.
    fn secret(&self, label: &str) -> Option<&SecretString>;
}

/// Where there are no secrets.
impl Lookup for () {
    fn secret(&self, _: &str) -> Option<&SecretString> {
        None
    }
}

impl Text {
    /// As a session with this meaning of backslashes reads it.
    ///
    /// # Errors
    /// When a value is not known, or a secret was not read: nothing is sent then.
    pub fn for_session(&self, backslash: Backslash, secrets: &dyn Lookup) -> Result<SecretString> {
        self.sent(backslash, secrets)
    }

    /// As a shell reads it. There is no way to put a secret in: every user of a host can read a command line.
    ///
    /// # Errors
    /// When a value is not known, or is a secret: nothing is started then.
    pub fn for_shell(&self) -> Result<String> {
        self.sent(Backslash::Plain, &()).map(|text| text.expose_secret().to_owned())
    }

    /// As a file holds it.
    ///
    /// # Errors
    /// When a value is not known, or a secret was not read: nothing is written then.
    pub fn for_file(&self, secrets: &dyn Lookup) -> Result<SecretString> {
        self.sent(Backslash::Plain, secrets)
    }

    fn sent(&self, backslash: Backslash, secrets: &dyn Lookup) -> Result<SecretString> {
        let mut out = String::new();
        for part in self.parts() {
            send(part, &mut out, backslash, secrets)?;
        }
        Ok(SecretString::from(out))
    }
}

fn send(part: &Part, out: &mut String, backslash: Backslash, secrets: &dyn Lookup) -> Result<()> {
    match part {
        Part::Fixed(text) => out.push_str(text),
        Part::Group(about, None) => return Err(unknown(about)),
        Part::Group(_, Some(parts)) => return parts.iter().try_for_each(|part| send(part, out, backslash, secrets)),
        Part::Slot(Form::Argument, value) => out.push_str(&shell_words::quote(&word(value)?)),
        Part::Slot(Form::NativeHash, value) => {
            let mut password = String::new();
            put(Form::Plain, value, &mut password, backslash, secrets)?;
            out.extend(["'", &native_hash(&password), "'"]);
        }
        Part::Slot(form, value) => put(*form, value, out, backslash, secrets)?,
        Part::Ours(ours) => out.push_str(ours.text().ok_or_else(|| unknown(ours.name()))?),
        Part::Quoted(parts) => out.push_str(&shell_words::quote(&Text::of(parts.clone()).for_shell()?)),
    }
    Ok(())
}

/// A word of a command line.
fn word(value: &Private) -> Result<String> {
    let piece = |piece: Piece| match piece {
        Piece::Text(text) | Piece::Value(text) => Ok(text),
        Piece::Late(what) => Err(unknown(&what)),
        Piece::Home(_) => Err(unknown(HOME)),
        Piece::Secret(label) => Err(Failure::permanent(
            format!("use the secret {label}"),
            "it would be on a command line, where every user of the host can read it",
        )),
    };
    value.pieces().into_iter().map(piece).collect()
}

fn put(form: Form, value: &Private, out: &mut String, backslash: Backslash, secrets: &dyn Lookup) -> Result<()> {
    let is_number = matches!(value.pieces().as_slice(), [Piece::Text(text)] if is_digits(text));
    checked(form, value)?;
    if form == Form::Hexadecimal {
        out.push('X');
    }
    let is_amount = matches!(value.pieces().as_slice(), [Piece::Text(text)] if is_amount(text));
    let (quote, form) = match form {
        Form::Identifier => ("`", form),
        Form::Hexadecimal | Form::Literal => ("'", form),
        Form::Number if is_number => ("", form),
        Form::Setting if is_amount => ("", Form::Number),
        Form::Number | Form::Setting => ("'", Form::Literal),
        Form::Word
        | Form::Verbatim
        | Form::Copied
        | Form::NativeHash
        | Form::Argument
        | Form::OptionValue
        | Form::Plain => ("", form),
    };
    out.push_str(quote);
    for piece in value.pieces() {
        match piece {
            Piece::Late(what) => return Err(unknown(&what)),
            Piece::Home(_) => return Err(unknown(HOME)),
            Piece::Secret(label) => {
                let value = secrets.secret(&label).ok_or_else(|| unread(&label))?.expose_secret();
                out.push_str(&match form {
                    Form::OptionValue => in_option_file(value),
                    Form::Plain => value.to_owned(),
                    _ => escaped(value, backslash),
                });
            }
            // within the user's own text: it stays within the string that the user has put around it
            Piece::Value(text) if form == Form::Verbatim => out.push_str(&escaped(&text, backslash)),
            Piece::Text(text) | Piece::Value(text) => match form {
                Form::Identifier => out.push_str(&text.replace('`', "``")),
                Form::Literal => out.push_str(&in_literal(&text, backslash)),
                Form::OptionValue => out.push_str(&in_option_file(&text)),
                Form::Number
                | Form::Setting
                | Form::Word
                | Form::Hexadecimal
                | Form::Verbatim
                | Form::Copied
                | Form::NativeHash
                | Form::Argument
                | Form::Plain => out.push_str(&text),
            },
        }
    }
    out.push_str(quote);
    Ok(())
}

/// Words and hexadecimal digits are not quoted for their place, or not against everything: no other sign may stand there.
fn checked(form: Form, value: &Private) -> Result<()> {
    let is_one: fn(&str) -> bool = match form {
        Form::Word => |text| !text.is_empty() && text.bytes().all(|sign| sign.is_ascii_alphanumeric() || sign == b'_'),
        Form::Hexadecimal => |text| text.len().is_multiple_of(2) && text.bytes().all(|sign| sign.is_ascii_hexdigit()),
        _ => return Ok(()),
    };
    let fits = match value.pieces().as_slice() {
        [] => is_one(""),
        [Piece::Text(text)] => is_one(text),
        [Piece::Late(what), ..] => return Err(unknown(what)),
        _ => false,
    };
    if fits {
        Ok(())
    } else {
        Err(Failure::permanent("send a statement", format!("`{value}` is not allowed at this position")))
    }
}

/// What is not known of a host that was not asked.
const HOME: &str = "the home folder on the host";

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// A whole or decimal number, as `-1` or `0.5`.
pub(super) fn is_amount(text: &str) -> bool {
    let plain = text.strip_prefix('-').unwrap_or(text);
    match plain.split_once('.') {
        Some((whole, rest)) => is_digits(whole) && is_digits(rest),
        None => is_digits(plain),
    }
}

/// Escapes a value for the inside of a single-quoted SQL string of ours.
fn in_literal(text: &str, backslash: Backslash) -> String {
    let quoted = text.replace('\'', "''");
    match backslash {
        Backslash::Escapes => quoted.replace('\\', "\\\\"),
        Backslash::Plain => quoted,
    }
}

/// Escapes a value for the inside of a quoted SQL string: a single-quoted one, and where backslashes escape a
/// double-quoted one too.
#[must_use]
pub fn escaped(value: &str, backslash: Backslash) -> String {
    match backslash {
        Backslash::Escapes => value.replace('\\', "\\\\").replace('\'', "\\'").replace('"', "\\\""),
        Backslash::Plain => value.replace('\'', "''"),
    }
}

/// Escapes a value for the inside of a double-quoted value of a client option file.
fn in_option_file(value: &str) -> String {
    let quoted = value.replace('\\', "\\\\").replace('"', "\\\"");
    quoted.replace('\n', "\\n").replace('\r', "\\r").replace('\t', "\\t")
}

/// `*` and the hexadecimal digits of SHA1(SHA1(password)); nothing of an empty one (`make_scrambled_password` of both
/// families).
pub(super) fn native_hash(password: &str) -> String {
    use std::fmt::Write as _;
    if password.is_empty() {
        return String::new();
    }
    let twice = Sha1::digest(Sha1::digest(password.as_bytes()));
    twice.iter().fold("*".to_owned(), |mut hash, byte| {
        let _ = write!(hash, "{byte:02X}"); // writing into a String cannot fail
        hash
    })
}

fn unknown(what: &str) -> Failure {
    Failure::permanent("send what was planned", format!("`{what}` is not known yet"))
        .help("please report this as a bug")
}

fn unread(label: &str) -> Failure {
    Failure::permanent(format!("use the secret {label}"), "it was not read at the start")
}

#[cfg(test)]
mod tests {
    use super::{Backslash, Lookup};
    use crate::domain::secret::SecretRef;
    use crate::domain::sql::{Sql, hexadecimal, identifier, literal, native_hash, number, word};
    use crate::domain::{Private, Words};
    use secrecy::{ExposeSecret, SecretString};
    use std::collections::BTreeMap;

    impl Lookup for BTreeMap<&str, SecretString> {
        fn secret(&self, label: &str) -> Option<&SecretString> {
            self.get(label)
        }
    }

    fn sent(sql: &Sql, backslash: Backslash) -> Result<String, String> {
        let secrets = BTreeMap::from([("PW", SecretString::from(r#"a\'""#.to_owned()))]);
        let text = sql.text().for_session(backslash, &secrets);
        text.map(|text| text.expose_secret().to_owned()).map_err(|failure| failure.answer)
    }

    #[test]
    fn every_value_is_quoted_for_its_place() {
        let escaped = |sql: &Sql| sent(sql, Backslash::Escapes).unwrap();
        assert_eq!(escaped(&identifier("a`b' ‹secret PW›")), "`a``b' ‹secret PW›`");
        assert_eq!(escaped(&literal(r"it's \ ‹secret PW›")), r"'it''s \\ ‹secret PW›'");
        assert_eq!(sent(&literal(r"it's \"), Backslash::Plain).unwrap(), r"'it''s \'");
        assert_eq!(escaped(&number("12")), "12");
        assert_eq!(escaped(&number("1 OR 1")), "'1 OR 1'");
        assert_eq!(escaped(&hexadecimal("4a")), "X'4a'");
        assert_eq!(escaped(&hexadecimal("")), "X''");
        assert_eq!(escaped(&word("utf8mb4")), "utf8mb4");
        for wrong in [hexadecimal("4"), hexadecimal("' OR '"), word(""), word("a b"), word(Words::late("x"))] {
            assert!(sent(&wrong, Backslash::Escapes).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_a_step_put_out_stays_within_its_string() {
        let value = |text: &str| {
            let with = serde_json::json!({ "s": "VALUES ('‹steps.a.b›')" });
            let bound = crate::domain::marker::bind_all(&with, &["s"], &mut |_| Some(text.into()));
            sent(&Sql::verbatim(Private::of_document(bound["s"].as_str().unwrap())), Backslash::Escapes).unwrap()
        };
        assert_eq!(value("‹secret PW›"), "VALUES ('‹secret PW›')");
        assert_eq!(value("'); DROP TABLE t; -- "), r"VALUES ('\'); DROP TABLE t; -- ')");
        assert_eq!(value("-1.5"), "VALUES ('-1.5')");
    }

    #[test]
    fn a_password_may_stand_there_as_its_hash() {
        // as the manuals of both families give it for `mypass`
        assert_eq!(
            sent(&native_hash("mypass"), Backslash::Escapes).unwrap(),
            "'*6C8989366EAF75BB670AD8EA7A7FC1176A95CEF4'"
        );
        let secret = native_hash(&SecretRef::Env("PW".into()));
        assert_eq!(secret.to_string(), "'‹hash of the secret PW›'");
        let hash = sent(&secret, Backslash::Plain).unwrap();
        assert!(hash.starts_with("'*") && hash.len() == 43, "{hash}");
    }

    #[test]
    fn secrets_are_put_in_last_and_what_is_not_known_is_not_sent() {
        let secret = literal(&SecretRef::Env("PW".into()));
        assert_eq!(sent(&secret, Backslash::Escapes).unwrap(), r#"'a\\\'\"'"#);
        assert_eq!(sent(&secret, Backslash::Plain).unwrap(), r#"'a\''"'"#);
        let other = literal(Private::secret(&SecretRef::Env("OTHER".into())));
        assert_eq!(sent(&other, Backslash::Escapes).unwrap_err(), "it was not read at the start");
        assert!(sent(&literal(Words::late("x")), Backslash::Escapes).unwrap_err().contains("not known"));
        assert!(sent(&Sql::late("each"), Backslash::Escapes).is_err());
    }
}
