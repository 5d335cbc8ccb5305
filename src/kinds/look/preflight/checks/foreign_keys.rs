//! Foreign keys that the target refuses, or that a replica executes differently.

use super::super::ask::Ask;
use super::super::check::{Check, Occasion};
use super::super::pair::{Source, Target};
use super::super::seen::Seen;
use super::super::verdict::{Verdict, some};
use crate::domain::product::{Family, Version};
use crate::error::Result;

pub const CHECK: Check = Check::blocking("foreign_keys", judge)
    .only_before(Occasion::Copy)
    .reads(&["restrict_fk_on_non_standard_key", "innodb_native_foreign_keys"])
    .asks(|pair| {
        let dialect = pair.source.dialect;
        let texts = [
            dialect.foreign_keys_to_no_key(pair.databases),
            dialect.cascading_foreign_keys(pair.databases),
            dialect.long_foreign_keys(pair.databases),
        ];
        texts.map(|text| Ask::sql(Source, text)).into()
    });

/// From here on the changes of a cascade stand in the binary log as rows of their own (the manual on replication and
/// foreign keys), unless `innodb_native_foreign_keys` is on.
const LOGS_CASCADES: Version = Version(9, 6, 0);

fn judge(seen: &Seen<'_>) -> Result<Verdict> {
    let dialect = seen.pair.source.dialect;
    let mut found = Vec::new();
    let odd = seen.names(Source, dialect.foreign_keys_to_no_key(seen.pair.databases))?;
    let name = "restrict_fk_on_non_standard_key";
    if !odd.is_empty() && seen.is_on(Target, name) && !seen.will_be_set(name) {
        let evidence = format!("the target refuses foreign keys to columns without a unique key: {}", some(&odd));
        let remedy = format!("add the unique keys on the source, or run SET GLOBAL {name} = OFF on the target");
        found.push(Verdict::block(evidence, remedy));
    }
    let long = seen.names(Source, dialect.long_foreign_keys(seen.pair.databases))?;
    if !long.is_empty() {
        let evidence = format!(
            "the names of these are longer than 64 characters, which no server accepts from a dump: {}",
            some(&long)
        );
        let remedy = "on the source, drop each with ALTER TABLE ... DROP FOREIGN KEY and add it with a shorter name";
        found.push(Verdict::block(evidence, remedy));
    }
    let cascades = seen.names(Source, dialect.cascading_foreign_keys(seen.pair.databases))?;
    if !cascades.is_empty() && logs_cascades(seen, Source) != logs_cascades(seen, Target) {
        let evidence = format!("cascades are logged by only one of the two servers: {}", some(&cascades));
        let remedy =
            "set `innodb_native_foreign_keys = ON` on the newer server as long as one server replicates from the other";
        found.push(Verdict::warn(evidence, remedy));
    }
    Ok(Verdict::worst_of(found, format!("{} with a cascade; the target refuses none", cascades.len())))
}

fn logs_cascades(seen: &Seen<'_>, side: super::super::pair::Side) -> bool {
    let product = seen.known(side).product;
    product.family == Family::MySql
        && product.version >= LOGS_CASCADES
        && !seen.is_on(side, "innodb_native_foreign_keys")
}
