//! Filters, on both servers: what one leaves out of its binary log never arrives, what the other does not apply is
//! missing there. A filter in the reverse direction makes the way back incomplete.

use super::super::ask::Ask;
use super::super::check::Check;
use super::super::pair::{Pair, Side, Source, Target, WayBack};
use super::super::seen::Seen;
use super::super::verdict::Verdict;
use crate::dialect::Dialect;
use crate::domain::Script;
use crate::error::{Failure, Result};

/// A server without a binary log does not say what it would leave out of one; a step may give it one later.
const STARTED_WITH: &str = include_str!("started_with.sh");

pub const CHECK: Check = Check::blocking("replication_filters", judge).reads(&READ).asks(|pair| {
    let mut asks = pair.both(Dialect::binlog_position);
    asks.extend(pair.both(Dialect::all_channels));
    for side in [Source, Target] {
        asks.extend(pair.at(side).dialect.applier_filters().map(|text| Ask::sql(side, text)));
    }
    asks.extend([Source, Target].map(|side| started_with(pair, side)));
    asks
});

fn started_with(pair: &Pair<'_>, side: Side) -> Ask {
    Ask::Run {
        host: pair.at(side).server.host.clone(),
        script: Script::ours("options of servers that run", STARTED_WITH),
    }
}

/// What is applied, where filters are variables; and where a server's data lies.
const READ: [&str; 8] = [
    "datadir",
    "replicate_do_db",
    "replicate_ignore_db",
    "replicate_do_table",
    "replicate_ignore_table",
    "replicate_wild_do_table",
    "replicate_wild_ignore_table",
    "replicate_rewrite_db",
];

fn judge(seen: &Seen<'_>) -> Result<Verdict> {
    let mut found = Vec::new();
    for side in [Source, Target] {
        let name = seen.name(side);
        for filter in written(seen, side)? {
            let evidence = format!("`{name}` does not write everything to its binary log: {filter}");
            found.push((side == Target, evidence));
        }
        for filter in applied(seen, side)? {
            let evidence = format!("`{name}` does not apply everything: {filter}");
            found.push((side == Source, evidence));
        }
    }
    let verdict = |(way_back, evidence): (bool, String)| {
        let remedy = "remove it from that server's configuration and restart it";
        match (way_back, seen.pair.way_back != WayBack::Required) {
            (false, _) => Verdict::block(evidence, remedy),
            (true, true) => Verdict::warn(format!("{evidence}; reverse replication would miss these changes"), remedy),
            (true, false) => {
                Verdict::block(format!("{evidence}: reverse replication would miss these changes"), remedy)
            }
        }
    };
    Ok(Verdict::worst_of(found.into_iter().map(verdict).collect(), "none on either server"))
}

/// Filters of a server's binary log.
fn written(seen: &Seen<'_>, side: Side) -> Result<Vec<String>> {
    let rows = seen.rows(side, seen.pair.at(side).dialect.binlog_position())?;
    let Some(row) = rows.first() else { return options(seen, side) };
    let mut found = Vec::new();
    for name in ["Binlog_Do_DB", "Binlog_Ignore_DB"] {
        let Some(value) = row.get(name) else {
            let answer = format!("the server returned no {name}");
            return Err(Failure::permanent("read the server's filters", answer).at(seen.name(side)));
        };
        if !value.is_empty() {
            found.push(format!("{} is {value}", name.to_lowercase()));
        }
    }
    Ok(found)
}

/// The options for it that a server without a binary log was started with.
fn options(seen: &Seen<'_>, side: Side) -> Result<Vec<String>> {
    let folder = seen.variable(side, "datadir").trim_end_matches('/');
    let lines = seen.text(&started_with(seen.pair, side))?.lines();
    let of_it = lines.filter_map(|line| line.split_once('\t').filter(|(its, _)| its.trim_end_matches('/') == folder));
    let option = |(_, word): (&str, &str)| word.trim_start_matches('-').replace('-', "_").replacen('=', " is ", 1);
    Ok(of_it.map(option).collect())
}

/// Filters of a server's appliers: of all, and of each channel.
fn applied(seen: &Seen<'_>, side: Side) -> Result<Vec<String>> {
    let dialect = seen.pair.at(side).dialect;
    let mut found: Vec<(String, String)> =
        READ[1..].iter().map(|name| ((*name).to_owned(), seen.variable(side, name).to_owned())).collect();
    for channel in seen.rows(side, dialect.all_channels())?.iter() {
        let columns = channel.pairs().filter(|(name, _)| name.starts_with("Replicate_"));
        found.extend(columns.map(|(name, value)| (name.to_lowercase(), value.unwrap_or_default().to_owned())));
    }
    if let Some(text) = dialect.applier_filters() {
        for row in seen.rows(side, text)?.iter() {
            let text = |name| row.get(name).unwrap_or_default().to_owned();
            found.push((text("name").to_lowercase(), text("value")));
        }
    }
    let mut words: Vec<String> = Vec::new();
    for (name, value) in found.into_iter().filter(|(_, value)| !value.is_empty()) {
        let word = format!("{name} is {value}");
        if !words.contains(&word) {
            words.push(word);
        }
    }
    Ok(words)
}
