//! Programs and files on a machine: the runner's own, or one behind ssh.
//!
//! May know how a host is reached (inventory) and how programs are started, but nothing about what they do.

mod complaint;
mod environment;
mod kept;
mod machine;
mod process;
mod shell;
mod ssh;

pub use environment::hide_secrets;
pub(super) use environment::hide_variable;
pub(super) use machine::Machine;
pub(super) use process::Process;
pub use shell::Shell;

use super::Activity;
use super::lease::{Ends, Guard, HostLease};
use super::lines::Lines;
use super::passing::passes;
use super::places::{refusal, with_places};
use crate::domain::units::Span;
use crate::error::{Class, Failure, Result};
use crate::playbook::inventory;
pub use complaint::telling_lines;
use machine::Link;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{sleep, timeout};

/// How many lines of a script's complaint go into a failure.
const COMPLAINT_LINES: usize = 10;
/// Longest time for a program of cutover: a check, a small change. What may take longer is a [`super::Job`], or is
/// bounded by its caller.
const LIMIT: Duration = Duration::from_mins(2);
/// How long the streams of a program of the user's own are read on after it has ended: what it has left in the
/// background may hold them open.
const STRAGGLERS: Duration = Duration::from_secs(10);
/// The step's own timeout ends the program.
const UNBOUNDED: Duration = Duration::from_hours(24 * 365);
/// How long it is tried to end a program on a host that does not answer, and the pause in between.
const END_WAIT: Duration = Duration::from_secs(24);
const END_PAUSE: Duration = Duration::from_millis(500);
/// How long a program's streams are read on after it was ended.
const REAP: Duration = Duration::from_secs(5);
/// Most that a file or a script of ours may bring, in bytes.
const LARGEST: usize = 4 << 20;

const WRITE_FILE: &str = with_places!("write_file.sh");
const READ_FILE: &str = with_places!("read_file.sh");
const REMOVE_FILE: &str = with_places!("remove_file.sh");
/// How the script that reads ends when there is no such file.
const NO_FILE: i32 = 78;

/// Limits of a program.
struct Bounds {
    limit: Duration,
    /// Number of bytes of its output that are kept.
    keep: usize,
    ends: Ends,
    /// How long its streams are read on after it has ended; to their ends, when missing.
    stragglers: Option<Duration>,
}

impl Bounds {
    /// Whether it is a program of the user, whose changes are unknown.
    fn is_users(&self) -> bool {
        self.stragglers.is_some()
    }
}

/// The bounds of a program of ours.
const OURS: Bounds = Bounds { limit: LIMIT, keep: process::KEPT, ends: Ends::Session, stragglers: None };

/// A connected machine, as one piece of work sees it: what it starts there goes past the run's lease, and ends with the
/// work.
pub struct Host {
    machine: Arc<Machine>,
    activity: Activity,
    lease: Option<HostLease>,
    /// Where another line to it comes from when this one is lost.
    lines: Option<Arc<Lines>>,
}

/// Result of a program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ran {
    /// Exit code; 127 when there is no such program, 128 and more when a signal ended it, `None` when unknown.
    pub code: Option<i32>,
    /// The beginning of its output.
    pub stdout: Vec<u8>,
    /// Whether that is all that it printed.
    pub whole: bool,
    /// The end of its error output.
    pub stderr: String,
}

impl Ran {
    /// Nothing, when it ended well.
    ///
    /// # Errors
    /// When it ended with another code than 0: the last lines of its complaint are the answer.
    pub fn expect_success(&self, attempted: &str, host: &str) -> Result<()> {
        if self.code == Some(0) {
            return Ok(());
        }
        Err(failed(attempted, complaint(self.code, &self.stderr)).at(host))
    }

    /// The last line of its error output.
    #[must_use]
    pub fn last_words(&self) -> &str {
        self.stderr.trim().lines().last().unwrap_or("it printed nothing")
    }
}

