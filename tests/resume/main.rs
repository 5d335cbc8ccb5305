//! A run that is killed, interrupted, asked, taken back: through the program itself, on a small sandbox.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod interrupted;
mod killed;
mod late;
mod stage;
