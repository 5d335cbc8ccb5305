//! The history of system-versioned tables: whether the dump program of the target's host brings it, and the target takes it.

use super::super::ask::Ask;
use super::super::check::{Check, Occasion};
use super::super::pair::{Pair, Source};
use super::super::seen::Seen;
use super::super::verdict::{Verdict, some};
use crate::dialect::Dialect;
use crate::error::Result;
use crate::kinds::support::client_program::find_dump_program;
use crate::sh;

pub const CHECK: Check = Check::blocking("history", judge).only_before(Occasion::Copy).asks(|pair| {
    let tables = pair.source.dialect.tables_with_history(pair.databases);
    tables.map_or_else(Vec::new, |text| vec![Ask::sql(Source, text), program(pair)])
});

/// Prints `yes` where the program knows the option.
fn program(pair: &Pair<'_>) -> Ask {
    let find = find_dump_program(pair.source.dialect);
    let script = sh!("(\n{}says --dump-history && echo yes\n) 2>/dev/null || echo no", find);
    Ask::Run { host: pair.target.server.host.clone(), script }
}

fn judge(seen: &Seen<'_>) -> Result<Verdict> {
    let Some(text) = seen.pair.source.dialect.tables_with_history(seen.pair.databases) else {
        return Ok(Verdict::pass("this source version has no system-versioned tables"));
    };
    let tables = seen.names(Source, text)?;
    if tables.is_empty() {
        return Ok(Verdict::pass("no table is system-versioned"));
    }
    let told = seen.text(&program(seen.pair))?.lines().last() == Some("yes");
    let [from, to] = [seen.source.product, seen.target.product].map(Dialect::from);
    let why = match (told, to.loads_history()) {
        // in a dump the present has an end, and to the newer server that end is the past
        (true, true) if from.last_moment_is_earlier_than(to) => {
            "the target's timestamps have a larger range (from MariaDB 11.5 on), so current rows would look deleted"
        }
        (true, true) => return Ok(Verdict::pass(format!("moved with their history: {}", some(&tables)))),
        (false, _) => {
            "the dump program on the target's host does not support --dump-history (MariaDB 10.11 or newer does)"
        }
        (true, false) => "the target does not accept it (MariaDB 10.11 or newer does)",
    };
    let evidence = format!("the history of these tables would be lost, because {why}: {}", some(&tables));
    Ok(Verdict::block(evidence, "use newer versions there, or allow this check if nobody needs the history"))
}
