//! The engine with scripted steps: order, retries, rollback, resume, deadlines, and a model test of the scheduler.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod after_fence;
mod checkpoints;
mod decision;
mod fakes;
mod forward;
mod model;
mod resume;
mod rollback;
mod sentences;
mod shapes;
mod state;
mod trailing;
mod windows;
