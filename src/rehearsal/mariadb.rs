//! A real `MariaDB` server in a folder of its own, on loopback, for rehearsals and tests.
//!
//! Everything it needs is in the folder: `my.cnf` (its only configuration), `data/`, `tmp/`, `s.sock`, `error.log`,
//! `restart.sh`. Works as root and as a plain user, without systemd.

use crate::error::{Failure, Result};
use rustix::process::{Pid, Signal, kill_process};
use std::fmt::Write as _;
use std::net::TcpListener;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};
use tokio::process::Command;

/// What every restart script does, after the lines that name this server's folder and programs.
const RESTART: &str = include_str!("restart.sh");
/// Longest path of a unix socket.
const LONGEST_SOCKET: usize = 107;
/// Longest time for a signal to take effect; a server that has not stopped by then is killed.
const PATIENCE: Duration = Duration::from_secs(8);

/// What the first configuration is like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// An ordinary production server: binary log, durable commits, a modest buffer pool.
    Production,
    /// As installed: nothing but its own places.
    Bare,
}

/// How a server is to be made.
#[derive(Debug, Clone)]
pub struct Setup {
    /// Name, for messages.
    pub name: String,
    /// Its folder; made with mode 0700.
    pub dir: PathBuf,
    /// The server program; `None` looks for `mariadbd` in `PATH` and the usual places.
    pub program: Option<PathBuf>,
    /// Port on 127.0.0.1; `None` takes a free one.
    pub port: Option<u16>,
    /// What the first configuration is like.
    pub profile: Profile,
    /// Password of the account `migrate`@`127.0.0.1`, which may do everything.
    pub password: String,
    /// Further lines for `my.cnf`, such as `server_id=7`.
    pub options: Vec<String>,
}

/// A running server. Stopped when dropped.
#[derive(Debug)]
pub struct MariaDb {
    name: String,
    dir: PathBuf,
    port: u16,
}

impl MariaDb {
    /// The account that may do everything, from 127.0.0.1.
    pub const ACCOUNT: &str = "migrate";

    /// Installs and starts a server, and waits until it answers: about 2 s. Several can be made at once.
    ///
    /// # Errors
    /// When a program is missing, or the server does not start: the end of its log is in the failure.
    pub async fn start(setup: Setup) -> Result<Self> {
        let Setup { name, dir, program, port, profile, password, options } = setup;
        let failed = |answer: String| Failure::permanent(format!("start the server {name}"), answer);
        let program = match program {
            Some(program) => program,
            None => find(&["mariadbd", "mysqld"]).ok_or_else(|| {
                failed("mariadbd is nowhere to be found".into()).help("install MariaDB's server, or name the program")
            })?,
        };
        if dir.join("s.sock").as_os_str().len() > LONGEST_SOCKET {
            return Err(failed(format!("{} is too long a path for a socket", dir.display())).help("take a shorter one"));
        }
        let port = port.map_or_else(free_port, Ok).map_err(|error| failed(error.to_string()))?;
        let server = Self { name: name.clone(), dir, port };
        server.lay_out(&program, profile, &options).map_err(|error| failed(error.to_string()))?;
        server.install(&program).await.map_err(failed)?;
        let accounts = server.dir.join("accounts.sql");
        write(&accounts, &accounts_sql(&password), 0o600).map_err(|error| failed(error.to_string()))?;
        let init_file = format!("--init-file={}", accounts.display());
        let started = run(Command::new("sh").arg(server.restart_script()).arg(init_file)).await;
        std::fs::remove_file(&accounts).map_err(|error| failed(error.to_string()))?;
        started.map_err(failed)?;
        Ok(server)
    }

