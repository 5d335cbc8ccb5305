//! What happened, told: a journal folded into a summary that every display reads.
//!
//! May know the journal and the plan. Nothing here prints.

pub mod fold;
