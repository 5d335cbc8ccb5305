//! The answer of a server when a statement fails, and what it means for a retry. Never contains a secret.

use super::super::Secrets;
use super::super::passing::passes;
use super::connect::LARGEST_PACKET;
use super::driver::{Cause, is_too_large};
use super::gather::{LARGEST_ANSWER, LARGEST_VALUE};
use crate::domain::marker;
use crate::domain::units::Span;
use crate::domain::{Backslash, Lookup, Sql, escaped};
use crate::error::{Class, Failure};
use bytesize::ByteSize;
use mysql_async::{DriverError, Error};
use secrecy::ExposeSecret;
use std::fmt;
use std::time::Duration;

/// Numbers of errors after which the server closes the connection: shutdown (1053, and 1077 to 1080 as it goes down),
/// aborted, killed (both families), idle too long.
const CLOSING: [u16; 10] = [1053, 1077, 1078, 1079, 1080, 1152, 1184, 1927, 3169, 4031];
/// Numbers of errors that quote the statement back, and might break off in the middle of a secret.
const QUOTING: [u16; 2] = [1064, 1149];
/// "Query execution was interrupted": what a `KILL QUERY` leaves behind.
pub(super) const INTERRUPTED: u16 = 1317;
/// The message of a node of a `MariaDB` cluster while it is coming up, with more than one number.
const NOT_READY: &str = "has not yet prepared node for application use";
/// How much of a statement is shown in a failure, in characters.
const EXCERPT: usize = 120;

/// Help for values that are too large.
const SELECT_LESS: &str = "select less, such as LEFT(name, 1000) or MD5(name); if the answer is not needed, end the list of \
                           statements with one without rows, such as DO 0";

/// Help for a server that asks for files.
const NO_FILES: &str = "find out what answers at that address: no statement of this program loads a file, and no server \
                        has a reason to ask for one";

/// Why a statement failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqlError {
    /// The server's error number; `None` when the error is not the server's own.
    pub code: Option<u16>,
    /// The server's words, without secrets.
    pub message: String,
    /// Whether the connection is gone. Then it is unknown whether the statement took effect.
    pub lost: bool,
    /// Whether the statement was ended because its time was over.
    pub timed_out: bool,
    /// Transient when the same statement may well succeed later.
    pub class: Class,
    /// Whether the statement may still be running on the server: the connection broke in the middle of it, or it could
    /// not be ended.
    pub unfinished: bool,
    /// What the user can do.
    pub help: Option<&'static str>,
}

