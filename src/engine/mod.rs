//! The engine: a pure scheduler decides, a thin runner does, and the journal is written before and after every
//! effect.
//!
//! May know the plan, the step trait, the journal and the effects bundle; no step kind (but the names of those that
//! make a switch, in `fenced`), no display. The pure half is
//! `graph`, `status`, `state` (with `transition`), `schedule` (with `condition`, `windows` and `unwind`), `recover`,
//! `results`, `fenced`, `vouch`, `retry` and `rule`.

mod admission;
mod after_fence;
pub mod approvals;
mod attempt;
mod bench;
mod checkpoint;
pub mod clock;
mod condition;
pub mod fenced;
pub mod graph;
mod hold;
pub mod lock;
mod notes;
pub mod recover;
pub mod results;
pub mod retry;
pub mod run_id;
mod runner;
pub mod schedule;
pub mod state;
pub mod status;
mod tasks;
mod transition;
mod unwind;
pub mod vouch;
pub mod windows;

pub use approvals::JournalApprovals;
pub use bench::{Decode, registered};
pub use lock::StateLock;
pub use runner::{Runner, Setup};
