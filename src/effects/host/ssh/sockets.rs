//! The folder for ssh's control sockets: private, short enough for a socket's path, and rid of what dead runners left.

use super::end_master;
use rustix::process::{Pid, geteuid, test_kill_process};
use std::fs::{DirBuilder, symlink_metadata};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// Longest folder that leaves room for `/PID/.ssh-connectionXXXXXX/master.` and ssh's 16 random letters within the
/// 104 bytes that a socket's path may have everywhere.
const LONGEST: usize = 48;

/// Makes this process's own folder for sockets under `wanted`, and ends what dead runners left beside it.
pub(super) async fn prepare(wanted: &Path) -> io::Result<PathBuf> {
    let base = short(&std::path::absolute(wanted)?);
    if base.starts_with(temporary()) {
        make_private(&temporary())?;
    }
    if !base.is_dir() {
        make_private(&base)?;
    }
    reap(&base).await;
    let own = base.join(std::process::id().to_string());
    make_private(&own)?;
    Ok(own)
}

/// `wanted`, or a short stand-in of the same name for the same folder each time. ssh expands `%`, `~` and `$` in the
/// path of its socket, so only plain characters will do.
fn short(wanted: &Path) -> PathBuf {
    let name = wanted.as_os_str().as_encoded_bytes();
    let plain = name.iter().all(|byte| byte.is_ascii_alphanumeric() || b"/._-".contains(byte));
    if plain && name.len() <= LONGEST {
        return wanted.to_owned();
    }
    temporary().join(&blake3::hash(name).to_hex()[..8])
}

fn temporary() -> PathBuf {
    PathBuf::from(format!("/tmp/cutover-{}", geteuid().as_raw()))
}

/// Makes a folder that only this user can enter; one that someone else put there is refused.
fn make_private(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let found = symlink_metadata(folder)?;
    if !found.is_dir() || found.uid() != geteuid().as_raw() {
        return Err(io::Error::other(format!("{} belongs to someone else", folder.display())));
    }
    if found.mode() & 0o777 != 0o700 {
        std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700))?;
    }
    Ok(())
}

/// Ends masters whose runner was killed, and removes their sockets.
async fn reap(base: &Path) {
    for folder in entries(base).filter(|folder| is_of_dead_process(folder)) {
        for connection in entries(&folder) {
            end_master(&connection.join("master")).await;
        }
        // Whatever stays behind is tried again by the next connection.
        let _ = std::fs::remove_dir_all(&folder);
    }
}

fn entries(folder: &Path) -> impl Iterator<Item = PathBuf> + use<> {
    std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path())
}

fn is_of_dead_process(folder: &Path) -> bool {
    let number = folder.file_name().and_then(|name| name.to_str()).and_then(|name| name.parse().ok());
    let Some(pid) = number.and_then(Pid::from_raw) else { return false };
    test_kill_process(pid) == Err(rustix::io::Errno::SRCH)
}

#[cfg(test)]
mod tests {
    use super::{LONGEST, short};
    use std::path::Path;

    #[test]
    fn long_and_odd_folders_get_a_short_stand_in() {
        assert_eq!(short(Path::new("/srv/state/ssh")), Path::new("/srv/state/ssh"));
        let long = format!("/srv/{}", "x".repeat(LONGEST));
        assert!(short(Path::new(&long)).as_os_str().len() < LONGEST);
        assert_eq!(short(Path::new(&long)), short(Path::new(&long)));
        assert!(short(Path::new("/srv/100%/ssh")).starts_with("/tmp"));
    }
}
