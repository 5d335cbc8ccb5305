//! The lag of the replica over time, as a curve.

use super::gantt::round;
use super::time::{duration, moment};
use crate::report::fold::Summary;
use crate::report::sample::LagSample;
use maud::{Markup, html};
use std::fmt::Write as _;

const WIDTH: f64 = 880.0;
const HEIGHT: f64 = 160.0;
const LEFT: f64 = 70.0;
const TOP: f64 = 12.0;
const BOTTOM: f64 = 22.0;

pub(super) fn section(samples: &[LagSample], summary: &Summary) -> Markup {
    let (Some(first), Some(last)) = (samples.first(), samples.last()) else { return outputs_only(summary) };
    let most = samples.iter().map(|sample| sample.millis).max().unwrap_or(0).max(1);
    let (middle, end) = (round(TOP + HEIGHT / 2.0), round(TOP + HEIGHT));
    html! {
        section {
            h2 { "Replication lag" }
            p { (samples.len()) " measurements, at most " (millis(most)) ", at the end " (millis(last.millis)) "." }
            svg.lag viewBox={ "0 0 " (LEFT + WIDTH + 10.0) " " (TOP + HEIGHT + BOTTOM) } role="img" aria-label="replication lag over time" {
                @for (y, label) in [(round(TOP), most), (middle, most / 2), (end.clone(), 0)] {
                    line class="mark" x1=(LEFT) y1=(y) x2=(LEFT + WIDTH) y2=(y) {}
                    text class="value" x=(LEFT - 8.0) y=(y) { (millis(label)) }
                }
                path class="curve" d=(path(samples, most)) {}
                text class="from" x=(LEFT) y=(TOP + HEIGHT + 16.0) { (moment(first.at)) }
                text class="to" x=(LEFT + WIDTH) y=(TOP + HEIGHT + 16.0) { (moment(last.at)) }
            }
        }
    }
}

/// Without a curve, what the waiting steps put out is what is known.
fn outputs_only(summary: &Summary) -> Markup {
    let known =
        |step: &crate::report::fold::StepSummary| Some((step.id.clone(), step.outputs.get("lag_ms")?.as_u64()?));
    let lags: Vec<(String, u64)> = summary.steps.iter().filter_map(known).collect();
    html! {
        @if !lags.is_empty() {
            section {
                h2 { "Replication lag" }
                ul { @for (step, lag) in lags { li { (step) ": at most " (millis(lag)) " in the time that was asked for" } } }
            }
        }
    }
}

#[allow(clippy::cast_precision_loss, reason = "places in a drawing")]
fn path(samples: &[LagSample], most: u64) -> String {
    let (from, to) = (samples.first().map_or(0, |first| first.at), samples.last().map_or(0, |last| last.at));
    let length = (to - from).max(1) as f64;
    let mut path = String::new();
    for (number, sample) in samples.iter().enumerate() {
        let x = LEFT + (sample.at - from) as f64 / length * WIDTH;
        let y = TOP + HEIGHT - sample.millis as f64 / most as f64 * HEIGHT;
        // writing into a String cannot fail
        let _ = write!(path, "{}{x:.1} {y:.1}", if number == 0 { 'M' } else { 'L' });
    }
    path
}

fn millis(millis: u64) -> String {
    duration(i64::try_from(millis).unwrap_or(i64::MAX))
}