impl Host {
    /// Reaches the host `name` according to `access`. The socket of its ssh master goes to a folder of this process in
    /// `control_dir` (made with mode 0700; a short folder in `/tmp` when its path is too long for a socket), and
    /// masters that dead runners left there are ended.
    ///
    /// # Errors
    /// When its key is not known or it refuses the login; transient when it, or its sshd, does not answer.
    pub async fn connect(name: &str, access: &inventory::Host, control_dir: &Path) -> Result<Self> {
        let machine = Arc::new(Machine::connect(name, access, control_dir).await?);
        Ok(Self { machine, activity: Activity::apart(), lease: None, lines: None })
    }

    pub(super) fn new(machine: Arc<Machine>, activity: Activity, lease: Option<HostLease>, lines: Arc<Lines>) -> Self {
        Self { machine, activity, lease, lines: Some(lines) }
    }

    /// Its name in the inventory.
    #[must_use]
    pub fn name(&self) -> &str {
        self.machine.name()
    }

    /// Whether it is the runner's own machine.
    #[must_use]
    pub fn is_local(&self) -> bool {
        matches!(self.machine.link(), Link::Local(_))
    }

    /// Whether the connection is still alive; answers within three seconds. A frozen network is noticed by ssh itself
    /// only after some 6 seconds.
    pub async fn is_alive(&self) -> bool {
        self.machine.is_alive().await
    }

    /// Runs a program with exactly these arguments, no shell between; `stdin` is empty when missing. It has two
    /// minutes.
    ///
    /// # Errors
    /// As for [`Host::run_within`].
    pub async fn run(&self, argv: &[&str], stdin: Option<&[u8]>) -> Result<Ran> {
        self.run_bounded(argv, stdin, OURS).await
    }

    /// The same within `limit`. A program that takes longer, or whose work is given up, is ended with all that it has
    /// started in its session: asked to for 3 seconds, then made to.
    ///
    /// # Errors
    /// When it could not be started, was ended, or the connection was lost (transient): what may still run where is
    /// stated then. `Locked` when another runner has the run. An exit code is not an error.
    pub async fn run_within(&self, argv: &[&str], stdin: Option<&[u8]>, limit: Duration) -> Result<Ran> {
        self.run_bounded(argv, stdin, Bounds { limit, stragglers: Some(STRAGGLERS), ..OURS }).await
    }

    /// Runs a program of the user's own, as long as the step gives it: when its work is given up it is ended with all
    /// that descends from it, what has left its session among it.
    ///
    /// # Errors
    /// As for [`Host::run_within`].
    pub async fn run_whole(&self, argv: &[&str]) -> Result<Ran> {
        self.run_bounded(
            argv,
            None,
            Bounds { limit: UNBOUNDED, ends: Ends::Tree, stragglers: Some(STRAGGLERS), ..OURS },
        )
        .await
    }

    async fn run_bounded(&self, argv: &[&str], stdin: Option<&[u8]>, bounds: Bounds) -> Result<Ran> {
        Box::pin(self.run_to_its_end(argv, stdin, bounds)).await // large, and held by every step
    }

