//! The folder of a rehearsal: made by it alone, and removed only because it was.

use super::server::cache;
use crate::error::{Failure, Result};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

/// A folder that was not there before, for nobody but its owner. It goes when this is dropped.
#[derive(Debug)]
pub struct OwnFolder {
    path: PathBuf,
    stays: bool,
}

/// How long the path of the cache may be: the sockets of servers lie below it, and the kernel takes 107 bytes for one.
const SHORT: usize = 48;

/// The user's cache folder, where it can be made: nobody else can swap what lies in it, as they could in a folder for
/// temporary files that everyone writes to.
fn short_cache() -> Option<PathBuf> {
    let cache = cache().filter(|cache| cache.as_os_str().len() <= SHORT)?;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&cache).ok()?;
    Some(cache)
}

impl OwnFolder {
    /// Makes `path`, or one with a name that nobody can guess in the user's cache, or among the temporary ones. With
    /// `stays` it is kept.
    ///
    /// # Errors
    /// `Refused` when there is anything of that name; when it cannot be made.
    pub fn make(path: Option<&Path>, stays: bool) -> Result<Self> {
        let attempted = "make the rehearsal's folder";
        let Some(path) = path else {
            let made = match short_cache() {
                Some(cache) => tempfile::Builder::new().prefix("sandbox-").tempdir_in(cache),
                None => tempfile::Builder::new().prefix("cutover-").tempdir(),
            };
            let made = made.map_err(|error| Failure::permanent(attempted, error.to_string()))?;
            return Ok(Self { path: made.keep(), stays });
        };
        let shown = path.display();
        match std::fs::DirBuilder::new().mode(0o700).create(path) {
            Ok(()) => Ok(Self { path: path.to_owned(), stays }),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
                Err(Failure::refused(attempted, format!("{shown} already exists"))
                    .now("nothing was touched")
                    .help("name a folder that does not exist yet: it is removed afterwards"))
            }
            Err(error) => Err(Failure::permanent(attempted, format!("{shown}: {error}"))
                .now("nothing was touched")
                .help("name a folder inside an existing folder that you may write to")),
        }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for OwnFolder {
    fn drop(&mut self) {
        if !self.stays {
            let _ = std::fs::remove_dir_all(&self.path); // what cannot be removed is in nobody's way
        }
    }
}

#[cfg(test)]
mod tests {
    use super::OwnFolder;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn what_was_there_is_neither_used_nor_removed() {
        let around = tempfile::tempdir().unwrap();
        let precious = around.path().join("precious");
        std::fs::create_dir(&precious).unwrap();
        std::fs::write(precious.join("f"), "x").unwrap();
        let link = around.path().join("link");
        std::os::unix::fs::symlink(around.path().join("nowhere"), &link).unwrap();
        for taken in [&precious, &precious.join("f"), &link] {
            let refused = OwnFolder::make(Some(taken), false).unwrap_err();
            assert!(refused.answer.contains("already exists"), "{refused}");
        }
        assert_eq!(std::fs::read_to_string(precious.join("f")).unwrap(), "x");

        let own = OwnFolder::make(Some(&around.path().join("own")), false).unwrap();
        assert_eq!(std::fs::metadata(own.path()).unwrap().permissions().mode() & 0o777, 0o700);
        let path = own.path().to_owned();
        drop(own);
        assert!(!path.exists());
        drop(OwnFolder::make(Some(&path), true).unwrap());
        assert!(path.exists(), "it was to stay");
    }
}
