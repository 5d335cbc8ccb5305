//! Every step kind on real servers and hosts: done, looked at, refused, done again, taken back.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod account_statements;
mod accounts;
mod accounts_shapes;
mod application;
mod away;
mod bench;
mod benchmark;
mod change_source;
mod copy;
mod damaged;
mod dump;
mod events;
mod fence;
mod films;
mod import;
mod ipv6;
mod lag;
mod latency;
// needs no server, takes a minute of one processor, and is too slow for `make quick`
#[path = "../plan/many.rs"]
mod many;
mod past_read_only;
#[path = "../plan/program.rs"]
#[allow(dead_code, reason = "a part of what the planner's tests share")]
mod plan;
mod preconditions;
mod preflight;
mod privileges;
mod promote;
#[path = "../readme/mod.rs"]
mod readme;
mod reverse_replication;
mod small;
mod tunnel;
mod verify;
mod verify_exact;
mod verify_plan;
mod verify_resume;
mod verify_types;