    async fn run_to_its_end(&self, argv: &[&str], stdin: Option<&[u8]>, bounds: Bounds) -> Result<Ran> {
        // The semaphore is never closed, so there is always a turn.
        let _turn = tokio::select! {
            turn = self.machine.turns.acquire() => turn.ok(),
            () = self.activity.end.cancelled() => return Err(Failure::cancelled(attempted(argv)).at(self.name())),
        };
        let guard = self.lease.as_ref().map(|lease| lease.guard(argv, &self.activity, bounds.ends));
        let started = match &guard {
            Some(guard) => self.machine.start_script(&guard.script, stdin.is_some()).await,
            None => self.machine.start(argv, stdin.is_some()).await,
        };
        let process = match started {
            Ok(process) => process,
            Err(process::Fault::Missing) => return Ok(missing(argv)),
            Err(fault) => return Err(fault.failure(attempted(argv)).at(self.name())),
        };
        let mut finish = std::pin::pin!(process.finish(stdin, bounds.keep, bounds.stragglers));
        let given_up = tokio::select! {
            ran = &mut finish => return self.judge(argv, guard.as_ref(), ran, bounds.is_users()).await,
            () = self.activity.end.cancelled() => true,
            () = sleep(bounds.limit) => false,
        };
        let ended = match &guard {
            Some(guard) => self.end(guard).await,
            None => Ok(()), // a look: local ones end with the future, and one behind ssh holds nothing
        };
        if ended.is_ok() {
            let _ = timeout(REAP, finish).await;
        }
        Err(self.ended(argv, (!given_up).then_some(bounds.limit), ended, bounds.is_users()))
    }

    /// Ends a program and proves that it is gone, over another line when this one is lost.
    async fn end(&self, guard: &Guard) -> Result<()> {
        let mut last = "the host does not answer".to_owned();
        let ending = async {
            loop {
                let machine = match &self.lines {
                    Some(lines) => lines.machine(self.name()).await,
                    None => Ok(self.machine.clone()),
                };
                match machine {
                    Ok(machine) => match guard.end(&machine).await {
                        Ok(()) => return Ok(()),
                        Err(failure) => last = failure.answer,
                    },
                    Err(failure) if failure.class == Class::Locked => return Err(failure),
                    Err(failure) => last = failure.answer,
                }
                sleep(END_PAUSE).await;
            }
        };
        match timeout(END_WAIT, ending).await {
            Ok(ended) => ended,
            Err(_) => Err(Failure::still_running("end a program", last).at(self.name())),
        }
    }

    async fn judge(
        &self,
        argv: &[&str],
        guard: Option<&Guard>,
        ran: Result<Ran, process::Fault>,
        users: bool,
    ) -> Result<Ran> {
        let ran = match ran {
            Err(process::Fault::Lost) => return Err(self.lost(argv, guard.filter(|_| users)).await),
            ran => ran.map_err(|fault| fault.failure(attempted(argv)).at(self.name()))?,
        };
        // The mux protocol has no word for signals: no code means one, or that the connection is gone.
        if ran.code.is_none() && !self.is_alive().await {
            return Err(self.lost(argv, guard.filter(|_| users)).await);
        }
        match guard.and_then(|guard| guard.refusal(self.name(), &ran)) {
            Some(failure) => Err(failure),
            None => Ok(ran),
        }
    }

    /// The line broke while a program ran. A program of the user is ended before anything else is done: otherwise it
    /// would run at the same time as the next action.
    async fn lost(&self, argv: &[&str], guard: Option<&Guard>) -> Failure {
        let failure = process::Fault::Lost.failure(attempted(argv)).at(self.name());
        let Some(guard) = guard else { return failure };
        match self.end(guard).await {
            Ok(()) => failure.now(format!("`{}` is no longer running on {}", shown(argv), self.name())),
            Err(why) if why.class == Class::Locked => why,
            Err(why) => Failure { class: Class::StillRunning, ..failure }.now(format!(
                "`{}` may still be running on {}: {}",
                shown(argv),
                self.name(),
                why.answer
            )),
        }
    }

    /// The failure of a program that was ended, after `limit` or because its work was given up.
    fn ended(&self, argv: &[&str], limit: Option<Duration>, ended: Result<()>, users: bool) -> Failure {
        let words = shown(argv);
        let failure = match limit {
            Some(limit) => Failure::transient(attempted(argv), format!("it took longer than {}", Span(limit))),
            None => Failure::cancelled(attempted(argv)),
        };
        let now = match ended {
            Ok(()) => format!("`{words}` was still running on {}, and was ended", self.name()),
            Err(why) if why.class == Class::Locked => return why,
            Err(why) => format!("`{words}` may still be running on {}: {}", self.name(), why.answer),
        };
        let class = if users && now.contains("may still be running") { Class::StillRunning } else { failure.class };
        Failure { class, ..failure }.at(self.name()).now(now)
    }

