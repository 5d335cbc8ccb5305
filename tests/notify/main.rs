//! Notifications, to real receivers on this machine.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

#[path = "../runs/desk.rs"]
mod desk;
mod late;
mod outbox;
mod receiver;
mod runs;
