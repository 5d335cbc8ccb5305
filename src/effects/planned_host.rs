//! A host as a step has it: what its plan does not state for the host is not done there.

use super::hands::Hands;
use super::job::Job;
use super::stand_in::StandIn;
use super::{Activity, Ran, Secrets};
use crate::domain::{Action, Contents, Permits, Script, Words};
use crate::error::{Failure, Result};
use secrecy::ExposeSecret;
use std::borrow::Cow;
use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

/// Mode of a file that holds a secret.
const OWNER_ONLY: u32 = 0o600;

/// Removes a folder that is empty, and no other.
const REMOVE_EMPTY: &str = "rmdir -- \"$1\" 2>/dev/null || true";

/// A connected machine, for one piece of work of a step.
pub struct PlannedHost {
    host: Arc<dyn Hands>,
    permits: Option<Arc<Permits>>,
    secrets: Arc<Secrets>,
    /// Who stands in for it, and keeps what it is asked for.
    stand_in: Option<Arc<StandIn>>,
}

impl PlannedHost {
    pub(super) fn new(
        host: Arc<dyn Hands>,
        work: &Activity,
        secrets: Arc<Secrets>,
        stand_in: Option<Arc<StandIn>>,
    ) -> Self {
        Self { host, permits: work.permits.clone(), secrets, stand_in }
    }

    /// Its name in the inventory.
    #[must_use]
    pub fn name(&self) -> &str {
        self.host.name()
    }

    /// Refuses what the plan does not state. `attempted` is a clause.
    fn planned(&self, attempted: impl Display, action: Action) -> Result<()> {
        planned(self.permits.as_deref(), attempted, &action).map_err(|failure| failure.at(self.name()))?;
        if let Some(stand_in) = &self.stand_in {
            stand_in.note(action);
        }
        Ok(())
    }

    fn host(&self) -> String {
        self.name().to_owned()
    }

    /// A path of the plan as this host knows it.
    ///
    /// # Errors
    /// When its home folder is needed and cannot be asked for.
    pub async fn place(&self, path: &Words) -> Result<String> {
        let path = if path.is_at_home() { path.at_home(&self.host.home().await?) } else { path.clone() };
        Ok(path.to_string())
    }

