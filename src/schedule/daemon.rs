//! The long-running scheduler: checks at every due time and at least once a second, and launches due starts. Its state is in
//! the journal, so it can be killed at any moment, and two schedulers on one state directory do no harm. The processes that
//! it launches outlive it.

use super::decide::{GRACE, spoilt};
use super::file::{Rules, Schedules};
use super::launch::launch;
use super::look::{Scheduler, instant};
use super::work;
use crate::engine::Home;
use crate::error::{Failure, Result};
use crate::playbook::document::{Version, version};
use crate::playbook::fault::Faults;
use crate::store::{Start, Starts, Verdict};
use jiff::Timestamp;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::process::Child;
use tokio_util::sync::CancellationToken;

/// How often it checks its file, waiting starts and requests of people when nothing is due.
const PERIOD: Duration = Duration::from_secs(1);
/// How long a start decided by another daemon is left to that daemon.
const COURTESY: Duration = Duration::from_secs(3);
/// Number of launches of a process that ends before it has claimed its start.
const ATTEMPTS: u32 = 3;

/// Events to report.
#[derive(Debug)]
pub enum News {
    /// The schedules in use: at the beginning, and when the file has changed.
    Schedules(Schedules),
    /// The file has changed and is invalid; the previous schedules remain in use.
    Broken(Faults),
    /// A decision.
    Decided(Start),
    /// A process was launched for a start.
    Launched(Start),
    /// A failure; the action is tried again.
    Trouble(Failure),
    /// It stops; these starts continue without it.
    Stopped(Vec<Start>),
}

/// A daemon.
pub struct Daemon {
    scheduler: Scheduler,
    file: PathBuf,
    program: PathBuf,
    people: Option<PathBuf>,
    schedules: Schedules,
    read: Option<Version>,
    launched: HashMap<String, Launched>,
    /// Whether it has checked before: starts found at the first check were left by a daemon that died.
    has_looked: bool,
}

struct Launched {
    child: Option<Child>,
    attempts: u32,
}

impl Daemon {
    /// A daemon for the schedules in `file`. It launches `program`, this very program.
    ///
    /// # Errors
    /// All faults of the file, or why the journal cannot be opened.
    pub fn new(file: &Path, home: Home, program: PathBuf) -> Result<Self, Refusal> {
        let read = version(file);
        let schedules = Schedules::open(file)?;
        let file = std::path::absolute(file).unwrap_or_else(|_| file.to_path_buf());
        let scheduler = Scheduler::new(home);
        let launched = HashMap::new();
        Ok(Self { scheduler, file, program, people: None, schedules, read, launched, has_looked: false })
    }

    /// The same, with a file of people: the runs that it launches are bound to it.
    #[must_use]
    pub fn with_people(mut self, people: Option<&Path>) -> Self {
        self.people = people.map(|file| std::path::absolute(file).unwrap_or_else(|_| file.to_path_buf()));
        self
    }

    /// Works until `stop`. Needs a runtime with several threads, because a check waits for the disk.
    pub async fn serve(mut self, stop: CancellationToken, tell: impl Fn(News)) {
        tell(News::Schedules(self.schedules.clone()));
        while !stop.is_cancelled() {
            self.reload(&tell);
            let looked = tokio::task::block_in_place(|| self.look(&tell));
            if let Err(failure) = looked {
                tell(News::Trouble(failure));
            }
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(self.pause()) => {}
            }
        }
        let open = self.scheduler.living(Timestamp::now()).unwrap_or_default();
        tell(News::Stopped(open.into_iter().filter(|start| start.claimed.is_some()).collect()));
    }

    fn reload(&mut self, tell: &impl Fn(News)) {
        let stamp = version(&self.file);
        if stamp == self.read {
            return;
        }
        self.read = stamp;
        match Schedules::open(&self.file) {
            Ok(schedules) => {
                self.schedules = schedules;
                tell(News::Schedules(self.schedules.clone()));
            }
            Err(faults) => tell(News::Broken(faults)),
        }
    }

    fn look(&mut self, tell: &impl Fn(News)) -> Result<()> {
        let now = Timestamp::now();
        let decided = self.scheduler.look(&self.schedules, now)?;
        let ours: Vec<String> = decided.iter().filter_map(|start| start.run.clone()).collect();
        for start in decided {
            tell(News::Decided(start));
        }
        let open = self.scheduler.journal.open_starts()?;
        self.launched.retain(|run, _| open.iter().any(|start| start.run.as_deref() == Some(run)));
        for start in open.into_iter().filter(|start| start.verdict == Verdict::Started && start.claimed.is_none()) {
            let Some(run) = start.run.clone() else { continue };
            let age = now.duration_since(instant(start.at)).unsigned_abs();
            if !self.has_looked || start.on_demand || ours.contains(&run) || age > COURTESY {
                self.take_up(&run, start, now, tell)?;
            }
        }
        self.has_looked = true;
        Ok(())
    }

    /// Launches a start that nobody has claimed, unless it has become too late meanwhile.
    fn take_up(&mut self, run: &str, start: Start, now: Timestamp, tell: &impl Fn(News)) -> Result<()> {
        let launched = self.launched.entry(run.to_owned()).or_insert(Launched { child: None, attempts: 0 });
        if launched.child.as_mut().is_some_and(|child| child.try_wait().is_ok_and(|ended| ended.is_none())) {
            return Ok(()); // it is on its way
        }
        // a person waits no longer than a scheduler may be away
        let on_demand = Rules { latest_start: Some(GRACE), ..Rules::default() };
        let rules = self.schedules.get(&start.schedule).map(|schedule| schedule.rules).unwrap_or_default();
        let rules = if start.on_demand { on_demand } else { rules };
        if let Some((verdict, reason)) = spoilt(&rules, instant(start.due), instant(start.at), now) {
            let by = self.scheduler.by.clone();
            let spoilt = Start { verdict, reason: Some(reason), by, at: now.as_millisecond(), ..start };
            if self.scheduler.journal.settle(&spoilt)? {
                tell(News::Decided(spoilt));
            }
            return Ok(());
        }
        if self.scheduler.home.is_shared() && !start.runs_on.is_empty() {
            return Ok(()); // it is for a runner with these labels
        }
        if launched.attempts == ATTEMPTS {
            let log = work::log(self.scheduler.home.dir(), run);
            let reason = format!("its process ended {ATTEMPTS} times before it started: see {}", log.display());
            return self.scheduler.journal.end(&start, now.as_millisecond(), None, Some(&reason));
        }
        launched.attempts += 1;
        launched.child = Some(launch(&self.program, &self.scheduler.home, run, self.people.as_deref())?);
        tell(News::Launched(start));
        Ok(())
    }

    /// Until the next due time, or the next regular check.
    fn pause(&self) -> Duration {
        let now = Timestamp::now();
        let next = self.schedules.all.iter().filter_map(|schedule| schedule.timetable.next(now)).min();
        let until = next.and_then(|next| Duration::try_from(next.duration_since(now)).ok());
        until.map_or(PERIOD, |until| (until + Duration::from_millis(1)).min(PERIOD))
    }
}

/// Why there is no daemon.
#[derive(Debug)]
pub enum Refusal {
    /// The file is not valid.
    Faults(Faults),
    /// The state directory cannot be used.
    Failure(Failure),
}

impl From<Faults> for Refusal {
    fn from(faults: Faults) -> Self {
        Self::Faults(faults)
    }
}

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}
