//! How far a step is, its rate, and the remaining time, from its reported progress.

use crate::kinds::Update;
use crate::report::progress::News;
use crate::report::time::{bytes, span};
use maud::{Markup, html};

/// The rate is measured over the last milliseconds of this number: older progress predicts little.
const PACE: i64 = 30_000;

/// How far a step is.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Estimate {
    done: u64,
    total: Option<u64>,
    is_bytes: bool,
    /// Done in one second.
    pace: Option<f64>,
    /// Its current item.
    now: Option<String>,
}

impl Estimate {
    /// Of `step`, as of its attempt that began at `since`.
    pub(super) fn of(news: &[News], step: &str, since: i64) -> Option<Self> {
        let figures: Vec<(i64, &Update, u64)> = news
            .iter()
            .filter(|news| news.step == step && news.at >= since)
            .filter_map(|news| match &news.update {
                update @ (Update::Bytes { done, .. } | Update::Rows { done, .. }) => Some((news.at, update, *done)),
                _ => None,
            })
            .collect();
        let &(at, last, done) = figures.last()?;
        let begin = figures.iter().find(|(then, _, before)| at - then <= PACE && *before <= done)?;
        #[allow(clippy::cast_precision_loss, reason = "a pace is shown with three digits")]
        let pace = (at > begin.0).then(|| (done - begin.2) as f64 * 1e3 / (at - begin.0) as f64);
        let (total, is_bytes, now) = match last {
            Update::Bytes { total, .. } => (*total, true, None),
            Update::Rows { total, now, .. } => (*total, false, Some(now.clone()).filter(|now| !now.is_empty())),
            _ => return None,
        };
        Some(Self { done, total: total.filter(|total| *total > 0), is_bytes, pace, now })
    }

    /// The remaining time at this rate, in milliseconds.
    fn left(&self) -> Option<i64> {
        let (total, pace) = (self.total?, self.pace.filter(|pace| *pace > 0.0)?);
        #[allow(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            reason = "an estimate, shown in seconds"
        )]
        Some((total.saturating_sub(self.done) as f64 / pace * 1e3) as i64)
    }

    /// A bar, and the same in words.
    pub(super) fn bar(&self) -> Markup {
        let amount = |count: u64| if self.is_bytes { bytes(count) } else { format!("{count} rows") };
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a pace, shown with three digits")]
        let pace = self.pace.map(|pace| format!(", {} per second", amount(pace as u64)));
        html! {
            div.progress {
                @if let Some(total) = self.total {
                    progress max=(total) value=(self.done.min(total)) aria-label="done so far" {}
                }
                span {
                    (amount(self.done))
                    @if let Some(total) = self.total { " of " (amount(total.max(self.done))) }
                    @if let Some(pace) = pace { (pace) }
                    @if let Some(left) = self.left() { ", about " strong { (span(left)) } " left" }
                    @if let Some(now) = &self.now { ": " (now) }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Estimate;
    use crate::kinds::Update;
    use crate::report::progress::News;

    fn news(at: i64, done: u64) -> News {
        News { at, step: "import".into(), update: Update::Bytes { done, total: Some(4000) } }
    }

    #[test]
    fn the_pace_is_that_of_late_and_of_this_attempt() {
        // an attempt that failed, a slow minute, then a hundred a second
        let told = [news(0, 900), news(10_000, 0), news(70_000, 100), news(90_000, 2100), news(100_000, 3000)];
        let estimate = Estimate::of(&told, "import", 5000).unwrap();
        assert_eq!(estimate.left(), Some(10_344));
        let bar = estimate.bar().into_string();
        assert!(bar.contains("about <strong>10.3 s</strong> left") && bar.contains("96 B per second"), "{bar}");
        assert_eq!(Estimate::of(&told, "dump", 0), None);
    }

    #[test]
    fn one_figure_has_no_pace() {
        let estimate = Estimate::of(&[news(0, 7)], "import", 0).unwrap();
        assert_eq!((estimate.pace, estimate.left()), (None, None));
    }
}
