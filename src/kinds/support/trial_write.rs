//! Whether a file or folder on a host can be written: tried with a file of our own beside it, which is removed again.
//! Nothing that was there is touched, and a folder that is missing is not made.
//!
//! May know: hosts, as scripts. Nothing of why something is written.

use crate::domain::script::argument;
use crate::domain::{Script, Words};
use crate::effects::places;
use crate::sh;

/// Defines `beside_file` and `in_folder`, by the functions of [`places`].
const TRIAL: &str = include_str!("trial_write.sh");

/// A script that tries to write beside the file `path`, whose links are followed.
pub fn beside_file(path: &str) -> Script {
    sh!("{}beside_file {}", functions(), argument(path))
}

/// A script that tries to write in the folder `path`, or where it would have to be made.
pub fn in_folder(path: impl Into<Words>) -> Script {
    sh!("{}in_folder {}", functions(), argument(path))
}

/// The same in a folder that only root and the login account may be able to replace, including every folder that leads
/// to it.
pub fn in_own_folder(path: impl Into<Words>) -> Script {
    sh!("{}in_folder {} ours", functions(), argument(path))
}

fn functions() -> Script {
    sh!("{}{}", places::functions(), Script::ours("try to write", TRIAL))
}

/// What is wrong by the script's answer; `None` when it could be written.
pub fn fault(printed: &str) -> Option<String> {
    match printed.lines().last().unwrap_or_default().trim() {
        "ok" => None,
        "" => Some("the check on the host printed nothing".to_owned()),
        fault => Some(fault.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::{beside_file, fault, in_folder, in_own_folder};
    use crate::domain::Script;
    use std::process::Command;

    fn tried(script: &Script) -> Option<String> {
        let output = Command::new("sh").args(["-c", &script.for_shell().unwrap()]).output().unwrap();
        fault(&String::from_utf8(output.stdout).unwrap())
    }

    #[test]
    fn a_place_is_tried_and_left_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).display().to_string();
        std::fs::create_dir(path("it's here")).unwrap();
        std::fs::write(path("file"), "kept").unwrap();
        std::os::unix::fs::symlink(path("it's here/real.cnf"), path("dangling")).unwrap();
        std::os::unix::fs::symlink(path("file"), path("link")).unwrap();
        for fine in [path("file"), path("it's here/new.cnf")] {
            assert_eq!(tried(&beside_file(&fine)), None, "{fine}");
        }
        for (wrong, words) in [
            (beside_file(&path("dangling")), "a link to a file that is not there"),
            (beside_file(&path("link")), "is not followed"), // others may have put it there
            (beside_file(&path("it's here")), "it is a folder"),
            (beside_file(&path("gone/my.cnf")), "is not there"),
            (beside_file("/proc/my.cnf"), ""),
            (in_folder("/proc/cutover/work"), ""),
            (in_folder(path("file/below")), "is no folder"),
            (in_own_folder(path("new")), "can be written by others"),
        ] {
            assert!(tried(&wrong).is_some_and(|fault| fault.contains(words)), "{wrong}");
        }
        assert_eq!(tried(&in_folder(path("new/deep"))), None);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 4);
        assert_eq!(std::fs::read_dir(path("it's here")).unwrap().count(), 0);
        assert_eq!(std::fs::read_to_string(path("file")).unwrap(), "kept");
    }
}
