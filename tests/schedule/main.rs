//! Schedules: due times and what is decided about them, the daemon killed at random, files for other schedulers.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod daemon;
mod decisions;
mod desk;
mod exported;
mod file;
mod killed;
mod kubernetes;
mod person;
#[path = "../skip/mod.rs"]
mod skip;
