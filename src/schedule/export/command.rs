//! The command line that every exported file calls.

use crate::error::{Failure, Result};
use crate::store::Address;
use jiff::Timestamp;
use std::path::PathBuf;

/// Where the program, its files and its state are when another scheduler calls.
#[derive(Debug, Clone)]
pub struct Place {
    /// The program.
    pub program: String,
    /// The file of schedules.
    pub file: PathBuf,
    /// The state directory, or the address of the shared store.
    pub state: String,
    /// The image with the program in it.
    pub image: String,
    /// When the files are written: times that clocks skip are covered for five years from then.
    pub now: Timestamp,
}

impl Place {
    /// Whether machines share the store.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        Address::is_meant(&self.state)
    }
    /// Checks that no path contains a line break, for any file format.
    ///
    /// # Errors
    /// Names the one that does.
    pub fn check(&self) -> Result<()> {
        let paths = [self.program.clone(), self.file.display().to_string(), self.state.clone()];
        match paths.iter().chain([&self.image]).find(|path| path.chars().any(char::is_control)) {
            None => Ok(()),
            Some(odd) => {
                let answer = format!("`{}` holds a control character", odd.escape_debug());
                Err(Failure::refused("export the schedules", answer)
                    .help("rename it: a line break in it would become one in the exported file"))
            }
        }
    }
    /// The words of the command line for a schedule.
    #[must_use]
    pub fn words(&self, schedule: &str) -> Vec<String> {
        let file = self.file.display().to_string();
        let words = [&self.program, "schedule", "run", schedule, "--due", "--schedules", &file, "--state", &self.state];
        words.into_iter().map(str::to_owned).collect()
    }
    /// The same for a shell.
    #[must_use]
    pub fn shell(&self, schedule: &str) -> String {
        shell_words::join(self.words(schedule))
    }
}
