//! A replica keeps the password of its channel in clear: in a file of its data directory, or in a system table.

use super::super::ask::Ask;
use super::super::check::Check;
use super::super::pair::Pair;
use super::super::seen::Seen;
use super::super::verdict::Verdict;
use crate::domain::Script;
use crate::error::Result;

pub const CHECK: Check = Check::warning("replication_password", judge).asks(|pair| mode(pair).into_iter().collect());

fn mode(pair: &Pair<'_>) -> Option<Ask> {
    let folder = pair.target.server.data_dir.as_deref()?;
    let script = Script::words(["stat", "-L", "-c", "%a", "--", folder]);
    Some(Ask::Run { host: pair.target.server.host.clone(), script })
}

fn judge(seen: &Seen<'_>) -> Result<Verdict> {
    let Some(ask) = mode(seen.pair) else {
        let evidence = "the inventory does not state the target's data directory";
        return Ok(Verdict::warn(evidence, "state `data_dir` of the target"));
    };
    let mode = seen.text(&ask)?.trim();
    if mode.ends_with('0') {
        return Ok(Verdict::pass(format!(
            "only its owner and group can read the target's data directory (mode {mode})"
        )));
    }
    let evidence = format!(
        "everyone on the target's host can read its data directory (mode {mode}), which contains the replication \
         password"
    );
    Ok(Verdict::warn(evidence, "run chmod o-rwx on the data directory"))
}
