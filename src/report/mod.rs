//! What people see of a run: its events folded into a summary, and the displays of it.
//!
//! May know the journal, the plan and the pure half of the engine (the fold). Decides nothing, changes nothing.

pub mod fold;
pub mod terminal;
pub mod text;
