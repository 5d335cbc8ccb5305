//! The lag of replication over time, drawn.

use super::time::{clock, moment, span};
use maud::{Markup, html};
use std::fmt::Write as _;

/// Replication lag at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LagSample {
    /// When it was measured, in milliseconds since 1970.
    pub at: i64,
    /// The lag in milliseconds.
    pub millis: u64,
}

const WIDTH: i64 = 640;
const HEIGHT: i64 = 150;
/// Room for the words around the curve.
const LEFT: i64 = 64;
const BOTTOM: i64 = 20;
const TOP: i64 = 12;
/// Number of points that can be distinguished; of more, the highest of each stretch is drawn.
const POINTS: usize = 320;

/// The curve with its last and its highest value in words; nothing, when no lag was measured.
#[must_use]
pub fn curve(samples: &[LagSample]) -> Markup {
    let point = |sample: &LagSample| (sample.at, i64::try_from(sample.millis).unwrap_or(i64::MAX / WIDTH));
    let all: Vec<(i64, i64)> = samples.iter().map(point).collect();
    let (Some(first), Some(last)) = (all.first(), all.last()) else { return html! {} };
    let highest = all.iter().map(|(_, lag)| *lag).max().unwrap_or(0);
    let stretch = all.len().div_ceil(POINTS);
    let points = all.chunks(stretch).filter_map(|chunk| chunk.iter().max_by_key(|(_, lag)| *lag)).chain([last]);
    let (time, top) = ((last.0 - first.0).max(1), highest.max(1));
    let mut line = String::new();
    for (at, lag) in points {
        let x = LEFT + (WIDTH - LEFT - 8) * (at - first.0) / time;
        let y = TOP + (HEIGHT - TOP - BOTTOM) * (top - lag) / top;
        let _ = write!(line, "{x},{y} "); // writing into a String cannot fail
    }
    let ground = HEIGHT - BOTTOM;
    html! {
        h2 { "Replication lag" }
        p {
            "last " strong { (span(last.1)) } ", measured " (moment(last.0)) "; highest " (span(highest)) ", "
            (all.len()) " measurements"
        }
        svg.lag viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } role="img" aria-label={ "lag over time, highest " (span(highest)) } {
            line class="axis" x1=(LEFT) y1=(ground) x2=(WIDTH - 8) y2=(ground) {}
            line class="axis" x1=(LEFT) y1=(TOP) x2=(LEFT) y2=(ground) {}
            polyline class="curve" points=(line.trim_end()) {}
            text class="end" x=(LEFT - 6) y=(TOP + 4) { (span(highest)) }
            text class="end" x=(LEFT - 6) y=(ground) { "0" }
            text x=(LEFT) y=(HEIGHT - 4) { (short(first.0)) }
            text class="end" x=(WIDTH - 8) y=(HEIGHT - 4) { (short(last.0)) }
        }
    }
}

/// The second of a day, with the zone.
fn short(at: i64) -> String {
    format!("{} UTC", clock(at).get(..8).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::{LagSample, POINTS, curve};

    #[test]
    fn a_peak_is_drawn_however_many_points_there_are() {
        let lag = |at: i64, millis: u64| LagSample { at: at * 1000, millis };
        assert!(curve(&[]).into_string().is_empty());
        let told: Vec<LagSample> = (0..5000).map(|at| lag(at, if at == 2501 { 90_000 } else { 10 })).collect();
        let drawn = curve(&told).into_string();
        assert!(
            drawn.contains("last <strong>10 ms</strong>, measured 1970-01-01 01:23:19 UTC; highest 1 min 30 s"),
            "{drawn}"
        );
        let points = drawn.split("points=\"").nth(1).unwrap().split('"').next().unwrap();
        assert!(points.split(' ').any(|point| point.ends_with(",12")), "the peak is at the top: {points}");
        assert!(points.split(' ').count() <= POINTS + 1);
        assert!(curve(&[lag(1, 0)]).into_string().contains("last <strong>0 ms</strong>"));
    }
}
