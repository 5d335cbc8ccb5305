//! A folder of our own with folders in it that others may write to, a second account, and the program on this machine.

use crate::lab::skip::{Why, skip};
use cutover::effects::Host;
use cutover::playbook::inventory;
use cutover::rehearsal::work_folder::WorkFolder;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;

/// Number of the account `nobody`, of which nothing else on the machine should be.
pub const OTHER: u32 = 65534;

pub struct Yard {
    /// Owned by the account that the tests run as, as all that leads there.
    own: WorkFolder,
}

impl Yard {
    pub fn make() -> Self {
        Self { own: WorkFolder::make().unwrap() }
    }
    pub fn path(&self, name: &str) -> String {
        self.own.path().join(name).display().to_string()
    }
    pub fn folder(&self, name: &str, mode: u32) -> String {
        let path = self.path(name);
        std::fs::create_dir_all(&path).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        path
    }
    pub fn write(&self, name: &str, text: &str) -> String {
        std::fs::write(self.path(name), text).unwrap();
        self.path(name)
    }
    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }
    pub fn link(&self, to: &str, name: &str) -> String {
        std::os::unix::fs::symlink(to, self.path(name)).unwrap();
        self.path(name)
    }
    /// Names in a folder.
    pub fn names(&self, name: &str) -> Vec<String> {
        let entries = std::fs::read_dir(self.path(name)).unwrap().flatten();
        let mut names: Vec<String> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }
    /// A run of one command on this machine, with this as its host; what came of it.
    pub fn run(&self, host: &str, home: &Path) -> Output {
        let step = "{ id: a, uses: command, with: { host: local, run: [\"true\"] } }";
        self.write("playbook.yaml", &format!("version: 1\nname: p\nsteps:\n  - {step}\n"));
        self.write("inventory.yaml", &format!("hosts: {{ local: {host} }}\n"));
        self.cutover(&["run", "playbook.yaml", "-i", "inventory.yaml", "--yes"], home)
    }
    pub fn cutover(&self, args: &[&str], home: &Path) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cutover"));
        command.args(args).current_dir(self.own.path()).env("HOME", home).env("NO_COLOR", "1").env_remove("RUST_LOG");
        command.env("CUTOVER_STATE", self.path("state")).stdin(Stdio::null()).output().unwrap()
    }
    pub fn dir(&self) -> PathBuf {
        self.own.path().to_owned()
    }
}

/// Everything that a program has said, without the frame and the line breaks of a terminal.
pub fn words(output: &Output) -> String {
    let both = format!("{} {}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let plain: String = both.chars().map(|c| if "│╭╰─·×├▶".contains(c) { ' ' } else { c }).collect();
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether this is root, which can be another account too; where not, the test that asks is skipped.
pub fn is_root() -> bool {
    let is_root = rustix::process::geteuid().is_root();
    if !is_root {
        skip("only root can be a second account", Why::Other);
    }
    is_root
}

/// Gives something to the second account.
pub fn give(path: &str) {
    std::os::unix::fs::lchown(path, Some(OTHER), Some(OTHER)).unwrap();
}

/// A program of the second account.
pub fn as_other(program: &str) -> Command {
    let mut command = Command::new("setpriv");
    let id = OTHER.to_string();
    command.args([&format!("--reuid={id}"), &format!("--regid={id}"), "--clear-groups", program]);
    command
}

pub async fn local() -> Arc<Host> {
    Arc::new(Host::connect("here", &inventory::Host::default(), Path::new("/nowhere")).await.unwrap())
}