    /// Stops it cleanly if it runs, and starts it again with what `my.cnf` says now.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn restart(&self) -> Result<()> {
        let ran = run(Command::new("sh").arg(self.restart_script())).await;
        ran.map_err(|answer| Failure::permanent(format!("restart the server {}", self.name), answer))
    }

    /// Kills it as a power cut would, and waits until it is gone.
    pub fn kill(&self) {
        if let Some(pid) = self.pid() {
            end(pid, Signal::KILL);
        }
    }

    /// Stops it from being scheduled, and waits until it stands still, or lets it go on: a frozen machine.
    pub fn freeze(&self, frozen: bool) {
        let Some(pid) = self.pid() else { return };
        let _ = kill_process(pid, if frozen { Signal::STOP } else { Signal::CONT }); // it may have ended by itself
        within_patience(|| !frozen || thread_states(pid).iter().all(|state| matches!(state, 'T' | 'Z')));
    }

    /// Stops it cleanly, or kills it after some seconds.
    pub fn stop(&self) {
        self.freeze(false);
        if let Some(pid) = self.pid()
            && !end(pid, Signal::TERM)
        {
            end(pid, Signal::KILL);
        }
    }

    /// Its name, as given.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
    /// Its port on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }
    /// `127.0.0.1:port`.
    #[must_use]
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }
    /// Its folder.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }
    /// Its configuration file.
    #[must_use]
    pub fn config_file(&self) -> PathBuf {
        self.dir.join("my.cnf")
    }
    /// Its data directory.
    #[must_use]
    pub fn data_dir(&self) -> PathBuf {
        self.dir.join("data")
    }
    /// Its folder for temporary tables: a server that starts clears that away, also what belongs to another server.
    fn temp_dir(&self) -> PathBuf {
        self.dir.join("tmp")
    }
    /// Its socket.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.dir.join("s.sock")
    }
    /// The script that restarts it, from anywhere: for the inventory's `restart`.
    #[must_use]
    pub fn restart_script(&self) -> PathBuf {
        self.dir.join("restart.sh")
    }

    /// Its process, if it runs. The number in the file is believed only when that process uses our configuration.
    #[must_use]
    pub fn pid(&self) -> Option<Pid> {
        let pid: i32 = std::fs::read_to_string(self.dir.join("server.pid")).ok()?.trim().parse().ok()?;
        let words = std::fs::read(format!("/proc/{pid}/cmdline")).ok()?; // empty for a zombie
        let ours = self.config_file();
        String::from_utf8_lossy(&words).contains(ours.to_str()?).then(|| Pid::from_raw(pid)).flatten()
    }

    fn lay_out(&self, program: &Path, profile: Profile, options: &[String]) -> std::io::Result<()> {
        for folder in [self.data_dir(), self.temp_dir()] {
            std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        }
        std::fs::set_permissions(&self.dir, std::fs::Permissions::from_mode(0o700))?;
        write(&self.config_file(), &self.first_config(profile, options), 0o644)?;
        let admin = beside(program, "mariadb-admin").or_else(|| find(&["mariadb-admin", "mysqladmin"]));
        let admin = admin.ok_or_else(|| std::io::Error::other("mariadb-admin is nowhere to be found"))?;
        let quoted = |path: &Path| shell_words::quote(&path.to_string_lossy()).into_owned();
        let head = format!(
            "#!/bin/sh\ndir={}\nprogram={}\nadmin={}\nas_user={}\n",
            quoted(&self.dir),
            quoted(program),
            quoted(&admin),
            if is_root() { "--user=root" } else { "" },
        );
        write(&self.restart_script(), &format!("{head}{RESTART}"), 0o755)
    }

    fn first_config(&self, profile: Profile, options: &[String]) -> String {
        let mut text = String::from("[mysqld]\n");
        let mut line = |line: &str| {
            let _ = writeln!(text, "{line}"); // a String takes everything
        };
        line(&format!("datadir = {}", self.data_dir().display()));
        line(&format!("socket = {}", self.socket().display()));
        line(&format!("port = {}", self.port));
        line("bind_address = 127.0.0.1");
        line("skip_name_resolve = ON");
        if is_root() {
            line("user = root");
        }
        if profile == Profile::Production {
            line("server_id = 1");
            line("log_bin = binlog");
            line("binlog_format = ROW");
            line("sync_binlog = 1");
            line("innodb_flush_log_at_trx_commit = 1");
            line("innodb_buffer_pool_size = 256M");
            line("max_connections = 300");
        }
        for option in options {
            line(option);
        }
        text
    }

    /// Fills the data directory, unless somebody has put one there.
    async fn install(&self, program: &Path) -> Result<(), String> {
        if self.data_dir().join("mysql").exists() {
            return Ok(());
        }
        let installer = beside(program, "mariadb-install-db").or_else(|| find(&["mariadb-install-db"]));
        let installer = installer.ok_or("mariadb-install-db is nowhere to be found")?;
        let mut command = Command::new(installer);
        command.env("TMPDIR", self.temp_dir());
        command.arg("--no-defaults").arg(format!("--datadir={}", self.data_dir().display()));
        command.args(["--auth-root-authentication-method=normal", "--skip-test-db", "--skip-name-resolve"]);
        // A server that starts removes what others have in a shared folder for temporary files.
        command.env("TMPDIR", &self.dir);
        if is_root() {
            command.arg("--user=root");
        }
        // A server unpacked somewhere has its tables' definitions there too.
        if let Some(base) = program.parent().and_then(Path::parent)
            && base != Path::new("/usr")
            && base != Path::new("/")
        {
            command.arg(format!("--basedir={}", base.display()));
        }
        run(&mut command).await
    }
}

