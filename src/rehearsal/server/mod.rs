//! A real server in a folder of its own, on loopback, for rehearsals and tests: `MariaDB` or `MySQL`.
//!
//! Everything it needs is in the folder: `my.cnf` (its only configuration), `data/`, `tmp/`, `s.sock`, `error.log`,
//! `restart.sh`. Works as root and as a plain user, without systemd.

mod choice;
mod install;
mod process;
mod program;
mod release;

pub use choice::Choice;
pub(super) use process::run;
pub use program::Program;
pub(super) use program::cache;
pub use release::RELEASES;

use crate::dialect::Dialect;
use crate::domain::product::Family;
use crate::effects::free_port;
use crate::error::{Failure, Result};
use process::{end, thread_states, within_patience};
use rustix::process::{Pid, Signal, kill_process};
use std::fmt::Write as _;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use tokio::process::Command;

/// What every restart script does, after the lines that name this server's folder and programs.
const RESTART: &str = include_str!("restart.sh");
/// Longest path of a unix socket.
const LONGEST_SOCKET: usize = 107;

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
    /// Which server program.
    pub program: Choice,
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
pub struct Server {
    name: String,
    dir: PathBuf,
    port: u16,
    program: Program,
}

impl Server {
    /// The account that may do everything, from 127.0.0.1.
    pub const ACCOUNT: &str = "migrate";

    /// Installs and starts a server, and waits until it answers: about 2 s. Several can be made at once.
    ///
    /// # Errors
    /// When a program is missing, or the server does not start: the end of its log is in the failure.
    pub async fn start(setup: Setup) -> Result<Self> {
        let Setup { name, dir, program, port, profile, password, options } = setup;
        let failed = |answer: String| Failure::permanent(format!("start the server {name}"), answer);
        let program = Program::find(&program).await?;
        if dir.join("s.sock").as_os_str().len() > LONGEST_SOCKET {
            return Err(
                failed(format!("the path {} is too long for a socket", dir.display())).help("use a shorter path")
            );
        }
        let port = port.map_or_else(free_port, Ok).map_err(|error| failed(error.to_string()))?;
        let server = Self { name: name.clone(), dir, port, program };
        server.lay_out(profile, &options).map_err(|error| failed(error.to_string()))?;
        if !server.data_dir().join("mysql").exists() {
            install::data_dir(&server.program, &server.data_dir()).await.map_err(failed)?; // unless somebody has put one there
        }
        let accounts = server.dir.join("accounts.sql");
        let text = install::accounts(server.family(), &password);
        write(&accounts, &text, 0o600).map_err(|error| failed(error.to_string()))?;
        let init_file = format!("--init-file={}", accounts.display());
        let started = process::run(Command::new("sh").arg(server.restart_script()).arg(init_file)).await;
        std::fs::remove_file(&accounts).map_err(|error| failed(error.to_string()))?;
        started.map_err(failed)?;
        Ok(server)
    }

    /// Stops it cleanly if it runs, and starts it again with the current `my.cnf`.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn restart(&self) -> Result<()> {
        let ran = process::run(Command::new("sh").arg(self.restart_script())).await;
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
    /// Its family.
    #[must_use]
    pub fn family(&self) -> Family {
        self.program.product.family
    }
    /// The words it understands.
    #[must_use]
    pub fn dialect(&self) -> Dialect {
        self.program.product.into()
    }
    /// Its program, and those that come with it.
    #[must_use]
    pub fn program(&self) -> &Program {
        &self.program
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

    fn lay_out(&self, profile: Profile, options: &[String]) -> std::io::Result<()> {
        for folder in [self.data_dir(), self.temp_dir()] {
            std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        }
        std::fs::set_permissions(&self.dir, std::fs::Permissions::from_mode(0o700))?;
        write(&self.config_file(), &self.first_config(profile, options), 0o644)?;
        let quoted = |path: &Path| shell_words::quote(&path.to_string_lossy()).into_owned();
        let head = format!(
            "#!/bin/sh\ndir={}\nprogram={}\nadmin={}\nbase={}\nas_user={}\nunverified={}\n",
            quoted(&self.dir),
            quoted(&self.program.server),
            quoted(&self.program.admin),
            self.program.base().map(|base| quoted(&base)).unwrap_or_default(),
            if is_root() { "--user=root" } else { "" },
            // else a client of MariaDB 11.4 and later refuses a server without TLS, also on its socket
            if self.family() == Family::MariaDb { "--skip-ssl-verify-server-cert" } else { "" },
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
            if self.family() == Family::MariaDb {
                line("binlog_format = ROW"); // MySQL's own default since 5.7.7
            }
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
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

fn write(path: &Path, text: &str, mode: u32) -> std::io::Result<()> {
    use std::io::Write as _;
    let mut file = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(mode).open(path)?;
    file.write_all(text.as_bytes())
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}
