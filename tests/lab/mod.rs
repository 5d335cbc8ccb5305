//! Two hosts and their servers as other people have them (`lab.sh`), the accounts that docs/grants.md names, and the shipped
//! playbook against them.

#![allow(dead_code, reason = "each test uses a part of it")]

#[path = "../readme/mod.rs"]
pub mod readme;
mod seen;
#[path = "../skip/mod.rs"]
pub mod skip;

#[allow(unused_imports, reason = "each test uses a part of it")]
pub use seen::Asked;

use cutover::domain::product::{Family, Product};
use cutover::rehearsal::server::{Choice, Program};
use cutover::rehearsal::work_folder::WorkFolder;
use serde_json::Value;
use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// How far away the hosts are, in milliseconds each way.
const DELAY: u32 = 3;
/// The shipped playbook, with gates and pauses for a test.
const PLAYBOOK: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/playbooks/replication_swap.yaml");
const QUICK: [&str; 5] =
    ["min_write_iops=10", "max_fsync=2s", "benchmark_size=8MiB", "benchmark_time=1s", "quiet_for=1s"];

const INVENTORY: &str = r#"
hosts:
  old: { ssh: old, ssh_config: "@DIR@old_ssh_config", peer_ssh_config: "@DIR@back_ssh_config", work_dir: "@WORK@/old" }
  new: { ssh: new, ssh_config: "@DIR@new_ssh_config", peer_ssh_config: "@DIR@peer_ssh_config", work_dir: "@WORK@/new",
         facts: { memory: 1GiB, cpus: 2 } }
servers:
  source: { host: old, address: 127.0.0.1:@OLD@, user: migrate, password: { env: SOURCE_PASSWORD },
            config_file: "@DIR@old/my.cnf", @PRODUCT@ }
  target: { host: new, address: 127.0.0.1:@NEW@, endpoint: 127.0.0.1:@NEW@, user: migrate,
            password: { env: TARGET_PASSWORD }, replication: { user: repl, password: { env: REPL_PASSWORD } },
            config_file: "@DIR@new/my.cnf", data_dir: "@DIR@new/data", restart: ["@DIR@new/restart.sh"],
            settings: { socket: "@DIR@new/s.sock"@SETTINGS@ }, @PRODUCT@ }
applications:
  shop: { config: { template: app.env.j2, path: "@DIR@shop/db.env", host: old },
          accounts: [{ user: shop, host: 127.0.0.1, password: { env: SHOP_PASSWORD } }] }
policy: { encrypted_replication: required }
"#;

/// One of the two sides.
#[derive(Clone, Copy, PartialEq)]
pub enum Side {
    Old,
    New,
}

/// How a lab differs from another one.
pub struct Shape {
    pub family: Family,
    /// Lines for each server's configuration.
    pub old: &'static str,
    pub new: &'static str,
    /// What users of each host log in to.
    pub shells: [&'static str; 2],
}

pub struct Lab {
    folder: tempfile::TempDir,
    work: WorkFolder,
    client: PathBuf,
    product: Product,
    ports: [u16; 6],
    runs: RefCell<Vec<String>>,
}

impl Lab {
    /// The shipped playbook.
    pub const PLAYBOOK: &str = PLAYBOOK;

