//! The command line of a schedule's start. It contains no secret: inventories hold references only.

use super::file::{Action, Schedule};
use crate::error::{Failure, Result};
use std::path::Path;

/// The arguments for one start. Everything the process needs is in them, so that it does the same when the file of
/// schedules has changed since the start was decided.
///
/// # Errors
/// When a path is no text, and so cannot be written down.
pub fn command(schedule: &Schedule, run: &str, state_dir: &Path) -> Result<Vec<String>> {
    let sources = &schedule.sources;
    let mut words = Words(Vec::new());
    words.push(schedule.action.into());
    words.path(None, &sources.playbook)?;
    if let Some(inventory) = &sources.inventory {
        words.path(Some("--inventory"), inventory)?;
    }
    if let Some(inputs) = &sources.inputs {
        words.path(Some("--inputs"), inputs)?;
    }
    for set in &sources.set {
        words.option("--set", set);
    }
    match schedule.action {
        Action::Rehearse => {
            let sandbox = &schedule.sandbox;
            let rows = sandbox.rows.map(|rows| rows.to_string());
            for (flag, value) in [("--rows", &rows), ("--source", &sandbox.source), ("--target", &sandbox.target)] {
                if let Some(value) = value {
                    words.option(flag, value);
                }
            }
            words.option("--run-id", run);
            words.path(Some("--state"), state_dir)?;
        }
        Action::Plan => {
            words.push("--live");
            words.path(Some("--state"), state_dir)?;
        }
        Action::Run => {
            words.option("--run-id", run);
            words.path(Some("--state"), state_dir)?;
        }
    }
    Ok(words.0)
}

struct Words(Vec<String>);

impl Words {
    fn push(&mut self, word: &str) {
        self.0.push(word.to_owned());
    }
    fn option(&mut self, flag: &str, value: &str) {
        // joined, so that no value is taken for a flag
        self.0.push(format!("{flag}={value}"));
    }
    fn path(&mut self, flag: Option<&str>, path: &Path) -> Result<()> {
        let Some(text) = path.to_str() else {
            let answer = format!("the path {} is not UTF-8", path.display());
            return Err(Failure::permanent("record the command of a schedule", answer));
        };
        match flag {
            Some(flag) => self.option(flag, text),
            None => self.push(text),
        }
        Ok(())
    }
}
