//! The half that decides. It knows the plan and the events of a run, and does nothing.

pub mod checkpoint;
pub mod clock;
pub mod condition;
pub mod fenced;
pub mod graph;
pub mod recover;
pub mod results;
pub mod retry;
pub mod schedule;
pub mod state;
pub mod status;
pub mod trailing;
pub mod transition;
pub mod unwind;
pub mod vouch;
pub mod windows;
