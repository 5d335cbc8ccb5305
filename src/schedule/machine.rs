//! A machine that runs the due starts for its labels, and resumes runs whose runner was lost; any number of machines share a
//! store. It decides nothing, so it can be killed at any moment; the processes that it launches outlive it.

use super::launch::{launch, resume};
use super::look::instant;
use crate::domain::units::Span;
use crate::engine::Home;
use crate::error::{Failure, Result};
use crate::store::{Journal, RunHold, Start, Starts, Verdict};
use jiff::Timestamp;
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::process::Child;
use tokio_util::sync::CancellationToken;

/// How often it looks for work.
const PERIOD: Duration = Duration::from_millis(500);
/// How often a run whose runner was lost is resumed here.
const ATTEMPTS: u32 = 3;

/// Events to report.
#[derive(Debug)]
pub enum Told {
    /// A process was launched for a start.
    Launched(Start),
    /// A process was launched to resume a run whose runner was lost: its id, and the lost runner.
    TakenUp(String, String),
    /// A failure; the action is tried again.
    Trouble(Failure),
}

/// A machine with its labels.
pub struct Machine {
    /// Where the store is.
    pub home: Home,
    /// Its labels: `site: oslo`.
    pub labels: BTreeMap<String, String>,
    /// This program.
    pub program: PathBuf,
    /// The file of people whose answers count.
    pub people: Option<PathBuf>,
    /// Most runs at a time.
    pub most: usize,
    /// Whether it waits for its launched processes when it is asked to stop.
    pub drain: bool,
}

/// The file whose time is that of the machine's last check.
const LOOKED: &str = "runner.looked";
/// A machine that has not checked for this long is considered dead; waits for a missing store are shorter.
const SILENT: Duration = Duration::from_mins(12);

/// How long ago the machine with this folder last looked for work.
///
/// # Errors
/// When that is too long ago, or none ever has.
pub fn looked(dir: &Path) -> Result<Duration> {
    let attempted = "check that the runner looks for work";
    let seen = std::fs::metadata(dir.join(LOOKED)).and_then(|meta| meta.modified());
    let seen =
        seen.map_err(|_| Failure::permanent(attempted, format!("no runner has ever worked in {}", dir.display())))?;
    let ago = seen.elapsed().unwrap_or_default();
    if ago > SILENT {
        return Err(Failure::permanent(
            attempted,
            format!("it has not looked for work for {}", Span(Duration::from_secs(ago.as_secs()))),
        ));
    }
    Ok(ago)
}

/// What a machine has launched.
#[derive(Default)]
struct Launched {
    starts: Vec<Child>,
    runs: HashMap<String, Rescue>,
}

/// A run that this machine resumes.
#[derive(Default)]
struct Rescue {
    child: Option<(Child, RunHold)>,
    attempts: u32,
}

impl Machine {
    /// Works until `stop`. Needs a runtime with several threads, because a check waits for the store.
    pub async fn serve(self, stop: CancellationToken, tell: impl Fn(Told)) {
        let mut launched = Launched::default();
        while !stop.is_cancelled() {
            let _ = std::fs::write(self.home.dir().join(LOOKED), ""); // the check reports a missing file
            if let Err(failure) = tokio::task::block_in_place(|| self.look(&mut launched, &tell)) {
                tell(Told::Trouble(failure));
            }
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(PERIOD) => {}
            }
        }
        while self.drain && launched.count() > 0 {
            tokio::time::sleep(PERIOD).await;
            launched.forget_ended();
        }
    }

    fn look(&self, launched: &mut Launched, tell: &impl Fn(Told)) -> Result<()> {
        launched.forget_ended();
        let now = Timestamp::now();
        for start in self.home.store.open_starts()? {
            let is_free = start.verdict == Verdict::Started && start.claimed.is_none() && instant(start.due) <= now;
            let Some(run) = start.run.clone().filter(|_| is_free && self.has(&start.runs_on)) else { continue };
            if launched.count() < self.most && self.home.store.reserve(&run)? {
                launched.starts.push(launch(&self.program, &self.home, &run, self.people.as_deref())?);
                tell(Told::Launched(start));
            }
        }
        for (run, who) in self.home.store.silent_runs()? {
            if launched.count() < self.most {
                self.take_up(run, who, launched, tell)?;
            }
        }
        Ok(())
    }

    /// Resumes a run whose runner was lost, unless another machine does, or its labels do not match.
    fn take_up(&self, run: String, who: String, launched: &mut Launched, tell: &impl Fn(Told)) -> Result<()> {
        let tried = launched.runs.get(&run);
        if tried.is_some_and(|rescue| rescue.child.is_some() || rescue.attempts == ATTEMPTS) {
            return Ok(());
        }
        let Ok(plan) = self.home.store.run(&run).and_then(|record| record.plan()) else { return Ok(()) };
        if !self.has(&plan.world.inventory.runs_on) {
            return Ok(());
        }
        let Some(hold) = self.home.hold_rescue(&run)? else { return Ok(()) };
        let child = resume(&self.program, &self.home, &run)?;
        let rescue = launched.runs.entry(run.clone()).or_default();
        rescue.attempts += 1;
        rescue.child = Some((child, hold));
        tell(Told::TakenUp(run, who));
        Ok(())
    }

    fn has(&self, wanted: &BTreeMap<String, String>) -> bool {
        wanted.iter().all(|(name, value)| self.labels.get(name) == Some(value))
    }
}

impl Launched {
    fn forget_ended(&mut self) {
        let is_at_work = |child: &mut Child| child.try_wait().is_ok_and(|ended| ended.is_none());
        self.starts.retain_mut(is_at_work);
        for rescue in self.runs.values_mut() {
            if rescue.child.as_mut().is_some_and(|(child, _)| !is_at_work(child)) {
                rescue.child = None;
            }
        }
    }

    fn count(&self) -> usize {
        self.starts.len() + self.runs.values().filter(|rescue| rescue.child.is_some()).count()
    }
}
