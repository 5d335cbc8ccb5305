//! Small runs on this very machine, without any server: what people type when a run has not gone through.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod approvals;
mod changed;
mod desk;
mod people_file;
mod report;
mod stuck;
mod windows;
