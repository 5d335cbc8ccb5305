//! The folder for ssh's control sockets: private, short enough for a socket's path, and without leftovers of dead
//! runners.

mod owned;

use super::end_master;
use rustix::process::geteuid;
use std::fs::{DirBuilder, symlink_metadata};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// Longest folder that leaves room for `/FOLDER/.ssh-connectionXXXXXX/master.` and ssh's 16 random letters within the
/// 104 bytes that a socket's path may have everywhere.
const LONGEST: usize = 48;

/// This process's own folder for sockets under `wanted`; ends the masters that dead runners left beside it.
pub(super) async fn prepare(wanted: &Path) -> io::Result<PathBuf> {
    let base = short(&std::path::absolute(wanted)?);
    if base.starts_with(temporary()) {
        make_private(&temporary())?;
    }
    make_private(&base)?;
    reap(&base).await;
    owned::folder(&base)
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
    if !is_ours(folder) {
        return Err(io::Error::other(format!("{} belongs to someone else", folder.display())));
    }
    if symlink_metadata(folder)?.mode() & 0o777 != 0o700 {
        std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700))?;
    }
    Ok(())
}

/// A folder of this user, not a link to one.
fn is_ours(folder: &Path) -> bool {
    symlink_metadata(folder).is_ok_and(|found| found.is_dir() && found.uid() == geteuid().as_raw())
}

/// Ends masters whose runner is dead, and removes their sockets.
async fn reap(base: &Path) {
    for folder in entries(base).filter(|folder| is_ours(folder)) {
        let Some(_held) = owned::of_dead_owner(&folder) else { continue };
        for connection in entries(&folder).filter(|connection| is_ours(connection)) {
            end_master(&connection.join("master")).await;
        }
        // Whatever is left is tried again by the next connection.
        let _ = std::fs::remove_dir_all(&folder);
    }
}

fn entries(folder: &Path) -> impl Iterator<Item = PathBuf> + use<> {
    std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path())
}

#[cfg(test)]
mod tests {
    use super::{LONGEST, prepare, short};
    use std::path::Path;

    #[test]
    fn long_and_odd_folders_get_a_short_stand_in() {
        assert_eq!(short(Path::new("/srv/state/ssh")), Path::new("/srv/state/ssh"));
        let long = format!("/srv/{}", "x".repeat(LONGEST));
        assert!(short(Path::new(&long)).as_os_str().len() < LONGEST);
        assert_eq!(short(Path::new(&long)), short(Path::new(&long)));
        assert!(short(Path::new("/srv/100%/ssh")).starts_with("/tmp"));
    }

    #[tokio::test]
    async fn only_what_is_proved_dead_is_removed() {
        let base = tempfile::tempdir().unwrap();
        let own = prepare(base.path()).await.unwrap();
        assert_eq!(prepare(base.path()).await.unwrap(), own, "one folder a process, and never reaped by itself");
        // a runner that lives elsewhere: the number of its process means nothing here
        let live = base.path().join("999999");
        std::fs::create_dir_all(live.join(".ssh-connectionX")).unwrap();
        let lock = std::fs::File::create(live.join("owner")).unwrap();
        lock.lock().unwrap();
        // one that is about to lock its folder, and one of an older cutover: nothing proves that they are dead
        for name in ["young", "1"] {
            std::fs::create_dir_all(base.path().join(name).join(".ssh-connectionX")).unwrap();
        }
        let outside = tempfile::tempdir().unwrap();
        std::fs::create_dir(outside.path().join("kept")).unwrap();
        std::fs::write(outside.path().join("owner"), "").unwrap();
        std::os::unix::fs::symlink(outside.path(), base.path().join("link")).unwrap();
        prepare(base.path()).await.unwrap();
        for kept in [&live, &own, &base.path().join("young"), &base.path().join("1"), &outside.path().join("kept")] {
            assert!(kept.exists(), "{}", kept.display());
        }
        drop(lock); // what the end of its process does
        prepare(base.path()).await.unwrap();
        assert!(!live.exists() && own.exists());
        std::fs::remove_dir_all(&own).unwrap();
        let new = prepare(base.path()).await.unwrap();
        assert!(new.is_dir() && new != own, "a folder that was cleared away is made anew");
    }

    #[tokio::test]
    async fn a_folder_that_others_can_enter_is_closed_to_them() {
        use std::os::unix::fs::PermissionsExt;
        let base = tempfile::tempdir().unwrap();
        std::fs::set_permissions(base.path(), std::fs::Permissions::from_mode(0o777)).unwrap();
        prepare(base.path()).await.unwrap();
        assert_eq!(std::fs::metadata(base.path()).unwrap().permissions().mode() & 0o777, 0o700);
    }
}
