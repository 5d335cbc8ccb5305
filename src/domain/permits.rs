//! What a piece of work may do: what its plan states, and nothing else.

use super::admits::fits_words;
use super::{Action, Contents, Script, Sql, Words};
use std::collections::{HashMap, HashSet};

/// What a step states in its plan, as a list of what may be done for it.
#[derive(Debug, Default)]
pub struct Permits {
    /// Actions by the server or host that they are for.
    by_place: HashMap<String, Vec<Action>>,
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

    /// Whether `statement` may be sent to `server`.
    #[must_use]
    pub fn statement(&self, server: &str, statement: &Sql) -> bool {
        self.any(server, |action| {
            matches!(action, Action::Sql { statement: planned, .. } if planned.text().admits(statement.text()))
        })
    }

    /// Whether a login to `server` may be tried as `user` from `host` at `address`.
    #[must_use]
    pub fn login(&self, server: &str, user: &Words, from: &str, at: &Words) -> bool {
        self.any(server, |action| match action {
            Action::Login { user: planned, host, address, .. } => {
                host == from && fits_words(planned, user) && fits_words(address, at)
            }
            _ => false,
        })
    }

    /// Whether `script` may be run on `host`, with `given` to read.
    #[must_use]
    pub fn script(&self, host: &str, script: &Script, given: Option<&Contents>) -> bool {
        self.any(host, |action| match action {
            Action::Command { command, input, .. } => {
                command.text().admits(script.text()) && same_input(input.as_ref(), given)
            }
            Action::Look { command, .. } => given.is_none() && command.text().admits(script.text()),
            _ => false,
        })
    }

    /// Whether `script` may be started on `host` as a job in `folder`.
    #[must_use]
    pub fn job(&self, host: &str, folder: &Words, script: &Script, told_by: &Script) -> bool {
        self.any(host, |action| match action {
            Action::Job { folder: planned, command, progress, .. } => {
                fits_words(planned, folder)
                    && command.text().admits(script.text())
                    && progress.text().admits(told_by.text())
            }
            _ => false,
        })
    }

    /// Whether a job in `folder` on `host` may be looked at, and ended.
    #[must_use]
    pub fn folder(&self, host: &str, folder: &Words) -> bool {
        self.any(host, |action| match action {
            Action::Job { folder: planned, .. } | Action::End { folder: planned, .. } => fits_words(planned, folder),
            _ => false,
        })
    }

    /// Whether `content` may be written to the file `path` of `host`.
    #[must_use]
    pub fn write(&self, host: &str, path: &Words, content: &Contents) -> bool {
        self.any(host, |action| match action {
            Action::File { path: planned, content: stated, .. } => {
                fits_words(planned, path) && stated.text().admits(content.text())
            }
            _ => false,
        })
    }

    /// Whether the file `path` of `host` may be read: what is written may be read back too.
    #[must_use]
    pub fn read(&self, host: &str, path: &Words) -> bool {
        self.any(host, |action| match action {
            Action::Read { path: planned, .. } | Action::File { path: planned, .. } => fits_words(planned, path),
            _ => false,
        })
    }

    /// Whether the file `path` of `host` may be removed.
    #[must_use]
    pub fn remove(&self, host: &str, path: &Words) -> bool {
        self.any(host, |action| matches!(action, Action::Remove { path: planned, .. } if fits_words(planned, path)))
    }

    /// Whether `said` may be sent to the socket `at` of `host`.
    #[must_use]
    pub fn socket(&self, host: &str, at: &Words, said: &Words) -> bool {
        self.any(host, |action| match action {
            Action::Socket { path, line, .. } => fits_words(path, at) && fits_words(line, said),
            _ => false,
        })
    }

    /// Whether a connection may be made to `at` as seen from `host`.
    #[must_use]
    pub fn connect(&self, host: &str, at: &Words) -> bool {
        self.any(host, |action| matches!(action, Action::Connect { address, .. } if fits_words(address, at)))
    }

    /// Whether `listens` of `host` may lead to `leads` of the host `other`.
    #[must_use]
    pub fn forward(&self, host: &str, listens: &Words, other: &str, leads: &Words) -> bool {
        self.any(host, |action| match action {
            Action::Forward { listen, to, address, .. } => {
                to == other && fits_words(listen, listens) && fits_words(address, leads)
            }
            _ => false,
        })
    }

    fn any(&self, place: &str, is_it: impl Fn(&Action) -> bool) -> bool {
        self.by_place.get(place).into_iter().flatten().any(is_it)
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
        let stated = [Action::sql("target", drop(Words::late("each"))), Action::sql("source", "SELECT 1")];
        let permits = Permits::new(&stated);
        assert!(permits.statement("target", &drop("shop".into())));
        assert!(permits.statement("source", &Sql::from("SELECT 1")));
        assert!(
            !permits.statement("source", &drop("shop".into())) && !permits.statement("other", &Sql::from("SELECT 1"))
        );
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
        assert!(permits.script("new", &remove("r1"), None) && !permits.script("old", &remove("r1"), None));
        assert!(!permits.script("new", &remove("r1"), Some(&"x".into())), "it is given nothing to read");
        assert!(!permits.script("new", &Script::words(["rm", "-f", "--", "/work/r1"]), None), "other words");
        assert!(permits.write("new", &path("r1"), &Contents::plain("x")) && permits.read("new", &path("r1")));
        assert!(
            !permits.write("new", &"/etc/passwd".into(), &Contents::plain("x")) && !permits.remove("new", &path("r1"))
        );
        assert!(permits.job("new", &path("r1"), &Script::words(["sleep", "1"]), &"".into()));
        assert!(!permits.job("new", &path("r1"), &Script::words(["sleep", "2"]), &"".into()));
        assert!(permits.folder("new", &path("r1")) && !permits.folder("new", &"/work".into()));
        assert!(!permits.socket("new", &late, &late) && !permits.connect("new", &path("r1")));
    }
}
