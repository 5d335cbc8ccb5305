//! Long work on a host as a job: started once, found again after the runner died, watched with progress.

use super::Ctx;
use crate::effects::Job;
use crate::error::{Failure, Result};
use std::time::Duration;

/// How often a job is looked at: often enough for a smooth bar, seldom enough to cost nothing.
const LOOK: Duration = Duration::from_millis(300);

/// A job to be run to its end.
pub struct Work<'a> {
    /// What is attempted, as a clause.
    pub attempted: &'a str,
    /// Host it runs on.
    pub host: &'a str,
    /// Its folder on that host.
    pub dir: &'a str,
    /// The script, run by `sh` in that folder.
    pub script: &'a str,
    /// Shell snippet that prints how many bytes are done.
    pub progress: &'a str,
    /// Bytes there are in all, if known.
    pub total: Option<u64>,
}

impl Work<'_> {
    /// Runs it to its end, or goes on watching the one that is there. On a request to stop it leaves the job running:
    /// a resume finds it again, a rollback ends it.
    pub async fn run(&self, cx: &Ctx<'_>) -> Result<()> {
        let host = cx.fx.host(self.host).await?;
        if let Some(old) = Job::find(host.clone(), self.dir).await? {
            let state = old.state().await?;
            if !state.running && state.code != Some(0) {
                old.remove().await?; // ended badly, or lost with a reboot: from the start
            }
        }
        let job = Job::start(host, self.dir, self.script, self.progress).await?;
        loop {
            let state = job.state().await?;
            if let Some(done) = state.done {
                cx.progress.bytes(done, self.total);
            }
            match state.code {
                Some(0) => return Ok(()),
                Some(code) => return Err(self.failed(cx, &job, &format!("it ended with code {code}")).await),
                None if !state.running => {
                    return Err(self.failed(cx, &job, "its process vanished without a result").await);
                }
                None => cx.pause(LOOK, self.attempted).await?,
            }
        }
    }

    async fn failed(&self, cx: &Ctx<'_>, job: &Job, how: &str) -> Failure {
        let words = job.complaint().await.unwrap_or_default();
        let words = cx.fx.secrets().scrub(words.trim());
        let answer = if words.is_empty() { how.to_owned() } else { format!("{how}: {words}") };
        Failure::transient(self.attempted, answer)
            .at(self.host)
            .help(format!("its log is in {} on that host", self.dir))
    }
}

/// Ends and removes the job in `dir`, if there is one.
pub async fn clear(cx: &Ctx<'_>, host: &str, dir: &str) -> Result<()> {
    let host = cx.fx.host(host).await?;
    if let Some(job) = Job::find(host.clone(), dir).await? {
        job.kill().await?;
        job.remove().await?;
    }
    // empty folders of a run are no use to anyone; full ones stay
    let parent = dir.rsplit_once('/').map_or("", |(parent, _)| parent);
    host.sh("rmdir -- \"$1\" 2>/dev/null || true", &[parent], None).await.map(drop)
}
