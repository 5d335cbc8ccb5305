//! A started program, local or behind an ssh master: its streams and its end.
//!
//! Knows how programs are started, nothing of which ones and why.

use super::Ran;
use super::environment::Environment;
use super::kept::{Head, Tail, drain};
use crate::error::Failure;
use rustix::process::{Pid, Signal, kill_process_group};
use std::io;
use std::pin::pin;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

/// The line after which the output of a program behind ssh begins.
const BEGIN: &str = "cutover-begins-here";
/// Default number of bytes that are kept of a program's output or error output.
pub(in crate::effects) const KEPT: usize = 64 << 10;

type Input = Box<dyn AsyncWrite + Send + Unpin>;
type Output = Box<dyn AsyncRead + Send + Unpin>;

/// A started program.
pub(in crate::effects) struct Process {
    /// Its input, where one was asked for.
    pub stdin: Option<Input>,
    /// Its output.
    pub stdout: Output,
    /// Its error output.
    pub stderr: Output,
    /// Whether the output of the login shell still precedes that of the program.
    is_greeted: bool,
    end: End,
}

/// Who knows how it ended. Dropped, a local program is killed with its process group, and one behind ssh loses its
/// streams.
enum End {
    Local(Group),
    Ssh(openssh::Child<Arc<openssh::Session>>),
}

/// A local program that leads a process group.
struct Group {
    child: tokio::process::Child,
    leader: Option<Pid>,
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(leader) = self.leader {
            let _ = kill_process_group(leader, Signal::KILL);
        }
    }
}

/// Why a program could not be started or followed to its end.
pub(in crate::effects) enum Fault {
    /// There is no such program here.
    Missing,
    /// The connection is gone.
    Lost,
    /// The connection, or the machine, takes no further program at the moment.
    Busy(String),
    /// Anything else, in words.
    Other(String),
}

impl Fault {
    /// The failure of what was `attempted`, a clause after "could not".
    pub fn failure(self, attempted: impl Into<String>) -> Failure {
        match self {
            Self::Missing => Failure::permanent(attempted, "there is no such program"),
            Self::Lost => Failure::transient(attempted, "the ssh connection was lost")
                .now("what was started there may still be running"),
            Self::Busy(words) => Failure::transient(attempted, words),
            Self::Other(words) => Failure::permanent(attempted, words),
        }
    }
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound => Self::Missing,
            io::ErrorKind::WouldBlock | io::ErrorKind::OutOfMemory => Self::Busy(error.to_string()),
            _ => Self::Other(error.to_string()),
        }
    }
}

impl From<openssh::Error> for Fault {
    fn from(error: openssh::Error) -> Self {
        match error {
            openssh::Error::Disconnected | openssh::Error::Master(_) | openssh::Error::Connect(_) => Self::Lost,
            // the master is gone, or is just going, or its sshd has no room for another session
            mux @ openssh::Error::SshMux(_) => Self::Busy(chain(&mux)),
            other => Self::Other(chain(&other)),
        }
    }
}

impl Process {
    /// Starts a program on the runner's machine, in its own process group.
    pub fn local(command: &[&str], environment: &Environment, stdin: bool) -> Result<Self, Fault> {
        Self::spawn(command, environment, stdin, true)
    }

    /// Starts a script of `sh` on the runner's machine, in its own session.
    pub fn local_session(script: &str, environment: &Environment, stdin: bool) -> Result<Self, Fault> {
        // setsid keeps its process number unless it leads a group already
        Self::spawn(&["setsid", "sh", "-c", script], environment, stdin, false)
    }

    fn spawn(command: &[&str], environment: &Environment, stdin: bool, group: bool) -> Result<Self, Fault> {
        let (program, args) = command.split_first().ok_or_else(|| Fault::Other("the command is empty".into()))?;
        let mut command = tokio::process::Command::new(program);
        command
            .args(args)
            .stdin(if stdin { Stdio::piped() } else { Stdio::null() })
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        environment.set(&mut command);
        if group {
            command.process_group(0);
        }
        let mut child = command.spawn()?;
        let leader = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        Ok(Self {
            stdin: child.stdin.take().map(|pipe| Box::new(pipe) as Input),
            stdout: child.stdout.take().map(|pipe| Box::new(pipe) as Output).ok_or_else(no_pipe)?,
            stderr: child.stderr.take().map(|pipe| Box::new(pipe) as Output).ok_or_else(no_pipe)?,
            is_greeted: false,
            end: End::Local(Group { child, leader }),
        })
    }

