//! Which databases move: those that are named must be there, and the servers' own never move.

use super::super::ask::Ask;
use super::super::check::{Check, Occasion};
use super::super::pair::Source;
use super::super::seen::Seen;
use super::super::verdict::{Verdict, some};
use crate::error::Result;
use crate::playbook::units::Bytes;

pub const CHECK: Check = Check::blocking("databases", judge).only_before(Occasion::Copy).firm().asks(|pair| {
    let dialect = pair.source.dialect;
    [dialect.user_databases(), dialect.total_size(pair.databases)].map(|text| Ask::sql(Source, text)).into()
});

fn judge(seen: &Seen<'_>) -> Result<Verdict> {
    let there = seen.names(Source, seen.pair.source.dialect.user_databases())?;
    let named = seen.pair.databases;
    if there.is_empty() {
        return Ok(Verdict::block(
            "the source holds no user database",
            "see that the inventory leads to the right server",
        ));
    }
    let missing: Vec<&String> = named.iter().filter(|name| !there.contains(name)).collect();
    if !missing.is_empty() {
        let evidence = format!("the source has no user database {}", some(&missing));
        return Ok(Verdict::block(evidence, "correct `databases`; those of the server itself cannot be moved"));
    }
    let moved = if named.is_empty() { &there } else { named };
    Ok(Verdict::pass(format!("{} move: {}", Bytes(seen.data_bytes()?), some(moved))))
}
