//! Starts a rehearsal of a playbook, or a schedule, now.

use super::guard::Refusal;
use super::rehearsals::{Load, Rehearsals, Started};
use super::visitor::Visitor;
use super::{Page, confirm};
use crate::people::Right;
use crate::report::time::moment;
use axum::extract::{Form, Path, State};
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use serde::Deserialize;
use std::sync::Arc;

/// Default and largest number of rows of a rehearsal's database.
const ROWS: u64 = 20_000;
const MOST_ROWS: u64 = 50_000_000;

/// Transactions per second of the rehearsal's application: fewer than on the command line, as the machine that serves the page
/// has other things to do.
const RATE: u64 = 200;
const MOST_RATE: u64 = 100_000;

/// The word that confirms the start of a rehearsal.
const REHEARSE: &str = "rehearse";

/// The rehearsal to start.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Wanted {
    #[serde(default)]
    playbook: String,
    #[serde(default)]
    rows: String,
    #[serde(default)]
    rate: String,
    #[serde(default)]
    form_key: String,
    #[serde(default)]
    confirm: String,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    form_key: String,
    /// The schedule's name, typed again.
    #[serde(default)]
    confirm: String,
}

/// The form that starts a rehearsal, for those who may.
pub(super) fn offer(rehearsals: &Rehearsals, visitor: &Visitor) -> Markup {
    if !visitor.may(Right::Start) {
        return html! {};
    }
    let playbooks = rehearsals.playbooks();
    html! {
        @if playbooks.is_empty() { p.quiet { "The folder given by --playbooks contains no playbook." } } @else {
            form.start method="post" action="/rehearse" {
                input type="hidden" name="form_key" value=(visitor.form_key());
                (confirm::keep_enter())
                div {
                    label for="playbook" { "Rehearse" }
                    select #playbook name="playbook" { @for name in &playbooks { option value=(name) { (name) } } }
                }
                div {
                    label for="rows" { "Rows" }
                    input #rows type="number" name="rows" min="1" max=(MOST_ROWS) value=(ROWS) inputmode="numeric";
                }
                div {
                    label for="rate" { "Transactions per second" }
                    input #rate type="number" name="rate" min="1" max=(MOST_RATE) value=(RATE) inputmode="numeric";
                }
                div.sure {
                    label for="confirm-rehearse" {
                        input #confirm-rehearse type="checkbox" name="confirm" value=(REHEARSE) required;
                        " on this machine, with its processors and its disk"
                    }
                }
                button.main { "Start" }
            }
        }
    }
}

/// Rehearsals started from this page that are running, or failed before there was a run to show.
pub(super) fn started(rehearsals: &Rehearsals) -> Markup {
    html! {
        @for Started { playbook, person, at, ended } in rehearsals.started() {
            div.started {
                p {
                    strong { "Rehearsal of " (playbook) } ", started by " (person) " at " (moment(at)) ": "
                    @match &ended {
                        None => "starting or running; its run appears in the list once its servers are up",
                        Some(ended) => (ended.how),
                    }
                }
                @if let Some(ended) = ended.filter(|ended| !ended.words.is_empty()) { pre { (ended.words) } }
            }
        }
    }
}

/// Starts a rehearsal.
pub(super) async fn rehearse(
    State(page): State<Arc<Page>>,
    visitor: Visitor,
    Form(wanted): Form<Wanted>,
) -> Result<Response, Refusal> {
    let person = visitor.allowed(Right::Start, &wanted.form_key)?;
    confirm::see(&wanted.confirm, REHEARSE, "start a rehearsal")?;
    let Some(rehearsals) = &page.parts.rehearsals else {
        return Err(Refusal::missing("rehearsals are not available: the page was started without --playbooks"));
    };
    let load = Load {
        rows: number("rows", &wanted.rows, ROWS, MOST_ROWS)?,
        rate: number("rate", &wanted.rate, RATE, MOST_RATE)?,
    };
    if let Some(worker) = page.parts.home.keeper() {
        return Err(Refusal::new(StatusCode::CONFLICT, format!("another run is in progress: {worker}")));
    }
    rehearsals.start(&wanted.playbook, &load, page.state_dir(), person)?;
    Ok(done(&visitor))
}

/// A number of the form, from 1 to `most`; `usual` when the field is empty.
fn number(field: &str, said: &str, usual: u64, most: u64) -> Result<u64, Refusal> {
    let number = if said.is_empty() { Some(usual) } else { said.parse().ok() };
    number.filter(|number| (1..=most).contains(number)).ok_or_else(|| {
        Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, format!("`{field}` must be a number from 1 to {most}"))
    })
}

/// Starts a schedule.
pub(super) async fn schedule(
    State(page): State<Arc<Page>>,
    visitor: Visitor,
    Path(name): Path<String>,
    Form(asked): Form<Asked>,
) -> Result<Response, Refusal> {
    let person = visitor.allowed(Right::Start, &asked.form_key)?.to_owned();
    confirm::see(&asked.confirm, &name, &format!("start schedule {name}"))?;
    let Some(schedules) = page.parts.schedules.clone() else {
        return Err(Refusal::missing("there are no schedules here"));
    };
    page.aside(move |_| Ok(schedules.start(&name, &person)?)).await?;
    Ok(done(&visitor))
}

fn done(visitor: &Visitor) -> Response {
    if visitor.is_program() {
        StatusCode::ACCEPTED.into_response()
    } else {
        (StatusCode::SEE_OTHER, [(LOCATION, "/")]).into_response()
    }
}
