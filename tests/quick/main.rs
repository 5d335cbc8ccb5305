//! Every test that needs no server, in one binary: what `make quick` runs beside the unit tests.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod diff;
#[path = "../documents/mod.rs"]
mod documents;
#[path = "../engine/mod.rs"]
mod engine;
mod format_1;
#[path = "../mutated/mod.rs"]
mod mutated;
#[path = "../plan/mod.rs"]
mod plan;
#[path = "../programs/mod.rs"]
mod programs;
#[path = "../review/mod.rs"]
mod review;
#[path = "../skip/mod.rs"]
mod skip;
mod skips;
