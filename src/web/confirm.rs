//! Acts on a run are deliberate: a word is typed, and then a button pressed. No key in a text field sends a form, and what
//! comes without the word is refused here, whoever sends it.

use super::guard::Refusal;
use axum::http::StatusCode;
use maud::{Markup, html};

/// What comes first in a form of several fields: a browser presses a form's first button when Enter is typed in a field,
/// and this one cannot be pressed.
pub(super) fn keep_enter() -> Markup {
    html! { button type="submit" disabled hidden aria-hidden="true" tabindex="-1" {} }
}

/// The field that the word is typed into. `pattern` is what it may be, for the browser's own check.
pub(super) fn field(id: &str, label: &Markup, pattern: &str) -> Markup {
    html! {
        label for=(id) { (label) }
        input #(id) .word name="confirm" required pattern=(pattern) maxlength="200" autocomplete="off" autocapitalize="off" spellcheck="false";
    }
}

/// Sees that the word was typed.
///
/// # Errors
/// 422, saying what to type: nothing is done then.
pub(super) fn see(typed: &str, word: &str, act: &str) -> Result<(), Refusal> {
    if typed.trim() == word {
        return Ok(());
    }
    let said = match typed.trim() {
        "" => format!("nothing was done: to {act}, `confirm` must be `{word}`"),
        other => format!("nothing was done: to {act}, `confirm` must be `{word}`, and it was `{other}`"),
    };
    let help = format!("go back, type {word} into the field, and press the button; a program sends confirm={word}");
    Err(Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, said).help(help))
}
