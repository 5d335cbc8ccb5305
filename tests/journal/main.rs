//! The journal under other programs: readers, copies, and people who remove it. This process is the other program: POSIX
//! locks are those of a process, so its `SQLite` is as foreign to the run as `sqlite3` or Python.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

mod beside;
#[path = "../runs/desk.rs"]
mod desk;
mod lost;
mod reader;
mod trials;
