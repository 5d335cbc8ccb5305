//! Schedules: playbooks that are rehearsed, planned or carried out at given times.
//!
//! `file` is what is written, `timetable` the due times, `decide` the rules: all three are pure. `look` asks and writes the
//! journal; `daemon` looks again and again, and starts processes; `start_now` is for persons, `due_now` for the schedulers
//! of others, for which `export` writes files. May know the planner and the journal; nothing of steps, servers, pages.

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
