//! What a machine has: memory and processors, as a server on it may use them, and free space on its disks.

use super::PlannedHost;
use crate::domain::script::argument;
use crate::domain::units::Bytes;
use crate::domain::{Script, Words};
use crate::error::{Failure, Result};
use crate::playbook::inventory::Facts;
use crate::sh;

/// Prints total memory in KiB, the number of processors, and the memory limit of the container, if it is one.
pub const COMMAND: &str =
    "awk '/^MemTotal:/ { print $2 }' /proc/meminfo; nproc; cat /sys/fs/cgroup/memory.max 2>/dev/null || true";

/// Asks a host for its memory and processors.
///
/// # Errors
/// When it cannot be reached, or its answer is not that of a Linux.
pub async fn facts(host: &PlannedHost) -> Result<Facts> {
    let printed = host.print(&COMMAND.into()).await?;
    parse(&printed).ok_or_else(|| {
        Failure::permanent("read the machine's memory and processors", format!("it printed `{printed}`"))
            .at(host.name())
            .help("state them in the inventory: `facts: { memory: 32GiB, cpus: 8 }`")
    })
}

/// Prints how many bytes an ordinary user may still write to the disk of `folder`.
#[must_use]
pub fn room(folder: impl Into<Words>) -> Script {
    sh!(
        "d={}; while [ ! -d \"$d\" ]; do d=$(dirname -- \"$d\"); done; df -PB1 -- \"$d\" | awk 'NR==2 {{print $4}}'",
        argument(folder)
    )
}

/// Bytes that an ordinary user may still write to the disk of `folder`, which need not exist yet.
///
/// # Errors
/// When the host cannot be asked.
pub async fn free_space(host: &PlannedHost, folder: &Words) -> Result<u64> {
    let printed = host.print(&room(folder)).await?;
    printed.trim().parse().map_err(|_| {
        Failure::permanent(format!("read the free space of {folder}"), format!("df printed `{}`", printed.trim()))
            .at(host.name())
            .help("run `df -PB1` on that folder by hand")
    })
}

fn parse(printed: &str) -> Option<Facts> {
    let mut lines = printed.lines();
    let total = lines.next()?.trim().parse::<u64>().ok()?.checked_mul(1024)?;
    let cpus = lines.next()?.trim().parse().ok()?;
    let limit = lines.next().and_then(|line| line.trim().parse().ok()).unwrap_or(u64::MAX);
    Some(Facts { memory: Bytes(total.min(limit)), cpus })
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn a_container_has_the_memory_it_is_allowed() {
        assert_eq!(parse("2097152\n4\nmax").unwrap().memory.0, 2 << 30);
        assert_eq!(parse("2097152\n4").unwrap().cpus, 4);
        assert_eq!(parse("2097152\n4\n1073741824\n").unwrap().memory.0, 1 << 30);
        assert!(parse("\n").is_none());
    }
}
