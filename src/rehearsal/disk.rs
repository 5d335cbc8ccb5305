//! A small disk of its own for a server, in memory: one that can be filled up without harm to anybody else.

use crate::error::{Failure, Result};
use std::path::{Path, PathBuf};
use std::process::Command;

/// A mounted disk; unmounted when dropped.
#[derive(Debug)]
pub struct Disk {
    at: PathBuf,
}

impl Disk {
    /// Whether this user may mount one.
    #[must_use]
    pub fn is_possible() -> bool {
        rustix::process::geteuid().is_root()
    }

    /// Mounts `bytes` at `at`, which is made.
    ///
    /// # Errors
    /// When it cannot be made or mounted.
    pub fn mount(at: PathBuf, bytes: u64) -> Result<Self> {
        let failed = |answer: String| Failure::permanent(format!("mount a disk at {}", at.display()), answer);
        std::fs::create_dir_all(&at).map_err(|error| failed(error.to_string()))?;
        let mut command = Command::new("mount");
        command.args(["-t", "tmpfs", "-o", &format!("size={bytes},mode=0700"), "tmpfs"]).arg(&at);
        let ran = command.output().map_err(|error| failed(error.to_string()))?;
        if !ran.status.success() {
            return Err(failed(String::from_utf8_lossy(&ran.stderr).trim().to_owned()));
        }
        Ok(Self { at })
    }
}

/// How often a disk is filled that somebody else writes to.
const ATTEMPTS: u32 = 20;

/// Fills the disk that `folder` is on, but for `spare` bytes. The filler's path.
///
/// # Errors
/// When it cannot be written.
pub fn fill(folder: &Path, spare: u64) -> Result<PathBuf> {
    let filler = folder.join("filler");
    let failed = |answer: String| Failure::permanent(format!("fill the disk of {}", folder.display()), answer);
    let file = std::fs::File::create(&filler).map_err(|error| failed(error.to_string()))?;
    for attempt in 1.. {
        file.set_len(0).map_err(|error| failed(error.to_string()))?;
        let free = rustix::fs::statvfs(folder).map_err(|error| failed(error.to_string()))?;
        let bytes = (free.f_bavail * free.f_frsize).saturating_sub(spare);
        match rustix::fs::fallocate(&file, rustix::fs::FallocateFlags::empty(), 0, bytes) {
            // the server has taken some of it meanwhile
            Err(rustix::io::Errno::NOSPC) if attempt < ATTEMPTS => {}
            filled => return filled.map(|()| filler).map_err(|error| failed(error.to_string())),
        }
    }
    Ok(filler)
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.at).output(); // the folder's removal shows what is left
    }
}
