//! Accounts that `MariaDB` has in memory only: a name with a space at its end loses it in the server's own table, so
//! the account is lost at the next restart, and `SHOW CREATE USER` finds it until then (measured on 10.11.19).

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
        return Ok(Verdict::pass("the source keeps every account after a restart"));
    };
    let rows = seen.rows(Source, text)?;
    let names: Vec<&str> = rows.iter().filter_map(|row| row.get("account")).collect();
    if names.is_empty() {
        return Ok(Verdict::pass("the source keeps every account after a restart"));
    }
    let evidence = format!(
        "the source will lose {} at its next restart: its account table does not keep a space at the end of a name",
        some(&names)
    );
    let remedy = "create the account with a name without the space, and drop the other with DROP USER";
    let stands_in_the_way = seen.will_be_set("accounts");
    Ok(if stands_in_the_way { Verdict::block(evidence, remedy) } else { Verdict::warn(evidence, remedy) })
}
