//! The commands of the inventory that start or restart a server and make an application read its file again: they are
//! needed in the middle of a switch or of a rollback, when a mistyped command would do most harm.

use super::super::ask::Ask;
use super::super::check::Check;
use super::super::pair::{Pair, Source, Target};
use super::super::seen::Seen;
use super::super::verdict::{Verdict, count};
use crate::error::Result;
use crate::kinds::support::server_command;
use crate::sh;

pub const CHECK: Check = Check::blocking("start_command", judge)
    .asks(|pair| commands(pair).into_iter().flat_map(|command| command.looks).map(|(_, ask)| ask).collect());

/// A command with what is asked of its host, and what is wrong when the answer is not `yes`.
struct Command {
    looks: Vec<(String, Ask)>,
}

fn commands(pair: &Pair<'_>) -> Vec<Command> {
    let mut commands = Vec::new();
    let mut add = |field: String, host: &str, argv: &[String]| {
        let look = |look: server_command::Look| {
            let script = sh!("if {}; then echo yes; else echo no; fi", look.script);
            (format!("{field}: {}", look.fault), Ask::Run { host: host.to_owned(), script })
        };
        let looks: Vec<(String, Ask)> = server_command::looks(argv).into_iter().map(look).collect();
        if !looks.is_empty() {
            commands.push(Command { looks });
        }
    };
    for place in [Source, Target].map(|side| pair.at(side)) {
        let server = place.server;
        add(format!("servers.{}.start", place.name), &server.host, &server.start);
        add(format!("servers.{}.restart", place.name), &server.host, &server.restart);
    }
    if let Some((name, application)) = pair.application
        && let Some(config) = &application.config
    {
        add(format!("applications.{name}.reload"), &config.host, &application.reload);
    }
    commands
}

fn judge(seen: &Seen<'_>) -> Result<Verdict> {
    let (commands, mut found) = (commands(seen.pair), Vec::new());
    for command in &commands {
        for (fault, ask) in &command.looks {
            if seen.text(ask)?.lines().last() != Some("yes") {
                found.push(Verdict::block(fault, "correct it in the inventory, or remove it"));
                break; // what comes after would say the same in other words
            }
        }
    }
    let fine = match commands.len() {
        0 => "the inventory names no command that starts or reloads anything".to_owned(),
        number => format!("{} can be run", count(number, "command", "commands")),
    };
    Ok(Verdict::worst_of(found, fine))
}
