//! A PostgreSQL primary with a synchronous standby, on this machine, in a folder of their own. As root they run as `nobody`:
//! PostgreSQL refuses root.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Who runs the servers, and owns the store.
pub const USER: &str = "cutover";

/// A server.
pub struct Node {
    pub port: u16,
    data: PathBuf,
    folder: PathBuf,
}

/// Two servers, the second one a standby of the first.
pub struct Cluster {
    pub nodes: [Node; 2],
    // last, so that the servers end before their files go
    _folder: tempfile::TempDir,
}

fn programs() -> PathBuf {
    let found =
        fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten().map(|entry| entry.path().join("bin"));
    found.max().expect("PostgreSQL is not installed: `make deps`")
}

fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|meta| meta.uid() == 0)
}

/// A program of PostgreSQL, as somebody whom it does not refuse.
fn program(name: &str) -> Command {
    let path = programs().join(name);
    if !is_root() {
        return Command::new(path);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=nobody", "--regid=nogroup", "--clear-groups", "--"]).arg(path);
    command
}

fn done(command: &mut Command) {
    let output = command.stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

impl Cluster {
    pub fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let nodes = ["one", "two"].map(|name| Node::new(folder.path(), name));
        let cluster = Self { nodes, _folder: folder };
        let [one, two] = &cluster.nodes;
        done(program("initdb").args(["--auth=trust", "--no-sync", "--username=postgres", "--pgdata"]).arg(&one.data));
        one.settings("");
        one.start_server();
        one.ask(&format!("CREATE ROLE {USER} LOGIN"));
        one.ask(&format!("CREATE DATABASE store OWNER {USER}"));
        let follow = format!("host=127.0.0.1 port={} user=postgres application_name=other", one.port);
        let copy = ["-R", "--no-sync", "--checkpoint=fast", "--dbname", &follow, "--pgdata"];
        done(program("pg_basebackup").args(copy).arg(&two.data));
        two.settings("synchronous_standby_names = 'ANY 1 (other)'"); // as it would be inherited
        two.start_server();
        one.set("synchronous_standby_names", "'ANY 1 (other)'");
        one.wait_for("SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'quorum'", "1");
        cluster
    }

    /// The address of the store on both.
    pub fn address(&self) -> String {
        let [one, two] = &self.nodes;
        format!("postgres://{USER}@127.0.0.1:{},127.0.0.1:{}/store", one.port, two.port)
    }
}

impl Node {
    fn new(folder: &Path, name: &str) -> Self {
        let folder = folder.join(name);
        fs::create_dir(&folder).unwrap();
        if is_root() {
            done(Command::new("chown").arg("nobody:nogroup").arg(&folder));
        }
        Self { port: free_port(), data: folder.join("data"), folder }
    }

    fn settings(&self, more: &str) {
        let folder = self.folder.display();
        self.append(&format!(
            "\nlisten_addresses = '127.0.0.1'\nport = {}\nunix_socket_directories = '{folder}'\nmax_connections = 60\n\
             wal_level = replica\nhot_standby = on\nwal_receiver_status_interval = 1s\nshared_buffers = 16MB\n{more}",
            self.port
        ));
    }

    fn append(&self, text: &str) {
        let file = self.data.join("postgresql.conf");
        let before = fs::read_to_string(&file).unwrap();
        fs::write(&file, before + text).unwrap();
    }

    pub fn start_server(&self) {
        done(
            program("pg_ctl")
                .args(["start", "--wait", "--silent", "-l"])
                .arg(self.folder.join("log"))
                .arg("-D")
                .arg(&self.data)
                .stdout(Stdio::null()),
        );
    }

    /// Ends the server like a machine that loses its power.
    pub fn kill(&self) {
        let text = fs::read_to_string(self.data.join("postmaster.pid")).unwrap_or_default();
        let Some(pid) = text.lines().next().and_then(|line| line.trim().parse::<i32>().ok()) else { return };
        // the postmaster first, so that it cannot bring the others up again
        let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
        for pid in std::iter::once(pid.to_string()).chain(children.split_whitespace().map(str::to_owned)) {
            let _ = Command::new("kill").args(["-9", &pid]).status();
        }
        let begun = Instant::now();
        while Path::new(&format!("/proc/{pid}")).exists() && begun.elapsed() < Duration::from_secs(10) {
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    pub fn stop(&self) {
        let _ = program("pg_ctl").args(["stop", "--silent", "-m", "immediate", "-D"]).arg(&self.data).output();
    }

    /// Makes the standby a primary that waits for nobody: its commits would wait for a standby that it does not have.
    pub fn promote(&self) {
        done(program("pg_ctl").args(["promote", "--wait", "--silent", "-D"]).arg(&self.data));
        self.set("synchronous_standby_names", "''");
    }

    /// From now on the store's account comes in by TLS alone, with this password.
    pub fn take_only_by_tls(&self, certificate: &Path, key: &Path, password: &str) {
        for (from, name) in [(certificate, "server.crt"), (key, "server.key")] {
            let to = self.data.join(name);
            fs::copy(from, &to).unwrap();
            fs::set_permissions(&to, fs::Permissions::from_mode(0o600)).unwrap();
            if is_root() {
                done(Command::new("chown").arg("nobody:nogroup").arg(&to));
            }
        }
        self.ask(&format!("ALTER ROLE {USER} PASSWORD '{password}'"));
        let rules = format!(
            "hostssl all {USER} 127.0.0.1/32 scram-sha-256\nhost all,replication postgres 127.0.0.1/32 trust\n"
        );
        fs::write(self.data.join("pg_hba.conf"), rules).unwrap();
        self.set("ssl", "on");
    }

    pub fn set(&self, name: &str, value: &str) {
        self.ask(&format!("ALTER SYSTEM SET {name} = {value}"));
        self.ask("SELECT pg_reload_conf()");
    }

    pub fn ask(&self, statement: &str) -> String {
        let mut psql = Command::new(programs().join("psql"));
        psql.args(["-XAtq", "-h", "127.0.0.1", "-U", "postgres", "-v", "ON_ERROR_STOP=1", "-p"])
            .arg(self.port.to_string());
        let database = if statement.contains("cutover.") { "store" } else { "postgres" };
        let output = psql.args(["-d", database, "-c", statement]).output().unwrap();
        assert!(output.status.success(), "{statement}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    pub fn wait_for(&self, statement: &str, wanted: &str) {
        let begun = Instant::now();
        while self.ask(statement) != wanted {
            assert!(begun.elapsed() < Duration::from_secs(30), "{statement} is not {wanted}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.stop();
    }
}
