//! Collations that a new `MariaDB` writes beside every statement in its binary log, and that the old server does not know.
//!
//! Such a statement carries the collations of its session and of the server by number. A client that says `SET NAMES utf8mb4`
//! gets the one that `character_set_collations` names, from `MariaDB` 11.5 on a `uca1400` one by default. A replica that does
//! not know the number stops at the first `CREATE`, `ALTER`, `DROP` or `TRUNCATE` of the application (`Character set '#2304'`:
//! seen with 11.8.9 and 10.5.23); rows carry none.

use super::super::check::Check;
use super::super::pair::Target;
use super::super::seen::Seen;
use super::super::verdict::Verdict;
use crate::dialect::pairs::{KNOWS_UCA1400, knows_uca1400};
use crate::error::Result;

pub const CHECK: Check =
    Check::warning("way_back_collations", judge).reads(&["character_set_collations", "collation_server"]);

/// What both families have had for long.
const KNOWN_TO_ALL: &str = "utf8mb4_general_ci";

fn judge(seen: &Seen<'_>) -> Result<Verdict> {
    let (source, target) = (seen.source.product, seen.target.product);
    if !seen.pair.way_back.is_made(source, target) {
        return Ok(Verdict::pass("the old server does not follow the new one"));
    }
    if knows_uca1400(source) {
        return Ok(Verdict::pass(format!("{source} knows every collation that {target} writes")));
    }
    let is_new = |name: &str| seen.variable(Target, name).contains("uca1400") && !seen.will_be_set(name);
    let set = |name: &str, value: &str| is_new(name).then(|| format!("`{name}: {value}`"));
    let lines: Vec<String> = [set("character_set_collations", "\"\""), set("collation_server", KNOWN_TO_ALL)]
        .into_iter()
        .flatten()
        .collect();
    if lines.is_empty() {
        return Ok(Verdict::pass("no statement of the target carries a collation that the source does not know"));
    }
    let evidence = format!(
        "{target} writes uca1400 collations beside statements, which {source} does not know (MariaDB does from \
         {KNOWS_UCA1400} on): after the switch its replication stops at the application's first CREATE, ALTER, DROP or TRUNCATE"
    );
    let remedy =
        format!("state {} under `settings` of the target as long as there is to be a way back", lines.join(" and "));
    Ok(Verdict::warn(evidence, remedy))
}
