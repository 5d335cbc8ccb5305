//! Whether the target's redo log fits what the source writes: a small one stops writers for checkpoints.

use super::super::ask::Ask;
use super::super::check::{Check, Occasion};
use super::super::pair::{Source, Target};
use super::super::seen::Seen;
use super::super::verdict::Verdict;
use crate::domain::units::{Bytes, Span};
use crate::error::Result;
use std::time::Duration;

pub const CHECK: Check = Check::warning("redo_size", judge)
    .only_before(Occasion::Copy)
    .reads(&["innodb_log_file_size", "innodb_log_files_in_group", "innodb_redo_log_capacity"])
    .asks(|pair| vec![Ask::Pace { side: Source, text: pair.source.dialect.redo_written().into() }]);

/// A redo log that is full sooner than this is flushed under pressure.
const SHORTEST: Duration = Duration::from_mins(5);

fn judge(seen: &Seen<'_>) -> Result<Verdict> {
    let pace = seen.pace(Source, seen.pair.source.dialect.redo_written())?;
    let set = ["innodb_log_file_size", "innodb_redo_log_capacity"].into_iter().find(|name| seen.will_be_set(name));
    if let Some(name) = set {
        return Ok(Verdict::pass(format!("a step sets {name} of the target")));
    }
    let capacity = if let Some(capacity) = seen.number(Target, "innodb_redo_log_capacity") {
        capacity
    } else {
        let files = seen.number(Target, "innodb_log_files_in_group").unwrap_or(1.0);
        seen.required::<f64>(Target, "innodb_log_file_size")? * files
    };
    let lasts = Duration::try_from_secs_f64(capacity / pace.max(1.0)).unwrap_or(Duration::MAX);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "both are positive, and only shown")]
    let (pace, capacity) = (Bytes(pace as u64), Bytes(capacity as u64));
    if lasts >= SHORTEST {
        return Ok(Verdict::pass(format!("{capacity} on the target, and the source writes {pace} a second now")));
    }
    let evidence = format!(
        "the target's redo log of {capacity} lasts {} at the {pace} a second that the source writes now",
        Span(Duration::from_secs(lasts.as_secs().max(1)))
    );
    let remedy = "set innodb_log_file_size (MySQL: innodb_redo_log_capacity) of the target to what an hour writes";
    Ok(Verdict::warn(evidence, remedy))
}
