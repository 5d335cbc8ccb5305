//! What happened, told: a journal folded into a summary that every display reads.
//!
//! May know the journal, the plan and the pure half of the engine (the fold). Nothing here prints.

pub mod fold;
