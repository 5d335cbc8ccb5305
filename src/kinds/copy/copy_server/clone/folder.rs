//! Where a server makes its clone: a folder beside the data directory that is the server's, because the one above is not. What
//! is whole there becomes the copy.

use super::super::data_dir;
use crate::domain::script::argument;
use crate::domain::{Script, Words};
use crate::effects::places;
use crate::sh;

const FOLDER: &str = include_str!("folder.sh");
const CONFINED: &str = include_str!("confined.sh");
/// What is printed where the copy lies ready.
pub const WHOLE: &str = "whole";

/// What is to be done with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Todo {
    /// It is made where it is missing; the path of the clone is printed, or [`WHOLE`].
    Find,
    /// Half a clone is cleared.
    Anew,
    /// A whole clone becomes the copy, and its bytes are printed.
    Whole,
    /// It is removed. The copy stays.
    Remove,
}

/// Does it beside the data directory `data`.
pub fn script(data: &str, suffix: &Words, todo: Todo) -> Script {
    let todo = match todo {
        Todo::Find => "find",
        Todo::Anew => "anew",
        Todo::Whole => WHOLE,
        Todo::Remove => "remove",
    };
    sh!(
        "{}data={}\nsuffix={}\ntodo={}\n{}",
        places::functions(),
        argument(data),
        argument(suffix.clone()),
        argument(todo),
        Script::ours("the folder of a clone", FOLDER)
    )
}

/// Looks whether something keeps the server from a folder beside `data`.
pub fn look_at_confinement(data: &str) -> Script {
    sh!(
        "{}data={}\n{}",
        data_dir::servers(),
        argument(data),
        Script::ours("what keeps a server to its folders", CONFINED)
    )
}

#[cfg(test)]
mod tests {
    use super::{Todo, script};
    use crate::domain::Words;
    use crate::rehearsal::work_folder::WorkFolder;
    use std::path::Path;
    use std::process::{Command, Output};

    fn run(data: &Path, todo: Todo) -> Output {
        let script = script(data.to_str().unwrap(), &Words::from("cutover-r-s"), todo).for_shell().unwrap();
        Command::new("sh").args(["-c", &script]).output().unwrap()
    }

    fn printed(output: &Output) -> String {
        assert!(output.status.success(), "{output:?}");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// As a server makes it in the folder: whole, or broken off.
    fn clone_at(path: &str, whole: bool) {
        std::fs::create_dir_all(format!("{path}/#clone")).unwrap();
        std::fs::write(format!("{path}/ibdata1"), "rows").unwrap();
        let mark = if whole { "#status_fix" } else { "#status_in_progress" };
        std::fs::write(format!("{path}/#clone/{mark}"), "").unwrap();
    }

    #[test]
    fn only_a_whole_clone_becomes_the_copy_and_every_call_can_be_made_again() {
        let folder = WorkFolder::make().unwrap();
        let data = folder.path().join("it's data");
        std::fs::create_dir(&data).unwrap();
        let copy = folder.path().join("it's data.cutover-r-s");
        let path = printed(&run(&data, Todo::Find));
        assert_eq!(path, format!("{}.clone/data", copy.display()));
        assert_eq!(printed(&run(&data, Todo::Find)), path);
        assert!(!run(&data, Todo::Whole).status.success(), "nothing is there");
        clone_at(&path, false);
        assert!(!run(&data, Todo::Whole).status.success(), "half a clone is there");
        assert!(!copy.exists());
        printed(&run(&data, Todo::Anew));
        assert!(!Path::new(&path).exists());
        clone_at(&path, true);
        for _ in 0..2 {
            assert!(printed(&run(&data, Todo::Whole)).parse::<u64>().unwrap() > 0);
            assert!(copy.join("ibdata1").exists() && !folder.path().join("it's data.cutover-r-s.clone").exists());
            assert_eq!(printed(&run(&data, Todo::Find)), super::WHOLE);
        }
        printed(&run(&data, Todo::Remove));
        assert!(copy.exists() && data.exists());
    }

    /// The server owns the folder in which it makes the clone, and may have put anything there.
    #[test]
    fn a_link_never_becomes_the_copy() {
        let folder = WorkFolder::make().unwrap();
        let (data, other) = (folder.path().join("data"), folder.path().join("other"));
        std::fs::create_dir(&data).unwrap();
        std::fs::create_dir(&other).unwrap();
        let path = printed(&run(&data, Todo::Find));
        std::os::unix::fs::symlink(&other, &path).unwrap();
        assert!(!run(&data, Todo::Whole).status.success());
        assert!(other.exists() && !folder.path().join("data.cutover-r-s").exists());
        printed(&run(&data, Todo::Remove));
        assert!(other.exists());
    }
}
