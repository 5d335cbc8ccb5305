//! A sandbox with an application that writes in it, and the program itself, run there as a person runs it.

use super::judge::{Side, Verdict, judge};
use super::ledger::Ledger;
use super::sandbox::{self, Sandbox};
use crate::domain::folder_of;
use crate::effects::Session;
use crate::effects::free_port;
use crate::error::{Failure, Result, exit};
use crate::plan;
use crate::plan::accounts::Account;
use crate::plan::load::{self, Sources};
use crate::playbook::document::Document;
use crate::playbook::file;
use crate::playbook::model::Playbook;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::process::{Child, Command};

const LOOK: Duration = Duration::from_secs(30);

/// What is put on the stage.
#[derive(Debug, Clone)]
pub struct Piece {
    /// The playbook.
    pub playbook: PathBuf,
    /// Playbooks that run before it, in this order, and that nothing happens to.
    pub before: Vec<PathBuf>,
    /// Inputs, as for `run`; one of the same name has the same value in every playbook.
    pub set: Vec<String>,
    /// The sandbox.
    pub sandbox: sandbox::Plan,
    /// Writers of the application.
    pub writers: u32,
    /// Its transactions per second, 0 for as many as possible.
    pub rate: u32,
    /// An application that ignores a reload.
    pub deaf: bool,
    /// Time between the end of a runner and the next command, as a person takes it.
    pub idle: Duration,
    /// Leave the folder for a look afterwards.
    pub keep: bool,
    /// State directory that keeps its runs; one in the sandbox's folder, when missing.
    pub state: Option<PathBuf>,
    /// Where it waits as a run does.
    pub waits: Waits,
    /// Id that the run of the playbook itself is to have; one of its own, when missing.
    pub run_id: Option<String>,
}

/// What a rehearsal waits for as a run does; it saves the time otherwise.
#[derive(Debug, Clone, Copy, Default)]
pub struct Waits {
    /// Steps that ask wait for a person's answer; otherwise the answer is yes.
    pub for_people: bool,
    /// Windows are waited for; they are left out otherwise.
    pub for_windows: bool,
}

/// A sandbox, and an application at work in it.
pub struct Stage {
    /// The sandbox.
    pub sandbox: Sandbox,
    piece: Piece,
    /// Inputs that got a free address.
    addresses: Vec<String>,
    application: Child,
    turns: Vec<u64>,
    began_at: Home,
}

/// Which server is the one that counts when all is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Home {
    /// The old one: the run was rolled back.
    Source,
    /// The new one: the run went through.
    Target,
}

impl Home {
    /// The other one.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::Source => Self::Target,
            Self::Target => Self::Source,
        }
    }
}

/// How one run ended.
#[derive(Debug, Clone)]
pub struct Ended {
    /// Its playbook.
    pub playbook: PathBuf,
    /// Its exit code.
    pub code: u8,
    /// The summary it printed.
    pub summary: Value,
    /// How its process ended, in words: `exit status: 4`, `signal: 9 (SIGKILL)`.
    pub how: String,
}

impl Stage {
    /// Makes the sandbox and starts the application. An input whose `rehearsal` value is an address with port 0 gets
    /// a free port, so that rehearsals can run side by side.
    ///
    /// # Errors
    /// When either does not come up.
    pub async fn set(piece: Piece) -> Result<Self> {
        let addresses = free_addresses(&piece)?;
        let sandbox = Sandbox::make(&piece.sandbox).await?;
        sandbox.make_accounts(&accounts(&piece, &addresses, &sandbox)).await?;
        let application = start_application(&piece, &sandbox).await?;
        Ok(Self { sandbox, piece, addresses, application, turns: Vec::new(), began_at: Home::Source })
    }

    /// Waits for as long as a person would, before the next command.
    pub async fn idle(&self) {
        tokio::time::sleep(self.piece.idle).await;
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
        let mut command = self.run_of(&self.piece.playbook);
        command.args(self.piece.run_id.iter().flat_map(|run| ["--run-id", run]));
        command.args(self.piece.set.iter().flat_map(|set| ["--set", set])); // also what the playbook does not know
        command
    }

