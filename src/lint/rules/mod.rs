//! One file a rule, with its page beside it; and what several rules ask.

pub mod allow_of_nothing;
pub mod allow_without_reason;
pub mod benchmark_without_requirement;
pub mod change_without_undo;
mod durability;
pub mod durability_not_kept;
pub mod failure_after_promote;
pub mod fence_without_deadline;
pub mod import_into_binlog;
pub mod import_without_benchmark;
pub mod invalid;
pub mod lag_as_only_proof;
pub mod plain_text_replication;
pub mod promote_without_durability;
pub mod promote_without_proof;
mod proof;
pub mod secret_in_file;
mod secret_name;
pub mod secret_on_command_line;
pub mod server_id_twice;
mod statement;
pub mod unpinned_server_id;
pub mod unreachable_step;
pub mod unused_input;
pub mod write_on_replica;
