//! The files of a git revision, in a folder of their own that goes away again. The work tree is not touched.

use crate::effects::hide_secrets;
use crate::error::{Failure, Result};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// A copy of a revision.
pub struct Revision {
    folder: TempDir,
    /// Top of the repository.
    top: PathBuf,
}

impl Revision {
    /// Copies what the repository around `file` held at `revision`.
    ///
    /// # Errors
    /// When `file` is in no repository, or git does not know the revision.
    pub fn check_out(revision: &str, file: &Path) -> Result<Self> {
        let failed = |answer: String| {
            Failure::permanent(format!("read the files of revision `{revision}`"), answer)
                .now("nothing was changed")
                .help("give a branch, a tag or a commit, as for `git log`")
        };
        let broken = |error: std::io::Error| failed(error.to_string());
        let near = std::path::absolute(file).map_err(broken)?;
        let near = near.ancestors().skip(1).find(|folder| folder.is_dir()).unwrap_or(Path::new("/"));
        let top = said(git(near).args(["rev-parse", "--show-toplevel"])).map_err(failed)?;
        let top = PathBuf::from(top.trim());
        let commit = format!("{revision}^{{commit}}");
        let commit = said(git(&top).args(["rev-parse", "--verify", "--quiet", "--end-of-options", &commit]))
            .map_err(|_| failed("git knows no such commit".into()))?;
        let folder = tempfile::Builder::new().prefix("cutover-").tempdir().map_err(broken)?;
        let mut archive = git(&top);
        let archive = archive.args(["archive", "--format=tar", commit.trim()]).stdout(Stdio::piped());
        let mut archive = archive.stderr(Stdio::null()).spawn().map_err(broken)?;
        let tar = archive.stdout.take().map_or_else(Stdio::null, Stdio::from);
        let unpacked = said(Command::new("tar").arg("-xC").arg(folder.path()).stdin(tar)).map_err(failed);
        let archived = archive.wait().map_err(broken)?;
        unpacked?;
        if !archived.success() {
            return Err(failed(format!("`git archive` ended with {archived}")));
        }
        Ok(Self { folder, top })
    }

    /// Where the copy of `path` is.
    ///
    /// # Errors
    /// When it is not in the repository.
    pub fn path(&self, path: &Path) -> Result<PathBuf> {
        let outside = || {
            let answer = format!("{} is not in the repository {}", path.display(), self.top.display());
            Failure::permanent("compare revisions", answer)
                .help("give files of the repository that contains the playbook")
        };
        let whole = std::path::absolute(path).map_err(|_| outside())?;
        // the folder may be reached by a link; a file that is gone by now has none
        let folder = whole.parent().and_then(|folder| folder.canonicalize().ok()).unwrap_or_default();
        let whole = whole.file_name().map(|name| folder.join(name)).unwrap_or(whole);
        whole.strip_prefix(&self.top).map(|inside| self.folder.path().join(inside)).map_err(|_| outside())
    }
}

/// The commit that `file` is at, with a note when the file is not as committed; `None` outside a repository.
pub fn at(file: &Path) -> Option<String> {
    let (folder, name) = (file.parent()?, file.file_name()?);
    let commit = said(git(folder).args(["rev-parse", "--verify", "--quiet", "HEAD"])).ok()?;
    let changed = said(git(folder).args(["status", "--porcelain", "--"]).arg(name)).ok()?;
    let note = if changed.is_empty() { "" } else { ", changed since" };
    Some(format!("{}{note}", commit.trim()))
}

fn git(folder: &Path) -> Command {
    let mut git = Command::new("git");
    hide_secrets(&mut git);
    git.arg("-C").arg::<&OsStr>(folder.as_ref());
    git
}

/// What a program prints; in the error case its complaint.
fn said(command: &mut Command) -> Result<String, String> {
    let ran = command.output().map_err(|error| format!("{}: {error}", command.get_program().display()))?;
    if ran.status.success() {
        return Ok(String::from_utf8_lossy(&ran.stdout).into_owned());
    }
    Err(String::from_utf8_lossy(&ran.stderr).trim().to_owned())
}