    fn run_of(&self, playbook: &Path) -> Command {
        let mut command = self.program(&["run"]);
        command.arg(playbook).arg("-i").arg(self.sandbox.inventory());
        command.args(["--rehearsal", "--format", "json"]);
        command
            .args((!self.piece.waits.for_people).then_some("--yes"))
            .args(self.piece.waits.for_windows.then_some("--windows"));
        command.args(known_to(playbook, &self.addresses).flat_map(|set| ["--set", set]));
        command
    }

    /// Runs the playbooks that come before; their output goes to `words`.
    ///
    /// # Errors
    /// When one of them does not end well.
    pub async fn prelude(&mut self, words: fn() -> Stdio) -> Result<Vec<Ended>> {
        let mut all = Vec::new();
        for playbook in self.piece.before.clone() {
            let mut command = self.run_of(&playbook);
            command.args(known_to(&playbook, &self.piece.set).flat_map(|set| ["--set", set]));
            command.stderr(words());
            let ended = finish(&playbook, command).await?;
            if ended.code != exit::DONE {
                let outcome = ended.summary["outcome"].as_str().unwrap_or("without a summary");
                let answer = format!("{} ended: {outcome}, {}", playbook.display(), ended.how);
                return Err(Failure::permanent("reach the start of the rehearsal", answer)
                    .help("rehearse that playbook by itself first"));
            }
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
            self.turns.push(u64::try_from(now).unwrap_or(u64::MAX));
            all.push(ended);
            self.began_at = self.home().await?;
        }
        Ok(all)
    }

    /// Runs the playbook itself.
    ///
    /// # Errors
    /// When the program cannot be started.
    pub async fn carry_out(&self) -> Result<Ended> {
        finish(&self.piece.playbook, self.run()).await
    }

    /// Which server the application wrote to when the run of the playbook itself began.
    #[must_use]
    pub fn began_at(&self) -> Home {
        self.began_at
    }

    /// How many runs there were before that of the playbook itself.
    #[must_use]
    pub fn runs_before(&self) -> usize {
        self.piece.before.len()
    }

    /// Which server takes the application's writes: the new one if it is open and the old one is not.
    ///
    /// # Errors
    /// When one of them does not answer.
    pub async fn home(&self) -> Result<Home> {
        let closed = async |session: Session| -> Result<bool> {
            Ok(session.query("SELECT @@GLOBAL.read_only", LOOK).await?.value() != Some("0"))
        };
        let moved = closed(self.sandbox.on_source().await?).await? && !closed(self.sandbox.on_target().await?).await?;
        Ok(if moved { Home::Target } else { Home::Source })
    }

    /// The state directory of its runs.
    #[must_use]
    pub fn state(&self) -> PathBuf {
        self.piece.state.clone().unwrap_or_else(|| self.sandbox.dir().join("state"))
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
        Ok(Ledger { turns: self.turns.clone(), ..Ledger::read(&self.sandbox.app("ledger"))? })
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

/// Those of `sets` that the playbook has an input for.
fn known_to<'a>(playbook: &Path, sets: &'a [String]) -> impl Iterator<Item = &'a String> {
    let inputs = read(playbook).map(|playbook| playbook.inputs).unwrap_or_default(); // the run reports what is wrong
    sets.iter().filter(move |set| set.split_once('=').is_some_and(|(name, _)| inputs.contains_key(name)))
}

/// The runner's accounts as `cutover grants` prints them for all playbooks of the piece. None where one of these cannot be
/// planned: its run reports what is wrong, and touches nothing.
fn accounts(piece: &Piece, addresses: &[String], sandbox: &Sandbox) -> Vec<Account> {
    let plan = |playbook: &PathBuf| {
        let set = known_to(playbook, addresses).chain(known_to(playbook, &piece.set)).cloned().collect();
        let inventory = Some(sandbox.inventory());
        load::plan(&Sources { playbook: playbook.clone(), inventory, set, rehearsal: true, ..Sources::default() })
    };
    let plans: Result<Vec<_>, _> = piece.before.iter().chain([&piece.playbook]).map(plan).collect();
    plans.map(|plans| plan::accounts::accounts(&plans)).unwrap_or_default()
}

