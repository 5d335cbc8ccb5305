//! All runs, the newest first, page by page; schedules, and what can be started.

use super::guard::Refusal;
use super::mark::{badge, of_run, of_step};
use super::schedules::{self, segment};
use super::visitor::Visitor;
use super::watch::Parts;
use super::{Page, frame, start};
use crate::engine::clock::wall;
use crate::engine::status::Status;
use crate::error::Result;
use crate::plan::display::Mark;
use crate::report::time::{moment, running, span};
use crate::store::{Ended, RunRow, Wanted};
use axum::extract::{Query, State};
use maud::{Markup, PreEscaped, html};
use serde::Deserialize;
use serde_json::Value;
use std::sync::{Arc, PoisonError};

/// Runs on one page.
const ROWS: u32 = 50;
/// What the list can be narrowed to: the word in the address, and in the list.
const FILTERS: [(&str, &str); 9] = [
    ("", "all"),
    ("unfinished", "not finished"),
    ("done", "done"),
    ("rolled_back", "rolled back"),
    ("stopped", "stopped"),
    ("stuck", "stuck"),
    ("refused", "refused"),
    ("interrupted", "interrupted"),
    ("nothing", "nothing done"),
];

/// Which of them are shown.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Shown {
    #[serde(default)]
    outcome: String,
    #[serde(default)]
    page: u32,
}

impl Shown {
    /// Words that are none are taken for `all`.
    fn ended(&self) -> Ended {
        match self.outcome.as_str() {
            "unfinished" => Ended::NotYet,
            word => serde_json::from_value(Value::from(word)).map_or(Ended::Anyhow, Ended::As),
        }
    }
    fn wanted(&self) -> Wanted {
        Wanted { ended: self.ended(), skip: self.page.saturating_mul(ROWS), limit: Some(ROWS) }
    }
    fn address(outcome: &str, page: u32) -> String {
        match (outcome, page) {
            ("", 0) => "/".to_owned(),
            _ => format!("/?outcome={outcome}&page={page}"),
        }
    }
}

/// The page of all runs.
pub(super) async fn show(
    State(page): State<Arc<Page>>,
    visitor: Visitor,
    Query(shown): Query<Shown>,
) -> Result<Markup, Refusal> {
    page.aside(move |page| {
        let parts = parts(page, &shown, &visitor)?;
        let events = format!("/events?outcome={}&page={}", segment(&shown.outcome), shown.page);
        Ok(frame::page("Runs", &visitor, Some(&events), &body(page, &shown, &visitor, &parts)))
    })
    .await
}

fn body(page: &Page, shown: &Shown, visitor: &Visitor, parts: &Parts) -> Markup {
    let part = |id: &str| PreEscaped(parts.get(id).map(String::as_str).unwrap_or_default());
    html! {
        h1 { "Runs" }
        p #headline .headline role="status" { (part("headline")) }
        @if let Some(rehearsals) = &page.parts.rehearsals { (start::offer(rehearsals, visitor)) }
        div #starts { (part("starts")) }
        @if page.parts.schedules.is_some() {
            h2 { "Schedules" }
            div #schedules { (part("schedules")) }
            h2 { "Recorded runs" }
        }
        nav.filters aria-label="filter by outcome" {
            @for (word, text) in FILTERS {
                a href=(Shown::address(word, 0)) aria-current=[(word == shown.outcome).then_some("true")] { (text) }
            }
        }
        div #runs { (part("runs")) }
    }
}

