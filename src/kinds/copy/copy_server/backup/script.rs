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

/// What the job is told.
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