/// This very program.
fn program() -> PathBuf {
    std::env::current_exe().unwrap_or_else(|_| PathBuf::from("cutover"))
}

/// A playbook as far as it can be read: the run itself reports what is wrong with it.
///
/// # Errors
/// When the file cannot be read at all.
pub fn read(playbook: &Path) -> Result<Playbook> {
    let document = Document::open(playbook)
        .map_err(|faults| Failure::refused(format!("read {}", playbook.display()), faults.to_string()))?;
    Ok(file::read(&document).0)
}

/// The playbooks that must have run before `playbook`, the first one first, according to the playbooks.
///
/// # Errors
/// When one cannot be read, or they wait for each other.
pub fn before(playbook: &Path) -> Result<Vec<PathBuf>> {
    let mut chain: Vec<PathBuf> = Vec::new();
    let mut last = playbook.to_path_buf();
    while let Some(after) = read(&last)?.rehearsal.after {
        let next = folder_of(&last).join(after);
        if next == playbook || chain.contains(&next) {
            let answer = format!("{} comes after {}, which comes after it", last.display(), next.display());
            return Err(Failure::refused("find the playbook to rehearse first", answer)
                .help("remove `rehearsal.after` from one of them"));
        }
        chain.push(next.clone());
        last = next;
    }
    chain.reverse();
    Ok(chain)
}

fn free_addresses(piece: &Piece) -> Result<Vec<String>> {
    let mut set: Vec<String> = Vec::new();
    for playbook in piece.before.iter().chain([&piece.playbook]) {
        for (name, input) in read(playbook)?.inputs {
            let is_it = |set: &String| set.split_once('=').is_some_and(|(given, _)| given == name);
            let given = piece.set.iter().chain(&set).any(is_it);
            let value = input.rehearsal.as_ref().and_then(|value| value.as_str()).unwrap_or_default();
            if let Some(host) = value.strip_suffix(":0").filter(|_| !given) {
                let port = free_port().map_err(|error| Failure::refused("find a free port", error.to_string()))?;
                set.push(format!("{name}={host}:{port}"));
            }
        }
    }
    Ok(set)
}

async fn finish(playbook: &Path, mut command: Command) -> Result<Ended> {
    let failed = |error: std::io::Error| Failure::permanent("start the runner", error.to_string());
    command.stdout(Stdio::piped());
    let ran = command.spawn().map_err(failed)?.wait_with_output().await.map_err(failed)?;
    let code = ran.status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(exit::STUCK);
    let summary = serde_json::from_slice(&ran.stdout).unwrap_or(Value::Null);
    Ok(Ended { playbook: playbook.to_path_buf(), code, summary, how: ran.status.to_string() })
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
            return Err(Failure::permanent("start the application", "it did not start"));
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(child)
}

#[cfg(test)]
mod tests {
    use super::before;

    #[test]
    fn what_comes_before_is_found_beside_the_playbook_and_never_goes_round() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, after: &str| {
            let path = folder.path().join(name);
            let after = if after.is_empty() { String::new() } else { format!("rehearsal: {{ after: {after} }}\n") };
            std::fs::write(&path, format!("version: 1\nname: x\n{after}steps: []\n")).unwrap();
            path
        };
        let (first, second, third) = (file("a.yaml", ""), file("b.yaml", "a.yaml"), file("c.yaml", "b.yaml"));
        assert_eq!(before(&third).unwrap(), [first.clone(), second.clone()]);
        assert!(before(&first).unwrap().is_empty());
        file("a.yaml", "c.yaml");
        assert!(before(&third).unwrap_err().answer.contains("which comes after it"));
        file("a.yaml", "nowhere.yaml");
        assert!(before(&third).unwrap_err().answer.contains("nowhere.yaml"));
    }
}
