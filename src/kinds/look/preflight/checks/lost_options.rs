//! What people have set on the source, in files or on its command line, and the target has no variable of: removed, renamed,
//! or of a plugin that is missing there.

use super::super::ask::Ask;
use super::super::check::{Check, Occasion};
use super::super::pair::{Source, Target};
use super::super::seen::Seen;
use super::super::verdict::{Verdict, some};
use crate::error::Result;
use std::collections::BTreeSet;

pub const CHECK: Check = Check::warning("lost_options", judge).only_before(Occasion::Copy).asks(|pair| {
    let set = pair.source.dialect.set_by_people().map(|text| Ask::sql(Source, text));
    set.into_iter().chain([Ask::sql(Target, pair.target.dialect.variable_names())]).collect()
});

/// Old names with what serves instead; the first that the target has is named. From the release notes of both families.
const SUCCESSORS: [(&str, &str); 30] = [
    ("binlog_expire_logs_seconds", "expire_logs_days"),
    ("default_authentication_plugin", "authentication_policy"),
    ("expire_logs_days", "binlog_expire_logs_seconds"),
    ("init_slave", "init_replica"),
    ("innodb_log_file_size", "innodb_redo_log_capacity"),
    ("innodb_log_files_in_group", "innodb_redo_log_capacity"),
    ("innodb_redo_log_capacity", "innodb_log_file_size"),
    ("innodb_undo_logs", "innodb_rollback_segments"),
    ("key_buffer", "key_buffer_size"),
    ("log_slave_updates", "log_replica_updates"),
    ("log_slow_queries", "slow_query_log"),
    ("log_warnings", "log_error_verbosity"),
    ("master_verify_checksum", "source_verify_checksum"),
    ("max_statement_time", "max_execution_time"),
    ("max_execution_time", "max_statement_time"),
    ("replica_parallel_workers", "slave_parallel_threads"),
    ("rpl_semi_sync_master_enabled", "rpl_semi_sync_source_enabled"),
    ("rpl_semi_sync_master_timeout", "rpl_semi_sync_source_timeout"),
    ("rpl_semi_sync_slave_enabled", "rpl_semi_sync_replica_enabled"),
    ("slave_load_tmpdir", "replica_load_tmpdir"),
    ("slave_net_timeout", "replica_net_timeout"),
    ("slave_parallel_threads", "replica_parallel_workers"),
    ("slave_parallel_workers", "replica_parallel_workers"),
    ("slave_preserve_commit_order", "replica_preserve_commit_order"),
    ("slave_skip_errors", "replica_skip_errors"),
    ("sync_master_info", "sync_source_info"),
    ("table_cache", "table_open_cache"),
    ("transaction_isolation", "tx_isolation"),
    ("tx_isolation", "transaction_isolation"),
    ("tx_read_only", "transaction_read_only"),
];

fn judge(seen: &Seen<'_>) -> Result<Verdict> {
    let Some(question) = seen.pair.source.dialect.set_by_people() else {
        return Ok(Verdict::pass("a source of this version does not report which variables were set"));
    };
    let set = seen.names(Source, question)?;
    let there = seen.names(Target, seen.pair.target.dialect.variable_names())?;
    let there: BTreeSet<String> = there.iter().map(|name| name.to_lowercase()).collect();
    let lost = lost(&set, &there);
    if lost.is_empty() {
        return Ok(Verdict::pass(format!(
            "the target has every one of the {} variables that were set on the source",
            set.len()
        )));
    }
    let evidence = format!("set on the source, but not a variable of the target: {}", some(&lost));
    let remedy =
        "leave them out of the target's `settings`, or state the successor there; check that nothing relied on them";
    Ok(Verdict::warn(evidence, remedy))
}

/// Those that are missing, each with its successor.
fn lost(set: &[String], there: &BTreeSet<String>) -> Vec<String> {
    let mut found = Vec::new();
    for name in set.iter().map(|name| name.to_lowercase()).filter(|name| !there.contains(name)) {
        let successor = SUCCESSORS.iter().find(|(old, new)| *old == name && there.contains(*new));
        found.push(match successor {
            Some((_, new)) => format!("{name} ({new} on the target)"),
            None => format!("{name} (removed)"),
        });
    }
    found
}

#[cfg(test)]
mod tests {
    use super::{SUCCESSORS, lost};

    #[test]
    fn what_is_missing_is_named_with_its_successor() {
        let set = ["query_cache_size", "EXPIRE_LOGS_DAYS", "max_connections", "tx_isolation"].map(str::to_owned);
        let there = ["binlog_expire_logs_seconds", "max_connections"].map(str::to_owned).into();
        let said = [
            "query_cache_size (removed)",
            "expire_logs_days (binlog_expire_logs_seconds on the target)",
            "tx_isolation (removed)",
        ];
        assert_eq!(lost(&set, &there), said);
        assert!(SUCCESSORS.iter().all(|(old, new)| old != new));
    }
}
