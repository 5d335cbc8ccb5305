//! Which steps make a server's commits durable, for the rules that ask.
//!
//! Durable: `innodb_flush_log_at_trx_commit = 1` and `sync_binlog = 1`, the only values with which an acknowledged
//! commit outlives a power cut in both the tables and the binary log.

use crate::lint::subject::Pair;
use serde_json::Value;

const VARIABLES: [&str; 2] = ["innodb_flush_log_at_trx_commit", "sync_binlog"];

/// Whether every commit on `server` is durable once this step is done.
pub(super) fn is_durable(step: Pair<'_>, server: &str) -> bool {
    if step.planned.skip.is_some() || step.text("server") != server {
        return false;
    }
    match step.written.uses.as_str() {
        "set_variables" => VARIABLES.iter().all(|name| is_one(step.planned.with.get("variables"), name)),
        "render" => is_production(step) && step.flag("restart") == Some(true),
        _ => false,
    }
}

/// Whether a restart of `server` keeps durable commits once this step is done.
pub(super) fn keeps(step: Pair<'_>, server: &str) -> bool {
    if step.planned.skip.is_some() || step.text("server") != server {
        return false;
    }
    match step.written.uses.as_str() {
        "set_variables" => is_durable(step, server) && step.flag("persist") == Some(true),
        "render" => is_production(step),
        _ => false,
    }
}

fn is_production(step: Pair<'_>) -> bool {
    matches!(step.text("profile"), "" | "production")
}

fn is_one(variables: Option<&Value>, name: &str) -> bool {
    let all = variables.and_then(Value::as_object).into_iter().flatten();
    let value = all.filter(|(key, _)| key.replace('-', "_") == name).map(|(_, value)| value).next_back();
    value.is_some_and(|value| *value == 1 || *value == "1")
}
