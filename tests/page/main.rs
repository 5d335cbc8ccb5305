//! The page: who may do what on it, that it answers at once however many runs there are, and, in a browser, a rehearsal
//! from its start to its report.
#![allow(clippy::unwrap_used, clippy::format_push_string, reason = "a test that cannot go on fails")]

mod access;
mod browser;
mod call;
mod deliberate;
mod limits;
mod many;
mod older;
mod people_file;
mod rehearsal;
mod served;
mod stuck;
mod tls;
