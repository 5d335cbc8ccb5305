//! `/metrics` in the text format of Prometheus. A family whose source is missing is left out, not zero.

use super::guard::Refusal;
use super::{Page, run_of};
use crate::error::Result;
use crate::kinds::Update;
use crate::report::progress::Reader;
use crate::report::prometheus::{self, Families, Value};
use crate::store::{Outcome, Took};
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use std::collections::BTreeMap;
use std::sync::Arc;

/// All of them.
pub(super) async fn show(State(page): State<Arc<Page>>) -> Result<Response, Refusal> {
    let text = page.aside(|page| Ok(text(page)?)).await?;
    Ok(([(CONTENT_TYPE, prometheus::CONTENT_TYPE)], text).into_response())
}

fn text(page: &Page) -> Result<String> {
    let mut out = Families::default();
    let workers = page.workers();
    out.family("cutover_runs", "Recorded runs by their result.");
    for (outcome, count) in page.journal.count_by_outcome()? {
        out.sample(&[("result", &result(outcome))], whole(count));
    }
    out.family("cutover_running", "Number of runs in progress.");
    out.sample(&[], Value::Whole(i64::try_from(workers.len()).unwrap_or(i64::MAX)));
    steps(&mut out, &page.journal.took()?);
    running(&mut out, page, &workers)?;
    if let Some(schedules) = &page.parts.schedules {
        out.family("cutover_next_start_seconds", "Next start of a schedule, in seconds since 1970.");
        for row in schedules.rows()? {
            if let Some(next) = row.next {
                out.sample(&[("schedule", &row.name)], Value::Fraction(seconds(next)));
            }
        }
    }
    if let Some(depth) = &page.parts.outbox_depth {
        out.family("cutover_outbox_depth", "Number of notifications not sent yet.");
        out.sample(&[], whole(depth()?));
    }
    Ok(out.text())
}

fn steps(out: &mut Families, kinds: &BTreeMap<String, Took>) {
    out.family("cutover_step_duration_seconds", "Durations of finished steps, by kind.");
    // every kind has every class: a scraper adds them up over kinds
    let mut bounds: Vec<u64> = kinds.values().flat_map(|took| took.classes.keys().flatten().copied()).collect();
    bounds.sort_unstable();
    bounds.dedup();
    for (kind, took) in kinds {
        let class = |bound: Option<u64>| {
            let limit = bound.map_or(f64::INFINITY, |bound| seconds(i64::try_from(bound).unwrap_or(i64::MAX)));
            (limit, took.classes.get(&bound).copied().unwrap_or(0))
        };
        let classes = bounds.iter().copied().map(Some).chain([None]).map(class).collect();
        let sum = seconds(i64::try_from(took.millis).unwrap_or(i64::MAX));
        out.sample(&[("kind", kind)], Value::Classes { sum, classes });
    }
    out.family("cutover_bytes_copied", "Bytes copied by finished steps, by kind.");
    for (kind, took) in kinds.iter().filter(|(_, took)| took.bytes > 0) {
        out.sample(&[("kind", kind)], Value::Count(took.bytes));
    }
}

/// The last progress of the current runs, as far as they run on this machine.
fn running(out: &mut Families, page: &Page, workers: &[String]) -> Result<()> {
    let mut told = Vec::new();
    for run in workers.iter().filter_map(|worker| run_of(worker)) {
        if let Some(row) = page.journal.row(run)? {
            let mut reader = Reader::new(page.state_dir(), run);
            reader.look()?;
            told.push((row.head, reader));
        }
    }
    let lag = |reader: &Reader| {
        reader.news().iter().rev().find_map(|news| match news.update {
            Update::Lag { millis } => Some(i64::try_from(millis).unwrap_or(i64::MAX)),
            _ => None,
        })
    };
    let lags: Vec<_> = told.iter().filter_map(|(head, reader)| Some((head, lag(reader)?))).collect();
    if !lags.is_empty() {
        out.family("cutover_replication_lag_seconds", "Replication lag of a run in progress.");
        for (head, lag) in lags {
            out.sample(&[("run", &head.id), ("playbook", &head.playbook)], Value::Fraction(seconds(lag)));
        }
    }
    if !told.is_empty() {
        out.family("cutover_running_bytes", "Bytes processed by each step of a run in progress.");
    }
    for (head, reader) in &told {
        let mut bytes: BTreeMap<&str, u64> = BTreeMap::new();
        for news in reader.news() {
            if let Update::Bytes { done, .. } = news.update {
                bytes.insert(&news.step, done);
            }
        }
        for (step, done) in bytes {
            out.sample(&[("run", &head.id), ("playbook", &head.playbook), ("step", step)], whole(done));
        }
    }
    Ok(())
}

fn result(outcome: Option<Outcome>) -> String {
    outcome.map_or_else(|| "unfinished".to_owned(), |outcome| outcome.to_string().replace(' ', "_"))
}

#[allow(clippy::cast_precision_loss, reason = "Prometheus counts in floating point")]
fn seconds(millis: i64) -> f64 {
    millis as f64 / 1e3
}

fn whole(count: u64) -> Value {
    Value::Whole(i64::try_from(count).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::{Families, steps};
    use crate::store::Took;
    use prometheus_parse::{Scrape, Value};

    #[test]
    fn a_scraper_reads_what_is_written() {
        let mut out = Families::default();
        let dump = Took { classes: [(Some(1000), 2), (Some(5000), 1), (None, 1)].into(), millis: 9500, bytes: 42 };
        let fence = Took { classes: [(Some(100), 3)].into(), millis: 30, bytes: 0 };
        steps(&mut out, &[("dump".to_owned(), dump), ("a \"b\"\\\n".to_owned(), fence)].into());
        let out = out.text();
        let scrape = Scrape::parse(out.lines().map(|line| Ok(line.to_owned()))).unwrap();
        let of = |name: &str, kind: &str| {
            let found =
                scrape.samples.iter().find(|sample| sample.metric == name && sample.labels.get("kind") == Some(kind));
            found.unwrap_or_else(|| panic!("{name} {kind}: {out}")).value.clone()
        };
        let Value::Histogram(classes) = of("cutover_step_duration_seconds", "dump") else { panic!("{out}") };
        let counts: Vec<(f64, f64)> = classes.iter().map(|class| (class.less_than, class.count)).collect();
        assert_eq!(counts, [(0.1, 0.0), (1.0, 2.0), (5.0, 3.0), (f64::INFINITY, 4.0)]);
        assert_eq!(of("cutover_bytes_copied_total", "dump"), Value::Counter(42.0));
        assert_eq!(of("cutover_step_duration_seconds_count", "dump"), Value::Untyped(4.0));
    }
}
