//! The statements of our own that surround every other: settings, and the end of a statement.

use crate::domain::sql::number;
use crate::domain::{Sql, Words};
use crate::sql;

/// The one statement that every connection begins with, so that our own statements mean the same whatever the server's
/// global settings are. Text goes as UTF-8; each statement commits by itself, and `COMMIT` does nothing else; quotes
/// and backslashes mean what `MySQL` means by default; the time zone is the machine's, as in `INNODB_TRX`; the
/// connection may idle, also within a transaction; locks are waited for 5 s; nothing cuts an answer or a definition
/// short, and no statement is refused for its cost or ended by the server for its duration: limits are the runner's.
/// Rows are read as they are now, by transactions that may write and that see one state of the data.
///
/// A statement in the binary log carries the three collations of its session by number, and a replica that does not know
/// one of them stops. A new `MariaDB` has numbers there that an old one does not know (`uca1400`, from 10.10 on), so they are
/// those that every server knows. No `MySQL` follows a series so much newer that it would not know its collations.
///
/// Only `MariaDB` reads what follows `/*M!`. `MySQL` from 5.7.8 on reads what follows `/*!50708`, and `MariaDB` skips
/// such a comment with a number from 50700 to 99999 (its manual, "Comment Syntax"). So one text serves both, also when
/// a proxy greets in the server's place.
pub const INIT: &str = "SET NAMES utf8mb4 COLLATE utf8mb4_general_ci, autocommit=1, completion_type=0, sql_mode='', \
                        time_zone='SYSTEM', wait_timeout=28800, lock_wait_timeout=5, innodb_lock_wait_timeout=5, \
                        sql_select_limit=18446744073709551615, sql_big_selects=1, sql_safe_updates=0, \
                        sql_auto_is_null=0, sql_quote_show_create=1, group_concat_max_len=1048576, \
                        foreign_key_checks=1, unique_checks=1 \
                        /*M! , max_statement_time=0, idle_transaction_timeout=0, idle_readonly_transaction_timeout=0, \
                        idle_write_transaction_timeout=0, tx_isolation='REPEATABLE-READ', tx_read_only=0, \
                        collation_server=utf8mb4_general_ci */ \
                        /*M!100303 , system_versioning_asof=DEFAULT */ /*!50708 , max_execution_time=0 */ \
                        /*!50720 , transaction_isolation='REPEATABLE-READ', transaction_read_only=0 */ \
                        /*!80030 , show_gipk_in_create_table_and_information_schema=1 */";
/// Sent after a statement was ended: the end may come late and hit the next one, so that is one that does not matter.
pub const AFTER_END: &str = "DO 0";

/// Ends the statement that a connection runs. Sent on a connection of its own, without [`INIT`].
#[must_use]
pub fn end_statement(connection: impl Into<Words>) -> Sql {
    sql!("KILL QUERY {}", number(connection))
}