    /// Starts a script of `sh` behind an ssh master, in place of the login shell, whatever shell that is.
    pub async fn over(session: Arc<openssh::Session>, script: &str, stdin: bool) -> Result<Self, Fault> {
        let mut child = session
            .arc_raw_command(for_any_shell(&format!("echo {BEGIN}\n{script}")))
            .stdin(if stdin { openssh::Stdio::piped() } else { openssh::Stdio::null() })
            .stdout(openssh::Stdio::piped())
            .stderr(openssh::Stdio::piped())
            .spawn()
            .await?;
        Ok(Self {
            stdin: child.stdin().take().map(|pipe| Box::new(pipe) as Input),
            stdout: child.stdout().take().map(|pipe| Box::new(pipe) as Output).ok_or_else(no_pipe)?,
            stderr: child.stderr().take().map(|pipe| Box::new(pipe) as Output).ok_or_else(no_pipe)?,
            is_greeted: true,
            end: End::Ssh(child),
        })
    }

    /// Skips the output of the login shell, once.
    ///
    /// # Errors
    /// When that has no end.
    pub async fn pass_greeting(&mut self) -> io::Result<()> {
        if std::mem::take(&mut self.is_greeted) { pass_greeting(&mut *self.stdout).await } else { Ok(()) }
    }

    /// Feeds it, reads what it prints, and waits for its end. Of what it prints the first `keep` bytes are kept, of its
    /// complaint the last [`KEPT`]. Its streams are read to their ends; those of a local program at most for `stragglers`
    /// after it has ended, where what it has started in the background may hold them open for ever.
    pub async fn finish(
        mut self,
        input: Option<&[u8]>,
        keep: usize,
        stragglers: Option<Duration>,
    ) -> Result<Ran, Fault> {
        let pipe = self.stdin.take();
        let feed = async {
            match (pipe, input) {
                (Some(pipe), Some(input)) => feed(pipe, input).await,
                _ => Ok(()),
            }
        };
        let (mut head, mut tail) = (Head::new(keep), Tail::new(KEPT));
        let (end, is_greeted) = (self.end, self.is_greeted);
        let (mut out, mut err) = (self.stdout, self.stderr);
        // an ssh master discards data that it has not passed on yet once its end was requested
        let patience = stragglers.filter(|_| matches!(end, End::Local(_)));
        let code = {
            let printed = async {
                if is_greeted {
                    pass_greeting(&mut *out).await?;
                }
                drain(&mut *out, &mut head).await
            };
            let reading = async { tokio::try_join!(feed, printed, drain(&mut *err, &mut tail)) };
            let read = |read: io::Result<((), (), ())>| read.map_err(|error| Fault::Other(error.to_string()));
            match patience {
                None => {
                    read(reading.await)?;
                    end.wait().await?
                }
                Some(patience) => {
                    let (mut reading, mut ending) = (pin!(reading), pin!(end.wait()));
                    tokio::select! {
                        all = &mut reading => {
                            read(all)?;
                            ending.await?
                        }
                        code = &mut ending => {
                            let code = code?;
                            read(timeout(patience, reading).await.unwrap_or(Ok(((), (), ()))))?;
                            code
                        }
                    }
                }
            }
        };
        let whole = head.is_whole();
        Ok(Ran { code, stdout: head.bytes, whole, stderr: String::from_utf8_lossy(&tail.bytes).into_owned() })
    }
}

impl End {
    async fn wait(self) -> Result<Option<i32>, Fault> {
        match self {
            Self::Local(mut group) => {
                let status = group.child.wait().await?;
                group.leader = None;
                Ok(status.code())
            }
            Self::Ssh(child) => match child.wait().await {
                Ok(status) => Ok(status.code()),
                // The crate turns code 127 into an error of its own.
                Err(openssh::Error::Remote(_)) => Ok(Some(127)),
                Err(openssh::Error::RemoteProcessTerminated) => Ok(None),
                Err(error) => Err(error.into()),
            },
        }
    }
}

