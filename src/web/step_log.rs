//! The log of a step: its journal entries and progress messages, in the order of time.

use super::wording::sentence;
use crate::kinds::Update;
use crate::report::progress::News;
use crate::report::time::{clock, moment};
use crate::store::Entry;
use maud::{Markup, html};

/// Number of lines shown; `cutover report` shows all.
const LINES: usize = 200;

/// The last lines of it.
pub(super) fn log(step: &str, entries: &[Entry], news: &[News]) -> Markup {
    let of_step = entries.iter().filter(|entry| entry.event.step() == Some(step));
    let journaled = of_step.map(|entry| (entry.at, true, sentence(&entry.event, entry.at)));
    let told = news.iter().filter(|news| news.step == step).filter_map(|news| match &news.update {
        Update::Note { text } => Some((news.at, false, text.clone())),
        _ => None,
    });
    let mut lines: Vec<(i64, bool, String)> = journaled.chain(told).collect();
    lines.sort_by_key(|(at, journaled, _)| (*at, *journaled));
    let left_out = lines.len().saturating_sub(LINES);
    html! {
        @if left_out > 0 {
            p.quiet {
                (left_out) (if left_out == 1 { " earlier line" } else { " earlier lines" })
                ": see " code { "cutover report" }
            }
        }
        @if lines.is_empty() { p.quiet { "Nothing yet." } }
        ol.log {
            @for (at, journaled, text) in &lines[left_out..] {
                li.told[!journaled] { time datetime=(moment(*at)) title=(moment(*at)) { (clock(*at)) } " " span { (text) } }
            }
        }
    }
}
