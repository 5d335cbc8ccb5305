//! A target that holds something already, of whatever type: it would be mixed with what is moved, or replaced by it.

use super::super::ask::Ask;
use super::super::check::{Check, Occasion};
use super::super::pair::Target;
use super::super::seen::Seen;
use super::super::verdict::{Verdict, count, some};
use crate::error::Result;

pub const CHECK: Check = Check::blocking("target_empty", judge)
    .only_before(Occasion::Copy)
    .asks(|pair| vec![Ask::sql(Target, pair.target.dialect.objects())]);

fn judge(seen: &Seen<'_>) -> Result<Verdict> {
    let objects = seen.names(Target, seen.pair.target.dialect.objects())?;
    if objects.is_empty() {
        return Ok(Verdict::pass("the target has no user tables, routines or events"));
    }
    let evidence =
        format!("the target is not empty, it has {}: {}", count(objects.len(), "object", "objects"), some(&objects));
    Ok(Verdict::block(evidence, "use an empty server, or drop its user databases yourself if nobody needs them"))
}