    /// Runs `sh -c SCRIPT sh ARGS…` and returns its output, without the last newline.
    ///
    /// # Errors
    /// When it ends with another code than 0 (the last lines of its complaint are the answer) or prints more than 4
    /// MiB.
    pub async fn sh(&self, script: &str, args: &[&str], stdin: Option<&[u8]>) -> Result<String> {
        self.sh_for("run a script", script, args, stdin).await
    }

    /// Like [`Host::sh`], with the clause to be used after "could not".
    pub(super) async fn sh_for(
        &self,
        attempted: &str,
        script: &str,
        args: &[&str],
        stdin: Option<&[u8]>,
    ) -> Result<String> {
        let command = [&["sh", "-c", script, "sh"], args].concat();
        let ran = self.run_bounded(&command, stdin, Bounds { keep: LARGEST, ..OURS }).await?;
        if ran.code == Some(0) && ran.whole {
            return Ok(trimmed(&ran.stdout));
        }
        if let Some(failure) = refusal(attempted, ran.code, &ran.stderr) {
            return Err(failure.at(self.name()));
        }
        let answer = if ran.whole { complaint(ran.code, &ran.stderr) } else { "it printed more than 4 MiB".into() };
        Err(failed(attempted, answer).at(self.name()))
    }

    /// The content of a plain file; `None` when there is none. A link that others could have put there is not followed.
    ///
    /// # Errors
    /// `Refused` when it is no plain file, or others can swap it for another account's. When it cannot be read, or is
    /// larger than 4 MiB.
    pub async fn read_file(&self, path: &str) -> Result<Option<Vec<u8>>> {
        let attempted = format!("read {path}");
        let command = ["sh", "-c", READ_FILE, "sh", path];
        let ran = self.run_bounded(&command, None, Bounds { keep: LARGEST, ..OURS }).await?;
        if let Some(failure) = refusal(&attempted, ran.code, &ran.stderr) {
            return Err(failure.at(self.name()));
        }
        match ran.code {
            Some(0) if ran.whole => Ok(Some(ran.stdout)),
            Some(0) => Err(Failure::permanent(attempted, "it is larger than 4 MiB").at(self.name())),
            Some(NO_FILE) => Ok(None),
            code => Err(failed(&attempted, complaint(code, &ran.stderr)).at(self.name())),
        }
    }

    /// Replaces a file in one instant, durably; links are followed where nobody else could have put them there. An
    /// existing file keeps its owner, and without `mode` (permission bits) its mode; a new one is 0600. Missing folders
    /// are made with mode 0700, where nobody else can write.
    ///
    /// # Errors
    /// `Refused` when a link or a folder on the way is another account's, or there is something else than a file. When
    /// it cannot be written; then the old content is kept.
    pub async fn write_file(&self, path: &str, content: &[u8], mode: Option<u32>) -> Result<()> {
        let mode = mode.map_or_else(String::new, |mode| format!("{mode:04o}"));
        let size = content.len().to_string();
        self.sh_for(&format!("write {path}"), WRITE_FILE, &[path, &mode, &size], Some(content)).await.map(drop)
    }

    /// Removes a file; a missing one is fine.
    ///
    /// # Errors
    /// When it exists and cannot be removed.
    pub async fn remove_file(&self, path: &str) -> Result<()> {
        self.sh_for(&format!("remove {path}"), REMOVE_FILE, &[path], None).await.map(drop)
    }

    /// The home folder there of the account that is worked as.
    ///
    /// # Errors
    /// When the host cannot be asked, or has none for that account.
    pub async fn home(&self) -> Result<String> {
        self.machine.home().await.map(str::to_owned)
    }

