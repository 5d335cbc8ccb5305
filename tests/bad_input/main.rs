//! Bad input gets a clear error and changes nothing: documents first, then real servers and hosts.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::format_push_string, reason = "tests")]

mod check;
mod cut_off;
mod documents;
mod graph;
mod inputs;
mod inventory;
mod late;
mod locks;
mod names;
mod refusals;
mod secrets;
#[path = "../skip/mod.rs"]
mod skip;
mod stage;
mod templates;
mod values;
