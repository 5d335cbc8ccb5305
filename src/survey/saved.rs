//! A plan with the look it was reviewed with, in a file: what is approved is what is carried out.

use super::Survey;
use crate::error::{Failure, Result};
use crate::plan::Plan;
use crate::plan::load::Sources;
use serde::{Deserialize, Serialize};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Version of the file's format.
const FORMAT: u32 = 1;
/// Files of this name are saved plans, all others playbooks.
const NAME: &str = ".plan.json";

/// A saved plan. Holds no secret, as no plan does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SavedPlan {
    /// Version of the format.
    pub saved_plan: u32,
    /// `blake3` over everything else, in hexadecimal.
    pub hash: String,
    /// What the plan was made from; paths as they were given.
    pub sources: Sources,
    /// The plan.
    pub plan: Plan,
    /// What was found when it was made.
    pub survey: Survey,
}

/// Whether `path` names a saved plan: `NAME.plan.json`.
#[must_use]
pub fn is_saved(path: &Path) -> bool {
    path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.ends_with(NAME))
}

impl SavedPlan {
    /// Puts together.
    #[must_use]
    pub fn new(sources: Sources, plan: Plan, survey: Survey) -> Self {
        let saved = Self { saved_plan: FORMAT, hash: String::new(), sources, plan, survey };
        Self { hash: saved.digest(), ..saved }
    }

    fn digest(&self) -> String {
        let bare = Self { hash: String::new(), ..self.clone() };
        blake3::hash(&serde_json::to_vec(&bare).unwrap_or_default()).to_hex().to_string()
    }

    /// Writes the file in one instant, for its owner only.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, path: &Path) -> Result<()> {
        let failed = |error: std::io::Error| {
            Failure::permanent(format!("save the plan as {}", path.display()), error.to_string())
                .now("no plan was saved")
        };
        let part = path.with_extension(format!("json.{}", std::process::id()));
        let mut file = std::fs::OpenOptions::new();
        let mut file = file.write(true).create(true).truncate(true).mode(0o600).open(&part).map_err(failed)?;
        let written = serde_json::to_writer_pretty(&mut file, self).map_err(std::io::Error::from);
        let written = written.and_then(|()| file.write_all(b"\n")).and_then(|()| file.sync_all());
        written.and_then(|()| std::fs::rename(&part, path)).map_err(|error| {
            // what is half written is no use to anybody
            let _ = std::fs::remove_file(&part);
            failed(error)
        })
    }

    /// Reads a file, and sees that it is whole.
    ///
    /// # Errors
    /// When it cannot be read, is of another version, or is not as it was written.
    pub fn read(path: &Path) -> Result<Self> {
        let refuse = |answer: String| {
            Failure::refused(format!("read the saved plan {}", path.display()), answer)
                .now("nothing was changed")
                .help("make it anew: cutover plan PLAYBOOK -i INVENTORY --live --out FILE.plan.json")
        };
        let text = std::fs::read_to_string(path).map_err(|error| refuse(error.to_string()))?;
        let saved: Self =
            serde_json::from_str(&text).map_err(|error| refuse(format!("it is no saved plan: {error}")))?;
        if saved.saved_plan != FORMAT {
            return Err(refuse(format!("its format is {}, and this program reads {FORMAT}", saved.saved_plan)));
        }
        if saved.hash != saved.digest() || saved.plan.hash != saved.plan.digest() {
            return Err(refuse("its content is not what its hash says: somebody changed it, or it is damaged".into()));
        }
        Ok(saved)
    }
}
