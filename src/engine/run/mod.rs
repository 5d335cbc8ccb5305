//! The half that acts: it runs what the pure half decides, and writes the journal before and after every effect.

pub mod admission;
pub mod after_fence;
pub mod approvals;
pub mod attempt;
pub mod bench;
pub mod drive;
pub mod held;
pub mod hold;
pub mod home;
pub mod lock;
pub mod notes;
pub mod run_id;
pub mod runner;
pub mod scribe;
pub mod tasks;
