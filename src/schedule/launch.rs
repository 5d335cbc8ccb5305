//! Launches the process of a start in a process group of its own, so that neither the end of the scheduler nor a Ctrl-C in
//! its terminal reaches it.

use super::work;
use crate::engine::Home;
use crate::error::{Failure, Result};
use std::ffi::OsStr;
use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::Stdio;
use tokio::process::{Child, Command};

/// Launches `program` for the start `run`, with approvals from the file `people`, if there is one. Its output goes into a
/// file that only the user can read.
///
/// # Errors
/// When the file or the process cannot be made.
pub fn launch(program: &Path, home: &Home, run: &str, people: Option<&Path>) -> Result<Child> {
    let people = people.into_iter().flat_map(|people| [OsStr::new("--people"), people.as_os_str()]);
    let words = ["schedule", "carry-out", run].map(OsStr::new);
    begin(program, home, run, &words.into_iter().chain(people).collect::<Vec<_>>())
}

/// Launches `program` to resume `run` with its original plan, on a machine that may not have its files.
///
/// # Errors
/// As [`launch`].
pub fn resume(program: &Path, home: &Home, run: &str) -> Result<Child> {
    begin(program, home, run, &["resume", run, "--as-planned"].map(OsStr::new))
}

fn begin(program: &Path, home: &Home, run: &str, words: &[&OsStr]) -> Result<Child> {
    work::folder(home.dir())?;
    let path = work::log(home.dir(), run);
    let failed = |error: std::io::Error| {
        let failure = Failure::transient(format!("launch {} for {run}", program.display()), error.to_string());
        failure.now("nothing was started; it will be tried again")
    };
    let log = OpenOptions::new().append(true).create(true).mode(0o600).open(&path).map_err(failed)?;
    let said = log.try_clone().map_err(failed)?;
    let mut command = Command::new(program);
    command.args(words).arg("--state").arg(home.argument());
    command.stdin(Stdio::null()).stdout(log).stderr(said).process_group(0).kill_on_drop(false);
    command.spawn().map_err(failed)
}
