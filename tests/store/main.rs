//! The store: the same cases in a file and on a PostgreSQL that machines share, and what becomes of work when that one's
//! servers go away.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

mod away;
mod cases;
mod cluster;
mod cover;
mod machines;
mod swap;
