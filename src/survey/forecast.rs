//! Forecast of the time for copying data: from a measurement, from earlier runs, or from assumptions; always stated which.
//! Pure.

use super::{CopyForecast, Forecast, StepFound};
use crate::domain::units::Bytes;
use crate::kinds::{CopyWay, Finding};
use crate::playbook::forecast::{DUMP, IMPORT, SMALLER, assumed_rate, dump_bytes, dump_seconds, import_seconds};
use serde::{Deserialize, Serialize};

/// A copy that an earlier run has made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PastCopy {
    /// The run.
    pub run: String,
    /// Its engine.
    pub engine: String,
    /// Host that was copied from.
    pub from: String,
    /// Host that was copied to.
    pub to: String,
    /// Bytes of data that it brought.
    pub bytes: u64,
    /// Seconds that it took.
    pub seconds: f64,
}

/// The forecast of a dump and its import, where some step dumps.
pub fn forecast(steps: &[StepFound]) -> Option<Forecast> {
    let volumes = steps.iter().flat_map(|step| &step.findings).filter_map(|finding| match finding {
        Finding::Volume(volume) => Some(volume.bytes),
        _ => None,
    });
    let data_bytes = volumes.reduce(u64::saturating_add)?;
    let (dump, import) = (Bytes(DUMP), Bytes(IMPORT));
    Some(Forecast {
        data_bytes,
        dump_bytes: dump_bytes(data_bytes),
        dump_seconds: dump_seconds(data_bytes),
        import_seconds: import_seconds(data_bytes),
        assumptions: vec![
            "the size is the server's own estimate, indexes included".to_owned(),
            format!("the dump reads {dump} of that per second and is a {SMALLER}th of it, compressed"),
            format!(
                "the import loads {import} of that per second; a rehearsal on the same disks gives a better figure"
            ),
        ],
    })
}

/// The forecast of every way to make each copy. `past` holds the newest first.
pub fn copies(steps: &[StepFound], past: &[PastCopy]) -> Vec<CopyForecast> {
    let ways = steps.iter().flat_map(|step| &step.findings).filter_map(|finding| match finding {
        Finding::Copy(way) => Some(way),
        _ => None,
    });
    ways.map(|way| copy(way, past)).collect()
}

fn copy(way: &CopyWay, past: &[PastCopy]) -> CopyForecast {
    let (rate, rests_on) = rate(way, past);
    let seconds = way.unfit.is_none().then(|| way.bytes / rate.max(1) + 1);
    let rests_on = way.unfit.clone().unwrap_or(rests_on);
    CopyForecast { engine: way.engine.clone(), chosen: way.chosen, bytes: way.bytes, seconds, rests_on }
}

/// Bytes per second, and their source: a complete earlier copy is better than a sample.
fn rate(way: &CopyWay, past: &[PastCopy]) -> (u64, String) {
    let same = |past: &&PastCopy| past.engine == way.engine && past.from == way.from && past.to == way.to;
    if let Some(rate) = past.iter().find(same).and_then(|past| Some((past, past_rate(past)?))) {
        let (past, rate) = rate;
        return (rate, format!("run {} copied {} per second", past.run, Bytes(rate)));
    }
    if let Some(rate) = way.measured {
        return (rate, format!("measured just now: {} per second from {} to {}", Bytes(rate), way.from, way.to));
    }
    let rate = assumed_rate(&way.engine);
    (rate, format!("assumed: {} per second", Bytes(rate)))
}

/// Bytes per second; `None` for a copy that was too small.
#[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an estimate")]
fn past_rate(past: &PastCopy) -> Option<u64> {
    const LEAST: u64 = 64 << 20;
    (past.bytes >= LEAST && past.seconds > 0.0).then(|| (past.bytes as f64 / past.seconds) as u64)
}

#[cfg(test)]
mod tests {
    use super::{PastCopy, copies};
    use crate::kinds::{CopyWay, Finding};
    use crate::survey::{State, StepFound};

    fn way(engine: &str, measured: Option<u64>, unfit: Option<&str>) -> Finding {
        let [engine, from, to] = [engine, "old", "new"].map(str::to_owned);
        let unfit = unfit.map(str::to_owned);
        Finding::Copy(CopyWay { chosen: unfit.is_none(), engine, unfit, from, to, bytes: 1000 << 20, measured })
    }

    #[test]
    fn what_was_seen_counts_more_than_what_was_measured_and_that_more_than_what_is_assumed() {
        let past = |engine: &str, to: &str, mib: u64| PastCopy {
            run: "r1".into(),
            engine: engine.into(),
            from: "old".into(),
            to: to.into(),
            bytes: mib << 20,
            seconds: 10.0,
        };
        let findings = vec![
            way("mariabackup", Some(50 << 20), None),
            way("dump", None, None),
            way("clone", Some(50 << 20), None),
            way("xtrabackup", None, Some("it is for MySQL")),
        ];
        let step = StepFound { id: "copy".into(), state: State::WillRun, findings, refusals: Vec::new() };
        let past = [past("clone", "elsewhere", 5000), past("mariabackup", "new", 1), past("clone", "new", 1000)];
        let found = copies(&[step], &past);
        let told: Vec<_> = found.iter().map(|way| (way.engine.as_str(), way.seconds, way.rests_on.as_str())).collect();
        assert_eq!(
            told,
            [
                ("mariabackup", Some(21), "measured just now: 50.0 MiB per second from old to new"),
                ("dump", Some(51), "assumed: 20.0 MiB per second"),
                ("clone", Some(11), "run r1 copied 100.0 MiB per second"),
                ("xtrabackup", None, "it is for MySQL"),
            ]
        );
    }
}
