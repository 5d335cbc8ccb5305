//! Variables that applications notice, compared as people compare two servers: what a statement means, how long
//! something is waited for, how much fits.

use super::super::check::Check;
use super::super::pair::{Source, Target};
use super::super::seen::Seen;
use super::super::verdict::Verdict;
use crate::error::Result;

pub const CHECK: Check = Check::warning("variables", judge).reads(&NAMES);

/// Where the same value is wanted.
const SAME: [&str; 26] = [
    "transaction_read_only",
    "tx_read_only",
    "autocommit",
    "completion_type",
    "innodb_strict_mode",
    "innodb_autoinc_lock_mode",
    "innodb_rollback_on_timeout",
    "innodb_lock_wait_timeout",
    "lock_wait_timeout",
    "explicit_defaults_for_timestamp",
    "default_storage_engine",
    "div_precision_increment",
    "default_week_format",
    "lc_time_names",
    "block_encryption_mode",
    "old_mode",
    "sql_auto_is_null",
    "sql_safe_updates",
    "sql_big_selects",
    "foreign_key_checks",
    "unique_checks",
    "innodb_ft_min_token_size",
    "ft_min_word_len",
    "skip_name_resolve",
    "require_secure_transport",
    "init_connect",
];

/// The isolation of transactions, under its old and its new name.
const ISOLATION: [&str; 2] = ["transaction_isolation", "tx_isolation"];

/// Where more does no harm: what fits, and how long a client may be idle.
const AT_LEAST: [&str; 12] = [
    "max_connections",
    "wait_timeout",
    "interactive_timeout",
    "net_read_timeout",
    "net_write_timeout",
    "connect_timeout",
    "group_concat_max_len",
    "max_prepared_stmt_count",
    "max_heap_table_size",
    "tmp_table_size",
    "cte_max_recursion_depth",
    "max_recursive_iterations",
];

/// Where less cuts something off, and 0 means no limit.
const LIMITS: [&str; 6] = [
    "max_user_connections",
    "max_execution_time",
    "max_statement_time",
    "idle_transaction_timeout",
    "idle_write_transaction_timeout",
    "sql_select_limit",
];

const NAMES: [&str; ISOLATION.len() + SAME.len() + AT_LEAST.len() + LIMITS.len()] = {
    let lists: [&[&str]; 4] = [&ISOLATION, &SAME, &AT_LEAST, &LIMITS];
    let mut names = [""; ISOLATION.len() + SAME.len() + AT_LEAST.len() + LIMITS.len()];
    let (mut list, mut index, mut at) = (0, 0, 0);
    while list < lists.len() {
        if index == lists[list].len() {
            (list, index) = (list + 1, 0);
        } else {
            names[at] = lists[list][index];
            (index, at) = (index + 1, at + 1);
        }
    }
    names
};

fn judge(seen: &Seen<'_>) -> Result<Verdict> {
    let both = |name: &&str| seen.has(Source, name) && seen.has(Target, name) && !seen.will_be_set(name);
    let differ = |names: &[&'static str], narrower: fn(&str, &str) -> bool| {
        let found = names.iter().filter(|name| both(name)).filter_map(|name| {
            let (source, target) = (seen.variable(Source, name), seen.variable(Target, name));
            let shown = |value: &str| if value.is_empty() { "''".to_owned() } else { value.to_owned() };
            narrower(source, target).then(|| format!("{name} {} → {}", shown(source), shown(target)))
        });
        found.collect::<Vec<_>>()
    };
    let mut found = differ(&SAME, |source, target| source != target);
    found.extend(differ(&AT_LEAST, |source, target| number(target) < number(source)));
    found.extend(differ(&LIMITS, |source, target| limit(target) < limit(source)));
    found.extend(isolation(seen));
    let compared = [SAME.as_slice(), &AT_LEAST, &LIMITS].concat().iter().filter(|name| both(name)).count();
    if found.is_empty() {
        return Ok(Verdict::pass(format!(
            "{compared} variables that applications notice: equal, or less strict on the target"
        )));
    }
    let remedy =
        "state the required values under `settings` of the target in the inventory, or set them there with SET GLOBAL";
    Ok(Verdict::warn(format!("source → target: {}", found.join(", ")), remedy))
}

/// The isolation of transactions, whatever each server calls it.
fn isolation(seen: &Seen<'_>) -> Option<String> {
    let of = |side| ISOLATION.iter().map(|name| seen.variable(side, name)).find(|value| !value.is_empty());
    let (source, target) = (of(Source)?, of(Target)?);
    let set = ISOLATION.iter().any(|name| seen.will_be_set(name));
    (source != target && !set).then(|| format!("{} {source} → {target}", ISOLATION[0]))
}

fn number(value: &str) -> f64 {
    value.parse().unwrap_or(f64::INFINITY)
}

/// A limit; 0 means that there is none.
fn limit(value: &str) -> f64 {
    match number(value) {
        0.0 => f64::INFINITY,
        number => number,
    }
}
