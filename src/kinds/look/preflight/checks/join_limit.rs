//! A limit on the rows that a SELECT may examine: a replica asks its source by SELECT when it connects, and stops at the
//! refusal (error 1104, seen on `MariaDB` 10.11.19).

use super::super::check::Check;
use super::super::pair::{Source, Target};
use super::super::seen::Seen;
use super::super::verdict::Verdict;
use crate::error::Result;

/// Rows, as servers estimate them, that these questions never reach.
const ENOUGH: f64 = 1e6;

pub const CHECK: Check = Check::blocking("join_limit", judge).reads(&["max_join_size"]).firm();

fn judge(seen: &Seen<'_>) -> Result<Verdict> {
    let mut found = Vec::new();
    for side in [Source, Target] {
        if let Some(limit) = seen.number(side, "max_join_size").filter(|limit| *limit < ENOUGH) {
            let evidence =
                format!("max_join_size of `{}` is {limit}: no replica could replicate from it", seen.name(side));
            let help = "run SET GLOBAL max_join_size = DEFAULT there, and remove it from its configuration";
            found.push(Verdict::block(evidence, help));
        }
    }
    Ok(Verdict::worst_of(found, "both servers allow the queries of a replica"))
}
