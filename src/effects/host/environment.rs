//! The environment of programs on the runner's own machine: the variables of a login, and those that the inventory
//! passes.
//!
//! Variables that were exported for another program, or set in the unit of a service, do not change what a step does,
//! and no password is visible in `/proc`.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use tokio::process::Command;

/// Variables of a login. The paths of its agents are among them: `ssh` for a tunnel needs its agent.
const OF_A_LOGIN: [&str; 12] = [
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "SHELL",
    "LANG",
    "LANGUAGE",
    "TZ",
    "TMPDIR",
    "SSH_AUTH_SOCK",
    "XDG_RUNTIME_DIR",
    "DBUS_SESSION_BUS_ADDRESS",
];

/// Variables of the runner's environment that hold secrets of the inventory.
static SECRET_VARIABLES: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// Keeps a variable of the runner's environment from every program that it starts.
pub(in crate::effects) fn hide_variable(name: &str) {
    SECRET_VARIABLES.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned());
}

/// Takes the variables that hold secrets out of what a program finds that is started with all else: `ssh`, whose
/// configuration may start programs of the user's own, and programs that print a secret.
pub fn hide_secrets(command: &mut std::process::Command) {
    for name in SECRET_VARIABLES.lock().unwrap_or_else(PoisonError::into_inner).iter() {
        command.env_remove(name);
    }
}

/// Which variables of the runner are passed on.
#[derive(Debug, Clone, Default)]
pub(in crate::effects) struct Environment(BTreeSet<String>);

impl Environment {
    /// Those of a login and these.
    pub fn with(passed: &[String]) -> Self {
        Self(passed.iter().cloned().collect())
    }

    /// Lets `command` find them and nothing else.
    pub fn set(&self, command: &mut Command) {
        let found = std::env::vars_os().filter(|(name, _)| name.to_str().is_some_and(|name| self.passes(name)));
        command.env_clear().envs(found);
    }

    fn passes(&self, name: &str) -> bool {
        let is_asked_for = OF_A_LOGIN.contains(&name) || name.starts_with("LC_") || self.0.contains(name);
        is_asked_for && !SECRET_VARIABLES.lock().unwrap_or_else(PoisonError::into_inner).contains(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_finds_what_a_login_has_and_what_is_passed() {
        let environment = Environment::with(&["AWS_PROFILE".into(), "DB_PASSWORD".into()]);
        hide_variable("DB_PASSWORD");
        for (name, passes) in [
            ("PATH", true),
            ("LC_ALL", true),
            ("AWS_PROFILE", true),
            ("DB_PASSWORD", false),
            ("LD_PRELOAD", false),
            ("BASH_ENV", false),
            ("MYSQL_PWD", false),
        ] {
            assert_eq!(environment.passes(name), passes, "{name}");
        }
    }
}
