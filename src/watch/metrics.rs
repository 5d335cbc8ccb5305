//! Results of `watch` in the text format of Prometheus, for the textfile collector of the node exporter. A sample whose value
//! is unknown is left out, not zero.

use super::memory::write_whole;
use super::verdict::{Look, Verdict};
use crate::error::{Failure, Result};
use crate::report::prometheus::{Families, Value};
use std::path::Path;

/// Name, help, and the value in a check.
type Family = (&'static str, &'static str, fn(&Look) -> Option<i64>);

const FAMILIES: [Family; 9] = [
    ("cutover_old_server_closed", "Whether the old server is closed to writes.", |look| look.old_closed.map(i64::from)),
    ("cutover_new_server_open", "Whether the new server accepts writes.", |look| look.new_open.map(i64::from)),
    (
        "cutover_own_transactions_since_fence",
        "Transactions that the old server has written itself since it was closed, and that may have changed rows.",
        |look| {
            let rows = look.own.count.saturating_sub(look.own.harmless);
            (look.own.untold.is_none() || rows > 0).then(|| i64::try_from(rows).unwrap_or(i64::MAX))
        },
    ),
    ("cutover_way_back_applies", "Whether the old server applies the writes of the new one.", |look| {
        look.way_back.as_ref()?.applies.map(i64::from)
    }),
    ("cutover_way_back_lag_seconds", "Replication lag of the old server behind the new one.", |look| {
        i64::try_from(look.way_back.as_ref()?.lag_seconds?).ok()
    }),
    (
        "cutover_way_back_broken_seconds",
        "How long replication to the old server has been broken; 0 when it works.",
        |look| {
            let way_back = look.way_back.as_ref()?;
            match (way_back.broken_since, way_back.applies) {
                (Some(since), _) => Some((look.at - since).max(0) / 1000),
                (None, Some(true)) => Some(0),
                (None, _) => None,
            }
        },
    ),
    ("cutover_watch_unseen_servers", "Number of servers that could not be checked.", |look| {
        i64::try_from(look.unseen.len()).ok()
    }),
    ("cutover_watch_well", "Whether all checks passed and all servers answered.", |look| {
        Some(i64::from(look.verdict() == Verdict::Well))
    }),
    ("cutover_watch_last_look_timestamp", "Time of the last check, in seconds since 1970.", |look| {
        Some(look.at / 1000)
    }),
];

/// All metrics, of one check of each pair.
#[must_use]
pub fn text(looks: &[Look]) -> String {
    let mut out = Families::default();
    for (name, help, value) in FAMILIES {
        out.family(name, help);
        for (look, value) in looks.iter().filter_map(|look| Some((look, value(look)?))) {
            out.sample(&[("run", &look.run), ("old", &look.old), ("new", &look.new)], Value::Whole(value));
        }
    }
    out.text()
}

/// Writes them to a file, whole.
///
/// # Errors
/// When it cannot be written.
pub fn write(path: &Path, looks: &[Look]) -> Result<()> {
    write_whole(path, text(looks).as_bytes())
        .map_err(|error| Failure::permanent(format!("write metrics to {}", path.display()), error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::super::verdict::tests::well;
    use super::super::verdict::{Look, WayBack};
    use super::text;
    use crate::effects::own_transactions::OwnTransactions;
    use prometheus_parse::{Scrape, Value};

    fn value(looks: &[Look], name: &str) -> Option<f64> {
        let scrape = Scrape::parse(text(looks).lines().map(|line| Ok(line.to_owned()))).unwrap();
        let sample = scrape.samples.into_iter().find(|sample| sample.metric == name)?;
        let Value::Gauge(value) = sample.value else { panic!("{name} is no gauge") };
        Some(value)
    }

    #[test]
    fn a_scraper_reads_what_is_known_and_nothing_else() {
        let looks = [Look { old: "a \"b\"\\".into(), ..well() }];
        let of = |name: &str| value(&looks, &format!("cutover_{name}"));
        assert_eq!((of("old_server_closed"), of("own_transactions_since_fence")), (Some(1.0), Some(0.0)));
        assert_eq!((of("way_back_applies"), of("way_back_lag_seconds")), (Some(1.0), Some(2.0)));
        assert_eq!((of("way_back_broken_seconds"), of("watch_last_look_timestamp")), (Some(0.0), Some(90.0)));
        let looks = [Look {
            old_closed: None,
            own: OwnTransactions::unknown("purged"),
            way_back: Some(WayBack { broken_since: Some(30_000), ..WayBack::default() }),
            unseen: vec!["old: refused".into()],
            ..well()
        }];
        let of = |name: &str| value(&looks, &format!("cutover_{name}"));
        assert_eq!((of("old_server_closed"), of("own_transactions_since_fence")), (None, None));
        assert_eq!((of("way_back_applies"), of("way_back_broken_seconds")), (None, Some(60.0)));
        assert_eq!((of("watch_unseen_servers"), of("watch_well")), (Some(1.0), Some(0.0)));
    }
}
