//! Which steps make a server's commits durable, for the rules that ask.
//!
//! Durable: `innodb_flush_log_at_trx_commit = 1` and `sync_binlog = 1`, the only values with which an acknowledged
//! commit outlives a power cut in both the tables and the binary log.

use crate::kinds::role::{SetsVariables, WritesConfiguration};
use crate::lint::subject::Pair;

/// Whether every commit on `server` is durable once this step is done.
pub(super) fn is_durable(step: Pair<'_>, server: &str) -> bool {
    let sets = step.role::<SetsVariables>().is_some_and(|set| set.durable && set.server == server);
    sets || writes_production(step, server).is_some_and(|file| file.restarts)
}

/// Whether a restart of `server` keeps durable commits once this step is done.
pub(super) fn keeps(step: Pair<'_>, server: &str) -> bool {
    let sets = step.role::<SetsVariables>().is_some_and(|set| set.durable && set.kept && set.server == server);
    sets || writes_production(step, server).is_some()
}

fn writes_production<'a>(step: Pair<'a>, server: &str) -> Option<&'a WritesConfiguration> {
    step.role::<WritesConfiguration>().filter(|file| !file.for_import && file.server == server)
}
