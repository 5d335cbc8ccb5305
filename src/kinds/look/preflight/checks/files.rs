//! Whether the files and folders that the inventory names can be written. Tried, not reasoned: a file of our own is made
//! beside each and removed again. Folders of ours must also be safe from other accounts. Rights, a full or read-only disk and a link to nowhere all show that way.

use super::super::ask::Ask;
use super::super::check::Check;
use super::super::pair::{Pair, Source, Target};
use super::super::seen::Seen;
use super::super::verdict::{Verdict, count};
use crate::error::Result;
use crate::kinds::support::trial_write;

pub const CHECK: Check =
    Check::blocking("files", judge).asks(|pair| places(pair).into_iter().map(|place| place.ask).collect());

/// One file or folder.
struct Place {
    /// Its field in the inventory.
    field: String,
    path: String,
    ask: Ask,
}

fn places(pair: &Pair<'_>) -> Vec<Place> {
    let file = |field: String, host: &str, path: &str| {
        let ask = Ask::Try { host: host.to_owned(), script: trial_write::beside_file(path) };
        Place { field, path: path.to_owned(), ask }
    };
    let mut places = Vec::new();
    for place in [Source, Target].map(|side| pair.at(side)) {
        if let Some(path) = &place.server.config_file {
            places.push(file(format!("servers.{}.config_file", place.name), &place.server.host, path));
        }
        let host = &place.server.host;
        for (field, folder) in [("work_dir", &place.work_dir), ("dump_dir", &place.dump_dir)] {
            let ask = Ask::Try { host: host.clone(), script: trial_write::in_own_folder(folder) };
            places.push(Place { field: format!("hosts.{host}.{field}"), path: folder.to_string(), ask });
        }
    }
    let config = pair.application.and_then(|(name, application)| Some((name, application.config.as_ref()?)));
    if let Some((name, config)) = config {
        places.push(file(format!("applications.{name}.config.path"), &config.host, &config.path));
    }
    places.dedup_by(|one, other| one.ask == other.ask);
    places
}

fn judge(seen: &Seen<'_>) -> Result<Verdict> {
    let (places, mut found) = (places(seen.pair), Vec::new());
    for Place { field, path, ask } in &places {
        let Ask::Try { host, .. } = ask else { continue };
        if let Some(fault) = trial_write::fault(seen.text(ask)?) {
            let evidence = format!("{path} on {host} cannot be written: {fault}");
            found.push(Verdict::block(evidence, format!("fix that on the host, or correct {field} in the inventory")));
        }
    }
    Ok(Verdict::worst_of(
        found,
        format!("{} can be written, tried with a file beside each", count(places.len(), "path", "paths")),
    ))
}