impl SqlError {
    fn new(message: impl Into<String>) -> Self {
        Self {
            code: None,
            message: message.into(),
            lost: false,
            timed_out: false,
            class: Class::Permanent,
            unfinished: false,
            help: None,
        }
    }
    /// The connection broke while the statement ran.
    pub(super) fn broken(message: impl Into<String>) -> Self {
        Self { class: Class::Transient, lost: true, unfinished: true, ..Self::new(message) }
    }
    /// The connection had been closed already, and the statement was not sent; or it was given up with the connection.
    pub(super) fn closed() -> Self {
        Self { class: Class::Transient, lost: true, ..Self::new("the connection is closed") }
    }
    /// The statement took longer than `limit` and was ended.
    pub(super) fn overdue(limit: Duration) -> Self {
        Self { class: Class::Transient, timed_out: true, ..Self::new(format!("took longer than {}", Span(limit))) }
    }
    /// The work behind the statement was given up, and the statement was ended.
    pub(super) fn given_up() -> Self {
        Self { class: Class::Cancelled, ..Self::new("its step was given up, and the statement was killed") }
    }
    /// The statement was to be ended, for the reason in `self`, and did not end: the connection is given up.
    pub(super) fn not_ended(self) -> Self {
        Self { lost: true, unfinished: true, message: format!("{}, and could not be killed", self.message), ..self }
    }
    /// The server refused it.
    pub(super) fn said(code: u16, message: String) -> Self {
        let class = if is_transient(code, &message) { Class::Transient } else { Class::Permanent };
        Self { code: Some(code), class, ..Self::new(message) }
    }
    /// It is not in the plan, and was not sent.
    pub(super) fn unplanned() -> Self {
        Self { class: Class::Unplanned, ..Self::new("it is not in the plan, and was not sent") }
    }
    /// Never sent: `message` states why.
    pub(super) fn unsent(message: impl Into<String>) -> Self {
        Self::new(message)
    }
    /// The statement itself is larger than what the driver sends.
    pub(super) fn statement_too_large() -> Self {
        Self::unsent(format!(
            "the statement is larger than {}, the limit for a statement",
            ByteSize::b(LARGEST_PACKET as u64)
        ))
    }
    /// The rows are more than is held; the statement was ended.
    pub(super) fn answer_too_large() -> Self {
        let most = ByteSize::b(LARGEST_ANSWER as u64);
        Self::new(format!("the answer is larger than {most}, and the statement was killed"))
    }
    /// The first value is larger than is kept; the statement ran to its end.
    pub(super) fn value_too_large() -> Self {
        let most = ByteSize::b(LARGEST_VALUE as u64);
        Self {
            help: Some(SELECT_LESS),
            ..Self::new(format!(
                "the statement ran to its end, and the first value of its answer is larger than {most}, the limit \
                 for a value"
            ))
        }
    }
    /// The error of `mysql_async` for `sql`.
    pub(super) fn of(error: &Error, sql: &Sql, secrets: &Secrets) -> Self {
        let said = secrets.scrub(&error.to_string());
        let server = match (error, Cause::of(error)) {
            (Error::Server(server), _) => server,
            (_, Cause::Line | Cause::Server) => return Self::broken(format!("the connection was lost: {said}")),
            (_, Cause::Driver) => return Self::driver(error, &said),
        };
        let quotes_a_secret = QUOTING.contains(&server.code) && !sql.text().secrets().is_empty();
        let message = if quotes_a_secret {
            "the server found a syntax error; its message is not shown because it may contain a secret".to_owned()
        } else {
            scrub(&server.message, sql, secrets)
        };
        let class = if is_transient(server.code, &server.message) { Class::Transient } else { Class::Permanent };
        Self { class, code: Some(server.code), lost: CLOSING.contains(&server.code), ..Self::new(message) }
    }
    /// The driver failed; the state of the connection is unknown, so it is closed.
    fn driver(error: &Error, said: &str) -> Self {
        if is_too_large(error) {
            let most = ByteSize::b(LARGEST_PACKET as u64);
            let message = format!("a row of the answer is larger than {most}, the limit for a row");
            return Self { class: Class::Permanent, help: Some(SELECT_LESS), ..Self::broken(message) };
        }
        if let Error::Driver(DriverError::LocalInfile(_)) = error {
            let message = "the server asked for a file of this machine (LOAD DATA LOCAL INFILE); none was sent";
            return Self { class: Class::Permanent, help: Some(NO_FILES), ..Self::broken(message) };
        }
        let message = format!("the database driver failed: {said}");
        Self { class: Class::Permanent, ..Self::broken(message) }
    }
    /// Whether the same statement may well succeed later.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        self.class == Class::Transient
    }
    /// The failure of `sql` on `server`.
    #[must_use]
    pub fn failure(&self, server: &str, sql: &Sql) -> Failure {
        let attempted = format!("run `{}`", excerpt(sql));
        let mut failure = Failure { class: self.class, ..Failure::permanent(attempted, self.to_string()) }.at(server);
        if let Some(help) = self.help {
            failure = failure.help(help);
        }
        if self.unfinished {
            return failure.now(
                "the connection is closed; the statement may still be running on the server, and may or may not take \
                 effect",
            );
        }
        if self.lost {
            return failure.now("the connection is closed; the statement may or may not have taken effect");
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

/// Whether a server's error is temporary: a lock, too many connections, a broken line, a server that goes
/// down or comes up, no memory (1037, 1041), no thread (1135), no disk (1021, 1114), a statement that somebody ended.
pub(in crate::effects) fn is_transient(code: u16, message: &str) -> bool {
    CLOSING.contains(&code)
        || matches!(code, 1021 | 1037 | 1040 | 1041 | 1114 | 1135 | 1158..=1161 | 1203 | 1205 | 1213 | INTERRUPTED)
        || matches!(code, 2002..=2013 | 3032 | 3168) // 3032: offline mode; 3168: not available yet
        || message.contains(NOT_READY)
        || passes(message)
}

/// Takes out the secrets, also as they were escaped for the statement.
fn scrub(message: &str, sql: &Sql, secrets: &Secrets) -> String {
    let mut clean = message.to_owned();
    for label in sql.text().secrets() {
        let Some(value) = secrets.secret(&label) else { continue };
        for backslash in [Backslash::Escapes, Backslash::Plain] {
            let escaped = escaped(value.expose_secret(), backslash);
            if !escaped.is_empty() {
                clean = clean.replace(&escaped, &marker::secret(&label));
            }
        }
    }
    secrets.scrub(&clean)
}

/// The beginning of a statement on one line.
fn excerpt(sql: &Sql) -> String {
    let sql = sql.to_string();
    let line = sql.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(EXCERPT) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::Secrets;
    use super::{Class, Sql, SqlError, excerpt, is_transient};
    use mysql_async::{DriverError, Error};
    use std::time::Duration;

    #[test]
    fn tells_what_passes_from_what_stays() {
        for code in [1213, 2013, 1053, 1080, 1927, 1317, 1021, 1114, 3168] {
            assert!(is_transient(code, ""), "{code}");
        }
        for code in [1064, 1045, 1290, 1129, 1698] {
            assert!(!is_transient(code, ""), "{code}");
        }
        assert!(is_transient(1047, "WSREP has not yet prepared node for application use"));
        assert!(is_transient(3, "Error writing file './b.1' (Errcode: 28 \"No space left on device\")"));
        let overdue = SqlError::overdue(Duration::from_millis(250)).failure("old", &Sql::from("SELECT 1"));
        assert_eq!((overdue.class, overdue.answer.as_str()), (Class::Transient, "took longer than 250ms"));
        let broken = SqlError::broken("gone");
        assert!(
            broken.is_transient()
                && broken.failure("old", &Sql::from("SELECT 1")).now.unwrap().contains("still be running")
        );
        assert!(!SqlError::closed().failure("old", &Sql::from("SELECT 1")).now.unwrap().contains("still be running"));
    }

    #[test]
    fn what_the_driver_cannot_do_is_permanent_and_closes_the_connection() {
        let secrets = Secrets::default();
        let of = |error: &Error| SqlError::of(error, &Sql::from("SELECT 1"), &secrets);
        let error = of(&DriverError::PacketTooLarge.into());
        assert!(error.lost && error.unfinished && !error.is_transient());
        assert_eq!(error.message, "a row of the answer is larger than 4.0 MiB, the limit for a row");
        let error = of(&DriverError::UnexpectedPacket { payload: b"s3cret".to_vec() }.into());
        assert!(error.lost && !error.is_transient() && !error.message.contains("s3cret"), "{error}");
        let error = of(&DriverError::ConnectionClosed.into());
        assert!(error.lost && error.unfinished && error.is_transient());
        for error in [SqlError::answer_too_large(), SqlError::value_too_large(), SqlError::statement_too_large()] {
            assert!(!error.lost && !error.unfinished && !error.is_transient(), "{error}");
        }
    }

    #[test]
    fn shows_the_beginning_of_a_statement() {
        assert_eq!(excerpt(&Sql::from("SELECT\n  1")), "SELECT 1");
        let long = excerpt(&Sql::verbatim("‹".repeat(300)));
        assert_eq!(long.chars().count(), 121);
    }
}
