//! Long work on a host as a job: started once, found again after the runner died, watched with progress.

use crate::domain::units::Span;
use crate::domain::{Script, Words};
use crate::effects::{Job, JobState};
use crate::error::{Class, Failure, Result};
use crate::kinds::support::place::is_there;
use crate::kinds::{Action, Ctx};
use std::time::{Duration, Instant};

/// How often a job is checked: often enough for a smooth progress bar, seldom enough to cost nothing.
const LOOK: Duration = Duration::from_millis(300);
/// How long to wait for a host that cannot be reached, while its job continues there by itself; and the pause between
/// two attempts. The step's own timeout ends this earlier.
const AWAY: Duration = Duration::from_mins(10);
const AGAIN: Duration = Duration::from_secs(1);

/// A job to be run to its end.
pub struct Work<'a> {
    /// What is attempted, as a clause.
    pub attempted: &'a str,
    /// Host it runs on.
    pub host: &'a str,
    /// Its folder on that host.
    pub dir: &'a Words,
    /// The script, run by `sh` in that folder.
    pub script: &'a Script,
    /// Prints how many bytes are done.
    pub progress: &'a Script,
    /// Bytes there are in all, if known.
    pub total: Option<u64>,
}

impl Work<'_> {
    /// Runs the job to its end, or watches the one that is already running. On a request to stop, the job keeps
    /// running: a resume finds it again, a rollback ends it.
    pub async fn run(&self, cx: &Ctx<'_>) -> Result<()> {
        let host = cx.fx.host(self.host).await?;
        if let Some(old) = host.find_job(self.dir).await? {
            let state = old.state().await?;
            if !state.running && state.code != Some(0) {
                old.remove().await?; // ended badly, or lost with a reboot: from the start
            }
        }
        let mut known = None;
        loop {
            let (job, state) = self.state(cx, known).await?;
            if let Some(done) = state.done {
                cx.progress.bytes(done, self.total);
            }
            match state.code {
                Some(0) => return Ok(()),
                Some(code) => return Err(self.failed(cx, &job, &format!("it exited with code {code}")).await),
                None if !state.running => {
                    return Err(self.failed(cx, &job, "its process ended without a result").await);
                }
                None => cx.pause(LOOK, self.attempted).await?,
            }
            known = Some(job);
        }
    }

    /// The job, started if it does not exist, and its state. While its host cannot be reached, the job continues there,
    /// so this waits for the host.
    async fn state(&self, cx: &Ctx<'_>, mut known: Option<Job>) -> Result<(Job, JobState)> {
        let mut away: Option<Instant> = None;
        loop {
            let failure = match self.look(cx, known.take()).await {
                Ok(found) => {
                    if let Some(since) = away {
                        let time = Span(Duration::from_secs(since.elapsed().as_secs()));
                        cx.progress.note(format!("{} can be reached again, after {time}", self.host));
                    }
                    return Ok(found);
                }
                Err(failure) => failure,
            };
            let is_news = away.is_none();
            let since = *away.get_or_insert_with(Instant::now);
            if !failure.passes() || since.elapsed() > AWAY {
                return Err(failure);
            }
            if is_news {
                cx.progress.note(format!("{} cannot be reached: the job continues there by itself", self.host));
            }
            cx.pause(AGAIN, self.attempted).await?;
        }
    }

    /// One look at the `known` job; or, over whatever line leads to the host now, at the one that is there or is started.
    async fn look(&self, cx: &Ctx<'_>, known: Option<Job>) -> Result<(Job, JobState)> {
        let job = match known {
            Some(job) => job,
            None => cx.fx.host(self.host).await?.start_job(self.dir, self.script, self.progress).await?,
        };
        let state = job.state().await?;
        Ok((job, state))
    }

    async fn failed(&self, cx: &Ctx<'_>, job: &Job, how: &str) -> Failure {
        let words = job.complaint().await.unwrap_or_default();
        let words = cx.fx.secrets().scrub(words.trim());
        let answer = if words.is_empty() { how.to_owned() } else { format!("{how}: {words}") };
        Failure::transient(self.attempted, answer)
            .at(self.host)
            .help(format!("the job's log is in {} on that host until this step is retried or undone", self.dir))
    }
}

/// Asks a server after long work, which is as old as the connection: one that broke meanwhile shows only when it is used.
///
/// # Errors
/// Those of `ask`, asked a second time when the first went wrong for a reason that passes.
pub async fn ask_afterwards<T, F: Future<Output = Result<T>>>(ask: impl Fn() -> F) -> Result<T> {
    match ask().await {
        Err(failure) if failure.passes() => ask().await,
        answered => answered,
    }
}

/// Whether the job in `dir` has ended well and has left no password behind.
///
/// # Errors
/// When the host cannot be asked.
pub async fn ended_well(cx: &Ctx<'_>, host: &str, dir: &Words) -> Result<bool> {
    let host = cx.fx.host(host).await?;
    let Some(job) = host.find_job(dir).await? else { return Ok(false) };
    if job.state().await?.code != Some(0) {
        return Ok(false);
    }
    Ok(!host.succeeds(&is_there(option_file(dir))).await?)
}

/// What [`ended_well`] asks, beside the job, and [`tidied`] does.
pub fn option_file_actions(host: &str, dir: &Words) -> [Action; 2] {
    [Action::look(host, is_there(option_file(dir))), Action::remove(host, option_file(dir))]
}

/// The file beside a job's folder that its program logs in with. The job removes it at its end, as it may outlive its
/// runner: both copies of it.
pub fn option_file(dir: &Words) -> Words {
    dir.clone().then(".cnf")
}

/// The lines of a job's script that take the option file in, and remove it at the end of the job.
pub const TAKE_OPTION_FILE: &str = "cp -- \"$PWD.cnf\" client.cnf\ntrap 'rm -f client.cnf \"$PWD.cnf\"' EXIT\n\
                                    trap 'exit 143' HUP INT TERM\n";

/// Removes the option file, unless the job keeps running after `ran`.
///
/// # Errors
/// The failure of `ran`, or that the host cannot be asked.
pub async fn tidied(cx: &Ctx<'_>, host: &str, dir: &Words, ran: Result<()>) -> Result<()> {
    let goes_on = matches!(&ran, Err(failure) if failure.class == Class::Cancelled);
    if goes_on {
        return ran;
    }
    let removed = async { cx.fx.host(host).await?.remove_file(option_file(dir)).await }.await;
    ran.and(removed)
}
