//! A machine: the runner's own, or one behind ssh.
//!
//! May know how a host is reached (inventory) and how programs are started; nothing of what they do.

mod process;
mod ssh;

pub(super) use process::Process;

use super::Shell;
use crate::error::{Failure, Result};
use crate::playbook::inventory;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

/// Programs at a time on one ssh connection: sshd allows ten sessions, and kept shells need some of them.
const AT_A_TIME: usize = 6;
/// How many lines of a script's complaint go into a failure.
const COMPLAINT_LINES: usize = 10;
/// Marks a connection that does not answer as dead.
const ALIVE_LIMIT: Duration = Duration::from_secs(3);

const WRITE_FILE: &str = include_str!("host/write_file.sh");

/// A connected machine.
pub struct Host {
    name: String,
    link: Link,
    turns: Semaphore,
}

/// How programs get there.
enum Link {
    Local,
    Ssh(Arc<openssh::Session>),
}

/// What a program left behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ran {
    /// Exit code; 127 when there is no such program, `None` when a signal ended it.
    pub code: Option<i32>,
    /// What it printed.
    pub stdout: Vec<u8>,
    /// What it complained of.
    pub stderr: String,
}

impl Host {
    /// Reaches the host `name` as `access` says. The socket of its ssh master goes to a folder of this process in
    /// `control_dir` (made with mode 0700; a short folder in `/tmp` when its path is too long for a socket), and
    /// masters that dead runners left there are ended.
    ///
    /// # Errors
    /// When it cannot be reached or its key is not known; transient only when nothing answered in time.
    pub async fn connect(name: &str, access: &inventory::Host, control_dir: &Path) -> Result<Self> {
        let link = match &access.ssh {
            None => Link::Local,
            Some(destination) => {
                let way = ssh::Way { name, destination, config: access.ssh_config.as_deref() };
                Link::Ssh(Arc::new(way.connect(control_dir).await?))
            }
        };
        Ok(Self { name: name.to_owned(), link, turns: Semaphore::new(AT_A_TIME) })
    }

    /// Its name in the inventory.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it is the runner's own machine.
    #[must_use]
    pub fn is_local(&self) -> bool {
        matches!(self.link, Link::Local)
    }

    /// Whether the connection still stands; answers within three seconds. A frozen network is noticed by ssh itself
    /// only after some 6 seconds.
    pub async fn is_alive(&self) -> bool {
        match &self.link {
            Link::Local => true,
            Link::Ssh(session) => matches!(tokio::time::timeout(ALIVE_LIMIT, session.check()).await, Ok(Ok(()))),
        }
    }

    /// Runs a program with exactly these arguments, no shell between; `stdin` is empty when missing. A local program
    /// is killed when the call is dropped; one behind ssh only loses its streams.
    ///
    /// # Errors
    /// When it could not be started, or the connection was lost (transient). An exit code is not an error.
    pub async fn run(&self, argv: &[&str], stdin: Option<&[u8]>) -> Result<Ran> {
        // The semaphore is never closed, so there is always a turn.
        let _turn = self.turns.acquire().await.ok();
        let attempted = || format!("run `{}`", argv.first().copied().unwrap_or_default());
        let process = match self.start(argv, stdin.is_some()).await {
            Ok(process) => process,
            Err(process::Fault::Missing) => return Ok(missing(argv)),
            Err(fault) => return Err(fault.failure(attempted()).at(&self.name)),
        };
        let ran = process.finish(stdin).await.map_err(|fault| fault.failure(attempted()).at(&self.name))?;
        // The mux protocol has no word for signals: no code means one, or that the connection is gone.
        if ran.code.is_none() && !self.is_alive().await {
            return Err(process::Fault::Lost.failure(attempted()).at(&self.name));
        }
        Ok(ran)
    }

    /// Runs `sh -c SCRIPT sh ARGS…` and gives back what it printed, without the last newline.
    ///
    /// # Errors
    /// When it ends with another code than 0: the last lines of its complaint are the answer.
    pub async fn sh(&self, script: &str, args: &[&str], stdin: Option<&[u8]>) -> Result<String> {
        self.sh_for("run a script", script, args, stdin).await
    }

    /// Like [`Host::sh`], with the clause to be used after "could not".
    pub(super) async fn sh_for(
        &self,
        attempted: &str,
        script: &str,
        args: &[&str],
        stdin: Option<&[u8]>,
    ) -> Result<String> {
        let command = [&["sh", "-c", script, "sh"], args].concat();
        let ran = self.run(&command, stdin).await?;
        if ran.code == Some(0) {
            return Ok(trimmed(&ran.stdout));
        }
        Err(Failure::permanent(attempted, complaint(ran.code, &ran.stderr)).at(&self.name))
    }

