//! Inputs that once went wrong, each played with the real program, and the promise of one actor sentence by sentence.
//!
//! `cargo test --test cases` runs them all. What must happen stands beside each input in the table of cases.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod attempts;
mod beside;
mod configuration;
mod desk;
mod journal_lost;
#[path = "../lab/mod.rs"]
mod lab;
mod markers;
mod memory;
mod moved;
mod names;
mod one_actor;
#[path = "../stage/process.rs"]
mod process;
mod refused;
mod secret_command;
mod server;
mod sql_mode;
mod terminal;
mod twice;
