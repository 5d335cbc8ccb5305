//! A sandbox with an application that writes in it, and the program itself, run there as a person runs it.

use super::judge::{Side, Verdict, judge};
use super::ledger::Ledger;
use super::sandbox::{self, Sandbox};
use super::server::free_port;
use crate::error::{Failure, Result};
use crate::playbook::document::Document;
use crate::playbook::file;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};
use tokio::process::{Child, Command};

const LOOK: Duration = Duration::from_secs(30);

/// What is put on the stage.
#[derive(Debug, Clone)]
pub struct Piece {
    /// The playbook.
    pub playbook: PathBuf,
    /// Inputs, as for `run`.
    pub set: Vec<String>,
    /// The sandbox.
    pub sandbox: sandbox::Plan,
    /// Writers of the application.
    pub writers: u32,
    /// Its transactions per second, 0 for as many as possible.
    pub rate: u32,
    /// An application that does not listen when it is told to reload.
    pub deaf: bool,
    /// Leave the folder for a look afterwards.
    pub keep: bool,
}

/// A sandbox, and an application at work in it.
pub struct Stage {
    /// The sandbox.
    pub sandbox: Sandbox,
    piece: Piece,
    application: Child,
}

/// Which server is the one that counts when all is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Home {
    /// The old one: the run was taken back.
    Source,
    /// The new one: the run went through.
    Target,
}

impl Stage {
    /// Makes the sandbox and starts the application. An input whose `rehearsal` value is an address with port 0 gets
    /// a free port, so that rehearsals can run side by side.
    ///
    /// # Errors
    /// When either does not come up.
    pub async fn set(mut piece: Piece) -> Result<Self> {
        piece.set.extend(free_addresses(&piece)?);
        let sandbox = Sandbox::make(&piece.sandbox).await?;
        let application = start_application(&piece, &sandbox).await?;
        Ok(Self { sandbox, piece, application })
    }

    /// The program with `words`, on this sandbox's state directory and secrets.
    #[must_use]
    pub fn program(&self, words: &[&str]) -> Command {
        let mut command = Command::new(program());
        command.args(words).arg("--state").arg(self.state());
        command.envs(self.sandbox.secrets.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).kill_on_drop(true);
        command
    }

    /// The command that begins the run.
    #[must_use]
    pub fn run(&self) -> Command {
        let mut command = self.program(&["run"]);
        command.arg(&self.piece.playbook).arg("-i").arg(self.sandbox.inventory());
        command.args(["--yes", "--rehearsal", "--format", "json"]);
        command.args(self.piece.set.iter().flat_map(|set| ["--set", set]));
        command
    }

    /// The state directory of its runs.
    #[must_use]
    pub fn state(&self) -> PathBuf {
        self.sandbox.dir().join("state")
    }

    /// Stops the application; its ledger is complete then.
    ///
    /// # Errors
    /// When it does not end.
    pub async fn stop_application(&mut self) -> Result<Ledger> {
        let failed = |answer: String| Failure::permanent("stop the application", answer);
        let id = self.application.id().and_then(|id| i32::try_from(id).ok()).and_then(rustix::process::Pid::from_raw);
        if let Some(id) = id {
            let _ = rustix::process::kill_process(id, rustix::process::Signal::TERM); // it may have ended by itself
        }
        let ended = tokio::time::timeout(LOOK, self.application.wait()).await;
        ended.map_err(|_| failed("it does not end".into()))?.map_err(|error| failed(error.to_string()))?;
        Ledger::read(&self.sandbox.app("ledger"))
    }

    /// Compares the ledger with both servers.
    ///
    /// # Errors
    /// When a server cannot be read.
    pub async fn judge(&self, ledger: &Ledger, home: Home) -> Result<Verdict> {
        let (source, target) = (self.sandbox.on_source().await?, self.sandbox.on_target().await?);
        let (from, to) = (self.sandbox.source.address(), self.sandbox.target.address());
        let source = Side { session: Some(&source), endpoint: &from };
        let target = Side { session: Some(&target), endpoint: &to };
        match home {
            Home::Target => judge(ledger, source, target).await,
            Home::Source => judge(ledger, target, source).await,
        }
    }
}

/// This very program.
fn program() -> PathBuf {
    std::env::current_exe().unwrap_or_else(|_| PathBuf::from("cutover"))
}

fn free_addresses(piece: &Piece) -> Result<Vec<String>> {
    let broken = |answer: String| Failure::refused(format!("read {}", piece.playbook.display()), answer);
    let document = Document::open(&piece.playbook).map_err(|faults| broken(faults.to_string()))?;
    let (playbook, _) = file::read(&document); // the run itself reports what is wrong with it
    let mut set = Vec::new();
    for (name, input) in &playbook.inputs {
        let given = piece.set.iter().any(|set| set.split_once('=').is_some_and(|(given, _)| given == name));
        let value = input.rehearsal.as_ref().and_then(|value| value.as_str()).unwrap_or_default();
        if let Some(host) = value.strip_suffix(":0").filter(|_| !given) {
            let port = free_port().map_err(|error| broken(format!("no port is free: {error}")))?;
            set.push(format!("{name}={host}:{port}"));
        }
    }
    Ok(set)
}

async fn start_application(piece: &Piece, sandbox: &Sandbox) -> Result<Child> {
    let failed = |error: std::io::Error| Failure::permanent("start the application", error.to_string());
    let mut command = Command::new(program());
    let (writers, rate) = (piece.writers.to_string(), piece.rate.to_string());
    command.arg("rehearsal-application").args(["--writers", &writers, "--rate", &rate]);
    command.args(piece.deaf.then_some("--deaf"));
    for (flag, file) in [("--config", "db.env"), ("--ledger", "ledger"), ("--pid-file", "pid")] {
        command.arg(flag).arg(sandbox.app(file));
    }
    command.process_group(0).stdin(Stdio::null()).stdout(Stdio::null()).kill_on_drop(true);
    let mut child = command.spawn().map_err(failed)?;
    let begin = Instant::now();
    while !sandbox.app("pid").exists() {
        if begin.elapsed() > LOOK || child.try_wait().map_err(failed)?.is_some() {
            return Err(Failure::permanent("start the application", "it did not come up"));
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(child)
}
