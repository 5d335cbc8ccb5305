//! The job that takes a backup from another host: one pipeline from that host's disk to this one's.

use super::super::pace;
use super::tool::Tool;
use crate::domain::script::argument;
use crate::domain::{Script, Words};
use crate::effects::places;
use crate::sh;

const BEGIN: &str = include_str!("begin.sh");
const SEND: &str = include_str!("send.sh");
const TAKE: &str = include_str!("take.sh");
/// Ends what is passed over of a login's own words, and the option file.
const MARK: &str = "cutover-begins-here";

/// Prints how many bytes have been unpacked so far.
pub const PROGRESS: &str = "sed -n 's/^wchar: //p' /proc/$(cat stream.pid)/io";

/// Parameters of the job.
pub struct Taking<'a> {
    /// The program.
    pub tool: &'static Tool,
    /// Command line of ssh to the other host.
    pub ssh: &'a [String],
    /// The data directory.
    pub data: &'a str,
    /// What is added to its name for the copy.
    pub suffix: &'a Words,
    /// Threads that read.
    pub parallel: u16,
    /// Bytes a second, at most.
    pub limit: Option<u64>,
}

impl Taking<'_> {
    /// The script, run in the job's folder.
    pub fn script(&self) -> Script {
        let send = sh!(
            "programs={}\nparallel={}\nmark={}\npace={}\n{}{}",
            argument(self.tool.programs),
            argument(self.parallel.to_string()),
            argument(MARK),
            argument(pace::command(self.limit)),
            pace::functions(),
            Script::ours("send a backup", SEND)
        );
        sh!(
            "set -eu\numask 077\n{}data={}\nsuffix={}\nmark={}\nunpack={}\nbegin={}\nsend={}\n{}set -- {}\n{}",
            places::functions(),
            argument(self.data),
            argument(self.suffix.clone()),
            argument(MARK),
            argument(self.tool.unpack),
            Script::ours("begin on the other host", BEGIN).quoted(),
            send.quoted(),
            self.find_own(),
            Script::words(self.ssh),
            Script::ours("take a backup", TAKE)
        )
    }

    /// Sets prepare to the program on this host.
    fn find_own(&self) -> Script {
        sh!(
            "for prepare in {}; do ! command -v \"$prepare\" >/dev/null || break; done\n",
            Script::words(self.tool.programs.split(' '))
        )
    }
}

#[cfg(test)]
mod tests {
    use super::super::tool::MARIABACKUP;
    use super::Taking;
    use crate::domain::Words;
    use crate::rehearsal::work_folder::WorkFolder;
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;
    use std::process::Command;

    /// Plays the backup program: what it sends is in a file beside it.
    const BACKUP: &str = "#!/bin/sh\ncase \"$*\" in *--prepare*) echo 'completed OK!' >&2; exit ;; esac\n\
                          cat -- \"${0%/*}/sent\"\n[ -e \"${0%/*}/fails\" ] && exit 1\necho 'completed OK!' >&2\n";
    /// Plays the one that unpacks: `-x -C FOLDER`.
    const UNPACK: &str = "#!/bin/sh\nexec cat > \"$3/file\"\n";

    fn program(path: &Path, text: &str) {
        std::fs::write(path, text).unwrap();
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// Takes a backup over `way`, a program that is given what to run on the other host, and says whether the job ended well and
    /// what lies in the copy then.
    fn take(way: &str, fails: bool) -> (bool, usize) {
        let folder = WorkFolder::make().unwrap();
        let at = |name: &str| folder.path().join(name);
        for name in ["bin", "job", "data", "data.cutover-r-s"] {
            std::fs::create_dir(at(name)).unwrap();
        }
        std::fs::write(at("data.cutover-r-s/half"), "of an earlier attempt").unwrap();
        std::fs::write(at("job.cnf"), "[client]\n").unwrap();
        let sent: Vec<u8> = (0..2_000_000u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
        std::fs::write(at("bin/sent"), &sent).unwrap();
        if fails {
            std::fs::write(at("bin/fails"), "").unwrap();
        }
        program(&at("bin/mariadb-backup"), BACKUP);
        program(&at("bin/mbstream"), UNPACK);
        program(&at("bin/way"), way);
        let (ssh, data) = ([at("bin/way").display().to_string()], at("data").display().to_string());
        let suffix = Words::from("cutover-r-s");
        let taking = Taking { tool: &MARIABACKUP, ssh: &ssh, data: &data, suffix: &suffix, parallel: 1, limit: None };
        let script = taking.script().for_shell().unwrap();
        let path = format!("{}:{}", at("bin").display(), std::env::var("PATH").unwrap());
        let ran = Command::new("sh").args(["-c", &script]).current_dir(at("job")).env("PATH", path).output().unwrap();
        assert!(!at("data.cutover-r-s/half").exists(), "half a copy is thrown away first");
        let copied = std::fs::metadata(at("data.cutover-r-s/file")).map_or(0, |file| file.len());
        let whole = std::fs::read(at("data.cutover-r-s/file")).is_ok_and(|copied| copied == sent);
        assert!(whole || !ran.status.success(), "what ended well is whole");
        (ran.status.success(), usize::try_from(copied).unwrap())
    }

    #[test]
    fn a_stream_that_is_whole_becomes_a_copy() {
        let (is_well, bytes) = take("#!/bin/sh\necho 'a login prints this'\nexec \"$@\"\n", false);
        assert!(is_well);
        assert_eq!(bytes, 8_000_000);
    }

    #[test]
    fn a_stream_that_is_torn_is_never_taken_for_a_copy() {
        let lost = "#!/bin/sh\n\"$@\" | { dd bs=1 count=40000; dd bs=1 count=1 of=/dev/null; cat; } 2>/dev/null\n";
        let damaged =
            "#!/bin/sh\n\"$@\" | { dd bs=1 count=40000; dd bs=1 count=1 of=/dev/null; printf x; cat; } 2>/dev/null\n";
        let cut = "#!/bin/sh\n\"$@\" | head -c 100000\n";
        let nothing = "#!/bin/sh\nexit 0\n";
        let broken_off = "#!/bin/sh\n\"$@\"\nexit 255\n";
        for way in [lost, damaged, cut, nothing, broken_off] {
            assert!(!take(way, false).0, "{way}");
        }
        assert!(!take("#!/bin/sh\nexec \"$@\"\n", true).0, "the backup said that it had failed");
    }
}
