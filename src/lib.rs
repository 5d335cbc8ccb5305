//! `cutover` moves a live `MySQL` or `MariaDB` server to another machine by replication swap.
//!
//! The data flows one way: `playbook` (what is written) -> `plan` (what will be done, pure) -> `engine` (does it,
//! writing into the `store`) -> `report`. `lint` judges what is written, beside the plan. `kinds` holds the step kinds, and
//! `dialect` the statements of each server family; `effects` is the only room that talks to servers, hosts and processes; `survey` looks at them, changing nothing,
//! for the reviewer of a plan; `notify` tells webhooks what becomes of a run; `rehearsal` builds a sandbox and runs the
//! whole thing against it; `schedule` starts all of that at its time; `watch` looks at the servers of
//! a switch that has come to pass; `web` shows runs in a browser and takes people's answers.

// `cli::output` lets nothing through that a terminal would obey
#![warn(clippy::print_stdout, clippy::print_stderr)]

pub mod cli;
pub mod dialect;
pub mod domain;
pub mod effects;
pub mod engine;
pub mod error;
pub mod kinds;
pub mod lint;
pub mod notify;
pub mod people;
pub mod plan;
pub mod playbook;
mod random;
pub mod rehearsal;
pub mod report;
pub mod schedule;
pub mod store;
pub mod survey;
pub mod watch;
pub mod web;
