//! Two hosts and their servers, set up by a shell script as a stranger would, with the accounts that docs/grants.md names,
//! and another team's program that writes.

use crate::readme;
use cutover::domain::product::Family;
use cutover::rehearsal::work_folder::WorkFolder;
use serde_json::Value;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

const SHOP: &str = "
    CREATE DATABASE shop; USE shop;
    CREATE TABLE orders (id BIGINT UNSIGNED PRIMARY KEY, note VARCHAR(40) NOT NULL);
    INSERT INTO orders SELECT seq, MD5(seq) FROM seq_1_to_20000;
    CREATE TABLE changes (id BIGINT UNSIGNED AUTO_INCREMENT PRIMARY KEY, order_id BIGINT UNSIGNED NOT NULL,
        FOREIGN KEY (order_id) REFERENCES orders (id));
    CREATE TRIGGER noted AFTER INSERT ON orders FOR EACH ROW INSERT INTO changes (order_id) VALUES (NEW.id);
    CREATE VIEW recent AS SELECT * FROM orders WHERE id > 1000000;
    CREATE PROCEDURE tidy() DELETE FROM changes WHERE id < 0;
    CREATE FUNCTION half(n INT) RETURNS INT DETERMINISTIC RETURN n / 2;
    CREATE USER shop@'127.0.0.1' IDENTIFIED BY 'shop-secret';
    GRANT SELECT, INSERT, UPDATE, DELETE, EXECUTE ON shop.* TO shop@'127.0.0.1';";
/// Cannot be made where the scheduler is disabled.
const EVENT: &str = "CREATE EVENT shop.nightly ON SCHEDULE EVERY 1 DAY DO CALL shop.tidy()";
const PARTS: &str = "SELECT
    (SELECT COUNT(*) FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = 'shop'),
    (SELECT COUNT(*) FROM information_schema.VIEWS WHERE TABLE_SCHEMA = 'shop'),
    (SELECT COUNT(*) FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = 'shop'),
    (SELECT COUNT(*) FROM information_schema.EVENTS WHERE EVENT_SCHEMA = 'shop')";
/// Ids from here on are the writers' own.
const WRITERS: [u64; 2] = [1_000_000, 2_000_000];

/// One of the two sides.
#[derive(Clone, Copy, PartialEq)]
pub enum Side {
    Old,
    New,
}

pub struct World {
    folder: tempfile::TempDir,
    work: WorkFolder,
    ports: [u16; 6],
    writers: Vec<Child>,
    runs: RefCell<Vec<String>>,
}