/// Everything on it that can change.
pub(super) fn parts(page: &Page, shown: &Shown, visitor: &Visitor) -> Result<Parts> {
    let mut parts = Parts::new();
    let live = Live::look(page)?;
    let mut rows = page.journal.list(&shown.wanted())?;
    if let Some(live) =
        live.row.as_ref().filter(|_| shown.page == 0 && matches!(shown.ended(), Ended::Anyhow | Ended::NotYet))
    {
        // what goes on, and above all what waits for somebody, stands first, however old it is
        rows.retain(|row| row.head.id != live.head.id);
        rows.insert(0, live.clone());
    }
    let counts = page.journal.count_by_outcome()?;
    let ended = shown.ended();
    let count = counts.iter().filter(|(outcome, _)| ended.includes(*outcome)).map(|(_, n)| n).sum();
    let mut put = |id: &str, part: Markup| parts.insert(id.to_owned(), part.into_string());
    put("headline", headline(&live, counts.iter().map(|(_, n)| n).sum()));
    put("runs", html! { (table(&rows, &live)) (pages(shown, count)) });
    if let Some(rehearsals) = &page.parts.rehearsals {
        put("starts", start::started(rehearsals));
    }
    if let Some(schedules) = &page.parts.schedules {
        put("schedules", schedules::list(&schedules.rows()?, visitor));
    }
    Ok(parts)
}

/// The run that somebody works on now.
#[derive(Default)]
struct Live {
    row: Option<RunRow>,
    /// Whether anybody works here at all.
    works: bool,
    /// Whether it waits for people or for its window.
    waits: bool,
}

impl Live {
    fn look(page: &Page) -> Result<Self> {
        let Some(worker) = page.worker() else { return Ok(Self::default()) };
        let run = worker.strip_prefix("run ").and_then(|rest| rest.split(' ').next());
        let row = run.map(|run| page.journal.row(run)).transpose()?.flatten();
        let waits = match &row {
            Some(row) => page.waits.lock().unwrap_or_else(PoisonError::into_inner).look(&page.journal, &row.head.id)?,
            None => false,
        };
        Ok(Self { row, works: true, waits })
    }

    fn is(&self, row: &RunRow) -> bool {
        self.row.as_ref().is_some_and(|live| live.head.id == row.head.id)
    }

    fn mark(&self) -> Mark {
        if self.waits { of_step(Status::Waiting) } else { of_run(None, true) }
    }
}

fn headline(live: &Live, count: u64) -> Markup {
    html! {
        @if let Some(row) = &live.row {
            (badge(live.mark())) " " a href={ "/runs/" (segment(&row.head.id)) } { (row.head.playbook) }
            @if row.rehearsal { " (rehearsal)" } ". "
        } @else if live.works {
            (badge(of_run(None, true))) " "
        } @else { "Nothing is running. " }
        @if count == 1 { "One run is recorded." } @else { (count) " runs are recorded." }
    }
}

fn table(rows: &[RunRow], live: &Live) -> Markup {
    html! {
        @if rows.is_empty() { p.quiet { "No run is recorded here." } } @else {
            table.cards {
                thead { tr { th { "run" } th { "playbook" } th { "outcome" } th { "started" } th { "took" } } }
                tbody { @for row in rows { (line(row, live)) } }
            }
        }
    }
}

fn line(row: &RunRow, live: &Live) -> Markup {
    let RunRow { head, rehearsal, outcome, started, last, .. } = row;
    let works = live.is(row);
    html! {
        tr {
            td data-label="run" { a id={ "run-" (head.id) } href={ "/runs/" (segment(&head.id)) } { (head.id) } }
            td data-label="playbook" { (head.playbook) @if *rehearsal { " " span.quiet { "rehearsal" } } }
            td data-label="outcome" { (badge(if works { live.mark() } else { of_run(*outcome, false) })) }
            td data-label="started" { (moment(started.unwrap_or(head.created))) }
            td data-label="took" {
                @match (started, last) {
                    (Some(started), _) if works => (running(*started, wall())),
                    (Some(started), Some(last)) => (span(last - started)),
                    _ => "",
                }
            }
        }
    }
}

fn pages(shown: &Shown, count: u64) -> Markup {
    let last = count.saturating_sub(1) / u64::from(ROWS);
    html! {
        @if last > 0 {
            nav.pages aria-label="pages" {
                @if shown.page > 0 { a #newer rel="prev" href=(Shown::address(&shown.outcome, shown.page - 1)) { "Newer" } }
                span { "page " (shown.page + 1) " of " (last + 1) }
                @if u64::from(shown.page) < last {
                    a #older rel="next" href=(Shown::address(&shown.outcome, shown.page + 1)) { "Older" }
                }
            }
        }
    }
}
