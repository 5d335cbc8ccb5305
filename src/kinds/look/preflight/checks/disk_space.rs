//! Room for the data, the dump, and the logs of both servers.

use super::super::ask::Ask;
use super::super::check::{Check, Occasion};
use super::super::pair::{Pair, Source};
use super::super::seen::Seen;
use super::super::verdict::Verdict;
use crate::domain::Words;
use crate::domain::script::argument;
use crate::domain::units::Bytes;
use crate::error::{Failure, Result};
use crate::playbook::forecast::{dump_bytes, dump_seconds, import_seconds};
use crate::sh;
use std::time::Duration;

pub const CHECK: Check = Check::blocking("disk_space", judge).only_before(Occasion::Copy).asks(|pair| {
    let size = Ask::sql(Source, pair.source.dialect.total_size(pair.databases));
    let pace = Ask::Pace { side: Source, text: pair.source.dialect.redo_written().into() };
    [Some(size), Some(pace), data(pair), dump(pair), logs(pair)].into_iter().flatten().collect()
});

/// The device that a folder is on, or will be on, and the bytes that are free there.
fn free(host: &str, folder: impl Into<Words>) -> Ask {
    let script = sh!(
        "d={}; while [ ! -d \"$d\" ]; do d=$(dirname -- \"$d\"); done; df -PB1 -- \"$d\" | awk 'NR==2 {{print $1, $4}}'",
        argument(folder)
    );
    Ask::Run { host: host.to_owned(), script }
}

fn data(pair: &Pair<'_>) -> Option<Ask> {
    Some(free(&pair.target.server.host, pair.target.server.data_dir.as_deref()?))
}
fn dump(pair: &Pair<'_>) -> Option<Ask> {
    Some(free(&pair.target.server.host, &pair.target.dump_dir))
}
fn logs(pair: &Pair<'_>) -> Option<Ask> {
    let server = pair.source.server;
    Some(free(&server.host, server.log_dir.as_deref().or(server.data_dir.as_deref())?))
}

fn judge(seen: &Seen<'_>) -> Result<Verdict> {
    let bytes = seen.data_bytes()?;
    let changes = changes(seen, bytes)?;
    // what is changed during the copy is kept there in relay logs, until it is applied
    let (data_needs, dump_needs) = (bytes + bytes / 10 + changes, dump_bytes(bytes));
    let mut found = Vec::new();
    let dump_place = dump(seen.pair).map(|ask| place(seen, &ask)).transpose()?;
    let data_place = data(seen.pair).map(|ask| place(seen, &ask)).transpose()?;
    let mut need = |what: &str, free: u64, needed: u64| {
        if free < needed {
            let evidence =
                format!("{what}: free space on the target's host is {}, needed are {}", Bytes(free), Bytes(needed));
            found.push(Verdict::block(evidence, "free space there, or name a folder on a larger disk"));
        }
    };
    match (&data_place, &dump_place) {
        (Some((one, free)), Some((other, _))) if one == other => need("data and dump", *free, data_needs + dump_needs),
        (data, dump) => {
            for (what, place, needed) in [("data", data, data_needs), ("dump", dump, dump_needs)] {
                if let Some((_, free)) = place {
                    need(what, *free, needed);
                }
            }
        }
    }
    if data_place.is_none() {
        let evidence = "the inventory does not state the target's data directory";
        found.push(Verdict::warn(evidence, "state `data_dir` of the target"));
    }
    let logs_place = logs(seen.pair).map(|ask| place(seen, &ask)).transpose()?;
    if let Some((_, free)) = logs_place.filter(|(_, free)| *free < (bytes / 10).max(changes)) {
        let evidence = format!(
            "free space for the source's binary logs is only {}; during the copy they need about {} (estimate)",
            Bytes(free),
            Bytes(changes.max(bytes / 10))
        );
        let verdict = if free < changes { Verdict::block } else { Verdict::warn };
        found.push(verdict(evidence, "free space there before the dump"));
    }
    let free = data_place.map_or(0, |(_, free)| free);
    Ok(Verdict::worst_of(found, format!("free space: {}, for {} of data", Bytes(free), Bytes(bytes))))
}

/// Bytes that are written while the data is copied, at the rate of now.
fn changes(seen: &Seen<'_>, bytes: u64) -> Result<u64> {
    let pace = seen.pace(Source, seen.pair.source.dialect.redo_written())?;
    let seconds = Duration::from_secs(dump_seconds(bytes) + import_seconds(bytes));
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "positive; an estimate saturates")]
    let changes = (pace * seconds.as_secs_f64()) as u64;
    Ok(changes)
}

fn place(seen: &Seen<'_>, ask: &Ask) -> Result<(String, u64)> {
    let printed = seen.text(ask)?.trim();
    let read = printed.rsplit_once(' ').and_then(|(device, free)| Some((device.to_owned(), free.parse().ok()?)));
    read.ok_or_else(|| Failure::permanent("read the free space", format!("df printed `{printed}`")))
}
