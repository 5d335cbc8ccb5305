//! Schedules: playbooks that are rehearsed, planned or run at given times.
//!
//! `file` is the format, `timetable` the due times, `decide` the rules: all three are pure. `look` reads and writes the
//! journal; `daemon` checks at intervals, and starts processes; `start_now` is for people, `due_now` for other schedulers,
//! for which `export` writes files. May know the planner and the journal; nothing of steps, servers, pages.

pub mod check;
pub mod daemon;
pub mod decide;
mod errand;
pub mod export;
pub mod file;
mod launch;
pub mod look;
pub mod machine;
pub mod now;
pub mod overview;
pub mod timetable;
pub mod work;

pub use file::{Schedule, Schedules};
pub use now::{due_now, start_now};
