//! Rehearsals started from the page. Each is a process of its own that outlives the page.

use crate::engine::clock::wall;
use crate::error::{Failure, Result};
use std::fs::{DirBuilder, File, OpenOptions};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::process::{Child, Command};

/// Number of ended rehearsals that are remembered.
const REMEMBERED: usize = 3;
/// Number of last output lines shown of a failed rehearsal.
const LINES: usize = 30;

/// What the rehearsed application holds and does.
#[derive(Debug)]
pub(super) struct Load {
    /// Rows of its database.
    pub rows: u64,
    /// Its transactions per second.
    pub rate: u64,
}

/// A rehearsal that was started here.
#[derive(Debug, Clone)]
pub(super) struct Started {
    /// File name of its playbook.
    pub playbook: String,
    /// Who started it.
    pub person: String,
    /// When, in milliseconds since 1970.
    pub at: i64,
    /// How it ended, if it has.
    pub ended: Option<Ended>,
}

/// How a rehearsal ended.
#[derive(Debug, Clone)]
pub(super) struct Ended {
    /// In words.
    pub how: String,
    /// Its last output, when it failed.
    pub words: String,
}

/// Playbooks that can be rehearsed, and what was started of them.
pub struct Rehearsals {
    folder: PathBuf,
    program: PathBuf,
    started: Arc<Mutex<Vec<Started>>>,
}

impl Rehearsals {
    /// Of the playbooks in `folder`, held by `program`, which is `cutover` itself.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn of(folder: PathBuf, program: PathBuf) -> Result<Self> {
        std::fs::read_dir(&folder).map_err(|error| {
            Failure::permanent("read the folder of playbooks", error.to_string()).at(folder.display().to_string())
        })?;
        Ok(Self { folder, program, started: Arc::default() })
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Started>> {
        self.started.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// File names of the playbooks, as they are there now.
    pub(super) fn playbooks(&self) -> Vec<String> {
        let Ok(entries) = std::fs::read_dir(&self.folder) else { return Vec::new() };
        let names = entries.flatten().filter(|entry| entry.path().is_file()).map(|entry| entry.file_name());
        let names = names.filter_map(|name| name.into_string().ok());
        let mut names: Vec<String> =
            names.filter(|name| [".yaml", ".yml"].iter().any(|end| name.ends_with(end))).collect();
        names.sort_unstable();
        names
    }

    /// What was started, the newest first.
    pub(super) fn started(&self) -> Vec<Started> {
        self.lock().iter().rev().cloned().collect()
    }

    /// Starts one, into `state_dir`.
    ///
    /// # Errors
    /// When there is no such playbook, another rehearsal is running, or the program cannot be started.
    pub(super) fn start(&self, playbook: &str, load: &Load, state_dir: &Path, person: &str) -> Result<()> {
        let attempted = || format!("rehearse {playbook}");
        if !self.playbooks().iter().any(|name| name == playbook) {
            let folder = self.folder.display();
            return Err(Failure::refused(attempted(), format!("there is no such playbook in {folder}")));
        }
        let at = wall();
        {
            let mut started = self.lock();
            if started.iter().any(|started| started.ended.is_none()) {
                return Err(
                    Failure::refused(attempted(), "another rehearsal is running").help("wait until it has ended")
                );
            }
            let surplus = started.len().saturating_sub(REMEMBERED - 1);
            started.drain(..surplus);
            started.push(Started { playbook: playbook.to_owned(), person: person.to_owned(), at, ended: None });
        }
        let log = state_dir.join("rehearsals").join(format!("{at}.log"));
        let child = spawn(&self.program, &self.folder.join(playbook), load, state_dir, &log);
        let (shared, failed) = (self.started.clone(), child.as_ref().err().map(ToString::to_string));
        let settle = move |ended: Ended| {
            let mut started = shared.lock().unwrap_or_else(PoisonError::into_inner);
            started
                .iter_mut()
                .filter(|started| started.at == at)
                .for_each(|started| started.ended = Some(ended.clone()));
        };
        match child {
            Ok(mut child) => {
                tokio::spawn(async move { settle(ended(&child.wait().await, &log)) });
                Ok(())
            }
            Err(error) => {
                settle(Ended { how: "could not be started".into(), words: failed.unwrap_or_default() });
                Err(Failure::permanent(attempted(), error.to_string()))
            }
        }
    }
}

/// Only the user may read the log: it holds paths and addresses.
fn spawn(program: &Path, playbook: &Path, load: &Load, state_dir: &Path, log: &Path) -> std::io::Result<Child> {
    let folder = log.parent().unwrap_or(state_dir);
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let file: File = OpenOptions::new().append(true).create(true).mode(0o600).open(log)?;
    let mut command = Command::new(program);
    command.arg("rehearse").arg(playbook).arg("--ask");
    command.args(["--rows", &load.rows.to_string(), "--rate", &load.rate.to_string()]);
    command.arg("--state").arg(std::path::absolute(state_dir)?);
    command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file);
    command.env("NO_COLOR", "1").process_group(0); // a Ctrl-C is for the page, not for what it started
    command.spawn()
}

fn ended(status: &std::io::Result<ExitStatus>, log: &Path) -> Ended {
    let good = status.as_ref().is_ok_and(ExitStatus::success);
    let how = match status {
        Ok(_) if good => "passed".to_owned(),
        Ok(status) => format!("ended with {status}"),
        Err(error) => format!("its result is unknown: {error}"),
    };
    let said = std::fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = said.lines().collect();
    let words = if good { String::new() } else { lines[lines.len().saturating_sub(LINES)..].join("\n") };
    Ended { how, words }
}
