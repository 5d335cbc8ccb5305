//! A folder with inputs, an inventory and a state directory, and the program run in it. All that was started ends with it.

use crate::process::{Ended, Program, end_all, marked, until};
use cutover::rehearsal::work_folder::WorkFolder;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use tempfile::TempDir;

/// In the environment of everything that a desk starts on this machine.
const MARK: &str = "CUTOVER_TEST_DESK";
/// No run of these tests takes longer, also on two busy processors.
pub const LIMIT: Duration = Duration::from_mins(3);

pub struct Desk {
    folder: TempDir,
    /// The home of all that is started: a work folder must not lie below `/tmp`.
    home: WorkFolder,
}

impl Desk {
    pub fn new() -> Self {
        let desk = Self {
            folder: tempfile::Builder::new().prefix("cutover-case").tempdir().unwrap(),
            home: WorkFolder::make().unwrap(),
        };
        std::fs::create_dir(desk.home.path().join("work")).unwrap();
        std::os::unix::fs::symlink(desk.home.path().join("work"), desk.path("work")).unwrap();
        desk
    }
    /// A desk with one of the inputs as `playbook.yaml`; `changes` are made to its text first.
    pub fn with(input: &str, changes: &[(&str, &str)]) -> Self {
        let desk = Self::new();
        desk.write("playbook.yaml", &changed(&read(input), changes));
        desk.write("inventory.yaml", "hosts: { local: { pass_env: [CUTOVER_TEST_DESK] } }\n");
        desk
    }
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
    /// The work folder of hosts, by its real path.
    pub fn work(&self) -> String {
        self.home.path().join("work").display().to_string()
    }
    pub fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }
    /// A file's text; empty when it is not there.
    pub fn text(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap_or_default()
    }
    /// A program whose home is this folder.
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.folder.path()).env("HOME", self.home.path()).env(MARK, self.folder.path());
        command.env("NO_COLOR", "1").env_remove("RUST_LOG");
        command
    }
    /// `cutover` with `args`, on the state directory of that name.
    pub fn cutover(&self, state: &str, args: &[&str]) -> Command {
        let mut command = self.command(env!("CARGO_BIN_EXE_cutover"));
        command.args(args).env("CUTOVER_STATE", self.path(state)).env("PW", crate::server::PASSWORD);
        command
    }
    /// Starts it.
    pub fn start(&self, state: &str, args: &[&str]) -> Program {
        Program::start(&mut self.cutover(state, args), self.folder.path())
    }
    /// Starts the run of `playbook.yaml`.
    pub fn begin(&self) -> Program {
        self.start("state", &["run", "playbook.yaml", "-i", "inventory.yaml"])
    }
    /// The run of `playbook.yaml`, to its end.
    pub fn run(&self) -> Ended {
        self.begin().end_within(LIMIT)
    }
    /// Another command, to its end.
    pub fn say(&self, state: &str, args: &[&str]) -> Ended {
        self.start(state, args).end_within(LIMIT)
    }
    /// The newest run as `cutover status` gives it; null before there is one.
    pub fn status(&self, state: &str) -> Value {
        serde_json::from_str(&self.say(state, &["status", "--format", "json"]).out).unwrap_or_default()
    }
    pub fn id(&self, state: &str) -> String {
        self.status(state)["run"].as_str().unwrap().to_owned()
    }
    /// How a step of the newest run stands: `running`, `succeeded` …
    pub fn stands(&self, state: &str, step: &str) -> String {
        let status = self.status(state);
        let steps = status["steps"].as_array().cloned().unwrap_or_default();
        let found = steps.iter().find(|found| found["id"] == step);
        found.and_then(|found| found["status"].as_str()).unwrap_or_default().to_owned()
    }
    pub fn until_step(&self, state: &str, step: &str, status: &str) {
        until(&format!("{step} is {status}"), Duration::from_mins(1), || self.stands(state, step) == status);
    }
    pub fn until_text(&self, name: &str, text: &str) {
        until(&format!("{name} holds {text}"), Duration::from_mins(1), || self.text(name).contains(text));
    }
    /// Copies the state directory while `runner` stands still, so that the copy is one moment's.
    pub fn copy_state(&self, runner: &Program, from: &str, to: &str) {
        runner.freeze();
        copy(&self.path(from), &self.path(to));
        runner.wake();
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        let mark = format!("{MARK}={}", self.folder.path().display());
        end_all(|| marked(&mark));
    }
}

/// Copies a folder with everything in it.
pub fn copy(from: &Path, to: &Path) {
    assert!(Command::new("cp").arg("-a").arg("--").arg(from).arg(to).status().unwrap().success());
}

/// An input's text.
pub fn read(input: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/engine").join(input)).unwrap()
}

/// A text with changes; each must have something to change.
pub fn changed(text: &str, changes: &[(&str, &str)]) -> String {
    changes.iter().fold(text.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "there is no {from} in {text}");
        text.replace(from, to)
    })
}
