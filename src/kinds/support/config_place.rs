//! Whether a server reads the file that is to configure it. A mistyped name would be written and never read: a guard
//! against a restart would then guard nothing.
//!
//! Proved with what any account of a host may see: the command lines of its servers (`--defaults-file`), and the option
//! files that these lead to (`!include`, `!includedir`). Which of several servers of one host reads it is not proved.

use crate::domain::Script;
use crate::domain::script::argument;
use crate::error::{Failure, Result};
use crate::kinds::support::config_file::ConfigFile;
use crate::kinds::support::trial_write;
use crate::kinds::{Action, Ctx};
use crate::sh;

const SCRIPT: &str = include_str!("config_place.sh");
/// How many of the files that were found are named in a failure.
const NAMED: usize = 10;

/// Prints whether a server of the host reads `path`.
fn reads(path: &str) -> Script {
    sh!("path={}\n{}", argument(path), Script::ours("who reads an option file", SCRIPT))
}

/// The actions of [`require_read`].
pub fn read_actions(file: &ConfigFile<'_>) -> Vec<Action> {
    let mut actions = file.looks();
    actions.push(Action::look(file.host, reads(file.path)));
    actions
}

/// What [`require_writable`] tries.
pub fn write_actions(host: &str, path: &str) -> [Action; 1] {
    [Action::command(host, trial_write::beside_file(path))]
}

/// Refuses a file that no server of its host reads when it starts, and a new one unless it is proved that one will.
///
/// # Errors
/// A refusal, or that the host cannot be asked or the file not read.
pub async fn require_read(cx: &Ctx<'_>, file: &ConfigFile<'_>) -> Result<()> {
    let there = file.read(cx).await?.is_some();
    let printed = cx.fx.host(file.host).await?.print(&reads(file.path)).await?;
    match fault(printed.lines().next().unwrap_or_default(), there) {
        None => Ok(()),
        Some((answer, help)) => {
            let found: Vec<&str> = printed.lines().skip(1).collect();
            let more = if found.len() > NAMED { " and more" } else { "" };
            let files = match &found[..found.len().min(NAMED)] {
                [] => "no option file was found on that host".to_owned(),
                files => format!("option files found there: {}{more}", files.join(", ")),
            };
            Err(Failure::refused(format!("use {} as a server's configuration file", file.path), answer)
                .at(file.host)
                .now(format!("nothing was touched; {files}"))
                .help(help))
        }
    }
}

/// What is wrong by the script's word, and what to do; a file that is there is believed where nothing could be seen.
fn fault(word: &str, there: bool) -> Option<(String, &'static str)> {
    let correct = "correct `config_file` in the inventory: name an existing file, or a new one in a folder that the \
                   server's configuration includes (`!includedir`)";
    match (word, there) {
        ("read", _) | ("unknown", true) => None,
        ("folder", _) => Some(("its folder does not exist".into(), correct)),
        ("suffix", _) => Some((
            "servers read only those files in its folder whose names end in .cnf".into(),
            "give the file a name that ends in .cnf, in the inventory and on the host",
        )),
        ("unread", true) => Some(("no server on this host reads it at its start".into(), correct)),
        ("unread", false) => Some(("it does not exist, and no server on this host would read it".into(), correct)),
        ("unknown", false) => Some((
            "it does not exist, and no configuration that could be read includes its folder".into(),
            "correct `config_file` in the inventory; if the server really reads that file, create it there, empty",
        )),
        (other, _) => Some((format!("the check on the host returned `{other}`"), correct)),
    }
}

/// Refuses a file that cannot be written, tried with one of our own beside it.
///
/// # Errors
/// A refusal, or that the host cannot be asked.
pub async fn require_writable(cx: &Ctx<'_>, host: &str, path: &str) -> Result<()> {
    let printed = cx.fx.host(host).await?.print(&trial_write::beside_file(path)).await?;
    let Some(fault) = trial_write::fault(&printed) else { return Ok(()) };
    Err(Failure::refused(format!("write {path}"), fault)
        .at(host)
        .now("nothing was written")
        .help("fix that on the host, or correct the path in the inventory"))
}

#[cfg(test)]
mod tests {
    use super::{fault, reads};
    use std::path::Path;
    use std::process::{Child, Command, Stdio};

    /// A process that looks like a server with these arguments; only its command line counts.
    struct Fake(Child);

    impl Fake {
        fn start(words: &[String]) -> Self {
            let mut command = Command::new("sh");
            command.args(["-c", "read line", "/opt/elsewhere/mysqld"]).args(words).stdin(Stdio::piped());
            Self(command.spawn().unwrap())
        }
    }

    impl Drop for Fake {
        fn drop(&mut self) {
            self.0.kill().unwrap();
            self.0.wait().unwrap();
        }
    }

    fn word(path: &Path) -> String {
        let output =
            Command::new("sh").args(["-c", &reads(path.to_str().unwrap()).for_shell().unwrap()]).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap().lines().next().unwrap().to_owned()
    }

    #[test]
    fn a_file_is_read_when_a_servers_own_files_lead_to_it() {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path();
        for name in ["conf.d", "it's"] {
            std::fs::create_dir(dir.join(name)).unwrap();
        }
        std::os::unix::fs::symlink(dir.join("conf.d"), dir.join("link")).unwrap();
        let text = |lines: &[&str]| lines.join("\n").replace("DIR", dir.to_str().unwrap());
        std::fs::write(dir.join("main.cnf"), text(&["[mysqld]", "  !includedir DIR/link/", "!include DIR/more.cnf"]))
            .unwrap();
        std::fs::write(dir.join("more.cnf"), text(&["!includedir DIR/it's", "!include DIR/main.cnf"])).unwrap();
        let fake = Fake::start(&[format!("--defaults-file={}/main.cnf", dir.display())]);
        for (path, expected) in [
            ("main.cnf", "read"),
            ("more.cnf", "read"),
            ("conf.d/99-cutover.cnf", "read"),
            ("link/99-cutover.cnf", "read"),
            ("it's/new.cnf", "read"),
            ("conf.d/99-cutover.conf", "suffix"),
            ("conf.d.typo/99-cutover.cnf", "folder"),
        ] {
            assert_eq!(word(&dir.join(path)), expected, "{path}");
        }
        // other tests' servers may be seen too, but none of them leads here
        assert!(["unread", "unknown"].contains(&word(&dir.join("typo.cnf")).as_str()));
        drop(fake);
        assert_ne!(word(&dir.join("main.cnf")), "read");
    }

    #[test]
    fn what_a_hostile_process_names_is_not_run_and_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let (fifo, ran) = (folder.path().join("fifo"), folder.path().join("ran"));
        assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
        let _fake = Fake::start(&[
            format!("--defaults-file={}", fifo.display()),
            format!("--defaults-extra-file=$(touch {0})`touch {0}`", ran.display()),
        ]);
        assert_eq!(word(&folder.path().join("new.cnf")), "unknown", "a file that cannot be read leaves a doubt");
        assert!(!ran.exists());
    }

    #[test]
    fn a_new_file_must_be_proved_and_an_old_one_not_be_disproved() {
        for (word, new, old) in [
            ("read", true, true),
            ("unknown", false, true),
            ("unread", false, false),
            ("folder", false, false),
            ("suffix", false, false),
            ("", false, false),
        ] {
            assert_eq!((fault(word, false).is_none(), fault(word, true).is_none()), (new, old), "{word}");
        }
    }
}
