//! fio: its command lines and its JSON. Field names as in fio's `stat.c`; latencies in nanoseconds since fio 3.

use crate::kinds::Outputs;
use serde_json::Value;
use std::fmt;
use std::time::Duration;

/// The two jobs: random 16 KiB reads and writes as a database makes them, then 4 KiB writes each followed by
/// fdatasync, which bounds commits with `innodb_flush_log_at_trx_commit=1` and `sync_binlog=1`.
pub fn jobs(file: &str, size: u64, duration: Duration, direct: bool) -> [Vec<String>; 2] {
    let seconds = duration.as_secs().max(1);
    let (ramp, commit) = ((seconds / 12).min(5), (seconds / 2).max(1));
    let common = |name: &str| {
        vec![
            "fio".to_owned(),
            format!("--name={name}"),
            format!("--filename={file}"),
            format!("--size={size}"),
            "--randrepeat=0".into(),
            "--time_based".into(),
            "--unlink=1".into(),
            "--output-format=json".into(),
        ]
    };
    let mut random = common("random");
    random.extend(
        ["--rw=randrw", "--rwmixread=75", "--bs=16k", "--iodepth=32", "--ioengine=libaio", "--overwrite=1"]
            .map(String::from),
    );
    random.extend([
        format!("--direct={}", u8::from(direct)),
        format!("--ramp_time={ramp}"),
        format!("--runtime={seconds}"),
    ]);
    let mut durable = common("commit");
    durable.extend(["--rw=write", "--bs=4k", "--ioengine=sync", "--fdatasync=1"].map(String::from));
    durable.push(format!("--runtime={commit}"));
    [random, durable]
}

/// What was measured.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Figures {
    /// Random reads a second.
    pub read_iops: f64,
    /// Random writes a second.
    pub write_iops: f64,
    /// 99th percentile of fdatasync in milliseconds; `None` when there was none, which is not the same as 0.
    pub fsync_p99_ms: Option<f64>,
}

impl Figures {
    /// Reads the reports of both jobs.
    pub fn read(random: &str, commit: &str) -> Result<Self, String> {
        let (random, commit) = (job(random)?, job(commit)?);
        let iops = |way: &str| random.pointer(&format!("/{way}/iops")).and_then(Value::as_f64);
        let sync = commit.pointer("/sync/lat_ns");
        let counted = sync.and_then(|sync| sync.get("N")).and_then(Value::as_u64).unwrap_or(0);
        let p99 = sync.and_then(|sync| sync.pointer("/percentile/99.000000")).and_then(Value::as_f64);
        Ok(Self {
            read_iops: iops("read").ok_or("the report has no read.iops")?,
            write_iops: iops("write").ok_or("the report has no write.iops")?,
            fsync_p99_ms: p99.filter(|_| counted > 0).map(|ns| ns / 1e6),
        })
    }
    /// The same as outputs of a step.
    pub fn outputs(self) -> Outputs {
        let mut outputs = Outputs::new();
        outputs.insert("read_iops".into(), self.read_iops.round().into());
        outputs.insert("write_iops".into(), self.write_iops.round().into());
        outputs.insert("fsync_p99_ms".into(), self.fsync_p99_ms.into());
        outputs
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.0} reads and {:.0} writes of 16 KiB per second", self.read_iops, self.write_iops)?;
        match self.fsync_p99_ms {
            Some(ms) => write!(f, ", fsync within {ms:.2} ms (99 of 100)"),
            None => write!(f, ", no fsync measured"),
        }
    }
}

/// The one job in a report; fio may print lines of its own before the document.
fn job(report: &str) -> Result<Value, String> {
    let start = report.find('{').ok_or("fio wrote no JSON")?;
    let report: Value =
        serde_json::from_str(&report[start..]).map_err(|error| format!("fio's JSON is incomplete: {error}"))?;
    let job = report.pointer("/jobs/0").ok_or("the report has no job")?;
    match job.get("error").and_then(Value::as_i64) {
        Some(0) | None => Ok(job.clone()),
        Some(number) => Err(format!("fio reports error {number}")),
    }
}

#[cfg(test)]
mod tests {
    use super::Figures;

    const RANDOM: &str = r#"fio: note {"jobs":[{"error":0,"read":{"iops":30000.4},"write":{"iops":10000.2}}]}"#;

    #[test]
    fn reads_reports_and_never_takes_nothing_for_zero() {
        let commit = r#"{"jobs":[{"error":0,"sync":{"lat_ns":{"N":5,"percentile":{"99.000000":1500000}}}}]}"#;
        let random = RANDOM.replace("note {", "note\n{");
        let figures = Figures::read(&random, commit).unwrap();
        assert_eq!(figures.fsync_p99_ms, Some(1.5));
        assert_eq!(figures.outputs()["write_iops"], 10000.0);
        let none = r#"{"jobs":[{"error":0,"sync":{"lat_ns":{"N":0,"percentile":{"99.000000":0}}}}]}"#;
        assert_eq!(Figures::read(&random, none).unwrap().fsync_p99_ms, None);
        assert!(Figures::read(&random, r#"{"jobs":[{"error":5}]}"#).is_err());
        assert!(Figures::read("", "").is_err());
    }
}
