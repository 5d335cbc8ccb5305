//! Actions on a run are deliberate: a person types a word and then presses a button. No key in a text field sends a form,
//! and a request without the word is refused here.

use super::guard::Refusal;
use axum::http::StatusCode;
use maud::{Markup, html};

/// The first button of a form with several fields. A browser presses it when Enter is typed in a field, so it is disabled.
pub(super) fn keep_enter() -> Markup {
    html! { button type="submit" disabled hidden aria-hidden="true" tabindex="-1" {} }
}

/// The field for the word. `pattern` is for the browser's own check.
pub(super) fn field(id: &str, label: &Markup, pattern: &str) -> Markup {
    html! {
        label for=(id) { (label) }
        input #(id) .word name="confirm" required pattern=(pattern) maxlength="200" autocomplete="off" autocapitalize="off" spellcheck="false";
    }
}

/// Checks that the word was typed.
///
/// # Errors
/// 422, with the word to type: nothing is done then.
pub(super) fn see(typed: &str, word: &str, act: &str) -> Result<(), Refusal> {
    if typed.trim() == word {
        return Ok(());
    }
    let said = match typed.trim() {
        "" => format!("nothing was done: to {act}, `confirm` must be `{word}`"),
        other => format!("nothing was done: to {act}, `confirm` must be `{word}`, and it was `{other}`"),
    };
    let help = format!("go back, type {word} into the field, then press the button; a program sends confirm={word}");
    Err(Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, said).help(help))
}
