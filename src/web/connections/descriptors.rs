//! File descriptors: the page must leave enough for the scheduler.

use super::OPEN;
use crate::error::{Failure, Result};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Reserved for everything that is not a connection: the journal's readers, locks and logs, pipes of started processes,
/// the file of people. A busy process used fewer than fifty.
const RESERVE: u64 = 192;
/// Requested where the machine allows it: a reserve for later versions.
const WISHED: u64 = 1024;

/// Raises the limit of this process as far as it has use for it, and sees that it is high enough. Not further: processes
/// that it starts inherit the limit, and some of them close every descriptor that they could have.
///
/// # Errors
/// `Refused`, when this process may not have enough of them.
pub fn prepare() -> Result<()> {
    let least = OPEN as u64 + RESERVE;
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let wished = maximum.map_or(WISHED, |maximum| maximum.min(WISHED));
    let mut limit = current;
    if current.is_some_and(|current| current < wished)
        && setrlimit(Resource::Nofile, Rlimit { current: Some(wished), maximum }).is_ok()
    {
        limit = Some(wished);
    }
    match limit.filter(|limit| *limit < least) {
        None => Ok(()),
        Some(limit) => {
            let answer = format!("this process may open {limit} files, but needs {least}");
            Err(Failure::refused("serve the page", answer)
                .now("nothing listens, and no schedule is started")
                .help("raise the limit: `ulimit -n 1024`, or LimitNOFILE=1024 in the systemd unit"))
        }
    }
}
