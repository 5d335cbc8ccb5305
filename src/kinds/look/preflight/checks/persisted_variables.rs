//! Variables in `mysqld-auto.cnf` win over the configuration file, so a file that a step writes would change nothing.

use super::super::ask::Ask;
use super::super::check::Check;
use super::super::pair::{Source, Target};
use super::super::seen::Seen;
use super::super::verdict::{Verdict, some};
use crate::error::Result;

pub const CHECK: Check = Check::blocking("persisted_variables", judge).asks(|pair| {
    let text = |side| pair.at(side).dialect.all_persisted_variables().map(|text| Ask::sql(side, text));
    [Source, Target].into_iter().filter_map(text).collect()
});

fn judge(seen: &Seen<'_>) -> Result<Verdict> {
    let mut found = Vec::new();
    for side in [Source, Target] {
        let Some(text) = seen.pair.at(side).dialect.all_persisted_variables() else { continue };
        let names = seen.names(side, text)?;
        let (name, remedy) =
            (seen.name(side), "run RESET PERSIST for each, once its value is in the configuration file");
        let overriding: Vec<&String> = names.iter().filter(|name| side == Target && seen.will_be_set(name)).collect();
        if !overriding.is_empty() {
            let evidence = format!(
                "on `{name}` these variables are persisted and override the values that a step writes: {}",
                some(&overriding)
            );
            found.push(Verdict::block(evidence, remedy));
        } else if !names.is_empty() {
            found.push(Verdict::warn(
                format!("on `{name}` these persisted variables override the configuration file: {}", some(&names)),
                remedy,
            ));
        }
    }
    Ok(Verdict::worst_of(found, "no persisted variable overrides the configuration file"))
}
