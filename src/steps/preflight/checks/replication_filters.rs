//! Filters leave silent gaps: a database that the source does not write down, or the target does not apply, stays as the
//! dump left it.

use super::super::ask::Ask;
use super::super::check::Check;
use super::super::pair::{Source, Target};
use super::super::seen::Seen;
use super::super::verdict::Verdict;
use crate::error::{Failure, Result};

pub const CHECK: Check = Check::blocking("replication_filters", judge).reads(&FILTERS).asks(|pair| {
    let filters = pair.target.dialect.applier_filters().map(|text| Ask::sql(Target, text));
    [Ask::sql(Source, pair.source.dialect.binlog_position())].into_iter().chain(filters).collect()
});

/// What is applied, where filters are variables.
const FILTERS: [&str; 6] = [
    "replicate_do_db",
    "replicate_ignore_db",
    "replicate_do_table",
    "replicate_ignore_table",
    "replicate_wild_do_table",
    "replicate_wild_ignore_table",
];

fn judge(seen: &Seen<'_>) -> Result<Verdict> {
    let mut found = Vec::new();
    let written = seen.rows(Source, seen.pair.source.dialect.binlog_position())?;
    for name in ["Binlog_Do_DB", "Binlog_Ignore_DB"] {
        // without a binary log there is no row, which is another check's matter
        let Some(row) = written.first() else { continue };
        let Some(value) = row.get(name) else {
            let answer = format!("the answer has no {name}");
            return Err(Failure::permanent("read the source's filters", answer).at(seen.name(Source)));
        };
        if !value.is_empty() {
            let evidence = format!("the source does not write everything down: {} is {value}", name.to_lowercase());
            found.push(Verdict::block(evidence, "remove it from the source's configuration and restart it"));
        }
    }
    let mut applied: Vec<(String, String)> = FILTERS
        .iter()
        .map(|name| ((*name).to_owned(), seen.variable(Target, name).to_owned()))
        .filter(|(_, value)| !value.is_empty())
        .collect();
    if let Some(text) = seen.pair.target.dialect.applier_filters() {
        for row in seen.rows(Target, text)?.iter() {
            let text = |name| row.get(name).unwrap_or_default().to_owned();
            applied.push((text("name").to_lowercase(), text("value")));
        }
    }
    for (name, value) in applied {
        let evidence = format!("the target does not apply everything: {name} is {value}");
        found.push(Verdict::block(evidence, "remove it from the target's configuration and restart it"));
    }
    Ok(Verdict::worst_of(found, "none on either server"))
}
