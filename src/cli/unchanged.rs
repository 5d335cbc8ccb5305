//! Whether the files of a run still say what they said when it was begun. A reviewed plan is carried out to its end;
//! a changed playbook must neither slip into the rest of a run unseen nor be quietly ignored.

use super::inputs;
use crate::cli::output;
use crate::error::{Failure, Result};
use crate::plan::load::{self, Sources};
use crate::plan::{Plan, changes};
use std::path::{Path, PathBuf};

/// Plans again from the files and compares. What is different goes to stderr.
///
/// # Errors
/// `Refused` when the plan is another one now, or cannot be made any more.
pub fn check(run: &str, sources: &Sources, begun: &Plan) -> Result<()> {
    let gone = missing(sources);
    if !gone.is_empty() {
        for path in gone {
            output::say(&format!("warning: {} is gone; the run goes on with the plan as it was begun", path.display()));
        }
        return Ok(());
    }
    match load::plan(sources) {
        Ok(now) if now.hash == begun.hash => Ok(()),
        Ok(now) => {
            output::say(&format!(
                "since run {run} was begun, its plan has changed:\n{}",
                changes::between(begun, &now)
            ));
            Err(refusal(run, "its playbook, its inventory or a file they name has changed since it was begun"))
        }
        Err(reports) => {
            inputs::complain(reports);
            Err(refusal(run, "its playbook, its inventory or its inputs have changed, and are not valid any more"))
        }
    }
}

/// Plans again from the files that a saved plan was made from, and compares. What is different goes to stderr.
///
/// # Errors
/// `Refused` when the plan is another one now, or a file is gone.
pub fn saved(path: &Path, sources: &Sources, saved: &Plan) -> Result<()> {
    if let Some(gone) = missing(sources).first() {
        let answer = format!("{} is not there, so nobody can say whether it still says the same", gone.display());
        return Err(plan_anew(path, answer).help("run it in the folder that it was saved in"));
    }
    match load::plan(sources) {
        Ok(now) if now.hash == saved.hash => Ok(()),
        Ok(now) => {
            output::say(&format!("since the plan was saved, it has changed:\n{}", changes::between(saved, &now)));
            let answer = "its playbook, its inventory or a file they name has changed since it was saved";
            Err(plan_anew(path, answer.to_owned()))
        }
        Err(reports) => {
            inputs::complain(reports);
            let answer = "its playbook, its inventory or its inputs have changed, and are not valid any more";
            Err(plan_anew(path, answer.to_owned()))
        }
    }
}

/// The refusal of a saved plan.
pub fn plan_anew(path: &Path, answer: String) -> Failure {
    let file = path.display();
    Failure::refused(format!("carry out the saved plan {file}"), answer)
        .now("nothing was changed")
        .help(format!("review it again: cutover plan PLAYBOOK -i INVENTORY --live --out {file}"))
}

fn missing(sources: &Sources) -> Vec<&PathBuf> {
    let files = [Some(&sources.playbook), sources.inventory.as_ref(), sources.inputs.as_ref()];
    files.into_iter().flatten().filter(|path| !path.exists()).collect()
}

fn refusal(run: &str, answer: &str) -> Failure {
    Failure::refused(format!("resume run {run}"), answer).now("nothing was changed").help(format!(
        "cutover resume {run} --as-planned goes on with the plan as it was begun; \
         for the changed one, cutover rollback {run} and begin a new run"
    ))
}
