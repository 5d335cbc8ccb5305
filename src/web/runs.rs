//! All runs, the newest first, page by page; schedules, and what can be started.

use super::guard::Refusal;
use super::mark::{badge, of_run, of_step};
use super::schedules::{self, segment};
use super::visitor::Visitor;
use super::watch::Parts;
use super::{Page, frame, run_of, start};
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
/// The filters of the list: the word in the address, and the text.
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
    /// Unknown words mean `all`.
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
    if shown.page == 0 && matches!(shown.ended(), Ended::Anyhow | Ended::NotYet) {
        // current runs, above all those that wait for a person, come first, however old they are
        rows.retain(|row| live.waits(row).is_none());
        rows.splice(0..0, live.runs.iter().map(|(row, _)| row.clone()));
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

/// The runs in progress, each with whether it waits for a person or for its window.
struct Live {
    runs: Vec<(RunRow, bool)>,
    /// Whether anybody works here at all.
    works: bool,
}

impl Live {
    fn look(page: &Page) -> Result<Self> {
        let workers = page.workers();
        let mut known = page.waits.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|run, _| workers.iter().any(|worker| run_of(worker) == Some(run)));
        let mut runs = Vec::new();
        for run in workers.iter().filter_map(|worker| run_of(worker)) {
            if let Some(row) = page.journal.row(run)? {
                runs.push((row, known.entry(run.to_owned()).or_default().look(&page.journal, run)?));
            }
        }
        runs.reverse(); // ids sort by time, and the newest stands first
        Ok(Self { runs, works: !workers.is_empty() })
    }

    /// Whether a run waits; `None` when no process works on it.
    fn waits(&self, row: &RunRow) -> Option<bool> {
        self.runs.iter().find(|(live, _)| live.head.id == row.head.id).map(|(_, waits)| *waits)
    }
}

fn mark(waits: bool) -> Mark {
    if waits { of_step(Status::Waiting) } else { of_run(None, true) }
}

fn headline(live: &Live, count: u64) -> Markup {
    html! {
        @if live.works {
            @if live.runs.is_empty() { (badge(mark(false))) " " }
            @for (row, waits) in &live.runs {
                (badge(mark(*waits))) " " a href={ "/runs/" (segment(&row.head.id)) } { (row.head.playbook) }
                @if row.rehearsal { " (rehearsal)" } ". "
            }
        } @else { "Nothing is running. " }
        @if count == 1 { "One run is recorded." } @else { (count) " runs are recorded." }
    }
}

fn table(rows: &[RunRow], live: &Live) -> Markup {
    html! {
        @if rows.is_empty() { p.quiet { "No runs yet." } } @else {
            table.cards {
                thead { tr { th { "run" } th { "playbook" } th { "outcome" } th { "started" } th { "took" } } }
                tbody { @for row in rows { (line(row, live)) } }
            }
        }
    }
}

fn line(row: &RunRow, live: &Live) -> Markup {
    let RunRow { head, rehearsal, outcome, started, last, .. } = row;
    let waits = live.waits(row);
    html! {
        tr {
            td data-label="run" { a id={ "run-" (head.id) } href={ "/runs/" (segment(&head.id)) } { (head.id) } }
            td data-label="playbook" { (head.playbook) @if *rehearsal { " " span.quiet { "rehearsal" } } }
            td data-label="outcome" { (badge(waits.map_or_else(|| of_run(*outcome, false), mark))) }
            td data-label="started" { (moment(started.unwrap_or(head.created))) }
            td data-label="took" {
                @match (started, last) {
                    (Some(started), _) if waits.is_some() => (running(*started, wall())),
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
