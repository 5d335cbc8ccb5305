//! A file on a host that a step replaces and can put back byte for byte: backup beside it, then one atomic write.
//!
//! May know: hosts, the step's memo. Not what stands in the file.

use super::{Action, Ctx};
use crate::effects::Host;
use crate::error::{Failure, Result};
use crate::playbook::marker;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Key of the memo.
const MEMO: &str = "file";

/// A file that a step owns while it can be undone.
#[derive(Debug, Clone, Copy)]
pub struct ConfigFile<'a> {
    /// Host it is on.
    pub host: &'a str,
    /// Its path; links are followed.
    pub path: &'a str,
}

/// What stood there before the step.
#[derive(Debug, Serialize, Deserialize)]
struct Original {
    existed: bool,
    backup: String,
}

impl ConfigFile<'_> {
    /// Keeps what is there and writes `content`, as actions.
    #[must_use]
    pub fn preview(&self, content: &str) -> Vec<Action> {
        vec![
            Action::command(self.host, keep_command(self.path, &self.planned_backup())),
            Action::file(self.host, self.path, content),
        ]
    }

    /// Puts the old file back, as actions.
    #[must_use]
    pub fn preview_undo(&self) -> Vec<Action> {
        vec![Action::command(self.host, restore_command(self.path, &self.planned_backup()))]
    }

    fn planned_backup(&self) -> String {
        backup_path(self.path, &marker::late("run"), &marker::late("step"))
    }

    /// What is in the file; `None` when there is none.
    ///
    /// # Errors
    /// When it cannot be read or is not text.
    pub async fn read(&self, cx: &Ctx<'_>) -> Result<Option<String>> {
        let Some(bytes) = self.host(cx).await?.read_file(self.path).await? else { return Ok(None) };
        String::from_utf8(bytes).map(Some).map_err(|_| {
            Failure::permanent(format!("read {}", self.path), "it is not UTF-8 text")
                .at(self.host)
                .help("convert the file to UTF-8 first")
        })
    }

    /// Keeps what is there, then writes `content` in one instant. An existing file keeps its owner, and its mode
    /// unless `mode` says otherwise; a new one is 0644. Returns the backup's path.
    ///
    /// # Errors
    /// When the backup or the file cannot be written.
    pub async fn replace(&self, cx: &Ctx<'_>, content: &str, mode: Option<u32>) -> Result<String> {
        let host = self.host(cx).await?;
        let existed = host.read_file(self.path).await?.is_some();
        let backup = backup_path(self.path, cx.run, cx.step);
        let original = Original { existed, backup };
        let kept = cx.memo.keep(MEMO, serde_json::to_value(&original).map_err(|error| unreadable(&error))?).await?;
        let original: Original = serde_json::from_value(kept).map_err(|error| unreadable(&error))?;
        if original.existed {
            sh(&host, "keep a backup of", self.path, &keep_command(self.path, &original.backup)).await?;
        }
        host.write_file(self.path, content.as_bytes(), mode.or((!original.existed).then_some(0o644))).await?;
        Ok(original.backup)
    }

    /// The backup's path, once there is one.
    #[must_use]
    pub fn backup(cx: &Ctx<'_>) -> Option<String> {
        serde_json::from_value::<Original>(cx.memo.get(MEMO)?).ok().map(|original| original.backup)
    }

    /// Puts back what was there before, if this step changed it. Says whether the step had come so far.
    ///
    /// # Errors
    /// When the host cannot be reached or the file cannot be moved back.
    pub async fn restore(&self, cx: &Ctx<'_>) -> Result<bool> {
        let Some(kept) = cx.memo.get(MEMO) else { return Ok(false) };
        let original: Original = serde_json::from_value(kept).map_err(|error| unreadable(&error))?;
        let host = self.host(cx).await?;
        if original.existed {
            sh(&host, "put back", self.path, &restore_command(self.path, &original.backup)).await?;
        } else {
            host.remove_file(self.path).await?;
        }
        Ok(true)
    }

    async fn host(&self, cx: &Ctx<'_>) -> Result<Arc<Host>> {
        cx.fx.host(self.host).await
    }
}

fn unreadable(error: &serde_json::Error) -> Failure {
    Failure::permanent("read what this step noted before", error.to_string())
}

async fn sh(host: &Host, verb: &str, path: &str, command: &str) -> Result<()> {
    host.sh(command, &[], None).await.map(drop).map_err(|failure| {
        let attempted = format!("{verb} {path}");
        Failure { attempted, ..failure }.help("check the folder's permissions and free space")
    })
}

fn backup_path(path: &str, run: &str, step: &str) -> String {
    format!("{path}.cutover-{run}-{step}.bak")
}

/// Copies the file once, with owner, mode and times; a copy cut short never counts as the backup.
fn keep_command(path: &str, backup: &str) -> String {
    let (path, part, backup) = (quote(path), quote(&format!("{backup}.part")), quote(backup));
    format!("[ -e {backup} ] || [ ! -e {path} ] || {{ cp -p -- {path} {part} && mv -f -- {part} {backup}; }}")
}

/// Moves the backup back where it came from; without a backup nothing was changed, or it is back already.
fn restore_command(path: &str, backup: &str) -> String {
    let (path, backup) = (quote(path), quote(backup));
    format!("[ ! -e {backup} ] || mv -f -- {backup} \"$(readlink -f -- {path})\"")
}

fn quote(text: &str) -> String {
    shell_words::quote(text).into_owned()
}
