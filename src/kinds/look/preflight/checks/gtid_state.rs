//! Transactions that only the target has. They are sent to the old server on the way back by GTID, and stop a `MariaDB`
//! replica that is strict about its domains.

use super::super::check::{Check, Occasion};
use super::super::pair::{Source, Target};
use super::super::seen::Seen;
use super::super::verdict::{Verdict, some};
use crate::dialect::Dialect;
use crate::domain::product::Family;
use crate::error::Result;

pub const CHECK: Check = Check::blocking("gtid_state", judge)
    .only_before(Occasion::Copy)
    .reads(&["gtid_strict_mode", "gtid_domain_id"])
    .asks(|pair| pair.both(Dialect::gtid_position));

fn judge(seen: &Seen<'_>) -> Result<Verdict> {
    let own = |side| -> Result<&str> { seen.value(side, seen.pair.at(side).dialect.gtid_position()) };
    let (source, target) = (own(Source)?, own(Target)?);
    if seen.source.product.family != seen.target.product.family {
        return Ok(Verdict::pass("the two families cannot use each other's GTIDs: file and position are used"));
    }
    if seen.target.product.family == Family::MySql {
        let errant = errant(source, target);
        if errant.is_empty() {
            return Ok(Verdict::pass("the target has no transactions of its own"));
        }
        let remedy = "run RESET BINARY LOGS AND GTIDS (RESET MASTER before 8.2) on the target while it is empty";
        return Ok(Verdict::warn(format!("the target has transactions of its own: {}", some(&errant)), remedy));
    }
    let domain = seen.variable(Target, "gtid_domain_id");
    let mine = format!("{domain}-");
    let shared = domain == seen.variable(Source, "gtid_domain_id");
    let has_own = target.split(',').any(|gtid| gtid.trim().starts_with(&mine));
    if seen.is_on(Target, "gtid_strict_mode") && shared && has_own {
        let evidence =
            format!("gtid_strict_mode is ON, and the target has written {target} in the source's domain {domain}");
        let remedy = "run RESET MASTER on the target while it is empty, or give it another gtid_domain_id";
        return Ok(Verdict::block(evidence, remedy));
    }
    let target = if target.is_empty() { "nothing" } else { target };
    Ok(Verdict::pass(format!("the target has written {target}; it replicates by file and position")))
}

/// Parts of the target's set that come from a server the source knows nothing of.
fn errant<'a>(source: &str, target: &'a str) -> Vec<&'a str> {
    let origin = |part: &str| part.trim().split(':').next().unwrap_or_default().to_owned();
    let known: Vec<String> = source.split(',').map(origin).collect();
    target.split(',').map(str::trim).filter(|part| !part.is_empty() && !known.contains(&origin(part))).collect()
}

#[cfg(test)]
mod tests {
    use super::errant;

    #[test]
    fn what_came_from_the_source_is_not_errant() {
        assert_eq!(errant("a:1-5,\nb:1", "a:1-4,\nc:1-2:7"), ["c:1-2:7"]);
        assert!(errant("a:1-5", "").is_empty());
    }
}
