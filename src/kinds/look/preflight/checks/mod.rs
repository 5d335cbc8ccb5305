//! One file a check. A check may know the pair of servers and what was asked of them, nothing else; its questions are
//! written from the pair, its judgement is a function of the answers.
#![allow(
    clippy::unnecessary_wraps,
    reason = "every judgement has the same shape, so that they can stand in one registry"
)]

pub mod anonymous_accounts;
pub mod application_login;
pub mod auth_plugins;
pub mod auto_increment;
pub mod binlog;
pub mod binlog_content;
pub mod binlog_format;
pub mod binlog_readers;
pub mod binlog_retention;
pub mod character_set;
pub mod clocks;
pub mod collations;
pub mod connection_limits;
pub mod databases;
pub mod definers;
pub mod direction;
pub mod disk_space;
pub mod engines;
pub mod events;
pub mod family_objects;
pub mod files;
pub mod float_columns;
pub mod follows;
pub mod foreign_keys;
pub mod generated_columns;
pub mod gtid_mode;
pub mod gtid_state;
pub mod history;
pub mod join_limit;
pub mod json_columns;
pub mod long_statements;
pub mod lost_accounts;
pub mod lost_options;
pub mod net_timeout;
pub mod other_accounts;
pub mod own_databases;
pub mod packet_size;
pub mod persisted_variables;
pub mod prepared_transactions;
pub mod primary_keys;
pub mod privileges;
pub mod read_only_bypass;
pub mod redo_size;
pub mod replica_safety;
pub mod replication_filters;
pub mod replication_login;
pub mod replication_password;
pub mod roles;
pub mod row_image;
pub mod server_identity;
pub mod source_is_replica;
pub mod sql_mode;
pub mod start_command;
pub mod storage;
pub mod system_objects;
pub mod table_names;
pub mod target_closed;
pub mod target_empty;
pub mod time_zone;
pub mod transaction_read_only;
pub mod upgrade;
pub mod variables;
pub mod version_gap;
pub mod way_back;
pub mod way_back_collations;
