//! What is known to break between two series: code that the newer one no longer reads, and columns that it refuses.

pub mod checker;
pub mod definitions;
mod syntax;
mod tokens;

use super::super::ask::Ask;
use super::super::check::{Check, Occasion};
use super::super::pair::{Source, Target};
use super::super::seen::Seen;
use super::super::verdict::{Verdict, some};
use crate::domain::product::{Family, Product, Version};
use crate::error::Result;

/// Code in views, routines, triggers and events.
pub const CODE: Check = Check::blocking("upgrade_code", code)
    .only_before(Occasion::Copy)
    .asks(|pair| vec![Ask::sql(Source, pair.source.dialect.written_code(pair.databases))]);
/// Columns.
pub const COLUMNS: Check = Check::blocking("upgrade_columns", columns)
    .only_before(Occasion::Copy)
    .reads(&["sql_mode"])
    .asks(|pair| vec![Ask::sql(Source, pair.source.dialect.odd_columns(pair.databases))]);

/// Names of tables and columns.
pub const NAMES: Check = Check::warning("upgrade_names", names)
    .only_before(Occasion::Copy)
    .asks(|pair| vec![Ask::sql(Source, pair.source.dialect.named_as(&syntax::reserved_anywhere(), pair.databases))]);

/// The series that refuses counters of floating types, and partitions by a part of a column.
const MYSQL_8_4: Version = Version(8, 4, 0);
/// The series that refuses long elements of ENUM and SET.
const MYSQL_8: Version = Version(8, 0, 0);

fn code(seen: &Seen<'_>) -> Result<Verdict> {
    let rows = seen.rows(Source, seen.pair.source.dialect.written_code(seen.pair.databases))?;
    let (source, target) = (seen.source.product, seen.target.product);
    let mut found = Vec::new();
    for row in rows.iter() {
        let (body, mode) = (row.get("body").unwrap_or_default(), row.get("sql_mode").unwrap_or_default());
        let obstacles = syntax::obstacles(body, mode, source, target);
        if !obstacles.is_empty() {
            found.push(format!("{}: {}", row.get("name").unwrap_or_default(), obstacles.join(", ")));
        }
    }
    if found.is_empty() {
        return Ok(Verdict::pass(format!(
            "{} views, routines, triggers and events contain nothing known to break",
            rows.len()
        )));
    }
    let evidence = format!("{target} cannot parse code that {source} could: {}", some(&found));
    Ok(Verdict::block(
        evidence,
        "change these on the source so that both servers can parse them: quote names, and replace removed features",
    ))
}

/// What one of the odd columns means on the target, and whether it stops the move.
fn meaning(what: &str, target: Product, target_mode: &str) -> Option<(&'static str, bool)> {
    let is_mysql = |version| target.family == Family::MySql && target.version >= version;
    match what {
        "floating counter" if is_mysql(MYSQL_8_4) => Some(("a counter of FLOAT or DOUBLE, which it refuses", true)),
        "partition by prefix" if is_mysql(MYSQL_8_4) => {
            Some(("a part of a column in a key of partitions, which it refuses", true))
        }
        "long element" if is_mysql(MYSQL_8) => {
            Some(("an element of ENUM or SET with more than 255 characters, which it refuses", true))
        }
        "zero date" if target_mode.contains("NO_ZERO_DATE") => {
            Some(("a default of zeros for a date, which its sql_mode refuses in new statements", false))
        }
        _ => None,
    }
}

fn columns(seen: &Seen<'_>) -> Result<Verdict> {
    let rows = seen.rows(Source, seen.pair.source.dialect.odd_columns(seen.pair.databases))?;
    let mode = seen.variable(Target, "sql_mode");
    let (mut blocking, mut telling) = (Vec::new(), Vec::new());
    for row in rows.iter() {
        let (name, what) = (row.get("name").unwrap_or_default(), row.get("what").unwrap_or_default());
        match meaning(what, seen.target.product, mode) {
            Some((words, true)) => blocking.push(format!("{name} ({words})")),
            Some((words, false)) => telling.push(format!("{name} ({words})")),
            None => {}
        }
    }
    let mut found = Vec::new();
    if !blocking.is_empty() {
        let evidence = format!("{} does not accept {}", seen.target.product, some(&blocking));
        found.push(Verdict::block(evidence, "change these columns on the source (ALTER TABLE ... MODIFY)"));
    }
    if !telling.is_empty() {
        let remedy = "give them another default, or state the source's `sql_mode` under `settings` of the target";
        found.push(Verdict::warn(format!("kept unchanged: {}", some(&telling)), remedy));
    }
    Ok(Verdict::worst_of(found, "no column that the target treats differently"))
}

/// Dumps, replication and this program quote names; an application may write them bare.
fn names(seen: &Seen<'_>) -> Result<Verdict> {
    let (source, target) = (seen.source.product, seen.target.product);
    let new = syntax::newly_reserved(source, target);
    let rows =
        seen.rows(Source, seen.pair.source.dialect.named_as(&syntax::reserved_anywhere(), seen.pair.databases))?;
    let is_new = |row: &crate::effects::Row<'_>| row.get("word").is_some_and(|word| new.contains(&word));
    let found: Vec<&str> = rows.iter().filter(is_new).filter_map(|row| row.get("name")).collect();
    if found.is_empty() {
        return Ok(Verdict::pass("no table or column is named with a word that only the target reserves"));
    }
    let evidence = format!("{target} reserves words that are used as names here: {}", some(&found));
    let remedy = "these names work in backticks, and the move keeps them; check before the switch that the \
                  application quotes them";
    Ok(Verdict::warn(evidence, remedy))
}

#[cfg(test)]
mod tests {
    use super::meaning;
    use crate::domain::product::Product;

    #[test]
    fn a_column_stops_the_move_where_the_target_refuses_it() {
        let product = |text| Product::from_version_text(text).unwrap();
        let stops = |what, target, mode| meaning(what, product(target), mode).map(|(_, stops)| stops);
        assert_eq!(stops("floating counter", "8.4.3", ""), Some(true));
        assert_eq!(stops("floating counter", "8.0.36", ""), None);
        assert_eq!(stops("partition by prefix", "9.7.4", ""), Some(true));
        assert_eq!(stops("long element", "8.0.36", ""), Some(true));
        assert_eq!(stops("long element", "11.8.9-MariaDB", ""), None);
        assert_eq!(stops("zero date", "9.7.4", "STRICT_TRANS_TABLES,NO_ZERO_DATE"), Some(false));
        assert_eq!(stops("zero date", "11.8.9-MariaDB", "STRICT_TRANS_TABLES"), None);
    }
}
