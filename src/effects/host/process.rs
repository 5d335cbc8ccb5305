//! A started program, local or behind an ssh master: its streams and its end.
//!
//! Knows how programs are started, nothing of which ones and why.

use super::Ran;
use crate::error::Failure;
use std::io;
use std::process::Stdio;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

type Input = Box<dyn AsyncWrite + Send + Unpin>;
type Output = Box<dyn AsyncRead + Send + Unpin>;

/// A started program.
pub(in crate::effects) struct Process {
    /// Its input, where one was asked for.
    pub stdin: Option<Input>,
    /// What it prints.
    pub stdout: Output,
    /// What it complains of.
    pub stderr: Output,
    end: End,
}

/// Who knows how it ended. Dropped, a local program is killed and one behind ssh loses its streams.
enum End {
    Local(tokio::process::Child),
    Ssh(openssh::Child<Arc<openssh::Session>>),
}

/// Why a program could not be started or followed to its end.
pub(in crate::effects) enum Fault {
    /// There is no such program here.
    Missing,
    /// The connection is gone.
    Lost,
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
            Self::Other(words) => Failure::permanent(attempted, words),
        }
    }
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::NotFound { Self::Missing } else { Self::Other(error.to_string()) }
    }
}

impl From<openssh::Error> for Fault {
    fn from(error: openssh::Error) -> Self {
        match error {
            openssh::Error::Disconnected => Self::Lost,
            other => Self::Other(chain(&other)),
        }
    }
}

impl Process {
    /// Starts a program on the runner's machine.
    pub fn local(command: &[&str], stdin: bool) -> Result<Self, Fault> {
        let (program, args) = command.split_first().ok_or_else(|| Fault::Other("the command is empty".into()))?;
        let mut child = tokio::process::Command::new(program)
            .args(args)
            .stdin(if stdin { Stdio::piped() } else { Stdio::null() })
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        Ok(Self {
            stdin: child.stdin.take().map(|pipe| Box::new(pipe) as Input),
            stdout: child.stdout.take().map(|pipe| Box::new(pipe) as Output).ok_or_else(no_pipe)?,
            stderr: child.stderr.take().map(|pipe| Box::new(pipe) as Output).ok_or_else(no_pipe)?,
            end: End::Local(child),
        })
    }

    /// Starts a program behind an ssh master; the arguments are quoted for the login shell there.
    pub async fn over(session: Arc<openssh::Session>, command: &[&str], stdin: bool) -> Result<Self, Fault> {
        let (program, args) = command.split_first().ok_or_else(|| Fault::Other("the command is empty".into()))?;
        let mut child = session
            .arc_command(*program)
            .args(args)
            .stdin(if stdin { openssh::Stdio::piped() } else { openssh::Stdio::null() })
            .stdout(openssh::Stdio::piped())
            .stderr(openssh::Stdio::piped())
            .spawn()
            .await?;
        Ok(Self {
            stdin: child.stdin().take().map(|pipe| Box::new(pipe) as Input),
            stdout: child.stdout().take().map(|pipe| Box::new(pipe) as Output).ok_or_else(no_pipe)?,
            stderr: child.stderr().take().map(|pipe| Box::new(pipe) as Output).ok_or_else(no_pipe)?,
            end: End::Ssh(child),
        })
    }

    /// Feeds it, reads all it says, and waits for its end.
    pub async fn finish(mut self, input: Option<&[u8]>) -> Result<Ran, Fault> {
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        let pipe = self.stdin.take();
        let feed = async {
            match (pipe, input) {
                (Some(pipe), Some(input)) => feed(pipe, input).await,
                _ => Ok(()),
            }
        };
        tokio::try_join!(feed, async { self.stdout.read_to_end(&mut stdout).await.map(drop) }, async {
            self.stderr.read_to_end(&mut stderr).await.map(drop)
        },)
        .map_err(|error| Fault::Other(error.to_string()))?;
        let code = self.end.wait().await?;
        Ok(Ran { code, stdout, stderr: String::from_utf8_lossy(&stderr).into_owned() })
    }
}

impl End {
    async fn wait(self) -> Result<Option<i32>, Fault> {
        match self {
            Self::Local(mut child) => Ok(child.wait().await?.code()),
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
