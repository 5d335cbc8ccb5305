//! Secrets, read once at the start, revealed at the last moment before use, and scrubbed from everything that comes
//! back.

use crate::error::{Failure, Result};
use crate::playbook::marker;
use crate::playbook::secret::SecretRef;
use secrecy::{ExposeSecret, SecretString};
use std::collections::BTreeMap;
use std::path::Path;

/// The values behind the markers `‹secret NAME›`.
#[derive(Debug, Default)]
pub struct Secrets {
    values: BTreeMap<String, SecretString>,
}

impl Secrets {
    /// Reads every secret; relative files are seen from `folder`.
    ///
    /// # Errors
    /// All secrets that could not be had, never their values.
    pub fn read<'a>(refs: impl IntoIterator<Item = &'a SecretRef>, folder: &Path) -> Result<Self, Vec<Failure>> {
        let mut values = BTreeMap::new();
        let mut failures = Vec::new();
        for secret in refs {
            match read_one(secret, folder) {
                Ok(value) => {
                    values.insert(secret.label(), SecretString::from(value));
                }
                Err(answer) => failures.push(
                    Failure::permanent(format!("read the secret {}", secret.marker()), answer)
                        .now("nothing was touched")
                        .help(match secret {
                            SecretRef::Env(name) => format!("set the environment variable {name} and run again"),
                            SecretRef::File(path) => format!("write the secret to {path} with mode 0600"),
                            SecretRef::Command(_) => "run the command by hand and see what it says".into(),
                        }),
                ),
            }
        }
        if failures.is_empty() { Ok(Self { values }) } else { Err(failures) }
    }

    /// Secrets that are known already.
    #[must_use]
    pub fn known(values: impl IntoIterator<Item = (SecretRef, String)>) -> Self {
        Self { values: values.into_iter().map(|(secret, value)| (secret.label(), SecretString::from(value))).collect() }
    }

    /// `text` with every secret marker replaced, each value passed through `quote` for its surroundings.
    ///
    /// # Errors
    /// When a marker names a secret that was not read.
    pub fn reveal(&self, text: &str, quote: impl Fn(&str) -> String) -> Result<SecretString> {
        let mut missing = None;
        let revealed = marker::replace(text, |inside| {
            let label = inside.strip_prefix("secret ")?;
            let value = self.values.get(label);
            if value.is_none() {
                missing = Some(label.to_owned());
            }
            value.map(|value| quote(value.expose_secret()))
        });
        match missing {
            Some(label) => Err(Failure::permanent(format!("use the secret {label}"), "it was not read at the start")),
            None => Ok(SecretString::from(revealed)),
        }
    }

    /// `text` with every secret value replaced by its marker: for whatever other programs say.
    #[must_use]
    pub fn scrub(&self, text: &str) -> String {
        let mut clean = text.to_owned();
        for (label, value) in &self.values {
            let value = value.expose_secret();
            if !value.is_empty() && clean.contains(value) {
                clean = clean.replace(value, &marker::secret(label));
            }
        }
        clean
    }
}

/// What a backslash in a SQL string means to a session, by its `sql_mode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backslash {
    /// It escapes the character behind it.
    Escapes,
    /// It is a character as any other: `NO_BACKSLASH_ESCAPES`.
    Plain,
}

/// Escapes a value for the inside of a quoted SQL string: a single-quoted one, and where backslashes escape a
/// double-quoted one too.
#[must_use]
pub fn in_sql(value: &str, backslash: Backslash) -> String {
    match backslash {
        Backslash::Escapes => value.replace('\\', "\\\\").replace('\'', "\\'").replace('"', "\\\""),
        Backslash::Plain => value.replace('\'', "''"),
    }
}

/// Escapes a value for the inside of a double-quoted value of a client option file.
#[must_use]
pub fn in_option_file(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"")
}

fn read_one(secret: &SecretRef, folder: &Path) -> Result<String, String> {
    let value = match secret {
        SecretRef::Env(name) => {
            return std::env::var(name).map_err(|_| format!("the environment variable {name} is not set"));
        }
        SecretRef::File(path) => {
            std::fs::read_to_string(folder.join(path)).map_err(|error| format!("{path}: {error}"))?
        }
        SecretRef::Command(argv) => {
            let (program, args) = argv.split_first().ok_or("the command is empty")?;
            let ran = std::process::Command::new(program).args(args).stdin(std::process::Stdio::null()).output();
            let ran = ran.map_err(|error| format!("{program}: {error}"))?;
            if !ran.status.success() {
                return Err(format!("{program} ended with {}", ran.status));
            }
            String::from_utf8(ran.stdout).map_err(|_| format!("{program} printed something that is not text"))?
        }
    };
    Ok(value.strip_suffix('\n').map_or(value.clone(), |v| v.strip_suffix('\r').unwrap_or(v).to_owned()))
}

#[cfg(test)]
mod tests {
    use super::{Backslash, Secrets, in_option_file, in_sql};
    use crate::playbook::secret::SecretRef;
    use secrecy::ExposeSecret;

    #[test]
    fn reveals_where_asked_and_scrubs_the_rest() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("pw"), "it's\n").unwrap();
        let file = SecretRef::File("pw".into());
        let secrets = Secrets::read([&file], folder.path()).unwrap();
        let sql = |backslash| secrets.reveal("IDENTIFIED BY '‹secret pw›'", |value| in_sql(value, backslash)).unwrap();
        assert_eq!(sql(Backslash::Escapes).expose_secret(), r"IDENTIFIED BY 'it\'s'");
        assert_eq!(sql(Backslash::Plain).expose_secret(), "IDENTIFIED BY 'it''s'");
        assert_eq!(in_sql(r#"a\'""#, Backslash::Escapes), r#"a\\\'\""#);
        assert_eq!(in_sql(r#"a\'""#, Backslash::Plain), r#"a\''""#);
        assert_eq!(secrets.scrub("using it's"), "using ‹secret pw›");
        assert!(secrets.reveal("‹secret other›", str::to_owned).is_err());
        assert_eq!(in_option_file(r#"a"b\"#), r#"a\"b\\"#);
    }

    #[test]
    fn says_every_missing_one() {
        let (a, b) = (SecretRef::Env("CUTOVER_TEST_NOT_SET".into()), SecretRef::File("nowhere".into()));
        let failures = Secrets::read([&a, &b], std::path::Path::new("/")).unwrap_err();
        assert_eq!(failures.len(), 2);
        assert!(failures[0].help.as_ref().unwrap().contains("CUTOVER_TEST_NOT_SET"));
    }
}
