//! What people see of a run: events folded into a summary, and its displays.
//!
//! May know the journal and the plan; it decides nothing and changes nothing.

pub mod fold;
pub mod terminal;
pub mod text;