    /// Sets everything up; `None` where the machine has no `MySQL` and cannot fetch it.
    pub fn make(shape: &Shape) -> Option<Self> {
        Self::set_up(shape, false)
    }
    /// The same, and everything that is asked of the hosts and started there is noted; `None` too where nobody can.
    pub fn make_watched(shape: &Shape) -> Option<Self> {
        if Command::new("strace").arg("-V").output().is_err() {
            skip::skip("strace is not installed", skip::Why::Other);
            return None;
        }
        Self::set_up(shape, true)
    }
    fn set_up(shape: &Shape, is_watched: bool) -> Option<Self> {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        if shape.family == Family::MySql && !runtime.block_on(skip::mysql()) {
            return None;
        }
        let program = runtime.block_on(Program::find(&Choice::Family(shape.family))).unwrap();
        let bin = program.admin.parent().unwrap().to_owned();
        let client = ["mariadb", "mysql"].map(|name| bin.join(name)).into_iter().find(|path| path.exists()).unwrap();
        let folder = tempfile::Builder::new().prefix("cutover-lab").tempdir_in("/tmp").unwrap();
        let (ports, product) = (free_ports(), program.product);
        let work = WorkFolder::make().unwrap();
        std::os::unix::fs::symlink(work.path(), folder.path().join("work")).unwrap();
        let lab = Self { folder, work, client, product, ports, runs: RefCell::default() };
        lab.write("old.cnf", &format!("server_id = 1\nlog_bin = binlog\nbinlog_format = ROW\n{}", shape.old));
        lab.write("new.cnf", shape.new);
        if is_watched {
            std::fs::create_dir(lab.path("seen")).unwrap();
        }
        let mut script = Command::new("sh");
        let family = if shape.family == Family::MariaDb { "mariadb" } else { "mysql" };
        script.arg(here("lab.sh")).arg(lab.dir()).arg(family).arg(bin);
        script.args(lab.ports[..4].iter().map(u16::to_string)).arg(DELAY.to_string()).args(shape.shells);
        said(script.stdin(Stdio::null()).env_remove("MYSQL_PWD"));
        for (side, server, password) in [(Side::Old, "source", "choose-one"), (Side::New, "target", "choose-another")] {
            lab.sql(side, &readme::account(shape.family, server, password, false).join(";\n"));
        }
        Some(lab)
    }
    pub fn family(&self) -> Family {
        self.product.family
    }
    pub fn dir(&self) -> &Path {
        self.folder.path()
    }
    pub fn path(&self, file: &str) -> String {
        self.dir().join(file).display().to_string()
    }
    pub fn read(&self, file: &str) -> String {
        std::fs::read_to_string(self.path(file)).unwrap()
    }
    /// Writes a file of this lab.
    pub fn write(&self, file: &str, text: &str) -> String {
        let path = self.dir().join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    }

    /// Statements as the server's own administrator; what they answer.
    pub fn sql(&self, side: Side, sql: &str) -> String {
        let ran = self.client(side, sql);
        assert!(ran.status.success(), "{sql}: {}", String::from_utf8_lossy(&ran.stderr));
        String::from_utf8(ran.stdout).unwrap()
    }
    fn client(&self, side: Side, sql: &str) -> Output {
        let socket = self.path(["old/s.sock", "new/s.sock"][side as usize]);
        let mut client = Command::new(&self.client);
        client.args(["--no-defaults", "--user=root", "--default-character-set=utf8mb4", "-BN", "-S", &socket]);
        client.args(["-e", sql]).stdin(Stdio::null()).output().unwrap()
    }

    /// Whether the server lets somebody in, through its socket.
    pub fn log_in(&self, side: Side, user: &str, password: &str) -> bool {
        let socket = self.path(["old/s.sock", "new/s.sock"][side as usize]);
        let mut client = Command::new(&self.client);
        client.args(["--no-defaults", "--default-character-set=utf8mb4", "-BN", "-S", &socket, "-e", "SELECT 1"]);
        client.arg(format!("--user={user}")).env("MYSQL_PWD", password).stdin(Stdio::null());
        client.output().unwrap().status.success()
    }

    /// Whether the server takes these statements.
    pub fn try_sql(&self, side: Side, sql: &str) -> bool {
        self.client(side, sql).status.success()
    }

    /// Files of this name anywhere in the lab.
    pub fn find(&self, name: &str) -> Vec<String> {
        let found = Command::new("find").arg(self.dir()).arg(self.work.path()).args(["-name", name]).output().unwrap();
        String::from_utf8_lossy(&found.stdout).lines().map(str::to_owned).collect()
    }
    /// Files below these folders in which a text stands.
    pub fn find_text(&self, text: &str, folders: &[&str]) -> Vec<String> {
        let mut grep = Command::new("grep");
        grep.args(["-rlaF", "--include=*.log", "--include=*.db*", "-e", text]);
        let found = grep.args(folders.iter().map(|folder| self.path(folder))).output().unwrap();
        String::from_utf8_lossy(&found.stdout).lines().map(str::to_owned).collect()
    }

    /// Files of any kind below these folders in which a text stands.
    pub fn grep(&self, text: &str, folders: &[&str]) -> Vec<String> {
        let mut grep = Command::new("grep");
        grep.args(["-rlaF", "-D", "skip", "-e", text]);
        let found = grep.args(folders.iter().map(|folder| self.path(folder))).output().unwrap();
        String::from_utf8_lossy(&found.stdout).lines().map(str::to_owned).collect()
    }

