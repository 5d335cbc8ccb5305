//! Steps over time, as bars.

use crate::engine::status::Status;
use crate::plan::display::short;
use crate::report::fold::{StepSummary, Summary};
use crate::report::time::{exact_moment, span};
use maud::{Markup, html};

/// Steps drawn; more bars than this are a wall.
const DRAWN: usize = 300;
const ROW: usize = 24;
const LABEL: f64 = 190.0;
const BARS: f64 = 620.0;
/// Space for the durations behind the last bar.
const BEHIND: f64 = 170.0;
/// Smallest width of a bar, so that a step of a millisecond is still visible.
const LEAST: f64 = 2.0;

pub(super) fn section(summary: &Summary) -> Markup {
    let (Some(from), Some(to)) = (summary.started, summary.last) else { return html! {} };
    let steps: Vec<&StepSummary> = summary.steps.iter().filter(|step| step.started.is_some()).collect();
    let scale = Scale { from, length: (to - from).max(1) };
    let shown = steps.len().min(DRAWN);
    html! {
        section {
            h2 { "Timeline from " (exact_moment(from)) }
            @if steps.iter().any(|step| step.undo_started.is_some()) { p { "Dashed bars: undo of the step." } }
            @if steps.len() > shown { p { "The first " (shown) " of " (steps.len()) " steps that ran." } }
            div.scroll {
                svg.gantt viewBox={ "0 0 " (LABEL + BARS + BEHIND) " " (shown * ROW + ROW) } role="img" aria-label="steps over time" {
                    @for mark in 0..=4_u8 { (scale.mark(mark, shown)) }
                    @for (row, step) in steps.iter().take(shown).enumerate() { (bar(step, row, &scale, to)) }
                }
            }
        }
    }
}

struct Scale {
    from: i64,
    length: i64,
}

impl Scale {
    #[allow(clippy::cast_precision_loss, reason = "a place in a drawing")]
    fn x(&self, at: i64) -> f64 {
        LABEL + (at - self.from).clamp(0, self.length) as f64 / self.length as f64 * BARS
    }

    /// A line down the drawing with the time since the beginning above it.
    fn mark(&self, quarter: u8, rows: usize) -> Markup {
        let after = self.length / 4 * i64::from(quarter);
        let x = round(self.x(self.from + after));
        html! {
            line class="mark" x1=(x) y1="18" x2=(x) y2=(rows * ROW + ROW) {}
            text class="when" x=(x) y="12" { (span(after)) }
        }
    }
}

fn bar(step: &StepSummary, row: usize, scale: &Scale, now: i64) -> Markup {
    let started = step.started.unwrap_or(scale.from);
    let ended = step.ended.unwrap_or(now);
    let (x, y) = (scale.x(started), row * ROW + ROW);
    let width = (scale.x(ended) - x).max(LEAST);
    let took = step.duration.map_or_else(|| "not ended".to_owned(), span);
    let undo = Undo::of(step, scale, now);
    let end = undo.as_ref().map_or(x + width, |undo| undo.x + undo.width);
    let taken_back = undo.as_ref().map_or(String::new(), |undo| format!(", undo {}", undo.took));
    html! {
        g {
            title { (step.id) " (" (step.uses) "): " (step.status) ", " (took) (taken_back) }
            text class="name" x=(LABEL - 8.0) y=(y + 15) { (short(&step.id)) }
            rect class={ "bar " (tone(step.status)) } x=(round(x)) y=(y + 4) width=(round(width)) height="15" rx="3" {}
            @if let Some(Undo { x, width, .. }) = &undo {
                rect class="bar undo" x=(round(*x)) y=(y + 4) width=(round(*width)) height="15" rx="3" {}
            }
            text class="took" x=(round(end.max(x + width) + 6.0)) y=(y + 15) { (took) (taken_back) }
        }
    }
}

/// The bar of the undo of a step.
struct Undo {
    x: f64,
    width: f64,
    took: String,
}

impl Undo {
    fn of(step: &StepSummary, scale: &Scale, now: i64) -> Option<Self> {
        let started = step.undo_started?;
        let (x, end) = (scale.x(started), scale.x(step.undo_ended.unwrap_or(now)));
        let took = step.undo_ended.map_or_else(|| "not ended".to_owned(), |ended| span(ended - started));
        Some(Self { x, width: (end - x).max(LEAST), took })
    }
}

fn tone(status: Status) -> &'static str {
    match status {
        Status::Succeeded => "good",
        Status::Failed | Status::UndoFailed => "bad",
        _ => "plain",
    }
}

/// A tenth of a pixel is enough.
fn round(value: f64) -> String {
    format!("{value:.1}")
}
