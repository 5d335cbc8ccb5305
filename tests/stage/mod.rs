//! A sandbox with an application that writes all the time, and the program run on it as a person would run it.

#![allow(dead_code, reason = "not every test uses all of it")]

use cutover::effects::free_port;
use cutover::rehearsal::judge::{Side, Verdict, judge};
use cutover::rehearsal::ledger::Ledger;
use cutover::rehearsal::sandbox::{Plan, Sandbox};
use rustix::process::{Pid, Signal, kill_process};
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::process::{Child, Command};

pub const PLAYBOOK: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/playbooks/replication_swap.yaml");
const ROWS: u64 = 3000;
/// No switch on two busy processors is judged by its time here.
const PATIENCE: Duration = Duration::from_mins(1);

pub struct Stage {
    pub sandbox: Sandbox,
    _folder: TempDir,
    tunnels: [u16; 3],
    application: Child,
}

impl Stage {
    pub async fn new() -> Self {
        Self::with(Plan { rows: ROWS, ..Plan::default() }).await
    }

    /// A sandbox of another kind.
    pub async fn with(plan: Plan) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().to_path_buf();
        let sandbox = Sandbox::make(&Plan { dir, ..plan }).await.unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_cutover"));
        command.args(["rehearsal-application", "--writers", "2", "--rate", "30"]);
        for (flag, file) in [("--config", "db.env"), ("--ledger", "ledger"), ("--pid-file", "pid")] {
            command.arg(flag).arg(sandbox.app(file));
        }
        let application = command.stdin(Stdio::null()).stdout(Stdio::null()).kill_on_drop(true).spawn().unwrap();
        let begin = Instant::now();
        while !sandbox.app("pid").exists() {
            assert!(begin.elapsed() < PATIENCE, "the application does not come up");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let tunnels = [(); 3].map(|()| free_port().unwrap());
        Self { sandbox, _folder: folder, tunnels, application }
    }

    pub fn state(&self) -> PathBuf {
        self.sandbox.dir().join("state")
    }

    /// The program with the secrets in its environment.
    pub fn cutover(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cutover"));
        command.args(args).envs(self.sandbox.secrets.iter().map(|(name, value)| (name, value)));
        command.env("CUTOVER_STATE", self.state()).env_remove("RUST_LOG").stdin(Stdio::null()).kill_on_drop(true);
        command
    }

    /// `cutover plan` or `cutover run` with what a rehearsal gives it.
    pub async fn with_playbook(&self, args: &[&str], playbook: &Path) -> Output {
        self.on_playbook(args, playbook).output().await.unwrap()
    }

    /// The command for that.
    pub fn on_playbook(&self, args: &[&str], playbook: &Path) -> Command {
        let mut command = self.cutover(args);
        command.arg(playbook).arg("-i").arg(self.sandbox.inventory()).arg("--rehearsal");
        let text = std::fs::read_to_string(playbook).unwrap();
        for (input, port) in ["tunnel", "way_back_tunnel", "next_way_back_tunnel"].into_iter().zip(self.tunnels) {
            if text.contains(&format!("\n  {input}:\n    type:")) {
                command.args(["--set", &format!("{input}=127.0.0.1:{port}")]);
            }
        }
        if text.contains("\n  benchmark_time:\n") {
            command.args(["--set", "benchmark_time=1s"]);
        }
        command
    }

    /// Stops the application and compares its ledger with both servers; `home` is the address of the one that the
    /// application is at, which must hold everything.
    pub async fn verdict(&mut self, home: &str) -> Verdict {
        let application = self.application.id().and_then(|id| Pid::from_raw(id.try_into().unwrap())).unwrap();
        kill_process(application, Signal::TERM).unwrap();
        self.application.wait().await.unwrap();
        let ledger = Ledger::read(&self.sandbox.app("ledger")).unwrap();
        let (source, target) = (self.sandbox.on_source().await.unwrap(), self.sandbox.on_target().await.unwrap());
        let (from, to) = (self.sandbox.source.address(), self.sandbox.target.address());
        let (old, new) =
            (Side { session: Some(&source), endpoint: &from }, Side { session: Some(&target), endpoint: &to });
        let (left, home) = if home == to { (old, new) } else { (new, old) };
        judge(&ledger, left, home).await.unwrap()
    }
}

/// The end of what a program complained about, for a test that fails.
pub fn complaint(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    text.lines().rev().take(60).collect::<Vec<_>>().into_iter().rev().collect::<Vec<_>>().join("\n")
}
