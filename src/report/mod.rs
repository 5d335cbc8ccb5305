//! What people see of a run: its events folded into a summary, and the displays of it.
//!
//! May know the journal, the plan and the pure half of the engine (the fold), and the
//! dialects' statements that a person is asked to type. Decides nothing, changes nothing.

pub mod after_fence;
pub mod by_hand;
pub mod cases;
pub mod decision;
pub mod document;
pub mod evidence;
pub mod fold;
pub mod html;
pub mod lag_curve;
pub mod moments;
mod next;
pub mod progress;
pub mod prometheus;
pub mod sentence;
pub mod standstill;
pub mod terminal;
pub mod text;
pub mod time;
