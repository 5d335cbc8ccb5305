//! Collations that a new `MariaDB` writes beside every statement in its binary log, and that the old server does not know.
//!
//! Such a statement carries the collations of its session and of the server by number. A client that says `SET NAMES utf8mb4`
//! gets the one that `character_set_collations` names, from `MariaDB` 11.5 on a `uca1400` one by default. A replica that does
//! not know the number stops at the first `CREATE`, `ALTER`, `DROP` or `TRUNCATE` of the application (`Character set '#2304'`:
//! seen with 11.8.9 and 10.5.23); rows carry none.

use super::super::check::Check;
use super::super::pair::{Source, Target};
use super::super::seen::Seen;
use super::super::verdict::Verdict;
use crate::dialect::pairs::{KNOWS_UCA1400, knows_uca1400};
use crate::domain::product::Product;
use crate::error::Result;

pub const CHECK: Check =
    Check::warning("way_back_collations", judge).reads(&["character_set_collations", "collation_server"]);

fn judge(seen: &Seen<'_>) -> Result<Verdict> {
    let (source, target) = (seen.source.product, seen.target.product);
    if !seen.pair.way_back.is_made(source, target) {
        return Ok(Verdict::pass("the old server does not replicate from the new one"));
    }
    if knows_uca1400(source) {
        return Ok(Verdict::pass(format!("{source} supports every collation that {target} writes")));
    }
    let is_new = |name: &str| seen.variable(Target, name).contains("uca1400") && !seen.will_be_set(name);
    let set = |name: &str, value: &str| is_new(name).then(|| format!("`{name}: {value}`"));
    let lines: Vec<String> =
        [set("character_set_collations", "\"\""), set("collation_server", seen.variable(Source, "collation_server"))]
            .into_iter()
            .flatten()
            .collect();
    Ok(verdict((source, target), &lines))
}

/// What is said when these lines of `settings` are missing.
fn verdict((source, target): (Product, Product), lines: &[String]) -> Verdict {
    if lines.is_empty() {
        return Verdict::pass("no statement of the target contains a collation that the source does not support");
    }
    let evidence = format!(
        "{target} writes uca1400 collations with statements, which {source} does not support (MariaDB does from \
         {KNOWS_UCA1400} on): after the switch, replication on the old server stops at the application's first \
         CREATE, ALTER, DROP or TRUNCATE"
    );
    let remedy = format!(
        "state {} under `settings` of the target as long as the old server replicates from it",
        lines.join(" and ")
    );
    Verdict::warn(evidence, remedy)
}

#[cfg(test)]
mod tests {
    use super::verdict;
    use crate::domain::product::Product;
    use crate::kinds::Mark;

    #[test]
    fn the_remedy_names_the_lines_that_are_missing() {
        let [old, new] = ["10.5.23-MariaDB", "11.8.9-MariaDB"].map(|text| Product::from_version_text(text).unwrap());
        let said = verdict((old, new), &["`character_set_collations: \"\"`".to_owned()]);
        assert_eq!(said.result, Mark::Warn);
        assert!(said.remedy.unwrap().starts_with("state `character_set_collations: \"\"` under `settings`"));
        assert_eq!(verdict((old, new), &[]).result, Mark::Pass);
    }
}
