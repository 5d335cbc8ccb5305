//! The ssh master behind a host: opened strictly, explained when it fails, never left behind.
//!
//! Knows ssh's command line and its messages; nothing of what is run over the connection.

mod refusal;
mod sockets;

use super::process::chain;
use crate::domain::endpoint::Endpoint;
use crate::effects::free_port::free_port_at_once;
use crate::error::{Class, Failure, Result};
use openssh::{ControlPersist, ForwardType, KnownHosts, Session, SessionBuilder, Socket};
use refusal::Refusal;
use std::num::NonZeroUsize;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;
use tokio::process::Command;

const CONNECT_LIMIT: Duration = Duration::from_secs(10);
/// A silent line is asked this often whether it is still there, and given up after three times without an answer.
const KEEP_ALIVE: Duration = Duration::from_secs(2);
/// Over the whole handshake, jump hosts and slow logins included.
const OPEN_LIMIT: Duration = Duration::from_secs(40);
const END_LIMIT: Duration = Duration::from_secs(3);
/// How long an idle master outlives a runner that was killed, in seconds.
const IDLE_SECONDS: NonZeroUsize = NonZeroUsize::MIN.saturating_add(599);
/// Tries to find a local port that nobody takes in between.
const PORT_TRIES: usize = 5;

/// How a host is reached.
pub(super) struct Way<'a> {
    /// The host's name, for messages.
    pub name: &'a str,
    /// What is given to ssh.
    pub destination: &'a str,
    /// The configuration file, when not the user's.
    pub config: Option<&'a str>,
}

impl Way<'_> {
    /// Opens the master.
    pub async fn connect(&self, control_dir: &Path) -> Result<Session> {
        let folder = sockets::prepare(control_dir)
            .await
            .map_err(|error| self.failure(Failure::permanent("make the folder for ssh's socket", error.to_string())))?;
        let builder = self.builder(&folder);
        match tokio::time::timeout(OPEN_LIMIT, builder.connect_mux(self.destination)).await {
            Ok(Ok(session)) => Ok(session),
            Ok(Err(error)) => Err(self.explain(&builder, &error).await),
            Err(_) => Err(self.timed_out("nothing came of it within 40 seconds")),
        }
    }

    fn builder(&self, folder: &Path) -> SessionBuilder {
        let mut builder = SessionBuilder::default();
        // The crate's own cleaning would take away the sockets of other hosts in the same folder.
        builder
            .known_hosts_check(KnownHosts::Strict)
            .control_directory(folder)
            .control_persist(ControlPersist::IdleFor(IDLE_SECONDS))
            .server_alive_interval(KEEP_ALIVE)
            .connect_timeout(CONNECT_LIMIT);
        if let Some(config) = self.config {
            builder.config_file(config);
        }
        builder
    }

    /// Asks ssh once more, for its own words: the crate keeps only the kind of error.
    async fn explain(&self, builder: &SessionBuilder, error: &openssh::Error) -> Failure {
        if let openssh::Error::Connect(cause) = error
            && cause.kind() == std::io::ErrorKind::TimedOut
        {
            return self.timed_out(&cause.to_string());
        }
        let mut again = self.ssh(builder, &["-o", "ControlPath=none", "-o", "LogLevel=ERROR"]);
        again.arg("true");
        match tokio::time::timeout(OPEN_LIMIT, again.output()).await {
            Err(_) => self.timed_out("nothing came of it within 40 seconds"),
            Ok(Err(error)) => self
                .failure(Failure::permanent("run ssh", error.to_string()).help("install the OpenSSH client (`ssh`)")),
            Ok(Ok(output)) if output.status.success() => self.failure(
                Failure::transient("log in over ssh", chain(error))
                    .help("a second try worked: run the same command again"),
            ),
            Ok(Ok(output)) => {
                let refusal = Refusal::from_words(&String::from_utf8_lossy(&output.stderr));
                if refusal.timed_out() {
                    return self.timed_out(refusal.answer());
                }
                let known_hosts = self.known_hosts(builder).await;
                let help = refusal.help(&self.shown(), &known_hosts);
                let class = if refusal.passes() { Class::Transient } else { Class::Permanent };
                let failure = Failure { class, ..Failure::permanent("log in over ssh", refusal.answer()) };
                self.failure(failure.help(help))
            }
        }
    }

    /// The file that ssh keeps the host's key in.
    async fn known_hosts(&self, builder: &SessionBuilder) -> String {
        let output = self.ssh(builder, &["-G"]).output().await;
        let settings = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
        let file = settings.lines().find_map(|line| line.strip_prefix("userknownhostsfile "));
        file.and_then(|files| files.split(' ').next()).unwrap_or("~/.ssh/known_hosts").to_owned()
    }

    /// ssh to this destination, unattended.
    fn ssh(&self, builder: &SessionBuilder, options: &[&str]) -> Command {
        let (resolved, host) = builder.resolve(self.destination);
        let mut ssh = Command::new("ssh");
        ssh.stdin(Stdio::null()).kill_on_drop(true).args(options);
        ssh.args(["-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes"]);
        ssh.args(["-o", &format!("ConnectTimeout={}", CONNECT_LIMIT.as_secs())]);
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
                .help(format!("see that the host is up and that `ssh {} true` gets through", self.shown())),
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

/// Takes back what [`forward_back`] has made.
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
    ssh.arg("-S").arg(socket).args(["-O", "exit", "cutover"]);
    ssh.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
    // A master that is gone already, or hangs, is no news here: it ends by itself when idle.
    let _ = tokio::time::timeout(END_LIMIT, ssh.status()).await;
}