    /// What is in a file; `None` when there is none.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn read_file(&self, path: &str) -> Result<Option<Vec<u8>>> {
        let ran = self.run(&["env", "LC_ALL=C", "cat", "--", path], None).await?;
        match ran.code {
            Some(0) => Ok(Some(ran.stdout)),
            Some(1) if ran.stderr.contains("No such file or directory") => Ok(None),
            code => Err(Failure::permanent(format!("read {path}"), complaint(code, &ran.stderr)).at(&self.name)),
        }
    }

    /// Replaces a file in one instant, durably; links are followed. Without `mode` (permission bits) an existing file
    /// keeps its mode and owner, and a new one is 0600. Missing folders are made with mode 0700.
    ///
    /// # Errors
    /// When it cannot be written; the old content stands then.
    pub async fn write_file(&self, path: &str, content: &[u8], mode: Option<u32>) -> Result<()> {
        let mode = mode.map_or_else(String::new, |mode| format!("{mode:04o}"));
        let size = content.len().to_string();
        self.sh_for(&format!("write {path}"), WRITE_FILE, &[path, &mode, &size], Some(content)).await.map(drop)
    }

    /// Removes a file; a missing one is fine.
    ///
    /// # Errors
    /// When it is there and cannot be removed.
    pub async fn remove_file(&self, path: &str) -> Result<()> {
        self.sh_for(&format!("remove {path}"), "exec rm -f -- \"$1\"", &[path], None).await.map(drop)
    }

    /// An address on the runner's machine that leads to `address` (`host:port`, or a socket's path) as seen from this host. It lasts as
    /// long as the connection; whether anyone listens at `address` shows only when it is used.
    ///
    /// # Errors
    /// When the address is none, or the connection was lost.
    pub async fn forward(&self, address: &str) -> Result<String> {
        match &self.link {
            Link::Local => Ok(address.to_owned()),
            Link::Ssh(session) => ssh::forward(session, address).await.map_err(|failure| failure.at(&self.name)),
        }
    }

    /// Makes `listen` on this host lead back to `address` as seen from the runner's machine, as long as the connection
    /// lasts.
    ///
    /// # Errors
    /// When it is the runner's own machine, the address is taken, or the connection was lost.
    pub async fn forward_back(&self, listen: &str, address: &str) -> Result<()> {
        match &self.link {
            Link::Local => Err(Failure::permanent("forward back", "this is the runner's own machine").at(&self.name)),
            Link::Ssh(session) => {
                ssh::forward_back(session, listen, address).await.map_err(|failure| failure.at(&self.name))
            }
        }
    }

    /// Takes back what [`Host::forward_back`] has made.
    ///
    /// # Errors
    /// When nothing of that kind is there, or the connection was lost.
    pub async fn end_forward_back(&self, listen: &str, address: &str) -> Result<()> {
        match &self.link {
            Link::Local => Ok(()),
            Link::Ssh(session) => {
                ssh::end_forward_back(session, listen, address).await.map_err(|failure| failure.at(&self.name))
            }
        }
    }

    /// A shell kept open there, for commands that must not cost a process start each.
    ///
    /// # Errors
    /// When it cannot be started.
    pub async fn shell(&self) -> Result<Shell> {
        let process = self.start(&["sh"], true).await;
        process
            .map(|process| Shell::new(&self.name, process))
            .map_err(|fault| fault.failure("open a shell").at(&self.name))
    }

    /// Ends the connection at once, with all that runs over it. A dropped host's ssh master ends as soon as nothing
    /// runs over it any more.
    pub async fn close(self) {
        if let Link::Ssh(session) = &self.link {
            ssh::end_master(session.control_socket()).await;
        }
    }

    async fn start(&self, argv: &[&str], stdin: bool) -> Result<Process, process::Fault> {
        match &self.link {
            Link::Local => Process::local(argv, stdin),
            Link::Ssh(session) => Process::over(session.clone(), argv, stdin).await,
        }
    }
}

/// The same answer for a missing program that a shell gives.
fn missing(argv: &[&str]) -> Ran {
    let program = argv.first().copied().unwrap_or_default();
    Ran { code: Some(127), stdout: Vec::new(), stderr: format!("{program}: not found\n") }
}

/// Printed text without its last newline.
fn trimmed(stdout: &[u8]) -> String {
    let text = String::from_utf8_lossy(stdout);
    text.strip_suffix('\n').unwrap_or(&text).to_owned()
}

/// A program's end and last words, for a failure.
pub(super) fn complaint(code: Option<i32>, stderr: &str) -> String {
    let end = code.map_or_else(|| "it was ended by a signal".to_owned(), |code| format!("it ended with code {code}"));
    let words = last_lines(stderr, COMPLAINT_LINES);
    if words.is_empty() { format!("{end} and said nothing") } else { format!("{end}: {words}") }
}

/// The last `count` lines of a text, without empty ones at its end.
fn last_lines(text: &str, count: usize) -> String {
    let lines: Vec<_> = text.trim_end().lines().collect();
    lines[lines.len().saturating_sub(count)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::{complaint, trimmed};

    #[test]
    fn keeps_the_end_of_what_was_said() {
        let long = ["line 1", "line 2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "line 12", ""].join("\n");
        let said = complaint(Some(3), &long);
        assert!(said.starts_with("it ended with code 3: 3\n"), "{said}");
        assert!(said.ends_with("line 12"), "{said}");
        assert_eq!(complaint(None, "\n"), "it was ended by a signal and said nothing");
        assert_eq!(trimmed(b"a\n\n"), "a\n");
    }
}
