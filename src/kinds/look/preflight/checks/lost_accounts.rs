//! Accounts that `MariaDB` has in memory only: a name with a space at its end loses it in the server's own table, so
//! the account is gone after the next start, and `SHOW CREATE USER` finds it until then (measured on 10.11.19).

use super::super::ask::Ask;
use super::super::check::{Check, Occasion};
use super::super::pair::Source;
use super::super::seen::Seen;
use super::super::verdict::{Verdict, some};
use crate::error::Result;

pub const CHECK: Check = Check::blocking("lost_accounts", judge)
    .only_before(Occasion::Copy)
    .asks(|pair| pair.source.dialect.lost_accounts().map(|text| Ask::sql(Source, text)).into_iter().collect());

fn judge(seen: &Seen<'_>) -> Result<Verdict> {
    let Some(text) = seen.pair.source.dialect.lost_accounts() else {
        return Ok(Verdict::pass("the source keeps every account that it knows"));
    };
    let rows = seen.rows(Source, text)?;
    let names: Vec<&str> = rows.iter().filter_map(|row| row.get("account")).collect();
    if names.is_empty() {
        return Ok(Verdict::pass("the source keeps every account that it knows"));
    }
    let evidence = format!(
        "the source will not know {} after its next start: its table keeps no space at the end of a name",
        some(&names)
    );
    let remedy = "make the account under a name without the space, and DROP USER the other";
    let stands_in_the_way = seen.will_be_set("accounts");
    Ok(if stands_in_the_way { Verdict::block(evidence, remedy) } else { Verdict::warn(evidence, remedy) })
}
