//! A folder with a playbook, an inventory and a state directory, and the program run in it.

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

const INVENTORY: &str = "hosts: { local: { pass_env: [DESK] } }\n";

pub struct Desk {
    folder: TempDir,
}

/// What came of a command.
#[derive(Debug)]
pub struct Ended {
    pub code: i32,
    pub out: String,
    pub said: String,
}

impl Ended {
    /// What it said on stderr, without the frame it is drawn in and without line breaks.
    pub fn words(&self) -> String {
        let plain: String = self.said.chars().map(|c| if "│╭╰─·×".contains(c) { ' ' } else { c }).collect();
        plain.split_whitespace().collect::<Vec<_>>().join(" ")
    }
}

#[allow(dead_code, reason = "each test program uses what it needs")]
impl Desk {
    pub fn new(playbook: &str) -> Self {
        let desk = Self { folder: tempfile::tempdir().unwrap() };
        desk.write("playbook.yaml", playbook);
        desk.write("inventory.yaml", INVENTORY);
        desk
    }
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
    pub fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }
    pub fn exists(&self, name: &str) -> bool {
        self.path(name).exists()
    }
    /// A change to the playbook.
    pub fn edit(&self, from: &str, to: &str) {
        let text = std::fs::read_to_string(self.path("playbook.yaml")).unwrap();
        assert!(text.contains(from), "{text}");
        self.write("playbook.yaml", &text.replace(from, to));
    }
    fn command(&self, folder: &Path, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cutover"));
        command.args(args).arg("--state").arg(self.path("state")).current_dir(folder);
        command.env("NO_COLOR", "1").env("DESK", self.folder.path()).env_remove("RUST_LOG");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }
    /// Runs a command from another folder than the one the run was begun in.
    pub fn say(&self, args: &[&str]) -> Ended {
        ended(self.command(Path::new("/"), args).spawn().unwrap())
    }
    /// `cutover run`, with paths as people type them.
    pub fn run(&self, more: &[&str]) -> Ended {
        ended(self.begin(more))
    }
    pub fn begin(&self, more: &[&str]) -> Child {
        let mut command = self.command(self.folder.path(), &["run", "playbook.yaml", "-i", "inventory.yaml"]);
        command.args(more).spawn().unwrap()
    }
    /// A command as the person of whom `token` is, by the file `people.yaml`.
    pub fn say_as(&self, token: &str, args: &[&str]) -> Ended {
        let mut command = self.command(Path::new("/"), args);
        ended(command.env("CUTOVER_PEOPLE", self.path("people.yaml")).env("CUTOVER_TOKEN", token).spawn().unwrap())
    }
    /// The plan as text.
    pub fn say_plan(&self) -> String {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cutover"));
        let command = command.args(["plan", "playbook.yaml", "-i", "inventory.yaml"]).current_dir(self.folder.path());
        String::from_utf8(command.env("NO_COLOR", "1").output().unwrap().stdout).unwrap()
    }
    pub fn begin_as(&self, token: &str, more: &[&str]) -> Child {
        let mut command = self.command(self.folder.path(), &["run", "playbook.yaml", "-i", "inventory.yaml"]);
        command.env("CUTOVER_PEOPLE", self.path("people.yaml")).env("CUTOVER_TOKEN", token);
        command.args(more).spawn().unwrap()
    }
    /// `cutover run` with these variables.
    pub fn begin_in(&self, variables: &[(&str, &str)], more: &[&str]) -> Child {
        let mut command = self.command(self.folder.path(), &["run", "playbook.yaml", "-i", "inventory.yaml"]);
        command.envs(variables.iter().copied()).args(more).spawn().unwrap()
    }
    /// Waits until the step of that name says such a thing about itself.
    pub fn until_it_waits(&self, step: &str, words: &str) {
        let begin = Instant::now();
        let waits = || {
            let status = self.status();
            let steps = status["steps"].as_array().cloned().unwrap_or_default();
            let found = steps.iter().find(|found| found["id"] == step);
            found.is_some_and(|found| found["waits_for"].as_str().unwrap_or_default().contains(words))
        };
        while !waits() {
            assert!(begin.elapsed() < Duration::from_secs(30), "{step} never says {words}: {:#}", self.status());
            std::thread::sleep(Duration::from_millis(50));
        }
    }
    pub fn status(&self) -> Value {
        serde_json::from_str(&self.say(&["status", "--format", "json"]).out).unwrap_or_default()
    }
    pub fn id(&self) -> String {
        self.status()["run"].as_str().unwrap().to_owned()
    }
    /// Waits until a file of that name is there.
    pub fn until(&self, name: &str) {
        let begin = Instant::now();
        while !self.exists(name) {
            assert!(begin.elapsed() < Duration::from_secs(30), "{name} never comes");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

pub fn ended(child: Child) -> Ended {
    let output = child.wait_with_output().unwrap();
    Ended {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        said: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}
