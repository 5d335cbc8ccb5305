//! A file on a host that a step replaces and can put back byte for byte: backup beside it, then one atomic write.
//!
//! May know: hosts, the step's memo. Not what stands in the file.

use crate::domain::marker;
use crate::domain::script::argument;
use crate::domain::{Contents, Script};
use crate::effects::{PlannedHost, places};
use crate::error::{Failure, Result};
use crate::kinds::support::place::is_there;
use crate::kinds::{Action, Ctx};
use crate::sh;
use serde::{Deserialize, Serialize};

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
    /// BLAKE3 of what the file held; `None` when there was no file.
    #[serde(default)]
    digest: Option<String>,
}

impl ConfigFile<'_> {
    /// Keeps what is there and writes `content`, as actions.
    #[must_use]
    pub fn preview(&self, content: &Contents) -> Vec<Action> {
        let backup = self.planned_backup();
        let mut actions = self.looks();
        actions.extend([
            Action::command(self.host, keep_command(self.path, &backup)),
            Action::look(self.host, is_there(&backup)),
            Action::file(self.host, self.path, content),
        ]);
        actions
    }

    /// The actions that read the file.
    pub fn looks(&self) -> Vec<Action> {
        vec![Action::read(self.host, self.path), Action::look(self.host, is_link(self.path))]
    }

    /// Puts the old file back, as actions.
    #[must_use]
    pub fn preview_undo(&self) -> Vec<Action> {
        let mut actions = self.looks();
        actions.extend([
            Action::command(self.host, restore_command(self.path, &self.planned_backup())),
            Action::note("or, if the file did not exist:"),
            Action::remove(self.host, self.path),
        ]);
        actions
    }

    fn planned_backup(&self) -> String {
        backup_path(self.path, &marker::late("run"), &marker::late("step"))
    }

    /// What is in the file; `None` when there is none.
    ///
    /// # Errors
    /// When it cannot be read or is not text.
    pub async fn read(&self, cx: &Ctx<'_>) -> Result<Option<String>> {
        let Some(bytes) = self.bytes(&self.host(cx).await?).await? else { return Ok(None) };
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
    pub async fn replace(&self, cx: &Ctx<'_>, content: &Contents, mode: Option<u32>) -> Result<String> {
        let host = self.host(cx).await?;
        let there = self.bytes(&host).await?;
        let backup = backup_path(self.path, cx.run, cx.step);
        let original = Original { existed: there.is_some(), backup, digest: there.as_deref().map(digest) };
        let original = cx.memo.keep(MEMO, original).await?;
        if original.existed {
            run(&host, "keep a backup of", self.path, &keep_command(self.path, &original.backup)).await?;
            // without the backup the old content would be gone for good
            run(&host, "find the backup of", self.path, &is_there(&original.backup)).await?;
        }
        host.write_file(self.path, content, mode.or((!original.existed).then_some(0o644))).await?;
        Ok(original.backup)
    }

    /// The backup's path, once there is one.
    ///
    /// # Errors
    /// When the note of it is damaged.
    pub fn backup(cx: &Ctx<'_>) -> Result<Option<String>> {
        Ok(cx.memo.read::<Original>(MEMO)?.map(|original| original.backup))
    }

    /// Puts back what was there before, if this step changed it, and reads it back. Says whether the step had come so
    /// far.
    ///
    /// # Errors
    /// When the host cannot be reached, the file cannot be moved back, or its backup is gone.
    pub async fn restore(&self, cx: &Ctx<'_>) -> Result<bool> {
        let Some(original) = cx.memo.read::<Original>(MEMO)? else { return Ok(false) };
        let host = self.host(cx).await?;
        if original.existed {
            run(&host, "put back", self.path, &restore_command(self.path, &original.backup)).await?;
            self.is_as_before(&host, &original).await?;
        } else {
            host.remove_file(self.path).await?;
        }
        Ok(true)
    }

    /// A backup that somebody has removed looks like one that was moved back already; the content tells them apart.
    async fn is_as_before(&self, host: &PlannedHost, original: &Original) -> Result<()> {
        let now = self.bytes(host).await?.as_deref().map(digest);
        if original.digest.is_none() || now == original.digest {
            return Ok(());
        }
        let answer = format!("its backup {} is gone, or is another file now", original.backup);
        Err(Failure::permanent(format!("put back {}", self.path), answer)
            .at(self.host)
            .now("the file does not have its content from before this step")
            .help("restore its old content by hand, then run `cutover mark-undone RUN STEP --why TEXT`"))
    }

    /// The file's content; `None` only when there is nothing of that name at all.
    async fn bytes(&self, host: &PlannedHost) -> Result<Option<Vec<u8>>> {
        let found = host.read_file(self.path).await?;
        // a link that leads nowhere has no content, and yet something is there
        if found.is_none() && host.run(&is_link(self.path)).await?.code != Some(1) {
            let answer = "it is a link to a file that does not exist";
            return Err(Failure::refused(format!("read {}", self.path), answer)
                .at(self.host)
                .now("nothing was changed")
                .help("create the file that the link names, or remove the link"));
        }
        Ok(found)
    }

    async fn host(&self, cx: &Ctx<'_>) -> Result<PlannedHost> {
        cx.fx.host(self.host).await
    }
}

fn digest(content: &[u8]) -> String {
    blake3::hash(content).to_hex().to_string()
}

async fn run(host: &PlannedHost, verb: &str, path: &str, command: &Script) -> Result<()> {
    host.print(command).await.map(drop).map_err(|failure| {
        let attempted = format!("{verb} {path}");
        Failure { attempted, ..failure }.help("check the folder's permissions and free space")
    })
}

fn backup_path(path: &str, run: &str, step: &str) -> String {
    format!("{path}.cutover-{run}-{step}.bak")
}

/// Copies the file once, with owner, mode and times; a copy cut short never counts as the backup.
fn keep_command(path: &str, backup: &str) -> Script {
    sh!("{}keep {} {}", places::functions(), argument(path), argument(backup))
}

/// Moves the backup back where it came from; without a backup nothing was changed, or it is back already.
fn restore_command(path: &str, backup: &str) -> Script {
    sh!("{}put {} {}", places::functions(), argument(backup), argument(path))
}

fn is_link(path: &str) -> Script {
    Script::words(["test", "-L", path])
}
