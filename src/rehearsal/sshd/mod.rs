//! An sshd for each host of the sandbox: on loopback, with a key of its own, for one throwaway client key.
//!
//! Knows how OpenSSH's server is set up and ended; nothing of what is run through it.

mod processes;
mod tools;

use crate::effects::free_port;
use crate::error::{Failure, Result};
use rustix::process::Signal;
use std::fs::{DirBuilder, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex as Plain, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::sync::Mutex;

/// Tries to find a port that nobody takes in between.
const PORT_TRIES: usize = 5;
/// How long a server may take to greet.
const GREETING_LIMIT: Duration = Duration::from_secs(5);
/// In the environment of everything that runs on a sandbox host, so that it can be found and ended.
const MARK: &str = "CUTOVER_SANDBOX_HOST";
/// Options that some versions do not have. The key exchange that is left out takes a tenth of a second of both ends, for keys
/// that guard nothing here.
const WHERE_KNOWN: [&str; 3] = ["DebianBanner no", "PerSourcePenalties no", "KexAlgorithms -sntrup*"];
/// Where sshd is found when the path of a plain user does not name it.
const FOLDERS: [&str; 4] = ["/usr/sbin", "/usr/local/sbin", "/sbin", "/opt/homebrew/sbin"];

/// Servers of one folder are set up one after the other: they share files.
static SETTING_UP: Mutex<()> = Mutex::const_new(());

/// A running sshd. Dropped, it ends with all that was started through it, jobs included.
pub struct Sshd {
    name: String,
    ssh_config: PathBuf,
    port: u16,
    mark: String,
    program: PathBuf,
    folder: PathBuf,
    server: Plain<Child>,
}

impl Sshd {
    /// Starts a server for the host `name` and adds the host to the `ssh_config` and `known_hosts` in `dir`; other
    /// hosts started in the same folder share both, and the client key.
    ///
    /// # Errors
    /// When OpenSSH is not installed, or its server does not come up.
    pub async fn start(dir: &Path, name: &str) -> Result<Self> {
        Self::start_with(dir, name, None, None).await
    }

    /// The same for a host whose database programs are those of the folder `clients`, and no others: what the machine has
    /// of them is not on its path. Those of the folder `besides` come after them.
    ///
    /// # Errors
    /// As for [`Sshd::start`], and when its programs cannot be linked.
    pub async fn start_with(dir: &Path, name: &str, clients: Option<&Path>, besides: Option<&Path>) -> Result<Self> {
        let _alone = SETTING_UP.lock().await;
        let failed = |answer: String| Failure::permanent("start an sshd", answer).at(name);
        let setup = Setup::new(dir, name, clients, besides).map_err(failed)?;
        let mut answer = String::new();
        for _ in 0..PORT_TRIES {
            let port = free_port().map_err(|error| failed(error.to_string()))?;
            let sshd = setup.launch(port).map_err(failed)?;
            match sshd.greeting().await {
                Ok(()) => {
                    setup.announce(port).map_err(failed)?;
                    return Ok(sshd);
                }
                Err(why) => answer = format!("{why}: {}", setup.last_words()),
            }
        }
        Err(failed(answer).help("install openssh-server, and check that this user may run `sshd -D`"))
    }

    /// Its alias in the configuration: what to give to ssh.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The ssh configuration that knows every host of the folder.
    #[must_use]
    pub fn ssh_config(&self) -> &Path {
        &self.ssh_config
    }

    /// Its port on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Breaks every connection and takes no new ones, as an unplugged cable does; what runs on the host goes on.
    pub fn stop(&self) {
        self.freeze(false);
        let mut server = self.server();
        let connections = processes::descendants(server.id());
        // Already ended is as good.
        let _ = server.kill();
        let _ = server.wait();
        for pid in connections.into_iter().filter(|&pid| !processes::is_marked(pid, MARK, &self.mark)) {
            processes::kill(pid);
        }
    }

    /// Takes connections again, after [`Sshd::stop`], at the same port and with the same keys.
    ///
    /// # Errors
    /// When its server does not come up.
    pub async fn come_back(&self) -> Result<()> {
        let failed = |answer: String| Failure::permanent("start an sshd again", answer).at(&self.name);
        *self.server() = spawn(&self.program, &self.folder).map_err(failed)?;
        self.greeting().await.map_err(failed)
    }

    fn server(&self) -> MutexGuard<'_, Child> {
        self.server.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets its connections and itself stand still, as a line does that swallows every packet, or go on. What runs on
    /// the host goes on.
    pub fn freeze(&self, frozen: bool) {
        let signal = if frozen { Signal::STOP } else { Signal::CONT };
        let server = self.server().id();
        processes::send(server, signal);
        for pid in processes::descendants(server) {
            if !processes::is_marked(pid, MARK, &self.mark) {
                processes::send(pid, signal);
            }
        }
    }

    /// Ends every program of one of these names that runs on the host, at once; whether there was one.
    #[must_use]
    pub fn kill_programs(&self, names: &[&str]) -> bool {
        let mut found = processes::marked(MARK, &self.mark);
        found.retain(|&pid| processes::is_program(pid, names));
        for &pid in &found {
            processes::kill(pid);
        }
        !found.is_empty()
    }

    /// Waits for ssh's greeting.
    async fn greeting(&self) -> Result<(), String> {
        let greeted = async {
            loop {
                let ended = self.server().try_wait();
                if let Ok(Some(status)) = ended {
                    return Err(format!("it ended with {status}"));
                }
                if let Ok(mut stream) = tokio::net::TcpStream::connect(("127.0.0.1", self.port)).await {
                    let mut start = [0; 4];
                    if stream.read_exact(&mut start).await.is_ok() && &start == b"SSH-" {
                        return Ok(());
                    }
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(GREETING_LIMIT, greeted).await.unwrap_or_else(|_| Err("it does not answer".into()))
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        self.stop();
        // Twice, for what a dying shell may have started in between.
        for _ in 0..2 {
            processes::marked(MARK, &self.mark).into_iter().for_each(processes::kill);
        }
    }
}

/// The files of one server.
struct Setup<'a> {
    dir: &'a Path,
    name: &'a str,
    program: PathBuf,
    user: String,
    mark: String,
    /// Where its programs are, after those in its home folder.
    path: String,
}

impl<'a> Setup<'a> {
    fn new(dir: &'a Path, name: &'a str, clients: Option<&Path>, besides: Option<&Path>) -> Result<Self, String> {
        let home = dir.join(name).join("home");
        let made = DirBuilder::new().recursive(true).mode(0o700).create(&home);
        made.map_err(|error| format!("{}: {error}", home.display()))?;
        let program = find_sshd().ok_or("there is no `sshd` on this machine")?;
        if rustix::process::geteuid().is_root() {
            // sshd's unprivileged half is locked into it.
            let made = DirBuilder::new().recursive(true).mode(0o755).create("/run/sshd");
            made.map_err(|error| format!("/run/sshd: {error}"))?;
        }
        let user = said(Command::new("id").arg("-un"))?.trim().to_owned();
        let mark = blake3::hash(format!("{} {name} {}", dir.display(), std::process::id()).as_bytes());
        let mut path = std::env::var("PATH").unwrap_or_default();
        if let Some(clients) = clients {
            path = tools::of_its_own(&home, clients, &path)?;
        }
        if let Some(besides) = besides {
            path = format!("{path}:{}", besides.display());
        }
        let setup = Self { dir, name, program, user, mark: mark.to_hex()[..32].to_owned(), path };
        for key in [setup.host_key(), setup.client_key()] {
            if !key.exists() {
                said(Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-C", name, "-f"]).arg(&key))?;
            }
        }
        Ok(setup)
    }

    fn launch(&self, port: u16) -> Result<Sshd, String> {
        let config = self.file("sshd_config");
        let mut text = self.server_config(port);
        write(&config, &text, false)?;
        for option in WHERE_KNOWN {
            if said(Command::new(&self.program).arg("-t").arg("-f").arg(&config).arg("-o").arg(option)).is_ok() {
                text = format!("{text}{option}\n");
            }
        }
        write(&config, &text, false)?;
        let folder = self.dir.join(self.name);
        let server = Plain::new(spawn(&self.program, &folder)?);
        let (name, mark) = (self.name.to_owned(), self.mark.clone());
        let (program, ssh_config) = (self.program.clone(), self.dir.join("ssh_config"));
        Ok(Sshd { name, ssh_config, port, mark, program, folder, server })
    }

    fn server_config(&self, port: u16) -> String {
        let quoted = |path: PathBuf| format!("\"{}\"", path.display());
        format!(
            "ListenAddress 127.0.0.1:{port}\nHostKey {host_key}\nAuthorizedKeysFile {client_key}\nPidFile {pid_file}\n\
             AuthenticationMethods publickey\nPermitRootLogin prohibit-password\nStrictModes no\nUsePAM no\n\
             UseDNS no\nPrintMotd no\nMaxSessions 100\nMaxStartups 1000\n\
             SetEnv {MARK}={mark} \"HOME={home}\" \"PATH={home}/bin:{path}\"\n",
            host_key = quoted(self.host_key()),
            client_key = quoted(self.client_key().with_extension("pub")),
            pid_file = quoted(self.file("sshd_pid")),
            mark = self.mark,
            // A sandbox host has programs of its own and then the runner's, but not this user's shell and client settings.
            home = self.file("home").display(),
            path = self.path,
        )
    }

    /// Makes the host known to clients.
    fn announce(&self, port: u16) -> Result<(), String> {
        let key = self.host_key().with_extension("pub");
        let key = std::fs::read_to_string(&key).map_err(|error| format!("{}: {error}", key.display()))?;
        let known_hosts = self.dir.join("known_hosts");
        write(&known_hosts, &format!("[127.0.0.1]:{port} {}\n", key.trim()), true)?;
        let host = format!(
            "Host {name}\n  HostName 127.0.0.1\n  Port {port}\n  User {user}\n  IdentityFile \"{key}\"\n  \
             IdentitiesOnly yes\n  IdentityAgent none\n  UserKnownHostsFile \"{known_hosts}\"\n  \
             GlobalKnownHostsFile /dev/null\n  StrictHostKeyChecking yes\n  BatchMode yes\n  LogLevel ERROR\n\n",
            name = self.name,
            user = self.user,
            key = self.client_key().display(),
            known_hosts = known_hosts.display(),
        );
        write(&self.dir.join("ssh_config"), &host, true)
    }

    fn last_words(&self) -> String {
        let log = std::fs::read_to_string(self.file("sshd_log")).unwrap_or_default();
        log.lines().last().unwrap_or("it printed nothing").to_owned()
    }

    fn host_key(&self) -> PathBuf {
        self.file("host_key")
    }

    fn client_key(&self) -> PathBuf {
        self.dir.join("client_key")
    }

    /// In the folder of this host alone.
    fn file(&self, what: &str) -> PathBuf {
        self.dir.join(self.name).join(what)
    }
}

/// Starts the server whose files are in `folder`.
fn spawn(program: &Path, folder: &Path) -> Result<Child, String> {
    let mut command = Command::new(program);
    command.arg("-D").arg("-f").arg(folder.join("sshd_config")).arg("-E").arg(folder.join("sshd_log"));
    let started = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    started.map_err(|error| format!("{}: {error}", program.display()))
}

fn find_sshd() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(FOLDERS.into_iter().map(PathBuf::from));
    folders.map(|folder| folder.join("sshd")).find(|program| program.is_file())
}

fn write(path: &Path, text: &str, append: bool) -> Result<(), String> {
    let mut options = OpenOptions::new();
    options.create(true).write(true).append(append).truncate(!append).mode(0o600);
    let written = options.open(path).and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| format!("{}: {error}", path.display()))
}

/// The output of a small program; its error output when it fails.
fn said(command: &mut Command) -> Result<String, String> {
    let output = command.stdin(Stdio::null()).output();
    let output = output.map_err(|error| format!("{}: {error}", command.get_program().display()))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    Err(String::from_utf8_lossy(&output.stderr).trim().to_owned())
}
