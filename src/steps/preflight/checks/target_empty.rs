//! A target that holds tables already: they would be mixed with what is moved.

use super::super::ask::Ask;
use super::super::check::Check;
use super::super::pair::Target;
use super::super::seen::Seen;
use super::super::verdict::{Verdict, count, some};
use crate::error::Result;

pub const CHECK: Check =
    Check::blocking("target_empty", judge).asks(|pair| vec![Ask::sql(Target, pair.target.dialect.tables::<&str>(&[]))]);

fn judge(seen: &Seen<'_>) -> Result<Verdict> {
    let tables = seen.names(Target, seen.pair.target.dialect.tables::<&str>(&[]))?;
    if tables.is_empty() {
        return Ok(Verdict::pass("the target holds no user table"));
    }
    let evidence = format!("the target holds {}: {}", count(tables.len(), "table", "tables"), some(&tables));
    Ok(Verdict::block(evidence, "give an empty server, or drop its user databases yourself if they are of no use"))
}
