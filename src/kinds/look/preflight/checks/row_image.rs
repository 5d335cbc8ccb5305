//! Rows that are written in part cannot be compared, nor replicated back.

use super::super::check::Check;
use super::super::pair::Source;
use super::super::seen::Seen;
use super::super::verdict::Verdict;
use crate::error::Result;

pub const CHECK: Check = Check::blocking("row_image", judge).reads(&["binlog_row_image"]);

fn judge(seen: &Seen<'_>) -> Result<Verdict> {
    let image = seen.variable(Source, "binlog_row_image");
    // before 5.6.2 and 10.1.6 there was nothing but whole rows
    if image.is_empty() || image.eq_ignore_ascii_case("FULL") {
        return Ok(Verdict::pass("the source writes full rows"));
    }
    let remedy = "run SET GLOBAL binlog_row_image = FULL on the source, and put it in its configuration";
    Ok(Verdict::block(format!("binlog_row_image of the source is {image}"), remedy))
}
