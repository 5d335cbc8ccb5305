//! What several kinds share.

pub(in crate::kinds) mod account_locks;
pub(in crate::kinds) mod account_statements;
pub(in crate::kinds) mod accounts_before;
pub(in crate::kinds) mod after_crash;
pub mod after_fence;
pub(in crate::kinds) mod answer;
pub(in crate::kinds) mod channel;
pub(in crate::kinds) mod client_program;
pub(in crate::kinds) mod config_file;
pub(in crate::kinds) mod config_place;
pub(in crate::kinds) mod empty_server;
pub(in crate::kinds) mod finding;
pub(in crate::kinds) mod follow_filters;
pub(in crate::kinds) mod free_space;
pub(in crate::kinds) mod gtid_mode;
pub(in crate::kinds) mod log_kept;
pub(in crate::kinds) mod long_work;
pub(in crate::kinds) mod option_file;
pub(in crate::kinds) mod own_database;
pub(in crate::kinds) mod place;
pub(in crate::kinds) mod privileges;
pub(in crate::kinds) mod server_command;
pub(in crate::kinds) mod server_state;
pub(in crate::kinds) mod trial_write;
pub(in crate::kinds) mod volume;
