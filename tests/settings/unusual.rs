//! Global settings, and a value of each that nobody here would choose.

/// One of them.
pub struct Setting {
    pub name: &'static str,
    value: &'static str,
    /// Whether it may stand in the target's configuration file through the inventory.
    in_file: bool,
    /// Whether `preflight` lets it pass, on either side.
    pub passes: bool,
}

impl Setting {
    pub fn set(&self) -> String {
        format!("SET GLOBAL {} = {}", self.name, self.value)
    }
    pub fn set_back(&self) -> String {
        format!("SET GLOBAL {} = DEFAULT", self.name)
    }
    /// A line of the inventory's `settings`.
    pub fn line(&self) -> Option<String> {
        self.in_file.then(|| format!(", {}: {}", self.name, self.value))
    }
}

const fn both(name: &'static str, value: &'static str) -> Setting {
    Setting { name, value, in_file: true, passes: true }
}
/// One that has no place in a configuration file.
const fn live(name: &'static str, value: &'static str) -> Setting {
    Setting { in_file: false, ..both(name, value) }
}
const fn refused(name: &'static str, value: &'static str) -> Setting {
    Setting { passes: false, ..both(name, value) }
}

pub const MARIADB: &[Setting] = &[
    both("autocommit", "0"),
    live("sql_select_limit", "100"),
    both("sql_mode", "'ANSI_QUOTES,PIPES_AS_CONCAT,NO_BACKSLASH_ESCAPES'"),
    live("tx_isolation", "'SERIALIZABLE'"),
    Setting { in_file: false, ..refused("tx_read_only", "1") },
    live("time_zone", "'+05:30'"),
    both("character_set_server", "'latin2'"),
    both("max_statement_time", "0.5"),
    both("lock_wait_timeout", "1"),
    both("innodb_lock_wait_timeout", "1"),
    both("wait_timeout", "5"),
    both("interactive_timeout", "5"),
    both("net_read_timeout", "1"),
    both("net_write_timeout", "1"),
    both("net_buffer_length", "1024"),
    both("group_concat_max_len", "4"),
    live("sql_safe_updates", "1"),
    live("sql_auto_is_null", "1"),
    live("sql_big_selects", "0"),
    refused("max_join_size", "10"),
    live("sql_quote_show_create", "0"),
    both("completion_type", "'CHAIN'"),
    live("foreign_key_checks", "0"),
    live("unique_checks", "0"),
    both("innodb_strict_mode", "0"),
    both("explicit_defaults_for_timestamp", "0"),
    both("old_mode", "''"),
    live("system_versioning_asof", "'2020-01-01 00:00:00'"),
    both("default_week_format", "3"),
    both("div_precision_increment", "0"),
    both("lc_time_names", "'de_DE'"),
    both("max_sort_length", "64"),
    both("tmp_table_size", "1024"),
    live("gtid_domain_id", "7"),
    both("log_bin_compress", "1"),
    both("idle_transaction_timeout", "2"),
    both("init_connect", "'SET autocommit = 0'"),
    both("default_storage_engine", "'Aria'"),
    both("innodb_default_row_format", "'compact'"),
    both("low_priority_updates", "1"),
    refused("binlog_row_image", "'MINIMAL'"),
];

pub const MYSQL: &[Setting] = &[
    both("autocommit", "0"),
    live("sql_select_limit", "100"),
    both("sql_mode", "'ANSI_QUOTES,PIPES_AS_CONCAT,NO_BACKSLASH_ESCAPES'"),
    live("transaction_isolation", "'SERIALIZABLE'"),
    Setting { in_file: false, ..refused("transaction_read_only", "1") },
    live("time_zone", "'+05:30'"),
    both("character_set_server", "'latin2'"),
    both("max_execution_time", "500"),
    both("lock_wait_timeout", "1"),
    both("innodb_lock_wait_timeout", "1"),
    both("wait_timeout", "5"),
    both("interactive_timeout", "5"),
    both("net_read_timeout", "1"),
    both("net_write_timeout", "1"),
    both("net_buffer_length", "1024"),
    both("group_concat_max_len", "4"),
    live("sql_safe_updates", "1"),
    live("sql_auto_is_null", "1"),
    live("sql_big_selects", "0"),
    refused("max_join_size", "10"),
    live("sql_quote_show_create", "0"),
    both("completion_type", "'CHAIN'"),
    live("foreign_key_checks", "0"),
    live("unique_checks", "0"),
    both("innodb_strict_mode", "0"),
    both("explicit_defaults_for_timestamp", "0"),
    both("sql_require_primary_key", "1"),
    both("sql_generate_invisible_primary_key", "1"),
    both("default_week_format", "3"),
    both("div_precision_increment", "0"),
    both("lc_time_names", "'de_DE'"),
    both("max_sort_length", "64"),
    both("tmp_table_size", "1024"),
    live("print_identified_with_as_hex", "1"),
    both("binlog_transaction_compression", "1"),
    both("information_schema_stats_expiry", "0"),
    both("init_connect", "'SET autocommit = 0'"),
    both("default_storage_engine", "'MyISAM'"),
    both("innodb_default_row_format", "'compact'"),
    both("low_priority_updates", "1"),
    refused("binlog_row_image", "'MINIMAL'"),
];
