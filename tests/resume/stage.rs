//! A sandbox with an application that writes, and the program run on it as a person runs it.

use cutover::effects::free_port;
use cutover::rehearsal::judge::{Side, Verdict, judge};
use cutover::rehearsal::ledger::Ledger;
use cutover::rehearsal::sandbox::{Plan, Sandbox};
use cutover::rehearsal::server::Server;
use cutover::store::{Event, Journal, Store};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

const PROGRAM: &str = env!("CARGO_BIN_EXE_cutover");
const LOOK: Duration = Duration::from_secs(20);

/// Everything a run needs, on loopback.
pub struct Stage {
    application: Child,
    pub sandbox: Sandbox,
    playbook: PathBuf,
    tunnel: String,
    way_back: String,
    _folder: TempDir,
}

/// The shipped playbook.
pub const SHIPPED: &str = include_str!("../../playbooks/replication_swap.yaml");

impl Stage {
    /// A sandbox, its application at work, and a playbook to be run.
    pub async fn new(playbook: &str) -> Self {
        let folder = tempfile::Builder::new().prefix("r").tempdir().unwrap();
        let dir = folder.path().join("s");
        let sandbox = Sandbox::make(&Plan { dir, rows: 5000, ..Plan::default() }).await.unwrap();
        let file = folder.path().join("playbook.yaml");
        std::fs::write(&file, playbook).unwrap();
        let mut command = Command::new(PROGRAM);
        command.args(["rehearsal-application", "--writers", "2", "--rate", "40"]);
        for (flag, file) in [("--config", "db.env"), ("--ledger", "ledger"), ("--pid-file", "pid")] {
            command.arg(flag).arg(sandbox.app(file));
        }
        let application = command.stdin(Stdio::null()).spawn().unwrap();
        let [tunnel, way_back] = [(); 2].map(|()| format!("127.0.0.1:{}", free_port().unwrap()));
        Self { application, sandbox, playbook: file, tunnel, way_back, _folder: folder }
    }

