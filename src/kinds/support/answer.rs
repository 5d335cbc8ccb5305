//! What a server answers, read so that no answer is never taken for "off", "open", "none" or 0.
//!
//! May know: servers and the dialect. Nothing of why something is asked.

use crate::dialect::Dialect;
use crate::domain::Sql;
use crate::effects::replica::LOOK;
use crate::effects::{Row, Session};
use crate::error::{Failure, Result};
use std::str::FromStr;

/// The one value that `question` asks for.
///
/// # Errors
/// When the server cannot be asked, or answers no row or NULL.
pub async fn value(session: &Session, question: impl Into<Sql>) -> Result<String> {
    let question = question.into();
    let rows = session.query(&question, LOOK).await?;
    rows.value().map(str::to_owned).ok_or_else(|| unreadable(session, &question, "the server returned nothing"))
}

/// The one number that `question` asks for.
///
/// # Errors
/// When the server cannot be asked, or answers anything else than such a number.
pub async fn number<T: FromStr>(session: &Session, question: impl Into<Sql>) -> Result<T> {
    let question = question.into();
    let text = value(session, &question).await?;
    text.parse()
        .map_err(|_| unreadable(session, &question, &format!("the server returned `{text}`, which is not a number")))
}

/// Whether a server is closed to ordinary accounts.
///
/// # Errors
/// When the server cannot be asked, or its answer means neither.
pub async fn is_closed(session: &Session, dialect: Dialect) -> Result<bool> {
    let text = value(session, dialect.read_only()).await?;
    closed(&text).map_err(|answer| unreadable(session, dialect.read_only(), &answer))
}

/// Whether a value of `read_only` means closed.
///
/// # Errors
/// For a value that is not known: neither "open" nor "closed" may be guessed.
pub fn closed(read_only: &str) -> Result<bool, String> {
    Dialect::closed(read_only).ok_or_else(|| format!("read_only is `{read_only}`, which means neither open nor closed"))
}

/// A column that every row of this answer has.
///
/// # Errors
/// When it is missing or NULL.
pub fn column<'a>(row: Row<'a>, name: &str, session: &Session, question: impl Into<Sql>) -> Result<&'a str> {
    row.get(name).ok_or_else(|| unreadable(session, question, &format!("a row has no column `{name}`")))
}

/// The failure for an answer that means nothing.
pub fn unreadable(session: &Session, question: impl Into<Sql>, answer: &str) -> Failure {
    Failure::permanent(format!("read the answer to `{}`", question.into()), answer)
        .at(session.server())
        .help("run the statement there by hand, with the account that the inventory has for that server")
}

#[cfg(test)]
mod tests {
    use super::closed;

    #[test]
    fn only_known_values_mean_open_or_closed() {
        for text in ["0", "OFF", "off"] {
            assert_eq!(closed(text), Ok(false));
        }
        for text in ["1", "ON", "NO_LOCK", "NO_LOCK_NO_ADMIN"] {
            assert_eq!(closed(text), Ok(true));
        }
        for text in ["", "NULL", "2", "SOMETIMES"] {
            assert!(closed(text).is_err(), "{text}");
        }
    }
}
