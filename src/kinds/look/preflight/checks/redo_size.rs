//! Whether both redo logs fit what the source writes: a small one stops the target's writers for checkpoints, and ends a copy of
//! the source's files when it is written round before the copy has read it.

use super::super::ask::Ask;
use super::super::check::{Check, Occasion};
use super::super::pair::{Side, Source, Target};
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

/// One that is written round sooner than this is read too late by a backup whose host stands still for a moment.
const SHORTEST_ROUND: Duration = Duration::from_mins(1);

fn judge(seen: &Seen<'_>) -> Result<Verdict> {
    let pace = seen.pace(Source, seen.pair.source.dialect.redo_written())?;
    let (round, size) = lasts(seen, Source, pace)?;
    if seen.will_be_set("files") && round < SHORTEST_ROUND {
        let (round, pace) = (Span(Duration::from_secs(round.as_secs().max(1))), shown(pace));
        let evidence =
            format!("at the present {pace} per second, the source's redo log of {size} is overwritten within {round}");
        let remedy = "raise innodb_log_file_size (MySQL: innodb_redo_log_capacity) of the source, or copy when it \
                      writes less: a copy of files fails if the log is overwritten before it was read";
        return Ok(Verdict::warn(evidence, remedy));
    }
    let set = ["innodb_log_file_size", "innodb_redo_log_capacity"].into_iter().find(|name| seen.will_be_set(name));
    if let Some(name) = set {
        return Ok(Verdict::pass(format!("a step sets {name} of the target")));
    }
    let (lasts, capacity) = lasts(seen, Target, pace)?;
    let pace = shown(pace);
    if lasts >= SHORTEST {
        return Ok(Verdict::pass(format!("{capacity} on the target; the source now writes {pace} per second")));
    }
    let evidence = format!(
        "the target's redo log of {capacity} lasts {} at the {pace} per second that the source writes now",
        Span(Duration::from_secs(lasts.as_secs().max(1)))
    );
    let remedy =
        "set innodb_log_file_size (MySQL: innodb_redo_log_capacity) of the target to the amount that one hour writes";
    Ok(Verdict::warn(evidence, remedy))
}

/// How long a side's redo log lasts at `pace` bytes a second, and its size.
fn lasts(seen: &Seen<'_>, side: Side, pace: f64) -> Result<(Duration, Bytes)> {
    let capacity = if let Some(capacity) = seen.number(side, "innodb_redo_log_capacity") {
        capacity
    } else {
        let files = seen.number(side, "innodb_log_files_in_group").unwrap_or(1.0);
        seen.required::<f64>(side, "innodb_log_file_size")? * files
    };
    Ok((Duration::try_from_secs_f64(capacity / pace.max(1.0)).unwrap_or(Duration::MAX), shown(capacity)))
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is positive, and only shown")]
fn shown(bytes: f64) -> Bytes {
    Bytes(bytes as u64)
}
