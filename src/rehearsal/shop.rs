//! The database of the rehearsal's application: what an ordinary one has, filled fast.

use crate::domain::Sql;
use crate::effects::Session;
use crate::error::Result;
use std::time::Duration;

/// Its name.
pub const DATABASE: &str = "shop";
/// Every account's balance at the start; the sum does not change, whatever is transferred.
pub const BALANCE: u64 = 1000;
/// Tables besides the ledger.
pub const TABLES: [&str; 2] = ["accounts", "cards"];

/// Longest time for one statement.
const LIMIT: Duration = Duration::from_mins(5);
/// Rows that one statement inserts: large enough to be fast, small enough to be no huge transaction.
const CHUNK: u64 = 50_000;

const SCHEMA: &[&str] = &[
    "DROP DATABASE IF EXISTS shop",
    "CREATE DATABASE shop CHARACTER SET utf8mb4",
    "CREATE TABLE shop.ledger (writer INT UNSIGNED NOT NULL, seq BIGINT UNSIGNED NOT NULL, token CHAR(16) NOT NULL, \
     at DATETIME(6) NOT NULL, PRIMARY KEY (writer, seq)) ENGINE=InnoDB",
    "CREATE TABLE shop.accounts (id BIGINT UNSIGNED NOT NULL PRIMARY KEY, name VARCHAR(60) NOT NULL, \
     balance BIGINT NOT NULL, changed DATETIME(6) NULL, note VARCHAR(120) NOT NULL, KEY by_name (name)) ENGINE=InnoDB",
    "CREATE TABLE shop.cards (id BIGINT UNSIGNED NOT NULL PRIMARY KEY, account_id BIGINT UNSIGNED NOT NULL, \
     digits CHAR(4) NOT NULL, CONSTRAINT card_of FOREIGN KEY (account_id) REFERENCES shop.accounts (id)) ENGINE=InnoDB",
    "CREATE TABLE shop.ticks (id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY, at DATETIME(6) NOT NULL, \
     server INT UNSIGNED NOT NULL) ENGINE=InnoDB",
];

/// After the rows, so that the trigger does not slow the filling down.
const CODE: &[&str] = &[
    "CREATE VIEW shop.overdrawn AS SELECT id, name, balance FROM shop.accounts WHERE balance < 0",
    "CREATE TRIGGER shop.accounts_touched BEFORE UPDATE ON shop.accounts FOR EACH ROW SET NEW.changed = NOW(6)",
    "CREATE FUNCTION shop.balance_of(account BIGINT UNSIGNED) RETURNS BIGINT READS SQL DATA \
     RETURN (SELECT balance FROM shop.accounts WHERE id = account)",
    "CREATE PROCEDURE shop.forget_notes(older BIGINT UNSIGNED) MODIFIES SQL DATA \
     UPDATE shop.accounts SET note = '' WHERE id < older",
    "CREATE EVENT shop.nightly ON SCHEDULE EVERY 1 DAY DISABLE DO CALL shop.forget_notes(0)",
    "CREATE EVENT shop.tick ON SCHEDULE EVERY 1 SECOND DO INSERT INTO shop.ticks (at, server) VALUES (NOW(6), @@server_id)",
];

/// Creates the database again with at least `rows` rows. Works on both families.
///
/// # Errors
/// When a statement fails.
pub async fn prepare(session: &Session, rows: u64) -> Result<()> {
    for &statement in SCHEMA {
        session.exec(statement, LIMIT).await?;
    }
    let accounts = rows.max(2);
    fill(session, "accounts", accounts).await?;
    fill(session, "cards", accounts.div_ceil(10)).await?;
    for &statement in CODE {
        session.exec(statement, LIMIT).await?;
    }
    Ok(())
}

/// One row, then twice as many each time, then a chunk at a time: fast without any generator of numbers, which the
/// families do not share.
async fn fill(session: &Session, table: &str, rows: u64) -> Result<()> {
    session.exec(Sql::verbatim(insert(table, "1", "DUAL")), LIMIT).await?;
    let mut there = 1;
    while there < rows {
        let more = there.min(CHUNK).min(rows - there);
        let source = format!("shop.{table} AS old WHERE old.id <= {more}");
        session.exec(Sql::verbatim(insert(table, &format!("old.id + {there}"), &source)), LIMIT).await?;
        there += more;
    }
    Ok(())
}

fn insert(table: &str, id: &str, source: &str) -> String {
    let values = match table {
        "accounts" => format!(
            "CONCAT('customer ', {id}), {BALANCE}, NULL, RPAD(HEX(({id}) * 2654435761), 100, HEX(({id}) * 40503))"
        ),
        _ => format!("{id}, LPAD(({id}) * 7919 % 10000, 4, '0')"),
    };
    format!("INSERT INTO shop.{table} SELECT {id}, {values} FROM {source}")
}
