//! The schedules of a file, for the page.

use crate::engine::Home;
use crate::error::{Failure, Result};
use crate::playbook::document::{Version, version};
use crate::schedule::file::Action;
use crate::schedule::overview::{Standing, standings};
use crate::schedule::{Schedules, start_now};
use crate::web::ScheduleRow;
use jiff::Timestamp;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// A file of schedules, read again when it has changed.
pub struct Scheduled {
    file: PathBuf,
    home: Home,
    known: Mutex<Option<(Option<Version>, Arc<Schedules>)>>,
}

impl Scheduled {
    pub fn new(file: &Path, home: Home) -> Self {
        Self { file: file.to_owned(), home, known: Mutex::default() }
    }

    /// The schedules of the file; the previous ones while it cannot be read.
    fn now(&self) -> Result<Arc<Schedules>> {
        let there = version(&self.file);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((read, schedules)) = &*known
            && *read == there
        {
            return Ok(schedules.clone());
        }
        match (Schedules::open(&self.file), &*known) {
            (Ok(schedules), _) => {
                let schedules = Arc::new(schedules);
                *known = Some((there, schedules.clone()));
                Ok(schedules)
            }
            (Err(_), Some((_, before))) => Ok(before.clone()),
            (Err(faults), None) => Err(Failure::permanent("read the schedules", faults.to_string())),
        }
    }
}

impl crate::web::Schedules for Scheduled {
    fn rows(&self) -> Result<Vec<ScheduleRow>> {
        let standings = standings(&*self.now()?, Some(&self.home.store), Timestamp::now())?;
        Ok(standings.into_iter().map(row).collect())
    }

    fn start(&self, schedule: &str, person: &str) -> Result<()> {
        start_now(&self.home, &*self.now()?, schedule, person).map(drop)
    }
}

fn row(standing: Standing) -> ScheduleRow {
    let words = |start: crate::store::Start| match start.reason {
        Some(reason) => format!("{}: {reason}", start.verdict),
        None => start.verdict.to_string(),
    };
    let playbook = standing.playbook.file_name().map_or_else(|| standing.playbook.clone(), PathBuf::from);
    ScheduleRow {
        name: standing.schedule,
        action: format!("{} {}", standing.action, playbook.display()),
        is_real: standing.action == Action::Run,
        cron: standing.cron,
        time_zone: standing.time_zone,
        next: standing.next_at,
        last_decision: standing.last.map(words),
    }
}
