//! How fast this very pair of hosts carries a server's files: a small piece of them, measured.

use super::super::{CopyServer, files};
use super::look;
use crate::domain::script::argument;
use crate::domain::{Script, Words};
use crate::error::Result;
use crate::kinds::{Action, Ctx};
use crate::playbook::world::World;
use crate::sh;
use std::time::Duration;

const PROBE: &str = include_str!("probe.sh");
const READ: &str = include_str!("probe_read.sh");
/// Ends what is passed over of a login's own words.
const MARK: &str = "cutover-probe-begins";
/// For a pair of hosts slower than a few megabytes per second, the time limit ends the measurement.
const LIMIT: Duration = Duration::from_secs(30);
/// Less than this is too little to measure with.
const LEAST: u64 = 4 << 20;

/// The script, run on the target's host; nothing where that one cannot reach the source's.
fn script(copy: &CopyServer, world: &World, asked: impl Into<Words>) -> Option<Script> {
    let data = files::data(copy, world).ok()?;
    let ssh = look::way(copy, world)?;
    let read = sh!("asked={}\n{}", argument(asked), Script::ours("send a piece of the files", READ));
    Some(sh!(
        "umask 077\ndata={}\nmark={}\nread={}\nset -- {}\n{}",
        argument(data),
        argument(MARK),
        read.quoted(),
        ssh,
        Script::ours("measure the speed of the copy", PROBE)
    ))
}

/// What [`rate`] runs.
pub fn question(copy: &CopyServer, world: &World) -> Option<Action> {
    script(copy, world, Words::late("its data directory")).map(|script| Action::look(copy.target_host(world), script))
}

/// Bytes of files a second from the source's disk to the target's; nothing where there is too little to measure with.
///
/// # Errors
/// When the source or the host cannot be asked.
pub async fn rate(copy: &CopyServer, cx: &Ctx<'_>) -> Result<Option<u64>> {
    let asked = look::asked(cx, copy.source()).await?.remove("datadir").unwrap_or_default();
    let Some(script) = script(copy, cx.world, asked) else { return Ok(None) };
    let host = cx.fx.host(copy.target_host(cx.world)).await?;
    let ran = host.run_within(&script, None, LIMIT).await?;
    Ok(String::from_utf8_lossy(&ran.stdout).lines().find_map(measured))
}

/// The speed from a line `probed: BYTES NANOSECONDS`.
fn measured(line: &str) -> Option<u64> {
    let (bytes, nanoseconds) = line.strip_prefix("probed: ")?.split_once(' ')?;
    let (bytes, nanoseconds): (u64, u64) = (bytes.parse().ok()?, nanoseconds.parse().ok()?);
    if bytes < LEAST || nanoseconds == 0 {
        return None;
    }
    u64::try_from(u128::from(bytes) * 1_000_000_000 / u128::from(nanoseconds)).ok()
}

#[cfg(test)]
mod tests {
    use super::measured;

    #[test]
    fn a_speed_is_told_where_there_was_enough_to_measure() {
        assert_eq!(measured("probed: 100000000 500000000"), Some(200_000_000));
        assert_eq!(measured("probed: 1000 500000000"), None);
        assert_eq!(measured("probed: 100000000 0"), None);
        assert_eq!(measured("probed: x"), None);
        assert_eq!(measured("free: 1"), None);
    }
}
