//! The command that starts a server which is down: it is needed by a rollback, when nobody wants to find out that it is
//! mistyped.

use super::super::ask::Ask;
use super::super::check::Check;
use super::super::pair::{Pair, Source, Target};
use super::super::seen::Seen;
use super::super::verdict::Verdict;
use crate::error::Result;
use crate::steps::server_command;

pub const CHECK: Check =
    Check::blocking("start_command", judge).asks(|pair| looks(pair).into_iter().map(|(_, ask)| ask).collect());

/// What is wrong when it does not print `yes`, and the question.
fn looks(pair: &Pair<'_>) -> Vec<(String, Ask)> {
    let sides = [Source, Target].map(|side| pair.at(side));
    let looks = sides.into_iter().flat_map(|place| {
        server_command::looks(&place.server.start).into_iter().map(move |look| {
            let script = format!("if {}; then echo yes; else echo no; fi", look.script);
            (
                format!("servers.{}.start: {}", place.name, look.fault),
                Ask::Run { host: place.server.host.clone(), script },
            )
        })
    });
    looks.collect()
}

fn judge(seen: &Seen<'_>) -> Result<Verdict> {
    let mut found = Vec::new();
    for (fault, ask) in looks(seen.pair) {
        if seen.text(&ask)?.lines().last() != Some("yes") {
            found.push(Verdict::block(fault, "correct it in the inventory, or take it out"));
        }
    }
    found.truncate(1); // what comes after would say the same in other words
    let given = [Source, Target].iter().any(|side| !seen.pair.at(*side).server.start.is_empty());
    let fine = if given { "the commands that start a server can be run" } else { "no server has a `start` command" };
    Ok(Verdict::worst_of(found, fine))
}
