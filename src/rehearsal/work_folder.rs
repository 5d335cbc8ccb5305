//! A folder for the work of sandboxed hosts, in the user's cache: what lies below `/tmp` can be swapped by others, and is
//! refused as a work folder.

use super::server::cache;
use crate::error::{Failure, Result};
use crate::random;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

/// A folder with mode 0700 that goes when this is dropped; or, where its process was killed, when the next one is made.
#[derive(Debug)]
pub struct WorkFolder(PathBuf);

impl WorkFolder {
    /// Makes one, and removes those of processes that are gone.
    ///
    /// # Errors
    /// When there is no home folder, or it cannot be written.
    pub fn make() -> Result<Self> {
        let failed = |answer: String| Failure::permanent("create a work folder", answer);
        let all = cache().ok_or_else(|| failed("neither XDG_CACHE_HOME nor HOME is set".into()))?.join("work");
        let of = |path: &Path| failed(format!("{} cannot be created", path.display()));
        let mut builder = std::fs::DirBuilder::new();
        builder.recursive(true).mode(0o700).create(&all).map_err(|_| of(&all))?;
        clear(&all);
        let id = std::process::id();
        let own = all.join(format!("{id}-{}-{}", begun(id).unwrap_or_default(), random::hex(16)?));
        builder.recursive(false).create(&own).map_err(|_| of(&own))?;
        Ok(Self(own))
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for WorkFolder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0); // the next one finds what cannot be removed now
    }
}

/// Removes the folders of processes that are gone.
fn clear(all: &Path) {
    for folder in std::fs::read_dir(all).into_iter().flatten().flatten() {
        let name = folder.file_name();
        let mut words = name.to_str().unwrap_or_default().splitn(3, '-');
        let owner = words.next().and_then(|id| id.parse().ok()).zip(words.next());
        if owner.is_some_and(|(id, begin): (u32, &str)| begun(id).as_deref() != Some(begin)) {
            let _ = std::fs::remove_dir_all(folder.path()); // another one may be just doing the same
        }
    }
}

/// When a process began, in clock ticks since the start of the machine; `None` when there is none of that number.
fn begun(id: u32) -> Option<String> {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    // the name in brackets may hold spaces
    stat.rsplit_once(") ")?.1.split(' ').nth(19).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::{WorkFolder, begun, clear};

    #[test]
    fn what_a_killed_process_has_left_goes_with_the_next_one() {
        let around = tempfile::tempdir().unwrap();
        let id = std::process::id();
        let names = ["1-0-ab".to_owned(), format!("{id}-{}-ab", begun(id).unwrap()), "another".to_owned()];
        for name in &names {
            std::fs::create_dir(around.path().join(name)).unwrap();
        }
        clear(around.path());
        assert_eq!(names.map(|name| around.path().join(name).exists()), [false, true, true]);
    }

    #[test]
    fn it_is_there_until_it_is_dropped() {
        let folder = WorkFolder::make().unwrap();
        let path = folder.path().to_owned();
        std::fs::write(path.join("f"), "x").unwrap();
        drop(folder);
        assert!(!path.exists());
    }
}
