//! Writes documents into a folder of their own, has the real program check them, and says what it found.

use serde_json::Value;
use std::path::Path;
use std::process::{Command, Output};
use tempfile::TempDir;

/// What most playbooks here are checked against.
pub const INVENTORY: &str = "\
hosts:
  old: { ssh: old.example }
  new: { ssh: new.example }
servers:
  source: { host: old, address: 127.0.0.1:3306, user: migrate, password: { env: SOURCE_PASSWORD } }
  target:
    host: new
    address: 127.0.0.1:3306
    user: migrate
    password: { env: TARGET_PASSWORD }
    replication: { user: repl, password: { env: REPL_PASSWORD } }
    config_file: /etc/mysql/my.cnf
    data_dir: /var/lib/mysql
    restart: [systemctl, restart, mariadb]
applications:
  shop: { config: { template: app.env.j2, path: /etc/shop/db.env, host: new }, reload: [systemctl, reload, shop] }
";

/// A playbook with these steps.
pub fn playbook(steps: &str) -> String {
    format!("version: 1\nname: trial\nsteps:\n{steps}")
}

/// A folder with documents in it.
pub struct Desk {
    folder: TempDir,
}

impl Desk {
    /// With a playbook and the usual inventory.
    pub fn new(playbook: &str) -> Self {
        let desk = Self { folder: tempfile::tempdir().unwrap() };
        desk.write("playbook.yaml", playbook.as_bytes());
        desk.write("inventory.yaml", INVENTORY.as_bytes());
        desk
    }
    /// Its path.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }
    /// Puts a file there.
    pub fn write(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.path().join(name), bytes).unwrap();
    }
    /// The program, about to run in the folder, without colours and without anybody's settings.
    pub fn program(&self) -> Command {
        let mut program = Command::new(env!("CARGO_BIN_EXE_cutover"));
        program.current_dir(self.path()).env("NO_COLOR", "1").env_remove("RUST_LOG");
        program
    }
    /// Has the playbook checked, with further arguments.
    pub fn check(&self, arguments: &[&str]) -> Report {
        let mut program = self.program();
        program.args(["check", "playbook.yaml", "-i", "inventory.yaml", "--format", "json"]).args(arguments);
        Report::new(self.path(), &program.output().unwrap())
    }
}

/// What the program had to say.
pub struct Report {
    /// Its exit code.
    pub code: Option<i32>,
    /// What a person reads.
    pub shown: String,
    /// Each fault's underlined text, in the order reported; nothing where a whole file is at fault.
    pub underlined: Vec<String>,
}

impl Report {
    fn new(folder: &Path, output: &Output) -> Self {
        let found: Value = serde_json::from_slice(&output.stdout).unwrap();
        let faults = found["faults"].as_array().unwrap().iter();
        Self {
            code: output.status.code(),
            shown: String::from_utf8(output.stderr.clone()).unwrap(),
            underlined: faults.map(|fault| token(folder, fault)).collect(),
        }
    }
}

fn token(folder: &Path, fault: &Value) -> String {
    let (Some(start), Some(end)) = (fault["start"].as_u64(), fault["end"].as_u64()) else { return String::new() };
    let text = std::fs::read(folder.join(fault["file"].as_str().unwrap())).unwrap();
    let range = usize::try_from(start).unwrap()..usize::try_from(end).unwrap();
    String::from_utf8(text[range].to_vec()).unwrap()
}

/// A case of a table: the name of its snapshot, the playbook, the tokens to be underlined.
pub type Case<'a> = (&'a str, &'a str, &'a [&'a str]);

/// Every case is refused with exit code 2, underlines just these tokens, and reads as its snapshot.
pub fn all_refused(cases: &[Case<'_>]) {
    let cases = cases.iter().map(|(name, text, underlined)| (*name, Desk::new(text).check(&[]), *underlined));
    all_of(cases);
}

/// The same for reports made in another way. All that differ are said at once.
pub fn all_of<'a>(cases: impl Iterator<Item = (&'a str, Report, &'a [&'a str])>) {
    let mut different = String::new();
    for (name, report, underlined) in cases {
        if report.code != Some(2) || report.underlined != underlined {
            let Report { code, shown, underlined: found } = &report;
            different += &format!("{name}: code {code:?}, underlined {found:?} in place of {underlined:?}\n{shown}\n");
        }
        insta::assert_snapshot!(name, report.shown);
    }
    assert!(different.is_empty(), "{different}");
}

/// Refused, with these tokens underlined; reads as the snapshot `name`.
pub fn refused(name: &str, report: Report, underlined: &[&str]) {
    all_of(std::iter::once((name, report, underlined)));
}
