//! What one family writes into its binary log and the other cannot read.

use super::super::check::Check;
use super::super::pair::Source;
use super::super::seen::Seen;
use super::super::verdict::Verdict;
use crate::error::Result;

pub const CHECK: Check = Check::blocking("binlog_content", judge).reads(&[
    "binlog_row_value_options",
    "binlog_transaction_compression",
    "log_bin_compress",
    "encrypt_binlog",
]);

fn judge(seen: &Seen<'_>) -> Result<Verdict> {
    if seen.source.product.family == seen.target.product.family {
        return Ok(Verdict::pass("both servers are of one family"));
    }
    let mut found = Vec::new();
    let mut refuse = |name: &str, off: &str| {
        let value = seen.variable(Source, name);
        let evidence = format!("{name} of the source is {value}, which {} cannot read", seen.target.product.family);
        found.push(Verdict::block(
            evidence,
            format!("run SET GLOBAL {name} = {off} on the source, and set it in its configuration"),
        ));
    };
    if !seen.variable(Source, "binlog_row_value_options").is_empty() {
        refuse("binlog_row_value_options", "''");
    }
    for name in ["binlog_transaction_compression", "log_bin_compress", "encrypt_binlog"] {
        if seen.is_on(Source, name) {
            refuse(name, "OFF");
        }
    }
    Ok(Verdict::worst_of(found, "the binary log contains nothing that the other family cannot read"))
}
