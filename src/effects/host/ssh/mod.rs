//! The ssh master behind a host: opened strictly, explained when it fails, never left behind.
//!
//! Knows ssh's command line and its messages, but nothing about the programs that run over the connection.

mod master;
mod refusal;
mod sockets;

use super::environment::hide_secrets;
use super::process::chain;
use crate::domain::endpoint::Endpoint;
use crate::effects::free_port::free_port_at_once;
use crate::error::{Class, Failure, Result};
pub(super) use master::Master;
use master::NotOpen;
use openssh::{ForwardType, Session, SessionBuilder, Socket};
use refusal::Refusal;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;
use tokio::process::Command;

const CONNECT_LIMIT: Duration = Duration::from_secs(10);
/// A silent line is asked this often whether it is still there, and given up after three times without an answer.
const KEEP_ALIVE: Duration = Duration::from_secs(2);
/// Limit for the whole handshake, jump hosts and slow logins included.
const OPEN_LIMIT: Duration = Duration::from_secs(40);
const END_LIMIT: Duration = Duration::from_secs(3);
/// How long an idle master outlives a runner that was killed, in seconds.
const IDLE_SECONDS: u32 = 600;
/// Number of tries to find a local port that no other program takes in between.
const PORT_TRIES: usize = 5;

/// How a host is reached.
pub(super) struct Way<'a> {
    /// The host's name, for messages.
    pub name: &'a str,
    /// The destination for ssh.
    pub destination: &'a str,
    /// The configuration file, when not the user's.
    pub config: Option<&'a str>,
}

impl Way<'_> {
    /// Opens the master.
    pub async fn connect(&self, control_dir: &Path) -> Result<Master> {
        let folder = sockets::prepare(control_dir)
            .await
            .map_err(|error| self.failure(Failure::permanent("make the folder for ssh's socket", error.to_string())))?;
        match tokio::time::timeout(OPEN_LIMIT, Master::open(self.ssh(&[]), IDLE_SECONDS, &folder)).await {
            Ok(Ok(master)) => Ok(master),
            Ok(Err(NotOpen::NotRun(error))) => Err(self
                .failure(Failure::permanent("run ssh", error.to_string()).help("install the OpenSSH client (`ssh`)"))),
            Ok(Err(NotOpen::Refused(words))) => Err(self.explain(&words).await),
            Err(_) => Err(self.timed_out("no connection within 40 seconds")),
        }
    }

    /// The failure behind ssh's message.
    async fn explain(&self, words: &str) -> Failure {
        let refusal = Refusal::from_words(words);
        if refusal.timed_out() {
            return self.timed_out(refusal.answer());
        }
        let help = refusal.help(&self.shown(), &self.known_hosts().await);
        let class = if refusal.passes() { Class::Transient } else { Class::Permanent };
        let failure = Failure { class, ..Failure::permanent("log in over ssh", refusal.answer()) };
        self.failure(failure.help(help))
    }

    /// The file that ssh keeps the host's key in.
    async fn known_hosts(&self) -> String {
        let output = self.ssh(&["-G"]).stdin(Stdio::null()).output().await;
        let settings = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
        let file = settings.lines().find_map(|line| line.strip_prefix("userknownhostsfile "));
        file.and_then(|files| files.split(' ').next()).unwrap_or("~/.ssh/known_hosts").to_owned()
    }

    /// ssh to this destination, unattended. Of its log only errors are read.
    fn ssh(&self, options: &[&str]) -> Command {
        let as_is = SessionBuilder::default();
        // not every ssh knows the form ssh://user@host:port
        let (resolved, host) = as_is.resolve(self.destination);
        let mut ssh = Command::new("ssh");
        hide_secrets(ssh.as_std_mut());
        ssh.args(options).kill_on_drop(true);
        ssh.args(["-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes", "-o", "LogLevel=ERROR"]);
        ssh.args(["-o", &format!("ConnectTimeout={}", CONNECT_LIMIT.as_secs())]);
        ssh.args(["-o", &format!("ServerAliveInterval={}", KEEP_ALIVE.as_secs())]);
        for (option, value) in [("-F", self.config), ("-l", resolved.get_user()), ("-p", resolved.get_port())] {
            ssh.args(value.map(|value| [option, value]).into_iter().flatten());
        }
        ssh.arg(host);
        ssh
    }

    /// What a person gives to ssh to get there.
    fn shown(&self) -> String {
        let config = self.config.map_or_else(String::new, |config| format!("-F {} ", shell_words::quote(config)));
        format!("{config}{}", self.destination)
    }

    fn timed_out(&self, answer: &str) -> Failure {
        self.failure(
            Failure::transient("log in over ssh", answer)
                .help(format!("check that the host is up and that `ssh {} true` works", self.shown())),
        )
    }

    fn failure(&self, failure: Failure) -> Failure {
        failure.at(self.name).now(format!("nothing was touched on {}", self.name))
    }
}

/// Leads a free local port to `address` (`host:port`, or a socket's path) as seen from the other end.
pub(super) async fn forward(session: &Session, address: &str) -> Result<String> {
    let attempted = || format!("forward a local port to {address}");
    let there = || socket(address);
    there().ok_or_else(|| Failure::permanent(attempted(), "the address is not of the form host:port"))?;
    let mut refused = String::new();
    for _ in 0..PORT_TRIES {
        let local = free_port_at_once().map_err(|error| Failure::permanent(attempted(), error.to_string()))?;
        let listen = Socket::new("127.0.0.1", local);
        let Some(connect) = there() else { break };
        match session.request_port_forward(ForwardType::Local, listen, connect).await {
            Ok(()) => return Ok(format!("127.0.0.1:{local}")),
            Err(openssh::Error::Disconnected) => {
                return Err(Failure::transient(attempted(), "the ssh connection was lost"));
            }
            Err(error) => refused = chain(&error),
        }
    }
    Err(Failure::transient(attempted(), refused))
}

/// Leads `listen` at the other end back to `address` as seen from the runner's machine.
pub(super) async fn forward_back(session: &Session, listen: &str, address: &str) -> Result<()> {
    let attempted = || format!("forward {listen} back to {address}");
    let (Some(there), Some(here)) = (socket(listen), socket(address)) else {
        return Err(Failure::permanent(attempted(), "an address is not of the form host:port"));
    };
    session
        .request_port_forward(ForwardType::Remote, there, here)
        .await
        .map_err(|error| Failure::transient(attempted(), chain(&error)))
}

/// Removes what [`forward_back`] has created.
pub(super) async fn end_forward_back(session: &Session, listen: &str, address: &str) -> Result<()> {
    let (Some(there), Some(here)) = (socket(listen), socket(address)) else { return Ok(()) };
    session
        .close_port_forward(ForwardType::Remote, there, here)
        .await
        .map_err(|error| Failure::transient(format!("end the forward of {listen}"), chain(&error)))
}

fn socket(address: &str) -> Option<Socket<'_>> {
    if address.starts_with('/') {
        return Some(Socket::UnixSocket { path: Path::new(address).into() });
    }
    let at = Endpoint::parse(address)?;
    Some(Socket::new(at.host, at.number()?))
}

/// Ends the master that listens on this socket, with all that runs over it.
pub(super) async fn end_master(socket: &Path) {
    let mut ssh = Command::new("ssh");
    hide_secrets(ssh.as_std_mut());
    ssh.arg("-S").arg(socket).args(["-O", "exit", "cutover"]);
    ssh.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
    // A master that is gone already, or hangs, is no news here: it ends by itself when idle.
    let _ = tokio::time::timeout(END_LIMIT, ssh.status()).await;
}
