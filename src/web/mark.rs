//! How a status is displayed: a colour class with a sign and a word, because colour is never the only sign.

use crate::engine::status::Status;
use crate::plan::display::Mark;
use crate::store::Outcome;
use maud::{Markup, html};

/// Of a step.
pub(super) fn of_step(status: Status) -> Mark {
    let (class, sign, word) = match status {
        Status::Pending => ("pending", "·", "pending"),
        Status::Running => ("running", "▶", "running"),
        Status::Waiting => ("waiting", "‖", "waiting"),
        Status::Retrying => ("waiting", "↻", "retrying"),
        Status::Stopped => ("stopped", "■", "stopped"),
        Status::Succeeded => ("succeeded", "✓", "done"),
        Status::Skipped => ("skipped", "–", "skipped"),
        Status::Failed => ("failed", "✗", "failed"),
        Status::Undoing => ("undoing", "↶", "being undone"),
        Status::Undone => ("undone", "↶", "undone"),
        Status::UndoFailed => ("failed", "✗", "undo failed"),
    };
    Mark { class, sign, word }
}

/// Of a run; `works` is whether a process works on it now.
pub(super) fn of_run(outcome: Option<Outcome>, works: bool) -> Mark {
    let (class, sign, word) = match outcome {
        _ if works => ("running", "▶", "running"),
        Some(Outcome::Done) => ("succeeded", "✓", "done"),
        Some(Outcome::RolledBack) => ("undone", "↶", "rolled back"),
        Some(Outcome::Kept) => ("undone", "↶", "rolled back to a checkpoint"),
        Some(Outcome::Stopped) => ("failed", "■", "stopped"),
        Some(Outcome::Stuck) => ("failed", "✗", "stuck"),
        Some(Outcome::Refused) => ("undone", "⊘", "refused"),
        Some(Outcome::Nothing) => ("skipped", "–", "nothing done"),
        Some(Outcome::Interrupted) => ("stopped", "■", "interrupted"),
        Some(Outcome::PutOff) => ("stopped", "◷", "put off"),
        None => ("stopped", "?", "not finished"),
    };
    Mark { class, sign, word }
}

/// A sign and a word in the colour of a class.
pub(super) fn badge(mark: Mark) -> Markup {
    html! { span class={ "badge " (mark.class) } { span.sign aria-hidden="true" { (mark.sign) } " " (mark.word) } }
}
