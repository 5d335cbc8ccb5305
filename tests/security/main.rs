//! What the program does against those who read along, stand in for a server, ask for what is not theirs, or plant and swap
//! what other accounts of a host can reach.
//!
//! Where a second account has to be one, a test needs root: it is skipped elsewhere, and counted.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

mod connections;
mod files;
mod homes;
mod jobs;
#[path = "../lab/mod.rs"]
mod lab;
mod race;
mod tls;
mod work_folder;
mod yard;
