//! A connected machine: the runner's own, or one behind an ssh master. Starts programs for any caller.

use super::environment::Environment;
use super::process::{self, Process};
use super::ssh;
use crate::domain::Words;
use crate::error::{Failure, Result};
use crate::playbook::inventory;
use std::path::Path;
use std::time::Duration;
use tokio::sync::{OnceCell, Semaphore};

/// Programs at a time on one ssh connection: sshd allows ten sessions, and kept shells need some of them.
const AT_A_TIME: usize = 6;
/// Marks a connection that does not answer as dead.
const ALIVE_LIMIT: Duration = Duration::from_secs(3);

/// A connected machine.
pub(in crate::effects) struct Machine {
    name: String,
    link: Link,
    pub(super) turns: Semaphore,
    home: OnceCell<String>,
}

/// Longest time to ask for a home folder.
const HOME_LIMIT: Duration = Duration::from_secs(10);
/// Prints the home folder, according to the login, or else to the list of accounts.
const HOME: &str = "[ -n \"${HOME-}\" ] || HOME=$(getent passwd \"$(id -u)\" | cut -d: -f6); printf %s \"$HOME\"";

/// How programs get there.
pub(super) enum Link {
    /// With the environment of its programs.
    Local(Environment),
    Ssh(ssh::Master),
}

impl Machine {
    /// Reaches the host `name` according to `access`: see [`super::Host::connect`].
    pub(in crate::effects) async fn connect(name: &str, access: &inventory::Host, control_dir: &Path) -> Result<Self> {
        let link = match &access.ssh {
            None => Link::Local(Environment::with(&access.pass_env)),
            Some(destination) => {
                let way = ssh::Way { name, destination, config: access.ssh_config.as_deref() };
                Link::Ssh(way.connect(control_dir).await?)
            }
        };
        Ok(Self { name: name.to_owned(), link, turns: Semaphore::new(AT_A_TIME), home: OnceCell::new() })
    }

    /// Its name in the inventory.
    pub(in crate::effects) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn link(&self) -> &Link {
        &self.link
    }

    /// The home folder of the account that cutover uses there, asked once: paths below it in a plan start here.
    pub(in crate::effects) async fn home(&self) -> Result<&str> {
        let ask = async || {
            let ran = self.look_after(HOME, &[], HOME_LIMIT).await?;
            let help =
                "name a folder for `work_dir` (and `dump_dir`) of this host in the inventory, such as /var/lib/cutover";
            match String::from_utf8(ran.stdout) {
                Ok(home) if ran.code == Some(0) && home.starts_with('/') => Ok(home),
                said => Err(Failure::permanent("find the home folder", format!("the host says it is {said:?}"))
                    .at(&self.name)
                    .help(help)),
            }
        };
        self.home.get_or_try_init(ask).await.map(String::as_str)
    }

    /// The folder or file of a plan, as a path of this host.
    pub(in crate::effects) async fn placed(&self, path: &Words) -> Result<Words> {
        if path.is_at_home() { Ok(path.at_home(self.home().await?)) } else { Ok(path.clone()) }
    }

    /// Whether the connection is still alive; answers within three seconds.
    pub(in crate::effects) async fn is_alive(&self) -> bool {
        match &self.link {
            Link::Local(_) => true,
            Link::Ssh(master) => {
                matches!(tokio::time::timeout(ALIVE_LIMIT, master.session.check()).await, Ok(Ok(())))
            }
        }
    }

    /// Starts a program in its own session. Behind ssh it is handed over as a script, because nobody knows what
    /// kind of shell logs in there.
    pub(super) async fn start(&self, argv: &[&str], stdin: bool) -> Result<Process, process::Fault> {
        match &self.link {
            Link::Local(environment) => Process::local(argv, environment, stdin),
            Link::Ssh(master) => {
                Process::over(master.session.clone(), &format!("exec {}", shell_words::join(argv)), stdin).await
            }
        }
    }

    /// Starts a script of `sh` in its own session.
    pub(super) async fn start_script(&self, script: &str, stdin: bool) -> Result<Process, process::Fault> {
        match &self.link {
            Link::Local(environment) => Process::local_session(script, environment, stdin),
            Link::Ssh(master) => Process::over(master.session.clone(), script, stdin).await,
        }
    }

    /// Runs a short script of cutover, outside every queue and lease: for the scripts that maintain the lease itself.
    pub(in crate::effects) async fn look_after(
        &self,
        script: &str,
        args: &[&str],
        limit: Duration,
    ) -> Result<super::Ran> {
        let attempted = || "check or renew the lease".to_owned();
        let failed = |fault: process::Fault| fault.failure(attempted()).at(&self.name);
        let script = format!("set -- {}\n{script}", shell_words::join(args));
        let work = async {
            let process = self.start(&["sh", "-c", &script], false).await.map_err(failed)?;
            process.finish(None, process::KEPT, None).await.map_err(failed)
        };
        tokio::time::timeout(limit, work).await.unwrap_or_else(|_| {
            let answer = format!("no answer within {}", crate::domain::units::Span(limit));
            Err(Failure::transient(attempted(), answer).at(&self.name))
        })
    }

    /// See [`super::Host::forward`].
    pub(in crate::effects) async fn forward(&self, address: &str) -> Result<String> {
        match &self.link {
            Link::Local(_) => Ok(address.to_owned()),
            Link::Ssh(master) => ssh::forward(&master.session, address).await.map_err(|failure| failure.at(&self.name)),
        }
    }

    /// Ends the connection at once, with all that runs over it.
    pub(in crate::effects) async fn close(&self) {
        if let Link::Ssh(master) = &self.link {
            ssh::end_master(&master.socket()).await;
        }
    }
}