    /// Lets the inventory say how a server is started.
    pub fn give_start(&self, server: &str) {
        let text = std::fs::read_to_string(self.sandbox.inventory()).unwrap();
        let head = format!("  {server}:\n");
        assert!(text.contains(&head), "{text}");
        let script = self.sandbox.target.restart_script();
        let line = format!("{head}    start: [sh, \"{}\"]\n", script.display());
        std::fs::write(self.sandbox.inventory(), text.replace(&head, &line)).unwrap();
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(PROGRAM);
        command.args(words).arg("--state").arg(self.sandbox.dir().join("state"));
        command.envs(self.sandbox.secrets.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Begins the run.
    pub fn run(&self, more: &[&str]) -> Runner {
        let mut command = self.command(&["run"]);
        command.arg(&self.playbook).arg("-i").arg(self.sandbox.inventory());
        command.args(["--rehearsal", "--set", "quiet_for=1s", "--set", "benchmark_time=1s"]).args(more);
        command.arg("--set").arg(format!("tunnel={}", self.tunnel));
        command.arg("--set").arg(format!("way_back_tunnel={}", self.way_back));
        Runner(command.spawn().unwrap(), Vec::new())
    }

    /// Begins another command.
    pub fn start(&self, words: &[&str]) -> Runner {
        Runner(self.command(words).spawn().unwrap(), Vec::new())
    }

    /// Runs another command to its end: its code and what it said.
    pub fn say(&self, words: &[&str]) -> (i32, String) {
        ended(&self.command(words).output().unwrap())
    }

    /// The run's summary, as `status` gives it; null before there is a run.
    pub fn status(&self) -> Value {
        let output = self.command(&["status", "--format", "json"]).output().unwrap();
        serde_json::from_slice(&output.stdout).unwrap_or_default()
    }

    /// Waits until a step stands as `status` says.
    pub async fn until(&self, step: &str, status: &str) {
        let begin = Instant::now();
        loop {
            let summary = self.status();
            if steps(&summary).any(|found| found["id"] == step && found["status"] == status) {
                return;
            }
            let over = !summary["outcome"].is_null() && summary["outcome"] != "interrupted";
            assert!(!over, "the run is over: {summary:#}");
            assert!(begin.elapsed() < Duration::from_mins(3), "{step} is never {status}: {summary:#}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until the run was resumed this often: what its steps are before that is what a dead runner left.
    pub async fn until_resumed(&self, times: u64) {
        let begin = Instant::now();
        while self.status()["resumed"] != times {
            assert!(begin.elapsed() < Duration::from_mins(3), "it is never resumed: {:#}", self.status());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until the journal says that a step begins: as near to that moment as another process can come.
    pub async fn until_begun(&self, step: &str) {
        let begin = Instant::now();
        loop {
            assert!(begin.elapsed() < Duration::from_mins(3), "{step} never begins: {:#}", self.status());
            tokio::time::sleep(Duration::from_millis(2)).await;
            let Ok(Some(journal)) = Store::open_existing(&self.sandbox.dir().join("state")) else { continue };
            let Some(run) = journal.runs().ok().and_then(|runs| runs.last().map(|run| run.id.clone())) else {
                continue;
            };
            let entries = journal.entries(&run).unwrap_or_default();
            if entries.iter().any(|entry| matches!(&entry.event, Event::StepIntent { step: id, .. } if id == step)) {
                return;
            }
            let over = entries.iter().any(|entry| matches!(&entry.event, Event::RunFinished { .. }));
            assert!(!over, "{step} never begins: {:#}", self.status());
        }
    }

    /// How often the journal says that a step begins.
    pub fn begun(&self, step: &str) -> usize {
        let journal = Store::open_existing(&self.sandbox.dir().join("state")).unwrap().unwrap();
        let run = journal.runs().unwrap().last().unwrap().id.clone();
        let entries = journal.entries(&run).unwrap();
        entries.iter().filter(|entry| matches!(&entry.event, Event::StepIntent { step: id, .. } if id == step)).count()
    }

    /// What both servers say: whether the old one, and the new one, takes writes.
    pub async fn open(&self) -> (bool, bool) {
        (
            self.value(true, "SELECT @@GLOBAL.read_only").await == "0",
            self.value(false, "SELECT @@GLOBAL.read_only").await == "0",
        )
    }

    /// One value of the old server, or of the new one.
    pub async fn value(&self, old: bool, sql: &str) -> String {
        let session = if old { self.sandbox.on_source().await } else { self.sandbox.on_target().await };
        let rows = session.unwrap().query(cutover::domain::Sql::verbatim(sql), LOOK).await.unwrap();
        rows.value().unwrap_or("nothing").to_owned()
    }

    /// Stops the application and compares its ledger with both servers.
    pub async fn verdict(&mut self) -> Verdict {
        tokio::time::sleep(Duration::from_millis(500)).await;
        signal(&self.application, Signal::TERM);
        self.application.wait().unwrap();
        let ledger = Ledger::read(&self.sandbox.app("ledger")).unwrap();
        let (source, target) = (self.sandbox.on_source().await.unwrap(), self.sandbox.on_target().await.unwrap());
        let (from, to) = (self.sandbox.source.address(), self.sandbox.target.address());
        let source = Side { session: Some(&source), endpoint: &from };
        judge(&ledger, source, Side { session: Some(&target), endpoint: &to }).await.unwrap()
    }

    /// Sees that the run is done: nothing lost, the application moved, the old server shut, the new one open.
    pub async fn assert_done(&mut self) {
        let summary = self.status();
        assert_eq!(summary["outcome"], "done", "{summary:#}");
        let verdict = self.verdict().await;
        assert!(verdict.is_good() && verdict.downtime_ms.is_some() && verdict.acknowledged > 0, "{verdict:?}");
        assert_eq!(self.open().await, (false, true));
    }

    /// Sees that nothing is left of the run: the old server open, the new one empty and as it was.
    pub async fn assert_taken_back(&mut self, config: &str) {
        let summary = self.status();
        assert_eq!(summary["outcome"], "rolled_back", "{summary:#}");
        assert_eq!(self.open().await, (true, true), "both as they were before the run");
        let left = "SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA IN ('shop', 'cutover', 'cutover_before')";
        assert_eq!(self.value(false, left).await, "0");
        assert_eq!(
            self.value(false, "SELECT COUNT(*) FROM mysql.user WHERE User IN ('shop', 'repl', 'late')").await,
            "0"
        );
        assert_eq!(self.value(false, "SHOW SLAVE STATUS").await, "nothing");
        assert_eq!(self.value(true, "SELECT COUNT(*) FROM mysql.user WHERE User = 'repl'").await, "0");
        assert_eq!(self.value(true, "SHOW DATABASES LIKE 'cutover'").await, "nothing");
        assert_eq!(config_of(&self.sandbox.target), config);
        let dumps = Command::new("find")
            .arg("-H")
            .arg(self.sandbox.dir().join("work"))
            .args(["-type", "f"])
            .args(["-not", "-path", "*/leases/*"])
            .output()
            .unwrap();
        assert_eq!(String::from_utf8_lossy(&dumps.stdout), "", "only the records of leases stay");
        let writes = "SELECT COUNT(*) FROM shop.ledger";
        let before: u64 = self.value(true, writes).await.parse().unwrap();
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert!(
            self.value(true, writes).await.parse::<u64>().unwrap() > before,
            "the application writes on the old server"
        );
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        let _ = self.application.kill();
        let _ = self.application.wait();
    }
}

pub fn config_of(server: &Server) -> String {
    std::fs::read_to_string(server.config_file()).unwrap()
}

pub fn steps(summary: &Value) -> impl Iterator<Item = &Value> {
    summary["steps"].as_array().into_iter().flatten()
}

/// The program at work, with what was read of its complaints so far. Killed when dropped.
pub struct Runner(Child, Vec<u8>);

impl Runner {
    pub fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
    pub fn interrupt(&self) {
        signal(&self.0, Signal::INT);
    }
    pub fn is_over(&mut self) -> bool {
        self.0.try_wait().unwrap().is_some()
    }
    /// Reads what it complains until `words` are among it.
    pub fn until_said(&mut self, words: &str) {
        let stderr = self.0.stderr.as_mut().unwrap();
        let mut piece = [0; 1024];
        while !String::from_utf8_lossy(&self.1).contains(words) {
            let length = std::io::Read::read(stderr, &mut piece).unwrap();
            assert!(length > 0, "it ended without `{words}`: {}", String::from_utf8_lossy(&self.1));
            self.1.extend(&piece[..length]);
        }
    }
    /// Waits for its end: its code and what it said.
    pub async fn end(mut self) -> (i32, String) {
        let begin = Instant::now();
        while !self.is_over() {
            if begin.elapsed() > Duration::from_secs(90) {
                self.0.kill().unwrap();
                panic!("it does not end");
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let mut child = std::mem::replace(&mut self.0, Command::new("true").spawn().unwrap());
        let (mut stdout, mut stderr) = (Vec::new(), std::mem::take(&mut self.1));
        std::io::Read::read_to_end(&mut child.stdout.take().unwrap(), &mut stdout).unwrap();
        std::io::Read::read_to_end(&mut child.stderr.take().unwrap(), &mut stderr).unwrap();
        ended(&Output { status: child.wait().unwrap(), stdout, stderr })
    }
}

impl Drop for Runner {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn signal(child: &Child, signal: Signal) {
    let pid = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    kill_process(pid, signal).unwrap();
}

fn ended(output: &Output) -> (i32, String) {
    let said = [&output.stdout[..], &output.stderr[..]].concat();
    (output.status.code().unwrap_or(-1), String::from_utf8_lossy(&said).into_owned())
}
