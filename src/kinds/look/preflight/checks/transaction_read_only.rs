//! Transactions that are read-only unless they say otherwise: an applier's are too, and it cannot write (seen on `MySQL`
//! 9.7.4, error 13117, and `MariaDB` 10.11.19).

use super::super::check::Check;
use super::super::pair::{Source, Target};
use super::super::seen::Seen;
use super::super::verdict::Verdict;
use crate::error::Result;

/// The variable's names; each family has one or both.
const NAMES: [&str; 2] = ["transaction_read_only", "tx_read_only"];

pub const CHECK: Check = Check::blocking("transaction_read_only", judge).reads(&NAMES).firm();

fn judge(seen: &Seen<'_>) -> Result<Verdict> {
    let sides = [Source, Target].into_iter().filter(|side| NAMES.iter().any(|name| seen.is_on(*side, name)));
    let found: Vec<Verdict> = sides
        .map(|side| {
            let name = seen.name(side);
            let evidence =
                format!("transactions on `{name}` are read-only by default: it could not apply changes as a replica");
            let name = if seen.pair.at(side).dialect.is_mariadb() { NAMES[1] } else { NAMES[0] };
            Verdict::block(evidence, format!("run SET GLOBAL {name} = OFF there, and remove it from its configuration"))
        })
        .collect();
    Ok(Verdict::worst_of(found, "transactions may write by default on both servers"))
}
