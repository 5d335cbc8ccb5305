//! The journal under other programs: readers, copies, and people who remove it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::format_push_string,
    reason = "a test that cannot go on fails"
)]

mod beside;
#[path = "../runs/desk.rs"]
mod desk;
mod lost;
mod reader;
mod trials;
