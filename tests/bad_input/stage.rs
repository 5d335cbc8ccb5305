//! A sandbox that many bad runs share: since they must change nothing, each finds it as the first one did.

use cutover::effects::Session;
use cutover::effects::free_port;
use cutover::rehearsal::fingerprint::Fingerprint;
use cutover::rehearsal::sandbox::{Plan, Sandbox};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// The shipped playbook.
pub const SWAP: &str = include_str!("../../playbooks/replication_swap.yaml");
const LIMIT: Duration = Duration::from_mins(1);

/// The sandbox and what stands in it.
pub struct Stage {
    pub sandbox: Sandbox,
    /// The inventory as made for the sandbox.
    pub inventory: String,
    tunnel: u16,
    way_back: u16,
    _folder: TempDir,
}

/// A run of the program: what to run, and what came of it.
pub struct Run {
    program: Command,
}

/// What came of a run.
#[derive(Debug)]
pub struct Ended {
    pub code: Option<i32>,
    pub summary: Value,
    pub said: String,
}

impl Stage {
    pub async fn make(rows: u64) -> Self {
        // a short path, because sockets stand in it
        let folder = tempfile::Builder::new().prefix("bad").tempdir_in("/tmp").unwrap();
        let plan = Plan { dir: folder.path().join("s"), rows, ..Plan::default() };
        let sandbox = Sandbox::make(&plan).await.unwrap();
        let inventory = std::fs::read_to_string(sandbox.inventory()).unwrap();
        // a server that is to look the same afterwards may not write by itself
        sandbox.on_source().await.unwrap().exec("SET GLOBAL event_scheduler = OFF", LIMIT).await.unwrap();
        Self { sandbox, inventory, tunnel: free_port().unwrap(), way_back: free_port().unwrap(), _folder: folder }
    }

    pub fn dir(&self) -> &Path {
        self.sandbox.dir()
    }
    /// Writes a file into the sandbox's folder.
    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.dir().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }
    /// Statements of an administrator, on the old server or the new one.
    pub async fn sql(&self, on_source: bool, statements: &[&str]) {
        let session = if on_source { self.sandbox.on_source().await } else { self.sandbox.on_target().await }.unwrap();
        for statement in statements {
            session.query(cutover::domain::Sql::verbatim(*statement), LIMIT).await.unwrap();
        }
    }
    /// What both servers look like, with the folders of their hosts.
    pub async fn fingerprints(&self) -> [Fingerprint; 2] {
        let (source, target): (Session, Session) =
            (self.sandbox.on_source().await.unwrap(), self.sandbox.on_target().await.unwrap());
        [
            Fingerprint::of(&self.sandbox.source, &source, &self.dir().join("work/old"), None).await.unwrap(),
            Fingerprint::of(&self.sandbox.target, &target, &self.dir().join("work/new"), None).await.unwrap(),
        ]
    }
    /// What is different from `before`, on either server; whether the tunnel still listens, too.
    pub async fn changes(&self, before: &[Fingerprint; 2]) -> String {
        let after = self.fingerprints().await;
        let mut changes = String::new();
        for (name, (before, after)) in ["source", "target"].iter().zip(before.iter().zip(&after)) {
            let different = before.changes(after);
            if !different.is_empty() {
                changes += &format!("on {name}:\n{different}");
            }
        }
        if std::net::TcpListener::bind(("127.0.0.1", self.tunnel)).is_err() {
            changes += "the tunnel still listens\n";
        }
        changes
    }

    /// A run of a playbook with an inventory, in a state directory of its own name.
    pub fn run(&self, playbook: &str, inventory: &str, state: &str) -> Run {
        let playbook = self.write(&format!("{state}.playbook.yaml"), playbook);
        let inventory = self.write(&format!("{state}.inventory.yaml"), inventory);
        let mut run = self.program("run");
        run.program.arg(playbook).arg("-i").arg(inventory).args(["--rehearsal", "--format", "json"]);
        run.program.args(["--set", &format!("tunnel=127.0.0.1:{}", self.tunnel)]);
        run.program.args(["--set", &format!("way_back_tunnel=127.0.0.1:{}", self.way_back)]);
        run.state(state)
    }
    /// Another command of the program, with the sandbox's secrets.
    pub fn program(&self, command: &str) -> Run {
        // a run that waits where it should have ended must not wait for ever
        let mut program = Command::new("timeout");
        program.args(["--kill-after=20", "150", env!("CARGO_BIN_EXE_cutover"), command]);
        program.current_dir(self.dir()).env("NO_COLOR", "1").env_remove("RUST_LOG");
        program.envs(self.sandbox.secrets.iter().map(|(name, value)| (name, value)));
        program.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Run { program }
    }
}

impl Run {
    pub fn arg(mut self, argument: &str) -> Self {
        self.program.arg(argument);
        self
    }
    pub fn set(self, input: &str) -> Self {
        self.arg("--set").arg(input)
    }
    pub fn state(self, name: &str) -> Self {
        self.arg("--state").arg(&format!("states/{name}"))
    }
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.program.env(name, value);
        self
    }
    pub fn begin(mut self) -> std::process::Child {
        self.program.spawn().unwrap()
    }
    pub fn end(mut self) -> Ended {
        Ended::from(self.program.output().unwrap())
    }
}

impl From<std::process::Output> for Ended {
    fn from(output: std::process::Output) -> Self {
        Self {
            code: output.status.code(),
            summary: serde_json::from_slice(&output.stdout).unwrap_or_default(),
            said: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

impl Ended {
    /// The words of its diagnostics on one line, without the frame they are drawn in.
    pub fn words(&self) -> String {
        let plain: String = self.said.chars().map(|c| if "│╭╰─·×".contains(c) { ' ' } else { c }).collect();
        plain.split_whitespace().collect::<Vec<_>>().join(" ")
    }
    /// Complaints when the code is another one, or a text is missing.
    pub fn judge(&self, name: &str, code: i32, texts: &[&str]) -> String {
        let words = self.words();
        let missing: Vec<&&str> = texts.iter().filter(|text| !words.contains(**text)).collect();
        if self.code == Some(code) && missing.is_empty() {
            return String::new();
        }
        format!("{name}: code {:?}, not {code}; missing {missing:?} in\n{}\n{}\n", self.code, self.said, self.summary)
    }
}

/// Waits until `true`.
pub fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !is_so() {
        assert!(begin.elapsed() < LIMIT, "{what} has not come about");
        std::thread::sleep(Duration::from_millis(30));
    }
}
