//! Accounts that `read_only` does not stop: they could write on a target that follows, and on a source that closes, until
//! the strongest lock stops them too.

use super::super::check::Check;
use super::super::pair::{Source, Target};
use super::super::seen::Seen;
use super::super::verdict::{Verdict, some};
use crate::effects::dialect::Dialect;
use crate::error::Result;

pub const CHECK: Check = Check::warning("read_only_bypass", judge).asks(|pair| pair.both(Dialect::read_only_bypassers));

fn judge(seen: &Seen<'_>) -> Result<Verdict> {
    let mut found = Vec::new();
    for side in [Source, Target] {
        let place = seen.pair.at(side);
        let rows = seen.rows(side, place.dialect.read_only_bypassers())?;
        let ours = format!("'{}'@", place.server.user);
        let others: Vec<&str> = rows.iter().filter_map(|row| row.get("account")).collect();
        // people's own root is no program that writes
        let others: Vec<&str> = others.into_iter().filter(|name| !name.starts_with(&ours) && !is_kept(name)).collect();
        if !others.is_empty() {
            let evidence = format!("on `{}` read_only does not stop {}", place.name, some(&others));
            let remedy = "take SUPER and READ_ONLY ADMIN (CONNECTION_ADMIN) from accounts of programs that write";
            found.push(Verdict::warn(evidence, remedy));
        }
    }
    Ok(Verdict::worst_of(found, "nobody but root and the runner's own account"))
}

fn is_kept(account: &str) -> bool {
    ["'root'@", "'mysql.", "'mariadb.sys'@"].iter().any(|kept| account.starts_with(kept))
}
