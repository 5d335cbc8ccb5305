//! The planner from the outside, as the very program: what it prints, that it prints the same twice, that it needs no
//! network and no inventory where none is used, and that editors' schemas know what it knows.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod displays;
mod engine;
mod kinds;
mod own;
mod printed;
mod program;
pub mod roles;
mod rooms;
mod schemas;
mod security;
mod small_print;

pub use program::*;
