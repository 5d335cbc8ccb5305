//! Plans of ten thousand steps: too slow for `make quick`.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, reason = "a part of what the planner's tests share")]

#[path = "../plan/many.rs"]
mod many;
#[path = "../plan/program.rs"]
mod plan;