    /// A script of the plan as this host knows its paths.
    pub(super) async fn placed<'a>(&self, script: &'a Script) -> Result<Cow<'a, Script>> {
        if script.is_at_home() {
            Ok(Cow::Owned(script.at_home(&self.host.home().await?)))
        } else {
            Ok(Cow::Borrowed(script))
        }
    }

    async fn may_run(&self, script: &Script, input: Option<&Contents>) -> Result<Vec<String>> {
        self.planned(
            format!("run `{}`", begin(script)),
            Action::Command { host: self.host(), command: script.clone(), input: input.cloned() },
        )?;
        let script = self.placed(script).await?;
        match script.argv() {
            Some(argv) => Ok(argv),
            None => Ok(vec!["sh".into(), "-c".into(), script.for_shell()?]),
        }
    }

    /// Runs a program, or a script of `sh`, with nothing to read. It has two minutes.
    ///
    /// # Errors
    /// As for [`PlannedHost::run_within`].
    pub async fn run(&self, script: &Script) -> Result<Ran> {
        let argv = self.may_run(script, None).await?;
        self.host.run(&words(&argv)).await
    }

    /// The same within `limit`, with `input` to read, secrets put in. What takes longer, or whose work is given up, is
    /// ended with all that it has started in its session: asked to for 3 seconds, then made to.
    ///
    /// # Errors
    /// `Unplanned` when it is not in the plan. When it could not be started, was ended, or the connection was lost
    /// (transient): the failure then states what may still run where. `Locked` when another runner has the run. An exit
    /// code is not an error.
    pub async fn run_within(&self, script: &Script, input: Option<&Contents>, limit: Duration) -> Result<Ran> {
        let argv = self.may_run(script, input).await?;
        let input = input.map(|input| input.for_file(&*self.secrets)).transpose()?;
        let bytes = input.as_ref().map(|text| text.expose_secret().as_bytes());
        self.host.run_within(&words(&argv), bytes, limit).await
    }

    /// Runs a program of the user, with the time limit of the step: when its work is given up it is ended with all
    /// that descends from it, what has left its session among it.
    ///
    /// # Errors
    /// As for [`PlannedHost::run_within`].
    pub async fn run_whole(&self, script: &Script) -> Result<Ran> {
        let argv = self.may_run(script, None).await?;
        self.host.run_whole(&words(&argv)).await
    }

    /// Whether a program, or a script, ends with code 0.
    ///
    /// # Errors
    /// As for [`PlannedHost::run_within`].
    pub async fn succeeds(&self, script: &Script) -> Result<bool> {
        Ok(self.run(script).await?.code == Some(0))
    }

    /// What a program, or a script, prints, without the last newline.
    ///
    /// # Errors
    /// When it ends with another code than 0 (the last lines of its complaint are the answer) or prints more than 4
    /// MiB; and as for [`PlannedHost::run_within`].
    pub async fn print(&self, script: &Script) -> Result<String> {
        self.may_run(script, None).await?;
        self.host.sh("run a script", &self.placed(script).await?.for_shell()?, &[], None).await
    }

    /// What is in a file; `None` when there is none.
    ///
    /// # Errors
    /// `Unplanned`, or when it cannot be read, or is larger than 4 MiB.
    pub async fn read_file(&self, path: impl Into<Words>) -> Result<Option<Vec<u8>>> {
        let path = path.into();
        self.planned(format!("read {path}"), Action::Read { host: self.host(), path: path.clone() })?;
        self.host.read_file(&self.place(&path).await?).await
    }

    /// Replaces a file as [`super::Host::write_file`] does. A file with a secret is 0600.
    ///
    /// # Errors
    /// `Unplanned`; when a secret is not known; or when it cannot be written: then the old content is kept.
    pub async fn write_file(&self, path: impl Into<Words>, content: &Contents, mode: Option<u32>) -> Result<()> {
        let path = path.into();
        self.planned(
            format!("write {path}"),
            Action::File { host: self.host(), path: path.clone(), content: content.clone() },
        )?;
        let bytes = content.for_file(&*self.secrets)?;
        let mode = if content.is_secret() { Some(OWNER_ONLY) } else { mode };
        self.host.write_file(&self.place(&path).await?, bytes.expose_secret().as_bytes(), mode).await
    }

    /// Removes a file; a missing one is fine.
    ///
    /// # Errors
    /// `Unplanned`, or when it exists and cannot be removed.
    pub async fn remove_file(&self, path: impl Into<Words>) -> Result<()> {
        let path = path.into();
        self.planned(format!("remove {path}"), Action::Remove { host: self.host(), path: path.clone() })?;
        self.host.remove_file(&self.place(&path).await?).await
    }

    /// Starts a job as [`Job::start`] does.
    ///
    /// # Errors
    /// `Unplanned`, or as for [`Job::start`].
    pub async fn start_job(&self, folder: &Words, script: &Script, progress: &Script) -> Result<Job> {
        self.planned(
            format!("start a job in {folder}"),
            Action::Job {
                host: self.host(),
                folder: folder.clone(),
                command: script.clone(),
                progress: progress.clone(),
            },
        )?;
        let (script, progress) = (self.placed(script).await?, self.placed(progress).await?);
        Job::start(self.host.clone(), &self.place(folder).await?, &script.for_shell()?, &progress.for_shell()?).await
    }

    /// The job in a folder, as [`Job::find`] does.
    ///
    /// # Errors
    /// `Unplanned`, or as for [`Job::find`].
    pub async fn find_job(&self, folder: &Words) -> Result<Option<Job>> {
        self.planned(format!("look for a job in {folder}"), Action::End { host: self.host(), folder: folder.clone() })?;
        Job::find(self.host.clone(), &self.place(folder).await?).await
    }

    /// Ends the job in a folder, if there is one, and removes it; the folder around it too, when nothing else is left
    /// there.
    ///
    /// # Errors
    /// `Unplanned`, or when it would not end.
    pub async fn clear_job(&self, folder: &Words) -> Result<()> {
        if let Some(job) = self.find_job(folder).await? {
            job.kill().await?;
            job.remove().await?;
        }
        // empty folders of a run are useless; others are kept
        let folder = self.place(folder).await?;
        let parent = folder.rsplit_once('/').map_or("", |(parent, _)| parent);
        self.host.sh(&format!("remove {parent}"), REMOVE_EMPTY, &[parent], None).await.map(drop)
    }

    /// Makes `listen` here lead through the runner to `address` of `host`, which the runner reaches at `near`.
    ///
    /// # Errors
    /// `Unplanned`, or as for [`super::Host::forward_back`].
    pub async fn forward_back(&self, listen: &str, (host, address): (&str, &str), near: &str) -> Result<()> {
        self.may_forward(listen, host, address)?;
        self.host.forward_back(listen, near).await
    }

    /// Removes the forward.
    ///
    /// # Errors
    /// `Unplanned`, or as for [`super::Host::end_forward_back`].
    pub async fn end_forward_back(&self, listen: &str, (host, address): (&str, &str), near: &str) -> Result<()> {
        self.may_forward(listen, host, address)?;
        self.host.end_forward_back(listen, near).await
    }

    fn may_forward(&self, listen: &str, host: &str, address: &str) -> Result<()> {
        self.planned(
            format!("forward {listen}"),
            Action::Forward { host: self.host(), listen: listen.into(), to: host.to_owned(), address: address.into() },
        )
    }
}

/// Refuses what is not in the plan. `attempted` is a clause.
pub(super) fn planned(permits: Option<&Permits>, attempted: impl Display, action: &Action) -> Result<()> {
    let is_planned = permits.is_none_or(|permits| permits.admits(action));
    if is_planned { Ok(()) } else { Err(Failure::unplanned(attempted.to_string())) }
}

fn words(argv: &[String]) -> Vec<&str> {
    argv.iter().map(String::as_str).collect()
}

/// The beginning of a script, for people.
pub(super) fn begin(script: &Script) -> String {
    let text = script.to_string();
    let first = text.lines().next().unwrap_or_default();
    first.chars().take(200).collect()
}
