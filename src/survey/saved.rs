//! A plan with its survey, in a file: the approved plan is the one that runs.

use super::Survey;
use crate::error::{Failure, Result};
use crate::plan::load::Sources;
use crate::plan::stored::{self, Format, Unreadable};
use crate::plan::{self, Plan};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Version of the file's format.
const FORMAT: u32 = 2;
/// Files of this name are saved plans, all others playbooks.
const NAME: &str = ".plan.json";

/// What to do instead of using one that cannot be used.
const ANEW: &str = "save a new one: cutover plan PLAYBOOK -i INVENTORY --live --out FILE.plan.json";

/// The part of a saved plan that is read first.
#[derive(Deserialize)]
struct Formats {
    saved_plan: u32,
    plan: Format,
}

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
            // remove an incomplete file
            let _ = std::fs::remove_file(&part);
            failed(error)
        })
    }

    /// Reads a file to run its plan, and checks that it is complete.
    ///
    /// # Errors
    /// `Refused` when its plan has another format than this program's; otherwise as [`SavedPlan::read_to_show`].
    pub fn read(path: &Path) -> Result<Self> {
        let saved = Self::read_to_show(path)?;
        saved.plan.may_be_carried_out(&format!("the saved plan {}", path.display())).map_err(|mut refused| {
            refused.help = refused.help.map(|help| format!("{help}; or {ANEW}"));
            refused
        })?;
        Ok(saved)
    }

    /// Reads a file to show it, and checks that it is complete. A plan of an older format has notes instead of actions.
    ///
    /// # Errors
    /// When it cannot be read, is of a newer format, or was changed.
    pub fn read_to_show(path: &Path) -> Result<Self> {
        let refuse = |answer: String| {
            Failure::refused(format!("read the saved plan {}", path.display()), answer)
                .now("nothing was changed")
                .help(ANEW)
        };
        let text = std::fs::read_to_string(path).map_err(|error| refuse(error.to_string()))?;
        Self::kept(&text).map_err(|unreadable| match unreadable {
            Unreadable::Damaged(error) => refuse(format!("it is not a saved plan: {error}")),
            Unreadable::Newer(format) => refuse(format!("its format is {format}, and this program reads {FORMAT}")),
            Unreadable::Changed => {
                refuse("its content does not match its hash: it was changed, or it is damaged".into())
            }
        })
    }

    fn kept(text: &str) -> Result<Self, Unreadable> {
        let Formats { saved_plan, plan } = serde_json::from_str(text)?;
        if saved_plan > FORMAT {
            return Err(Unreadable::Newer(saved_plan));
        }
        if saved_plan < FORMAT || plan.format != plan::FORMAT {
            return Self::kept_before(serde_json::from_str(text)?);
        }
        let saved: Self = serde_json::from_str(text)?;
        let is_whole = saved.hash == saved.digest() && saved.plan.hash == saved.plan.digest();
        if is_whole { Ok(saved) } else { Err(Unreadable::Changed) }
    }

    /// What an older program saved.
    fn kept_before(mut saved: Value) -> Result<Self, Unreadable> {
        if !stored::has_its_hash(&saved) {
            return Err(Unreadable::Changed);
        }
        if let Some(plan) = saved.get_mut("plan") {
            *plan = serde_json::to_value(Plan::kept_before(plan.take())?)?;
        }
        Ok(serde_json::from_value(saved)?)
    }
}