impl World {
    /// Sets everything up. `events` is the state of the old server's event scheduler.
    pub fn make(events: &str) -> Self {
        let folder = tempfile::Builder::new().prefix("cutover-out").tempdir_in("/tmp").unwrap();
        let work = WorkFolder::make().unwrap();
        std::os::unix::fs::symlink(work.path(), folder.path().join("work")).unwrap();
        let world = Self { folder, work, ports: free_ports(), writers: Vec::new(), runs: RefCell::default() };
        let mut by_hand = Command::new("sh");
        by_hand.arg(here("by_hand.sh")).arg(world.dir());
        by_hand.args(world.ports[..4].iter().map(u16::to_string)).arg(events);
        said(by_hand.stdin(Stdio::null()));
        world.sql(Side::Old, SHOP);
        if events != "DISABLED" {
            world.sql(Side::Old, EVENT);
        }
        for (side, server, password) in [(Side::Old, "source", "choose-one"), (Side::New, "target", "choose-another")] {
            let statements = readme::account(Family::MariaDb, server, password, events == "ON");
            world.sql(side, &statements.join(";\n"));
        }
        world
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
    /// Writes a file of this world; `@DIR@`, `@OLD@`, `@NEW@` and `@USER@` in it are filled in.
    pub fn write(&self, file: &str, text: &str) -> PathBuf {
        let path = self.dir().join(file);
        let user = said(Command::new("id").arg("-un"));
        let text = text
            .replace("@DIR@", &self.path(""))
            .replace("@WORK@", self.work.path().to_str().unwrap())
            .replace("@USER@", user.trim());
        let text = text.replace("@OLD@", &self.ports[0].to_string()).replace("@NEW@", &self.ports[1].to_string());
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path
    }
    /// Where the tunnels, there and back, may listen: as inputs of the playbook.
    pub fn tunnels(&self) -> [String; 2] {
        [format!("tunnel=127.0.0.1:{}", self.ports[4]), format!("way_back_tunnel=127.0.0.1:{}", self.ports[5])]
    }
    pub fn port(&self, side: Side) -> u16 {
        self.ports[side as usize]
    }

    /// Runs statements as the server's own administrator.
    pub fn sql(&self, side: Side, sql: &str) -> String {
        let socket = self.path(["old/s.sock", "new/s.sock"][side as usize]);
        said(Command::new("mariadb").args(["--no-defaults", "--user=root", "-BN", "-S", &socket, "-e", sql]))
    }

    /// Starts the shop: it writes until [`World::stop_shop`].
    pub fn start_shop(&mut self) {
        for first in WRITERS {
            self.start("shop.sh", Some(first));
        }
    }
    /// Starts the shop's calculation, which changes much and commits nothing.
    pub fn start_batch(&mut self) {
        self.start("batch.sh", None);
    }
    fn start(&mut self, program: &str, first: Option<u64>) {
        if self.writers.is_empty() {
            self.write("shop/db.env", "DB_HOST=127.0.0.1\nDB_PORT=@OLD@\n");
            self.write("shop/client.cnf", "[client]\nuser = shop\npassword = shop-secret\n");
        }
        let mut writer = Command::new("sh");
        writer.arg(here(program)).arg(self.dir().join("shop")).args(first.map(|first| first.to_string()));
        self.writers.push(writer.stdin(Stdio::null()).spawn().unwrap());
    }
    /// Waits until an order was acknowledged at `port`.
    pub fn wait_for_orders(&self, port: u16) {
        let begin = Instant::now();
        while !self.acknowledged().values().any(|at| *at == port) {
            assert!(begin.elapsed() < Duration::from_secs(20), "the shop gets no order through at {port}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
    pub fn stop_shop(&mut self) {
        std::fs::write(self.path("shop/stop"), "").unwrap();
        for mut writer in self.writers.drain(..) {
            writer.wait().unwrap();
        }
    }
    /// The orders that were acknowledged, and the port each was given to.
    pub fn acknowledged(&self) -> BTreeMap<u64, u16> {
        let lists = WRITERS.map(|first| self.path(&format!("shop/acknowledged.{first}")));
        let text: String = lists.iter().filter_map(|list| std::fs::read_to_string(list).ok()).collect();
        let entry = |line: &str| line.split_once(' ').map(|(id, port)| (id.parse().unwrap(), port.parse().unwrap()));
        text.lines().filter_map(entry).collect()
    }
    /// The shop's orders that a server holds.
    pub fn orders(&self, side: Side) -> Vec<u64> {
        let ids = self.sql(side, &format!("SELECT id FROM shop.orders WHERE id > {} ORDER BY id", WRITERS[0]));
        ids.lines().map(|id| id.parse().unwrap()).collect()
    }

    /// Runs cutover to its end.
    pub fn cutover(&self, args: &[&str]) -> Output {
        let mut cutover = Command::new(env!("CARGO_BIN_EXE_cutover"));
        cutover.args(args).current_dir(env!("CARGO_MANIFEST_DIR")).stdin(Stdio::null());
        cutover.env("CUTOVER_STATE", self.path("state")).env("SOURCE_PASSWORD", "choose-one");
        cutover.env("TARGET_PASSWORD", "choose-another").env("REPL_PASSWORD", "repl-secret");
        cutover.env("SHOP_PASSWORD", "shop-secret").output().unwrap()
    }
    /// `cutover run` with `args`; gives back the summary, and panics unless it is done. A switch that was taken back at its
    /// deadline, because the machine was too busy for it, is resumed once, as its user would.
    pub fn run(&self, args: &[&str]) -> Value {
        let mut ran = self.cutover(&[&["run", "--yes", "--format", "json"], args].concat());
        if ran.status.code() == Some(3) && String::from_utf8_lossy(&ran.stderr).contains("reached its deadline") {
            let summary: Value = serde_json::from_slice(&ran.stdout).unwrap();
            ran = self.cutover(&["resume", "--yes", "--format", "json", summary["run"].as_str().unwrap()]);
        }
        assert_eq!(ran.status.code(), Some(0), "{}", String::from_utf8_lossy(&ran.stderr));
        let summary: Value = serde_json::from_slice(&ran.stdout).unwrap();
        self.runs.borrow_mut().push(summary["run"].as_str().unwrap().to_owned());
        summary
    }

    /// Everything that must be true after a switch under writes. Call it after [`World::stop_shop`].
    pub fn judge(&self) {
        let (acknowledged, there) = (self.acknowledged(), self.orders(Side::New));
        let lost: Vec<_> = acknowledged.keys().filter(|id| there.binary_search(id).is_err()).collect();
        assert!(lost.is_empty(), "acknowledged and not on the new server: {lost:?}");
        for side in [Side::Old, Side::New] {
            assert!(acknowledged.values().any(|port| *port == self.port(side)), "no order at {}", self.port(side));
        }
        let astray: Vec<_> = self.orders(Side::Old).into_iter().filter(|id| there.binary_search(id).is_err()).collect();
        assert!(astray.is_empty(), "written on the old server alone: {astray:?}");
        assert_eq!(self.sql(Side::New, PARTS), self.sql(Side::Old, PARTS));
        assert!(self.sql(Side::Old, PARTS).starts_with("1\t1\t2\t"));

        assert_eq!(self.sql(Side::Old, "SELECT @@GLOBAL.read_only"), "1\n");
        assert!(self.read("old/my.cnf").lines().any(|line| line == "read_only = ON"), "{}", self.read("old/my.cnf"));
        assert!(self.order_is_refused(Side::Old), "the old server takes orders");
        assert_eq!(self.sql(Side::New, "SHOW SLAVE STATUS"), "");
        let durable = "SELECT @@GLOBAL.innodb_flush_log_at_trx_commit, @@GLOBAL.sync_binlog, @@GLOBAL.read_only";
        assert_eq!(self.sql(Side::New, durable), "1\t1\t0\n");
        let file = self.read("new/my.cnf");
        let value = |name: &str| {
            let line = file.lines().rfind(|line| line.starts_with(name)).unwrap_or_default();
            line.split_once('=').map(|(_, value)| value.trim().to_owned())
        };
        assert_eq!(value("innodb_flush_log_at_trx_commit").as_deref(), Some("1"), "{file}");
        assert_eq!(value("read_only"), None, "{file}");
    }

    fn order_is_refused(&self, side: Side) -> bool {
        let mut client = Command::new("mariadb");
        client.arg(format!("--defaults-file={}", self.path("shop/client.cnf")));
        client.args(["--protocol=TCP", "-h", "127.0.0.1", "-P", &self.port(side).to_string()]);
        let ran = client.args(["-e", "INSERT INTO shop.orders VALUES (9, 'late')"]).output().unwrap();
        // read_only, or a lock: it may call code that runs as root, which read_only does not stop
        let said = String::from_utf8_lossy(&ran.stderr).into_owned();
        !ran.status.success() && ["1290", "4151"].iter().any(|code| said.contains(code))
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = std::fs::create_dir_all(self.path("shop"));
        let _ = std::fs::write(self.path("shop/stop"), "");
        for writer in &mut self.writers {
            let _ = writer.wait();
        }
        // the tunnel is meant to outlive its run, in a folder of that run
        let runs = std::mem::take(&mut *self.runs.borrow_mut());
        let mut marks = vec![self.path(""), self.work.path().display().to_string()];
        marks.extend(runs.iter().cloned());
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
        let home = std::env::var("HOME").unwrap_or_default();
        for run in &runs {
            let _ = std::fs::remove_dir_all(format!("{home}/.cutover/{run}"));
        }
    }
}

fn here(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/outside").join(file)
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
