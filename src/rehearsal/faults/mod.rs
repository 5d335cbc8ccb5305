//! Faults: what can go wrong at 03:00, done to a rehearsal on purpose, and the judgement over how it ended.
//!
//! A round is one sandbox, one run, one fault. `catalogue` names the faults, `blow` does them, `drive` runs the
//! program to the moment, `round` judges the end, `campaign` holds many rounds and adds up.

pub mod blow;
pub mod campaign;
pub mod catalogue;
mod drive;
pub mod moment;
mod roles;
pub mod round;
