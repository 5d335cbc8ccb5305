//! How a status looks: a class, and a sign and a word beside it, because colour is never the only sign.

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
        Status::Retrying => ("waiting", "↻", "tries again"),
        Status::Stopped => ("stopped", "■", "stopped"),
        Status::Succeeded => ("succeeded", "✓", "done"),
        Status::Skipped => ("skipped", "–", "skipped"),
        Status::Failed => ("failed", "✗", "failed"),
        Status::Undoing => ("undoing", "↶", "being taken back"),
        Status::Undone => ("undone", "↶", "taken back"),
        Status::UndoFailed => ("failed", "✗", "not taken back"),
    };
    Mark { class, sign, word }
}

/// Of a run; `works` says whether somebody works on it now.
pub(super) fn of_run(outcome: Option<Outcome>, works: bool) -> Mark {
    let (class, sign, word) = match outcome {
        _ if works => ("running", "▶", "running"),
        Some(Outcome::Done) => ("succeeded", "✓", "done"),
        Some(Outcome::RolledBack) => ("undone", "↶", "rolled back"),
        Some(Outcome::Kept) => ("undone", "↶", "taken back to a checkpoint"),
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
