//! A folder with a cheap playbook, schedules and a state directory, and the program run in it.

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Appends a line with the start's time to a file of the folder, on the runner's own host.
const PLAYBOOK: &str = "\
version: 1
name: cheap
inputs: { word: { type: string, default: ran }, fails: { type: boolean, default: false } }
steps:
  - id: line
    uses: command
    on_failure: stop
    with: { host: local, run: [sh, -c, 'echo \"$0\" >>\"$DESK/lines\"; test ! -e \"$DESK/broken\"', \"{{ inputs.word }}\"] }
";

pub struct Desk {
    folder: TempDir,
}

impl Desk {
    pub fn new(schedules: &str) -> Self {
        let desk = Self { folder: tempfile::tempdir().unwrap() };
        desk.write("playbook.yaml", PLAYBOOK);
        desk.write("inventory.yaml", "hosts: { local: { pass_env: [DESK] } }\n");
        desk.write("schedules.yaml", schedules);
        desk
    }
    /// With one schedule that runs the cheap playbook.
    pub fn with(fields: &str) -> Self {
        Self::new(&format!("version: 1\nschedules:\n  cheap: {{ {RUN}, time_zone: UTC, {fields} }}\n"))
    }
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
    pub fn state(&self) -> PathBuf {
        self.path("state")
    }
    pub fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }
    /// The program in the folder, with its state directory there.
    pub fn cutover(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cutover"));
        command.args(args).current_dir(self.folder.path());
        command.env("CUTOVER_STATE", self.state()).env("DESK", self.folder.path());
        command.env("NO_COLOR", "1").env_remove("RUST_LOG").stdin(Stdio::null());
        command
    }
    pub fn say(&self, args: &[&str]) -> Output {
        self.cutover(args).output().unwrap()
    }
    pub fn json(&self, args: &[&str]) -> Value {
        let output = self.cutover(args).args(["--format", "json"]).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {said}"))
    }
    /// A daemon, whose words go into a file.
    pub fn serve(&self) -> Child {
        let said = std::fs::OpenOptions::new().append(true).create(true).open(self.path("said")).unwrap();
        self.cutover(&["serve", "--listen", "127.0.0.1:0"]).stdout(Stdio::null()).stderr(said).spawn().unwrap()
    }
    pub fn said(&self) -> String {
        std::fs::read_to_string(self.path("said")).unwrap_or_default()
    }
    /// All decisions, the oldest first.
    pub fn decisions(&self) -> Vec<Value> {
        let mut all = self.json(&["schedule", "log", "-n", "100000"]).as_array().unwrap().clone();
        all.sort_by_key(|start| start["due"].as_i64());
        all
    }
    pub fn lines(&self) -> usize {
        std::fs::read_to_string(self.path("lines")).unwrap_or_default().lines().count()
    }
    /// Waits until something is so; says what the daemon said when it never is.
    pub fn until(&self, what: &str, mut is_so: impl FnMut() -> bool) {
        let begin = Instant::now();
        while !is_so() {
            assert!(begin.elapsed() < Duration::from_secs(40), "never: {what}\n{}", self.said());
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

/// What a schedule needs to run the cheap playbook.
pub const RUN: &str = "action: run, playbook: playbook.yaml, inventory: inventory.yaml";

/// What a command said on stderr, without the frame and the line breaks it is shown in.
pub fn words(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let plain: String = said.chars().map(|c| if "│╭╰─·×▶".contains(c) { ' ' } else { c }).collect();
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}
