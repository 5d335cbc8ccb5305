//! What an event that writes a row a second has left: whether it ran twice, and whether it runs where it shall.

use super::shop::DATABASE;
use crate::effects::Session;
use crate::error::Result;
use serde::{Deserialize, Serialize};
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(30);
/// "Unknown database" and "table does not exist".
const NOT_THERE: [u16; 2] = [1049, 1146];
/// A busy scheduler may come late to the first row and in time to the last one.
const SLACK: u64 = 2;

/// The rows of the event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ticks {
    /// How many there are.
    pub rows: u64,
    /// Whole seconds between the first and the last.
    pub seconds: u64,
    /// More rows than seconds: it ran on two servers at a time.
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
             COUNT(DISTINCT FLOOR(UNIX_TIMESTAMP(at))), COALESCE(SUM(server = @@server_id), 0) FROM {DATABASE}.ticks"
        );
        let rows = match session.try_query(&sql, LIMIT).await {
            Ok(rows) => rows,
            Err(error) if error.code.is_some_and(|code| NOT_THERE.contains(&code)) => return Ok(None),
            Err(error) => return Err(error.failure(session.server(), &sql)),
        };
        let number = |index| {
            let text = rows.first().and_then(|row| row.at(index)).unwrap_or_default();
            text.parse::<u64>().unwrap_or_default()
        };
        Ok(Some(Self::of(number(0), number(1), number(2), number(3))))
    }

    fn of(rows: u64, seconds: u64, different: u64, here: u64) -> Self {
        let too_many = rows.saturating_sub(seconds + SLACK);
        Self { rows, seconds, too_many, missing: (seconds + 1).saturating_sub(different), here }
    }
}

#[cfg(test)]
mod tests {
    use super::Ticks;

    #[test]
    fn one_a_second_is_right_and_two_are_not() {
        assert_eq!(Ticks::of(31, 30, 31, 9), Ticks { rows: 31, seconds: 30, too_many: 0, missing: 0, here: 9 });
        assert_eq!(Ticks::of(29, 30, 29, 9).missing, 2);
        assert_eq!(Ticks::of(41, 30, 31, 9).too_many, 9);
    }
}
