//! The handshake of a `MySQL` replica: it refuses a source whose GTID mode is too far from its own. A source without the
//! variable (`MariaDB`, and `MySQL` before 5.6) counts as OFF. As in `MySQL`'s own `sql/rpl_replica.cc`.

use super::super::check::{Check, Occasion};
use super::super::pair::{Source, Target};
use super::super::seen::Seen;
use super::super::verdict::Verdict;
use crate::domain::product::Family;
use crate::error::Result;

pub const CHECK: Check = Check::blocking("gtid_mode", judge).only_before(Occasion::Copy).reads(&["gtid_mode"]);

fn judge(seen: &Seen<'_>) -> Result<Verdict> {
    if seen.target.product.family == Family::MariaDb {
        return Ok(Verdict::pass("MariaDB replicates by file and position, with any GTID mode of the source"));
    }
    let mode = |side| match seen.variable(side, "gtid_mode").to_ascii_uppercase() {
        mode if mode.is_empty() => "OFF".to_owned(),
        mode => mode,
    };
    let (source, target) = (mode(Source), mode(Target));
    if seen.will_be_set("gtid_mode") {
        return Ok(Verdict::pass(format!("gtid_mode is {source} on the source, and set on the target by a step")));
    }
    let evidence = format!("gtid_mode is {source} on the source and {target} on the target");
    if !refused(&source, &target) {
        return Ok(Verdict::pass(evidence));
    }
    if seen.source.product.family == Family::MySql && seen.has(Source, "gtid_mode") {
        let remedy = "nothing to do: replication by position starts by changing the target's gtid_mode by one step, \
                      to a mode that accepts both";
        return Ok(Verdict::warn(evidence, remedy));
    }
    let remedy = format!(
        "state `gtid_mode: {source}` (with a matching enforce_gtid_consistency) under `settings` of the target in the \
         inventory for the `render` step, or run SET GLOBAL gtid_mode there, one step at a time"
    );
    Ok(Verdict::block(format!("{evidence}: the target's receiver will not start"), remedy))
}

/// Whether the receiver refuses the source.
fn refused(source: &str, target: &str) -> bool {
    match target {
        "OFF" => matches!(source, "ON" | "ON_PERMISSIVE"),
        "ON" => matches!(source, "OFF" | "OFF_PERMISSIVE"),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::refused;

    #[test]
    fn neighbours_understand_each_other_and_opposites_do_not() {
        let modes = ["OFF", "OFF_PERMISSIVE", "ON_PERMISSIVE", "ON"];
        let table = modes.map(|target| modes.map(|source| refused(source, target)));
        assert_eq!(table[0], [false, false, true, true]);
        assert_eq!(table[1], [false; 4]);
        assert_eq!(table[2], [false; 4]);
        assert_eq!(table[3], [true, true, false, false]);
    }
}
