//! What other accounts of a host can plant and swap, and that nothing comes of it: work folders, files of applications,
//! jobs, and a whole switch that is raced.
//!
//! Needs root where a second account has to be one: such a test is skipped elsewhere, and counted.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod files;
mod homes;
mod jobs;
#[path = "../lab/mod.rs"]
mod lab;
mod race;
mod work_folder;
mod yard;
