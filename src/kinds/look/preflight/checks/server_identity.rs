//! Two servers that take each other for themselves: a replica refuses a source with its own number or UUID, and a pair
//! that is one server would be closed by its own migration.

use super::super::check::Check;
use super::super::pair::{Source, Target};
use super::super::seen::Seen;
use super::super::verdict::Verdict;
use crate::error::Result;

pub const CHECK: Check = Check::blocking("server_identity", judge)
    .reads(&["server_id", "server_uuid", "hostname", "port", "datadir"])
    .firm();

fn judge(seen: &Seen<'_>) -> Result<Verdict> {
    let both = |name| [seen.variable(Source, name), seen.variable(Target, name)];
    let same = |name| both(name)[0] == both(name)[1] && !both(name)[0].is_empty();
    let [source_id, target_id] = both("server_id");
    let mut found = Vec::new();
    if ["hostname", "port", "datadir"].into_iter().all(same) {
        let evidence =
            format!("source and target are the same server: {} on {}", both("datadir")[0], both("hostname")[0]);
        found.push(Verdict::block(evidence, "correct `address` and `host` of one of them in the inventory"));
    } else if same("server_uuid") {
        let evidence = format!("both have server_uuid {}: one is a copy of the other", both("server_uuid")[0]);
        found.push(Verdict::block(evidence, "remove auto.cnf from the target's data directory and restart it"));
    }
    if source_id == "0" {
        found.push(Verdict::block("the source's server_id is 0", "set another one, and restart it"));
    }
    if source_id == target_id && !seen.will_be_set("server_id") {
        let remedy = "set another server_id on the target with SET GLOBAL, and put it in its configuration";
        found.push(Verdict::block(format!("both have server_id {source_id}"), remedy));
    }
    let later = if source_id == target_id { ", which a step changes" } else { "" };
    Ok(Verdict::worst_of(found, format!("server_id {source_id} and {target_id}{later}")))
}
