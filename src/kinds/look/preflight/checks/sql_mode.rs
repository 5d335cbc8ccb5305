//! What a statement means under the server's SQL mode: replicated changes carry theirs along, applications take the
//! target's.

use super::super::check::Check;
use super::super::pair::{Source, Target};
use super::super::seen::Seen;
use super::super::verdict::Verdict;
use crate::error::Result;
use std::collections::BTreeSet;

pub const CHECK: Check = Check::warning("sql_mode", judge).reads(&["sql_mode"]);

fn judge(seen: &Seen<'_>) -> Result<Verdict> {
    let words =
        |side| seen.variable(side, "sql_mode").split(',').filter(|mode| !mode.is_empty()).collect::<BTreeSet<_>>();
    let (source, target) = (words(Source), words(Target));
    if source == target || seen.will_be_set("sql_mode") {
        return Ok(Verdict::pass("the same on both, or set by a step"));
    }
    let listed = |words: Vec<&&str>| match words.as_slice() {
        [] => "nothing".to_owned(),
        some => some.iter().map(|word| **word).collect::<Vec<_>>().join(", "),
    };
    let (lost, new) = (listed(source.difference(&target).collect()), listed(target.difference(&source).collect()));
    let evidence = format!("sql_mode: only the source has {lost}, only the target has {new}");
    let remedy = "state the source's `sql_mode` under `settings` of the target in the inventory, or test the application \
                  under the target's";
    Ok(Verdict::warn(evidence, remedy))
}
