//! What a piece of work may do: what its plan states, and nothing else.

use super::admits::fits_words;
use super::{Action, Contents};
use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, PoisonError};

/// What a step states in its plan, as a list of what may be done for it.
#[derive(Debug, Default)]
pub struct Permits {
    /// Actions by the server or host that they are for.
    by_place: HashMap<String, Vec<Action>>,
    /// What was asked for and does not stand there.
    refused: Mutex<Vec<String>>,
}

impl Permits {
    /// These, and nothing else.
    #[must_use]
    pub fn new<'a>(actions: impl IntoIterator<Item = &'a Action>) -> Self {
        let (mut permits, mut known) = (Self::default(), HashSet::new());
        for action in actions {
            let place = match action {
                Action::Sql { server, .. } | Action::Login { server, .. } => server,
                other => match other.host() {
                    Some(host) => host,
                    None => continue,
                },
            };
            if known.insert(action) {
                permits.by_place.entry(place.to_owned()).or_default().push(action.clone());
            }
        }
        permits
    }

    /// Whether `asked`, of which every value is known, stands there. What does not is kept for [`Permits::refused`].
    #[must_use]
    pub fn admits(&self, asked: &Action) -> bool {
        let place = match asked {
            Action::Sql { server, .. } | Action::Login { server, .. } => Some(server.as_str()),
            other => other.host(),
        };
        let planned = place.and_then(|place| self.by_place.get(place)).into_iter().flatten();
        let stands_there = planned.into_iter().any(|planned| admits(planned, asked));
        if !stands_there {
            self.refused.lock().unwrap_or_else(PoisonError::into_inner).push(asked.to_string());
        }
        stands_there
    }

    /// What was asked for and did not stand there.
    #[must_use]
    pub fn refused(&self) -> Vec<String> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Whether a planned action lets another one through, which is for the same place.
fn admits(planned: &Action, asked: &Action) -> bool {
    use Action::{Command, Connect, End, File, Forward, Job, Login, Look, Read, Remove, Socket, Sql};
    match (planned, asked) {
        (Sql { statement: planned, .. }, Sql { statement, .. }) => planned.text().admits(statement.text()),
        (Login { user: planned, host: from, address: at, .. }, Login { user, host, address, .. }) => {
            from == host && fits_words(planned, user) && fits_words(at, address)
        }
        (Command { command: planned, input: stated, .. }, Command { command, input, .. }) => {
            planned.text().admits(command.text()) && same_input(stated.as_ref(), input.as_ref())
        }
        (Look { command: planned, .. }, Command { command, input: None, .. }) => planned.text().admits(command.text()),
        (Job { folder: within, command: planned, progress: told, .. }, Job { folder, command, progress, .. }) => {
            fits_words(within, folder) && planned.text().admits(command.text()) && told.text().admits(progress.text())
        }
        // a job that may be started may be checked, and ended
        (Job { folder: planned, .. } | End { folder: planned, .. }, End { folder, .. }) => fits_words(planned, folder),
        (File { path: planned, content: stated, .. }, File { path, content, .. }) => {
            fits_words(planned, path) && stated.text().admits(content.text())
        }
        // what is written may be read back too
        (Read { path: planned, .. } | File { path: planned, .. }, Read { path, .. })
        | (Remove { path: planned, .. }, Remove { path, .. })
        | (Connect { address: planned, .. }, Connect { address: path, .. }) => fits_words(planned, path),
        (Socket { path: at, line: said, .. }, Socket { path, line, .. }) => {
            fits_words(at, path) && fits_words(said, line)
        }
        (Forward { listen: from, to: planned, address: at, .. }, Forward { listen, to, address, .. }) => {
            planned == to && fits_words(from, listen) && fits_words(at, address)
        }
        _ => false,
    }
}

fn same_input(planned: Option<&Contents>, given: Option<&Contents>) -> bool {
    match (planned, given) {
        (None, None) => true,
        (Some(planned), Some(given)) => planned.text().admits(given.text()),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::Permits;
    use crate::domain::script::argument;
    use crate::domain::sql::identifier;
    use crate::domain::{Action, Contents, Script, Sql, Words};
    use crate::{sh, sql};

    #[test]
    fn what_is_not_stated_for_a_server_is_not_sent_to_it() {
        let drop = |name: Words| sql!("DROP DATABASE {}", identifier(name));
        let sent = |server: &str, statement: Sql| Action::Sql { server: server.into(), statement };
        let stated = [Action::sql("target", drop(Words::late("each"))), Action::sql("source", "SELECT 1")];
        let permits = Permits::new(&stated);
        assert!(
            permits.admits(&sent("target", drop("shop".into()))) && permits.admits(&sent("source", "SELECT 1".into()))
        );
        assert_eq!(permits.refused(), [""; 0]);
        assert!(!permits.admits(&sent("source", drop("shop".into()))));
        assert!(!permits.admits(&sent("other", "SELECT 1".into())));
        assert_eq!(permits.refused(), ["source> DROP DATABASE `shop`", "other> SELECT 1"]);
    }

    #[test]
    fn what_is_not_stated_for_a_host_is_not_done_there() {
        let path = |name: &str| Words::from(format!("/work/{name}"));
        let remove = |name: &str| sh!("rm -f -- {}", argument(path(name)));
        let late = path("").then(Words::late("run"));
        let stated = [
            Action::command("new", sh!("rm -f -- {}", argument(&late))),
            Action::file("new", &late, &Contents::plain(Words::late("text"))),
            Action::job("new", &late, Script::words(["sleep", "1"]), ""),
        ];
        let permits = Permits::new(&stated);
        let text = Contents::plain("x");
        for fine in [
            Action::command("new", remove("r1")),
            Action::file("new", path("r1"), &text),
            Action::read("new", path("r1")),
            Action::job("new", path("r1"), Script::words(["sleep", "1"]), ""),
            Action::end("new", path("r1")),
        ] {
            assert!(permits.admits(&fine), "{fine}");
        }
        for other in [
            Action::command("old", remove("r1")),
            Action::command_with("new", remove("r1"), &text), // it is given nothing to read
            Action::command("new", Script::words(["rm", "-f", "--", "/work/r1"])), // other words
            Action::file("new", "/etc/passwd", &text),
            Action::remove("new", path("r1")),
            Action::job("new", path("r1"), Script::words(["sleep", "2"]), ""),
            Action::end("new", "/work"),
            Action::socket("new", path("r1"), "x"),
            Action::connect("new", path("r1")),
        ] {
            assert!(!permits.admits(&other), "{other}");
        }
    }
}
