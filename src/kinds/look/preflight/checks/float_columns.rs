//! `FLOAT` columns: a dump carries six digits of them, and a replica that finds its rows by the seventh finds none.

use super::super::ask::Ask;
use super::super::check::{Check, Occasion};
use super::super::pair::{Pair, Source};
use super::super::seen::Seen;
use super::super::verdict::{Verdict, some};
use crate::domain::Sql;
use crate::error::Result;

pub const CHECK: Check = Check::blocking("float_columns", judge)
    .only_before(Occasion::Copy)
    .asks(|pair| copied(pair).map(|text| Ask::sql(Source, text)).into_iter().collect());
pub const KEYS: Check = Check::blocking("float_keys", keys)
    .firm()
    .asks(|pair| copied(pair).map(|text| Ask::sql(Source, text)).into_iter().collect());

/// Only a copy loses digits: replication carries every bit.
fn copied(pair: &Pair<'_>) -> Option<Sql> {
    Some(pair.source.dialect.float_columns(pair.databases))
}

fn columns(seen: &Seen<'_>, of_keys: bool) -> Result<Vec<String>> {
    let Some(question) = copied(seen.pair) else { return Ok(Vec::new()) };
    let rows = seen.rows(Source, question)?;
    let wanted = rows.iter().filter(|row| (row.get("finds_rows") == Some("1")) == of_keys);
    Ok(wanted.filter_map(|row| row.get("name").map(str::to_owned)).collect())
}

fn judge(seen: &Seen<'_>) -> Result<Verdict> {
    let found = columns(seen, false)?;
    if found.is_empty() {
        return Ok(Verdict::pass("no FLOAT column that a dump would round"));
    }
    let evidence =
        format!("a dump contains only six digits of a FLOAT, so these columns may be rounded: {}", some(&found));
    let help = "change them to DOUBLE first (ALTER TABLE ... MODIFY), or accept it: `allow: [float_columns]` here and \
                `floats: shown` in `verify`";
    Ok(Verdict::block(evidence, help))
}

fn keys(seen: &Seen<'_>) -> Result<Verdict> {
    let found = columns(seen, true)?;
    if found.is_empty() {
        return Ok(Verdict::pass("no table is keyed by a FLOAT"));
    }
    let evidence = format!(
        "replication could not find the rows of these tables, because their key contains a FLOAT: {}",
        some(&found)
    );
    Ok(Verdict::block(
        evidence,
        "change them to DOUBLE first (ALTER TABLE ... MODIFY), or give the table another primary key",
    ))
}
