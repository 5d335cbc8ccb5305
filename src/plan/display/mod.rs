//! The plan as people read it. What is shown is the very value that the engine executes.

mod text;

pub use text::text;