    /// An address on the runner's machine that leads to `address` (`host:port`, or a socket's path) as seen from this
    /// host. It lasts as long as the connection; whether anyone listens at `address` shows only when it is used.
    ///
    /// # Errors
    /// When the address is none, or the connection was lost.
    pub async fn forward(&self, address: &str) -> Result<String> {
        self.machine.forward(address).await
    }

    /// Makes `listen` on this host lead back to `address` as seen from the runner's machine, as long as the connection
    /// lasts.
    ///
    /// # Errors
    /// When it is the runner's own machine, the address is taken, or the connection was lost.
    pub async fn forward_back(&self, listen: &str, address: &str) -> Result<()> {
        match self.machine.link() {
            Link::Local(_) => {
                Err(Failure::permanent("forward back", "this is the runner's own machine").at(self.name()))
            }
            Link::Ssh(master) => {
                ssh::forward_back(&master.session, listen, address).await.map_err(|failure| failure.at(self.name()))
            }
        }
    }

    /// Removes what [`Host::forward_back`] has created.
    ///
    /// # Errors
    /// When there is no such forward, or the connection was lost.
    pub async fn end_forward_back(&self, listen: &str, address: &str) -> Result<()> {
        match self.machine.link() {
            Link::Local(_) => Ok(()),
            Link::Ssh(master) => {
                ssh::end_forward_back(&master.session, listen, address).await.map_err(|failure| failure.at(self.name()))
            }
        }
    }

    /// A shell kept open there, for commands that must not cost a process start each.
    ///
    /// # Errors
    /// When it cannot be started.
    pub async fn shell(&self) -> Result<Shell> {
        Shell::open(&self.machine, self.lease.clone()).await
    }

    /// Ends the connection at once, with all that runs over it. A dropped host's ssh master ends as soon as nothing
    /// runs over it any more.
    pub async fn close(self) {
        self.machine.close().await;
    }
}

/// A command as people are shown it: its first 200 characters.
fn shown(argv: &[&str]) -> String {
    shell_words::join(argv.iter().copied()).chars().take(200).collect()
}

fn attempted(argv: &[&str]) -> String {
    format!("run `{}`", argv.first().copied().unwrap_or_default())
}

/// The failure of a program that ended with a complaint: on a full disk it is worth another try.
pub(super) fn failed(attempted: &str, answer: String) -> Failure {
    if passes(&answer) { Failure::transient(attempted, answer) } else { Failure::permanent(attempted, answer) }
}

/// The same answer for a missing program that a shell gives.
fn missing(argv: &[&str]) -> Ran {
    let program = argv.first().copied().unwrap_or_default();
    Ran { code: Some(127), stdout: Vec::new(), whole: true, stderr: format!("{program}: not found\n") }
}

/// Printed text without its last newline.
fn trimmed(stdout: &[u8]) -> String {
    let text = String::from_utf8_lossy(stdout);
    text.strip_suffix('\n').unwrap_or(&text).to_owned()
}

/// A program's end and last words, for a failure.
pub(super) fn complaint(code: Option<i32>, stderr: &str) -> String {
    let end = code.map_or_else(|| "it was ended by a signal".to_owned(), |code| format!("it ended with code {code}"));
    let words = telling_lines(stderr, COMPLAINT_LINES);
    if words.is_empty() { format!("{end} and printed nothing") } else { format!("{end}: {words}") }
}

#[cfg(test)]
mod tests {
    use super::{complaint, trimmed};

    #[test]
    fn keeps_the_end_of_what_was_said() {
        let long = ["line 1", "line 2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "line 12", ""].join("\n");
        let said = complaint(Some(3), &long);
        assert!(said.starts_with("it ended with code 3: 3\n"), "{said}");
        assert!(said.ends_with("line 12"), "{said}");
        assert_eq!(complaint(None, "\n"), "it was ended by a signal and printed nothing");
        assert_eq!(trimmed(b"a\n\n"), "a\n");
    }
}