    /// What a server holds in `databases`, as text that differs when they do.
    pub fn dump(&self, side: Side, databases: &[&str]) -> String {
        let socket = self.path(["old/s.sock", "new/s.sock"][side as usize]);
        let bin = self.client.parent().unwrap();
        let dump = ["mariadb-dump", "mysqldump"].map(|name| bin.join(name)).into_iter().find(|path| path.exists());
        let mut dump = Command::new(dump.unwrap());
        dump.args([
            "--no-defaults",
            "--user=root",
            "-S",
            &socket,
            "--skip-comments",
            "--order-by-primary",
            "--hex-blob",
        ]);
        if self.product.family == Family::MySql {
            dump.arg("--set-gtid-purged=OFF");
        }
        dump.args(["--single-transaction", "--skip-extended-insert", "--routines", "--triggers", "--databases"]);
        said(dump.args(databases).stdin(Stdio::null()))
    }

    /// The inventory of this lab; each of `changes` must have something to change.
    pub fn inventory(&self, settings: &str, changes: &[(&str, &str)]) -> String {
        let version = self.product.version;
        let family = if self.product.family == Family::MariaDb { "mariadb" } else { "mysql" };
        let product = format!("family: {family}, version: \"{}.{}\"", version.0, version.1);
        let text = changes.iter().fold(INVENTORY.to_owned(), |text, (from, to)| {
            assert!(text.contains(from), "there is no {from} in {text}");
            text.replace(from, to)
        });
        let text = text
            .replace("@DIR@", &self.path(""))
            .replace("@WORK@", self.work.path().to_str().unwrap())
            .replace("@PRODUCT@", &product)
            .replace("@SETTINGS@", settings);
        let text = text.replace("@OLD@", &self.ports[0].to_string()).replace("@NEW@", &self.ports[1].to_string());
        self.write("inventory.yaml", &text)
    }

    /// Runs cutover to its end, in an environment that would lead its client programs astray.
    pub fn cutover(&self, args: &[&str]) -> Output {
        let mut cutover = self.witnessed(env!("CARGO_BIN_EXE_cutover"));
        cutover.args(args).current_dir(env!("CARGO_MANIFEST_DIR")).stdin(Stdio::null());
        cutover.env("CUTOVER_STATE", self.path("state")).env("SOURCE_PASSWORD", "choose-one");
        cutover.env("TARGET_PASSWORD", "choose-another").env("REPL_PASSWORD", "repl-secret");
        cutover.env("SHOP_PASSWORD", "shop-secret").env("NO_COLOR", "1").env_remove("RUST_LOG");
        cutover.env("MYSQL_PWD", "wrong").env("MYSQL_TCP_PORT", self.ports[0].to_string());
        cutover.output().unwrap()
    }
    /// The shipped playbook by `command` (`run`, `preflight`), with inputs; what came of it.
    pub fn swap(&self, command: &[&str], inputs: &[&str]) -> Output {
        self.play(command, PLAYBOOK, inputs)
    }
    /// The same with a playbook that takes the same inputs.
    pub fn play(&self, command: &[&str], playbook: &str, inputs: &[&str]) -> Output {
        let (inventory, tunnels) = (self.path("inventory.yaml"), self.tunnels());
        let mut args = [command, &[playbook, "-i", &inventory]].concat();
        for input in QUICK.iter().copied().chain(tunnels.iter().map(String::as_str)).chain(inputs.iter().copied()) {
            args.extend(["--set", input]);
        }
        let ran = self.cutover(&args);
        if let Ok(summary) = serde_json::from_slice::<Value>(&ran.stdout)
            && let Some(run) = summary["run"].as_str()
        {
            self.runs.borrow_mut().push(run.to_owned());
        }
        ran
    }
    fn tunnels(&self) -> [String; 2] {
        [format!("tunnel=127.0.0.1:{}", self.ports[4]), format!("way_back_tunnel=127.0.0.1:{}", self.ports[5])]
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        // tunnels are meant to outlive their run
        let mut marks = vec![self.path(""), self.work.path().display().to_string()];
        marks.append(&mut self.runs.borrow_mut());
        for _ in 0..2 {
            for pid in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
                let Ok(pid) = pid.file_name().into_string().unwrap_or_default().parse::<u32>() else { continue };
                let words = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
                let folder = std::fs::read_link(format!("/proc/{pid}/cwd")).unwrap_or_default();
                let words = format!("{} {}", String::from_utf8_lossy(&words), folder.display());
                if pid != std::process::id() && marks.iter().any(|mark| words.contains(mark)) {
                    let _ = Command::new("kill").args(["-KILL", &pid.to_string()]).stderr(Stdio::null()).status();
                }
            }
        }
    }
}

fn here(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lab").join(file)
}

fn free_ports() -> [u16; 6] {
    [(); 6].map(|()| cutover::effects::free_port().unwrap())
}

/// What a program prints; panics when it fails.
fn said(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}
