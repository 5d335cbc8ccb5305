//! Long work on a host: a dump, an import, a benchmark, a tunnel. It outlives the runner and its connection, is found
//! again by its folder, and is never started twice.
//!
//! The folder (0700) holds `script`, `progress`, `pid` (who leads the job's session), `out`, `err` and, once it has
//! ended, `code`. Knows how work is kept alive and watched, nothing of what it does.

use super::hands::Hands;
use super::host::{complaint, telling_lines};
use super::places::with_places;
use crate::error::{Failure, Result};
use std::sync::Arc;

/// How much of a job's output is read, in bytes.
const OUTPUT_LIMIT: &str = "1048576";
/// How many of the last lines of a complaint are read, and how many of those are shown: an error may stand before many
/// warnings.
const LINES_READ: &str = "500";
const LINES_SHOWN: usize = 20;

const COMPLAINT: &str = with_places!("folder.sh", "complaint.sh");
const OUTPUT: &str = with_places!("folder.sh", "output.sh");
const LEADER: &str = include_str!("leader.sh");
const START: &str = with_places!("folder.sh", "session.sh", "start.sh");
pub(super) const STATE: &str = with_places!("folder.sh", "session.sh", "state.sh");
const KILL: &str = with_places!("folder.sh", "session.sh", "kill.sh");
pub(super) const REMOVE: &str = with_places!("folder.sh", "session.sh", "remove.sh");

/// Long work on a host.
pub struct Job {
    host: Arc<dyn Hands>,
    dir: String,
}

/// How a job stands. Neither running nor with a code: it was cut off (a reboot, a kill), and is to be removed before
/// it can be started again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobState {
    /// Exit code once it has ended.
    pub code: Option<i32>,
    /// Bytes done, as far as the job reports them.
    pub done: Option<u64>,
    /// Whether it still runs.
    pub running: bool,
}

impl Job {
    /// Starts `script` with `sh` in the folder `dir` (absolute), detached from this connection. When `dir` already
    /// holds this job, running, ended or cut off, it is left as it is: see [`Job::state`]. `progress` is a shell snippet
    /// run in `dir` that prints the number of bytes done; empty for none.
    ///
    /// # Errors
    /// When it cannot be started, or `dir` holds something else.
    pub async fn start(host: Arc<dyn Hands>, dir: &str, script: &str, progress: &str) -> Result<Self> {
        let size = script.len().to_string();
        host.sh(&format!("start a job in {dir}"), START, &[dir, progress, &size, LEADER], Some(script.as_bytes()))
            .await?;
        Ok(Self { host, dir: dir.to_owned() })
    }

    /// The job in the folder `dir`, if there is one.
    ///
    /// # Errors
    /// When the host cannot be asked.
    pub async fn find(host: Arc<dyn Hands>, dir: &str) -> Result<Option<Self>> {
        let ran = host.run(&["test", "-f", &format!("{dir}/script")]).await?;
        match ran.code {
            Some(0) => Ok(Some(Self { host, dir: dir.to_owned() })),
            Some(1) => Ok(None),
            code => {
                Err(Failure::permanent(format!("look for a job in {dir}"), complaint(code, &ran.stderr))
                    .at(host.name()))
            }
        }
    }

    /// Its folder on the host.
    #[must_use]
    pub fn dir(&self) -> &str {
        &self.dir
    }

    /// Its state.
    ///
    /// # Errors
    /// When its folder is gone or the host cannot be asked.
    pub async fn state(&self) -> Result<JobState> {
        let answer = self.sh("check the job", STATE, &[&self.dir]).await?;
        JobState::parse(&answer).ok_or_else(|| {
            Failure::permanent(format!("check the job in {}", self.dir), format!("it answered `{answer}`"))
                .at(self.host.name())
        })
    }

    /// The last 20 lines it complained.
    ///
    /// # Errors
    /// When the host cannot be asked.
    pub async fn complaint(&self) -> Result<String> {
        let said = self.sh("read the error output of the job", COMPLAINT, &[&self.dir, LINES_READ]).await?;
        Ok(telling_lines(&said, LINES_SHOWN))
    }

    /// What it printed, at most the first MiB.
    ///
    /// # Errors
    /// When the host cannot be asked.
    pub async fn output(&self) -> Result<String> {
        self.sh("read the output of the job", OUTPUT, &[&self.dir, OUTPUT_LIMIT]).await
    }

    /// Ends it with all that it started: asks for 3 seconds, then forces, and waits until all is gone. It has no exit
    /// code afterwards, unless it had ended before.
    ///
    /// # Errors
    /// When something of it would not end.
    pub async fn kill(&self) -> Result<()> {
        self.sh("end the job", KILL, &[&self.dir]).await.map(drop)
    }

    /// Ends it if it runs, and removes its folder; a missing folder is fine.
    ///
    /// # Errors
    /// When it would not end, or the folder is not that of a job.
    pub async fn remove(&self) -> Result<()> {
        self.sh("remove the job", REMOVE, &[&self.dir]).await.map(drop)
    }

    async fn sh(&self, attempted: &str, script: &str, args: &[&str]) -> Result<String> {
        self.host.sh(&format!("{attempted} in {}", self.dir), script, args, None).await
    }
}

impl JobState {
    /// From `RUNNING CODE BYTES` as `state.sh` prints them; `None` when that is something else.
    #[must_use]
    pub fn parse(answer: &str) -> Option<Self> {
        let mut words = answer.split_whitespace();
        let running = words.next()? == "1";
        let code = match words.next()? {
            "-" => None,
            code => Some(code.parse().ok()?),
        };
        let done = words.next().and_then(|bytes| bytes.parse().ok());
        Some(Self { code, done, running })
    }
}

#[cfg(test)]
mod tests {
    use super::JobState;

    #[test]
    fn reads_the_state_line() {
        assert_eq!(JobState::parse("1 - 42"), Some(JobState { code: None, done: Some(42), running: true }));
        assert_eq!(JobState::parse("0 143 -"), Some(JobState { code: Some(143), done: None, running: false }));
        assert_eq!(JobState::parse("0 - soon"), Some(JobState { code: None, done: None, running: false }));
        assert_eq!(JobState::parse(""), None);
    }
}
