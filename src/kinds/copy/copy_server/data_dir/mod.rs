//! A server's data directory, and the copy beside it that replaces it by a rename. The old one is kept beside it until
//! it is cleaned up, so that undo is a rename too.

use crate::domain::marker;
use crate::domain::script::argument;
use crate::domain::{Script, Words};
use crate::effects::places;
use crate::playbook::inventory::Server;
use crate::sh;

const LOOK: &str = include_str!("look.sh");
const SOURCE: &str = include_str!("source.sh");
const SWAP: &str = include_str!("swap.sh");
const SERVERS: &str = include_str!("servers.sh");
const HAND_OVER: &str = include_str!("hand_over.sh");

/// Name of the file in the copy that gives the runner its login back at the first start.
pub const LOGIN_FILE: &str = "cutover_login.sql";

/// What is added to the data directory's name for the copy.
pub fn suffix(run: &str, step: &str) -> Words {
    format!("cutover-{run}-{step}").into()
}

/// The same where a plan shows it.
pub fn planned_suffix() -> Words {
    suffix(&marker::late("run"), &marker::late("step"))
}

/// What is added to its name once the copy has taken its place.
pub fn old_name(data: &str, suffix: &Words) -> Words {
    Words::from(data).then(".").then(suffix.clone()).then(".old")
}

/// Looks whether a copy beside `data` can take its place; `asked` is where the server says that it works.
pub fn look(data: &str, asked: impl Into<Words>) -> Script {
    sh!(
        "{}data={}\nasked={}\n{}",
        places::functions(),
        argument(data),
        argument(asked),
        Script::ours("check whether a copy can replace it", LOOK)
    )
}

/// Looks whether the files of a server at `asked` can be copied, and counts their bytes, those of its binary logs left out.
pub fn look_at_source(asked: impl Into<Words>, logs: impl Into<Words>) -> Script {
    sh!(
        "asked={}\nlogs={}\n{}",
        argument(asked),
        argument(logs),
        Script::ours("check whether its files can be copied", SOURCE)
    )
}

/// A function that prints the numbers of the servers that work in a folder.
pub fn servers() -> Script {
    Script::ours("servers that work in a folder", SERVERS)
}

/// Which of the two takes the place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// The copy.
    There,
    /// What was there before; the copy is removed.
    Back,
}

/// Ends the server and renames the folders.
pub fn swap(server: &Server, data: &str, suffix: &Words, way: Way) -> Script {
    sh!(
        "{}{}data={}\nsuffix={}\nlimit={}\nway={}\n{}",
        places::functions(),
        servers(),
        argument(data),
        argument(suffix.clone()),
        argument(server.restart_limit().0.as_secs().to_string()),
        argument(if way == Way::There { "there" } else { "back" }),
        Script::ours("swap the data directory", SWAP)
    )
}

/// Puts the login file, which comes by stdin, into the copy; for `MySQL` with the server's own number, so that the copy is
/// not taken for its source.
pub fn hand_over(data: &str, suffix: &Words, uuid: Option<Words>) -> Script {
    sh!(
        "{}data={}\nsuffix={}\nuuid={}\nfile={}\n{}",
        places::functions(),
        argument(data),
        argument(suffix.clone()),
        argument(uuid.unwrap_or_default()),
        argument(LOGIN_FILE),
        Script::ours("prepare the copy for its first start", HAND_OVER)
    )
}

/// Removes the login file from the data directory.
pub fn remove_login_file(data: &str) -> Script {
    sh!("rm -f -- {}", argument(format!("{data}/{LOGIN_FILE}")))
}

/// Where the server reads it.
pub fn login_file(data: &str) -> String {
    format!("{data}/{LOGIN_FILE}")
}

#[cfg(test)]
mod tests {
    use super::{Way, swap};
    use crate::domain::Words;
    use crate::playbook::inventory::Server;
    use crate::rehearsal::work_folder::WorkFolder;
    use std::path::Path;
    use std::process::Command;

    fn run(data: &Path, way: Way) -> bool {
        let server: Server = serde_json::from_value(serde_json::json!({
            "host": "h", "address": "127.0.0.1:3306", "user": "u", "restart_limit": "2s"
        }))
        .unwrap();
        let script = swap(&server, data.to_str().unwrap(), &Words::from("cutover-r-s"), way).for_shell().unwrap();
        Command::new("sh").args(["-c", &script]).output().unwrap().status.success()
    }

    fn names(folder: &Path) -> Vec<(String, String)> {
        let mut found: Vec<(String, String)> = std::fs::read_dir(folder)
            .unwrap()
            .flatten()
            .map(|entry| {
                let what = std::fs::read_to_string(entry.path().join("what")).unwrap_or_default();
                (entry.file_name().into_string().unwrap(), what)
            })
            .collect();
        found.sort();
        found
    }

    /// Whatever moment ended an earlier call, the next one ends where a whole one does; and nothing that is to be kept is
    /// ever without a name.
    #[test]
    fn a_swap_goes_on_from_wherever_it_was_cut_off() {
        let pair = |name: &str, what: &str| (name.to_owned(), what.to_owned());
        let swapped = vec![pair("data", "copy"), pair("data.cutover-r-s.old", "old")];
        let as_before = vec![pair("data", "old")];
        for (folders, there) in [
            (vec![pair("data", "old"), pair("data.cutover-r-s", "copy")], true),
            (vec![pair("data.cutover-r-s.old", "old"), pair("data.cutover-r-s", "copy")], true),
            (swapped.clone(), true),
            (vec![pair("data", "old")], false), // no copy was made: nothing is touched
        ] {
            for way in [Way::There, Way::Back] {
                let folder = WorkFolder::make().unwrap();
                for (name, what) in &folders {
                    std::fs::create_dir(folder.path().join(name)).unwrap();
                    std::fs::write(folder.path().join(name).join("what"), what).unwrap();
                }
                let done = run(&folder.path().join("data"), way);
                assert_eq!(done, there || way == Way::Back, "{folders:?} {way:?}");
                let expected = if way == Way::There && there { &swapped } else { &as_before };
                assert_eq!(names(folder.path()), *expected, "{folders:?} {way:?}");
            }
        }
    }

    /// A server process that uses the data directory is ended first, and only a server.
    #[test]
    fn the_server_is_ended_before_its_folder_is_moved() {
        let folder = WorkFolder::make().unwrap();
        let data = folder.path().join("data");
        for name in ["data", "data.cutover-r-s"] {
            std::fs::create_dir(folder.path().join(name)).unwrap();
        }
        let sleeper = |name: &str| {
            Command::new("sh").args(["-c", "while :; do sleep 0.05; done", name]).current_dir(&data).spawn().unwrap()
        };
        let (mut server, mut shell) = (sleeper("mariadbd"), sleeper("a shell"));
        assert!(run(&data, Way::There));
        assert!(!server.wait().unwrap().success(), "it was ended by a signal");
        assert!(shell.try_wait().unwrap().is_none(), "a shell that stands there is nobody's server");
        shell.kill().unwrap();
        shell.wait().unwrap();
    }
}
