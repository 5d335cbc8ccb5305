//! What a server says when a statement fails, and what that means for a retry. Never holds a secret.

use super::super::Secrets;
use super::super::secrets::in_sql;
use crate::error::Failure;
use crate::playbook::marker;
use crate::playbook::units::Span;
use mysql_async::Error;
use secrecy::ExposeSecret;
use std::fmt;
use std::time::Duration;

/// Numbers of errors after which the server closes the connection: shutdown, killed (both families), idle too long.
const CLOSING: [u16; 4] = [1053, 1927, 3169, 4031];
/// Numbers of errors that quote the statement back, and might break off in the middle of a secret.
const QUOTING: [u16; 2] = [1064, 1149];
/// "Query execution was interrupted": what a `KILL QUERY` leaves behind.
pub(super) const INTERRUPTED: u16 = 1317;
/// How much of a statement is shown in a failure, in characters.
const EXCERPT: usize = 120;

/// Why a statement failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqlError {
    /// The server's error number; `None` when the error is not the server's own.
    pub code: Option<u16>,
    /// The server's words, without secrets.
    pub message: String,
    /// Whether the connection is gone. Then nobody knows whether the statement took effect.
    pub lost: bool,
    /// Whether the statement was ended because its time was over.
    pub timed_out: bool,
}

impl SqlError {
    /// The connection is gone.
    pub(super) fn lost(message: impl Into<String>) -> Self {
        Self { code: None, message: message.into(), lost: true, timed_out: false }
    }
    /// The statement took longer than `limit` and was ended.
    pub(super) fn overdue(limit: Duration) -> Self {
        Self { code: None, message: format!("took longer than {}", Span(limit)), lost: false, timed_out: true }
    }
    /// Never sent: `message` says why.
    pub(super) fn unsent(message: impl Into<String>) -> Self {
        Self { code: None, message: message.into(), lost: false, timed_out: false }
    }
    /// What `mysql_async` says about `sql` (as written, secrets as markers).
    pub(super) fn of(error: &Error, sql: &str, secrets: &Secrets) -> Self {
        let Error::Server(server) = error else {
            return Self::lost(format!("the connection was lost: {}", secrets.scrub(&error.to_string())));
        };
        let quotes_a_secret = QUOTING.contains(&server.code) && holds_secret(sql);
        let message = if quotes_a_secret {
            "the server cannot read the statement; where is not shown, because the place may hold a secret".to_owned()
        } else {
            scrub(&server.message, sql, secrets)
        };
        Self { code: Some(server.code), message, lost: CLOSING.contains(&server.code), timed_out: false }
    }
    /// Whether the same statement may well succeed later.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        self.lost || self.timed_out || self.code.is_some_and(is_transient)
    }
    /// The failure of `sql` on `server`.
    #[must_use]
    pub fn failure(&self, server: &str, sql: &str) -> Failure {
        let attempted = format!("run `{}`", excerpt(sql));
        let make = if self.is_transient() { Failure::transient } else { Failure::permanent };
        let failure = make(attempted, self.to_string()).at(server);
        if self.lost {
            return failure.now("the connection is closed; whether the statement took effect is not known");
        }
        failure
    }
}

impl fmt::Display for SqlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.code {
            Some(code) => write!(f, "error {code}: {}", self.message),
            None => f.write_str(&self.message),
        }
    }
}

impl std::error::Error for SqlError {}

/// Whether a server's error number stands for something that passes: a lock, a full house, a broken line.
pub(super) fn is_transient(code: u16) -> bool {
    CLOSING.contains(&code) || matches!(code, 1040 | 1203 | 1205 | 1213 | 1158..=1161 | 2002..=2013)
}

/// Takes out the secrets, also as they were escaped for the statement.
fn scrub(message: &str, sql: &str, secrets: &Secrets) -> String {
    let mut clean = message.to_owned();
    for (_, label) in marker::find(sql) {
        let marker = marker::late(label);
        if let Ok(escaped) = secrets.reveal(&marker, in_sql)
            && !escaped.expose_secret().is_empty()
        {
            clean = clean.replace(escaped.expose_secret(), &marker);
        }
    }
    secrets.scrub(&clean)
}

fn holds_secret(sql: &str) -> bool {
    marker::find(sql).any(|(_, inside)| inside.starts_with("secret "))
}

/// The beginning of a statement on one line.
fn excerpt(sql: &str) -> String {
    let line = sql.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(EXCERPT) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::{SqlError, excerpt, is_transient};
    use crate::error::Class;
    use std::time::Duration;

    #[test]
    fn tells_what_passes_from_what_stays() {
        assert!(is_transient(1213) && is_transient(2013) && is_transient(1053));
        assert!(!is_transient(1064) && !is_transient(1045) && !is_transient(1290));
        let overdue = SqlError::overdue(Duration::from_millis(250)).failure("old", "SELECT 1");
        assert_eq!((overdue.class, overdue.answer.as_str()), (Class::Transient, "took longer than 250ms"));
        assert!(SqlError::lost("gone").failure("old", "SELECT 1").now.is_some());
    }

    #[test]
    fn shows_the_beginning_of_a_statement() {
        assert_eq!(excerpt("SELECT\n  1"), "SELECT 1");
        let long = excerpt(&"‹".repeat(300));
        assert_eq!(long.chars().count(), 121);
    }
}
