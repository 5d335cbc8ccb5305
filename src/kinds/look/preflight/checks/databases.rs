//! Which databases move: those that are named must be there, and the servers' own never move.

use super::super::ask::Ask;
use super::super::check::{Check, Occasion};
use super::super::pair::Source;
use super::super::seen::Seen;
use super::super::verdict::{Verdict, some};
use crate::domain::sql::identifier;
use crate::domain::units::Bytes;
use crate::error::Result;

pub const CHECK: Check = Check::blocking("databases", judge).only_before(Occasion::Copy).firm().asks(|pair| {
    let dialect = pair.source.dialect;
    let mut texts = vec![dialect.user_databases(), dialect.total_size(pair.databases), dialect.tables_in_odd_folders()];
    if !pair.databases.is_empty() {
        texts.push(dialect.objects_outside(pair.databases));
        texts.extend(dialect.sequence_defaults(pair.databases));
    }
    texts.into_iter().map(|text| Ask::sql(Source, text)).collect()
});

fn judge(seen: &Seen<'_>) -> Result<Verdict> {
    let there = seen.names(Source, seen.pair.source.dialect.user_databases())?;
    let named = seen.pair.databases;
    let odd = seen.names(Source, seen.pair.source.dialect.tables_in_odd_folders())?;
    if !odd.is_empty() {
        let evidence =
            format!("tables in folders that are not named like a database would not be copied: {}", some(&odd));
        return Ok(Verdict::block(
            evidence,
            "run ALTER DATABASE `#mysql50#NAME` UPGRADE DATA DIRECTORY NAME on the source",
        ));
    }
    if there.is_empty() {
        return Ok(Verdict::block(
            "the source has no user database",
            "check that the inventory names the right server",
        ));
    }
    let missing: Vec<&String> = named.iter().filter(|name| !there.contains(name)).collect();
    if !missing.is_empty() {
        let evidence = format!("the source has no user database {}", some(&missing));
        return Ok(Verdict::block(evidence, "correct `databases`; the server's own databases cannot be moved"));
    }
    let moved = if named.is_empty() { &there } else { named };
    Ok(Verdict::worst_of(left_out(seen)?, format!("{} to move: {}", Bytes(seen.data_bytes()?), some(moved))))
}

/// What is not among the databases that move, though replication carries it or what moves needs it.
fn left_out(seen: &Seen<'_>) -> Result<Vec<Verdict>> {
    let (dialect, named) = (seen.pair.source.dialect, seen.pair.databases);
    let mut found = Vec::new();
    if named.is_empty() {
        return Ok(found);
    }
    let rows = seen.rows(Source, dialect.objects_outside(named))?;
    let word = |row: crate::effects::Row<'_>| {
        format!("{} ({})", row.get("name").unwrap_or_default(), row.get("kind").unwrap_or_default())
    };
    let outside: Vec<String> = rows.iter().map(word).collect();
    if !outside.is_empty() {
        let evidence =
            format!("replication includes every database, but these are in none of `databases`: {}", some(&outside));
        found.push(Verdict::block(evidence, "name all databases that are not empty, or none"));
    }
    if let Some(text) = dialect.sequence_defaults(named) {
        let rows = seen.rows(Source, text)?;
        let is_outside = |expression: &str| {
            let inside = named.iter().any(|name| expression.contains(&format!("nextval({}.", identifier(name))));
            !inside
        };
        let far: Vec<&str> = rows
            .iter()
            .filter(|row| row.get("expression").is_some_and(is_outside))
            .filter_map(|row| row.get("name"))
            .collect();
        if !far.is_empty() {
            let evidence = format!("the default comes from a sequence in a database that is not moved: {}", some(&far));
            found.push(Verdict::block(evidence, "also name the database of the sequence"));
        }
    }
    Ok(found)
}