impl Drop for MariaDb {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Sends a signal that ends a process, and waits for that; whether it has come about.
fn end(pid: Pid, signal: Signal) -> bool {
    let _ = kill_process(pid, signal); // it may have ended by itself
    // The first thread may be a zombie, waiting to be reaped, while others still hold files and answer.
    within_patience(|| thread_states(pid).iter().all(|state| *state == 'Z'))
}

/// Whether `done` comes true before patience ends.
fn within_patience(done: impl Fn() -> bool) -> bool {
    let began = Instant::now();
    while !done() {
        if began.elapsed() > PATIENCE {
            return false;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    true
}

/// The kernel's letter for the state of each thread; none when there is no such process.
fn thread_states(pid: Pid) -> Vec<char> {
    let threads = std::fs::read_dir(format!("/proc/{}/task", pid.as_raw_nonzero())).into_iter().flatten().flatten();
    let stats = threads.filter_map(|thread| std::fs::read_to_string(thread.path().join("stat")).ok());
    stats.filter_map(|stat| stat.rsplit_once(") ")?.1.chars().next()).collect()
}

/// Nobody but root on the socket and the account `migrate`. Not in the binary log: accounts of the sandbox are not
/// part of what is moved.
fn accounts_sql(password: &str) -> String {
    let account = format!("'{}'@'127.0.0.1'", MariaDb::ACCOUNT);
    let password = password.replace('\\', "\\\\").replace('\'', "''");
    format!(
        "SET SESSION sql_log_bin = 0;\n\
         DELETE FROM mysql.global_priv WHERE User = '' OR (User = 'root' AND Host <> 'localhost');\n\
         FLUSH PRIVILEGES;\n\
         CREATE OR REPLACE USER {account} IDENTIFIED BY '{password}';\n\
         GRANT ALL PRIVILEGES ON *.* TO {account} WITH GRANT OPTION;\n"
    )
}

/// Runs a program to its end; what it complained of, if it failed.
async fn run(command: &mut Command) -> Result<(), String> {
    let program = command.as_std().get_program().to_string_lossy().into_owned();
    let ran = command.stdin(Stdio::null()).output().await.map_err(|error| format!("{program}: {error}"))?;
    if ran.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&[ran.stdout, ran.stderr].concat()).into_owned();
    let errors: Vec<&str> = said.lines().filter(|line| line.contains("ERROR")).collect();
    let telling = if errors.is_empty() { said.trim().to_owned() } else { errors.join("\n") };
    Err(format!("{program} ended with {}: {telling}", ran.status))
}

fn write(path: &Path, text: &str, mode: u32) -> std::io::Result<()> {
    use std::io::Write as _;
    let mut file = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(mode).open(path)?;
    file.write_all(text.as_bytes())
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// A port on 127.0.0.1 that nobody listens on at this moment.
///
/// # Errors
/// When there is none left.
pub fn free_port() -> std::io::Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

fn find(names: &[&str]) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let usual = ["/usr/sbin", "/usr/local/sbin", "/usr/libexec", "/usr/bin"].map(PathBuf::from);
    let dirs: Vec<PathBuf> = std::env::split_paths(&path).chain(usual).collect();
    names.iter().find_map(|name| dirs.iter().map(|dir| dir.join(name)).find(|program| program.is_file()))
}

/// A program of the same installation.
fn beside(program: &Path, name: &str) -> Option<PathBuf> {
    let dir = program.parent()?;
    [dir.join(name), dir.join("../bin").join(name), dir.join("../scripts").join(name)].into_iter().find(|p| p.is_file())
}
