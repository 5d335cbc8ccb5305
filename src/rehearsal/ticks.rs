//! What an event that writes a row a second has left: whether it ran twice, and whether it runs where it shall.

use super::shop::DATABASE;
use crate::domain::Sql;
use crate::effects::Session;
use crate::error::Result;
use serde::{Deserialize, Serialize};
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(30);
/// "Unknown database" and "table does not exist".
const NOT_THERE: [u16; 2] = [1049, 1146];
/// A busy scheduler comes late to one row and in time to the next: this many more rows than seconds are seen on one
/// server alone, 2 of them on an idle machine.
const SLACK: u64 = 5;
/// Seconds in which both servers have a row, at the most: the one of a switch, there and back.
const SHARED: u64 = 2;

/// The rows of the event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ticks {
    /// How many there are.
    pub rows: u64,
    /// Whole seconds between the first and the last.
    pub seconds: u64,
    /// It ran on two servers at a time: seconds in which both left a row, or more rows than seconds.
    pub too_many: u64,
    /// Seconds without a row: the switch, and a scheduler that was late.
    pub missing: u64,
    /// Rows written by the server itself, and not by the other one.
    pub here: u64,
}

impl Ticks {
    /// Those that a server holds; `None` when the table is not there.
    ///
    /// # Errors
    /// When the server cannot be asked.
    pub async fn on(session: &Session) -> Result<Option<Self>> {
        let sql = format!(
            "SELECT COUNT(*), COALESCE(TIMESTAMPDIFF(SECOND, MIN(at), MAX(at)), 0), \
             COUNT(DISTINCT FLOOR(UNIX_TIMESTAMP(at))), COALESCE(SUM(server = @@server_id), 0), \
             COUNT(DISTINCT FLOOR(UNIX_TIMESTAMP(at)), server) FROM {DATABASE}.ticks"
        );
        let rows = match session.try_query(Sql::verbatim(&sql), LIMIT).await {
            Ok(rows) => rows,
            Err(error) if error.code.is_some_and(|code| NOT_THERE.contains(&code)) => return Ok(None),
            Err(error) => return Err(error.failure(session.server(), &Sql::verbatim(&sql))),
        };
        let number = |index| {
            let text = rows.first().and_then(|row| row.at(index)).unwrap_or_default();
            text.parse::<u64>().unwrap_or_default()
        };
        Ok(Some(Self::of(number(0), number(1), number(2), number(4), number(3))))
    }

    /// `different` counts seconds with a row, `by_server` the same for each server, added up.
    fn of(rows: u64, seconds: u64, different: u64, by_server: u64, here: u64) -> Self {
        let shared = by_server.saturating_sub(different + SHARED);
        let too_many = shared.max(rows.saturating_sub(seconds + SLACK));
        Self { rows, seconds, too_many, missing: (seconds + 1).saturating_sub(different), here }
    }
}

#[cfg(test)]
mod tests {
    use super::Ticks;

    #[test]
    fn one_a_second_is_right_and_two_are_not() {
        assert_eq!(Ticks::of(32, 30, 31, 32, 9), Ticks { rows: 32, seconds: 30, too_many: 0, missing: 0, here: 9 });
        assert_eq!(Ticks::of(29, 30, 29, 29, 9).missing, 2);
        assert_eq!(Ticks::of(41, 30, 31, 41, 9).too_many, 8, "ten seconds on both");
        assert_eq!(Ticks::of(34, 60, 30, 34, 9).too_many, 2, "four seconds on both, after a long pause");
        assert_eq!(Ticks::of(41, 30, 31, 31, 9).too_many, 6, "twice on one");
    }
}