/// Reads on to the line that begins what is ours: a `.bashrc` may print something for every login. An end before that is
/// the program's, and is recognized by its code.
async fn pass_greeting(stdout: &mut (dyn AsyncRead + Send + Unpin)) -> io::Result<()> {
    let mut line = Vec::with_capacity(BEGIN.len());
    for _ in 0..KEPT {
        let mut byte = [0];
        match stdout.read(&mut byte).await? {
            0 => return Ok(()),
            _ if byte[0] == b'\n' && line.ends_with(BEGIN.as_bytes()) => return Ok(()),
            _ if byte[0] == b'\n' => line.clear(),
            _ => line.push(byte[0]),
        }
    }
    Err(io::Error::other("the login shell there prints more than 64 KiB by itself"))
}

/// A command line that means `exec sh -c SCRIPT` to every login shell: quotes, exclamation marks and newlines mean
/// something else to some of them, so they go as octal numbers.
fn for_any_shell(script: &str) -> String {
    use std::fmt::Write;
    let mut coded = String::with_capacity(script.len() + script.len() / 8);
    for byte in script.bytes() {
        match byte {
            b'\'' | b'\\' | b'!' | 0..=31 | 127.. => {
                let _ = write!(coded, "\\0{byte:03o}");
            }
            plain => coded.push(char::from(plain)),
        }
    }
    format!("exec sh -c 'eval \"$(printf %b \"$0\")\"' '{coded}'")
}

/// A program may end without reading all of its input.
async fn feed(mut pipe: Input, input: &[u8]) -> io::Result<()> {
    match pipe.write_all(input).await {
        Ok(()) => pipe.shutdown().await,
        Err(error) => Err(error),
    }
    .or_else(|error| if error.kind() == io::ErrorKind::BrokenPipe { Ok(()) } else { Err(error) })
}

fn no_pipe() -> Fault {
    Fault::Other("it has no pipe".into())
}

/// An error with all that caused it.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        words = format!("{words}: {error}");
        cause = error.source();
    }
    words
}

#[cfg(test)]
mod tests {
    use super::super::environment::Environment;
    use super::{BEGIN, KEPT, Process, for_any_shell, pass_greeting};
    use std::time::Duration;

    #[test]
    fn a_script_survives_any_login_shell() {
        let coded = for_any_shell("echo 'a!'\n\\é");
        assert_eq!(
            coded,
            "exec sh -c 'eval \"$(printf %b \"$0\")\"' 'echo \\0047a\\0041\\0047\\0012\\0134\\0303\\0251'"
        );
    }

    #[tokio::test]
    async fn what_is_printed_is_kept_within_bounds() {
        let script = "head -c 9000000 /dev/zero | tr '\\0' x; echo last >&2";
        let ran = Process::local(&["sh", "-c", script], &Environment::default(), false)
            .ok()
            .unwrap()
            .finish(None, KEPT, None)
            .await
            .ok()
            .unwrap();
        assert_eq!((ran.code, ran.stdout.len(), ran.whole), (Some(0), KEPT, false));
        assert_eq!(ran.stderr, "last\n");
    }

    #[tokio::test]
    async fn what_a_login_shell_prints_is_passed_over() {
        for greeting in ["", "hello\n", "no newline at its end: "] {
            let text = format!("{greeting}{BEGIN}\nours\n");
            let mut stream: &[u8] = text.as_bytes();
            pass_greeting(&mut stream).await.unwrap();
            assert_eq!(stream, b"ours\n");
        }
        let endless = "x".repeat(KEPT + 1);
        assert!(pass_greeting(&mut endless.as_bytes()).await.is_err());
    }

    #[tokio::test]
    async fn a_child_in_the_background_keeps_nobody_waiting() {
        let begin = std::time::Instant::now();
        let process =
            Process::local(&["sh", "-c", "sleep 30 & echo done"], &Environment::default(), false).ok().unwrap();
        let ran = process.finish(None, KEPT, Some(Duration::from_millis(500))).await;
        assert_eq!(ran.ok().unwrap().stdout, b"done\n");
        assert!(begin.elapsed().as_secs() < 20);
    }
}
