//! Whether `Orders` and `orders` are one table: both servers must agree, and a new `MySQL` decides it once and for ever.

use super::super::check::{Check, Occasion};
use super::super::pair::{Source, Target};
use super::super::seen::Seen;
use super::super::verdict::Verdict;
use crate::error::Result;

pub const CHECK: Check =
    Check::blocking("table_names", judge).only_before(Occasion::Copy).reads(&["lower_case_table_names"]);

fn judge(seen: &Seen<'_>) -> Result<Verdict> {
    let name = "lower_case_table_names";
    let (source, target) = (seen.variable(Source, name), seen.variable(Target, name));
    if source == target || seen.will_be_set(name) {
        return Ok(Verdict::pass(format!(
            "{name} is {source} on the source, and the same or set by a step on the target"
        )));
    }
    let remedy =
        "initialize the target again with the source's value: MySQL accepts it only at initialization from 8.0 on";
    Ok(Verdict::block(format!("{name} is {source} on the source and {target} on the target"), remedy))
}
