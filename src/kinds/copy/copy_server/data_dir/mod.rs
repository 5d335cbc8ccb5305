//! A server's data directory, and the copy beside it that takes its place by a rename. The old one stays beside it until it
//! is cleaned up, so that undo is a rename too.

use crate::domain::marker;
use crate::domain::script::argument;
use crate::domain::{Script, Words};
use crate::effects::places;
use crate::playbook::inventory::Server;
use crate::sh;

const LOOK: &str = include_str!("look.sh");
const SOURCE: &str = include_str!("source.sh");
const SWAP: &str = include_str!("swap.sh");
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
        Script::ours("can a copy take its place", LOOK)
    )
}

/// Looks whether the files of a server at `asked` can be copied, and counts their bytes, those of its binary logs left out.
pub fn look_at_source(asked: impl Into<Words>, logs: impl Into<Words>) -> Script {
    sh!("asked={}\nlogs={}\n{}", argument(asked), argument(logs), Script::ours("can its files be copied", SOURCE))
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
        "{}data={}\nsuffix={}\nlimit={}\nway={}\n{}",
        places::functions(),
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
        Script::ours("hand the copy over", HAND_OVER)
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
