//! Checks whether the files of a run still give the plan that it was started with. A reviewed plan is run to its end: a
//! changed playbook must neither change the rest of a run unseen nor be ignored silently.

use super::inputs;
use crate::cli::output;
use crate::error::{Failure, Result};
use crate::plan::load::{self, Sources};
use crate::plan::{Plan, changes};
use std::path::{Path, PathBuf};

/// Plans again from the files and compares. Differences go to stderr.
///
/// # Errors
/// `Refused` when the plan has changed, or can no longer be made.
pub fn check(run: &str, sources: &Sources, begun: &Plan) -> Result<()> {
    let gone = missing(sources);
    if !gone.is_empty() {
        for path in gone {
            output::say(&format!("warning: {} is gone; the run continues with its original plan", path.display()));
        }
        return Ok(());
    }
    match load::plan(sources) {
        Ok(now) if now.hash == begun.hash => Ok(()),
        Ok(now) => {
            output::say(&format!(
                "the plan has changed since run {run} was started:\n{}",
                changes::between(begun, &now)
            ));
            Err(refusal(run, "its playbook, its inventory or a file that they name has changed since it was started"))
        }
        Err(reports) => {
            inputs::complain(reports);
            Err(refusal(run, "its playbook, its inventory or its inputs have changed, and are no longer valid"))
        }
    }
}

/// Plans again from the files that a saved plan was made from, and compares. What is different goes to stderr.
///
/// # Errors
/// `Refused` when the plan has changed, or a file is missing.
pub fn saved(path: &Path, sources: &Sources, saved: &Plan) -> Result<()> {
    if let Some(gone) = missing(sources).first() {
        let answer = format!("{} does not exist here, so it cannot be compared", gone.display());
        return Err(plan_anew(path, answer).help("run it in the folder where it was saved"));
    }
    match load::plan(sources) {
        Ok(now) if now.hash == saved.hash => Ok(()),
        Ok(now) => {
            output::say(&format!("the plan has changed since it was saved:\n{}", changes::between(saved, &now)));
            let answer = "its playbook, its inventory or a file that they name has changed since it was saved";
            Err(plan_anew(path, answer.to_owned()))
        }
        Err(reports) => {
            inputs::complain(reports);
            let answer = "its playbook, its inventory or its inputs have changed, and are no longer valid";
            Err(plan_anew(path, answer.to_owned()))
        }
    }
}

/// The refusal of a saved plan.
pub fn plan_anew(path: &Path, answer: String) -> Failure {
    let file = path.display();
    Failure::refused(format!("run the saved plan {file}"), answer)
        .now("nothing was changed")
        .help(format!("save it again and review it: cutover plan PLAYBOOK -i INVENTORY --live --out {file}"))
}

fn missing(sources: &Sources) -> Vec<&PathBuf> {
    let files = [Some(&sources.playbook), sources.inventory.as_ref(), sources.inputs.as_ref()];
    files.into_iter().flatten().filter(|path| !path.exists()).collect()
}

fn refusal(run: &str, answer: &str) -> Failure {
    Failure::refused(format!("resume run {run}"), answer).now("nothing was changed").help(format!(
        "cutover resume {run} --as-planned continues with the original plan; \
         for the changed one, cutover rollback {run}, then start a new run"
    ))
}
