//! What the program does against those who read along, stand in for a server, or ask for what is not theirs.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod connections;
#[path = "../skip/mod.rs"]
mod skip;
mod tls;
