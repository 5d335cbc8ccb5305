//! Results of the rehearsals: a line after each, and a table at the end.

use super::trials::Trial;
use serde::Serialize;
use serde_json::Value;

/// Result of one rehearsal.
#[derive(Debug, Clone, Serialize)]
pub struct Outcome {
    /// Version text of the old server.
    pub source: String,
    /// Version text of the new one.
    pub target: String,
    /// The swap.
    pub playbook: &'static str,
    /// Whether the servers had certificates.
    pub tls: bool,
    /// `done`, or another result.
    pub result: String,
    /// Whether everything went as expected.
    pub is_good: bool,
    /// Longest pause between acknowledged writes around the swap, in milliseconds.
    pub gap_ms: Option<f64>,
    /// The same of the failback.
    pub failback_ms: Option<f64>,
    /// Acknowledged writes that were lost.
    pub lost: Option<u64>,
    /// Whether the old server replicates from the new one at the end.
    pub way_back: Option<bool>,
}

impl Outcome {
    /// From the report of a rehearsal and its exit code; a rehearsal that could not start has no report.
    #[must_use]
    pub fn of(trial: &Trial, report: &Value, code: Option<i32>) -> Self {
        let version = |side: &str, given: &super::trials::Given| {
            let text = report["servers"][side].as_str().map(str::to_owned);
            text.map_or_else(|| given.product.to_string(), |text| format!("{} {text}", given.product.family))
        };
        let gap = |number: usize| report["switches"][number]["downtime_ms"].as_f64();
        let left = if trial.comes_back { "target_follows" } else { "source_follows" };
        let ended = report["result"].as_str().unwrap_or("did not start");
        let before =
            report["before"].as_array().and_then(|runs| runs.first()).is_some_and(|run| run["result"] != "done");
        Self {
            source: version("source", &trial.source),
            target: version("target", &trial.target),
            playbook: trial.swap,
            tls: trial.tls,
            result: if code == Some(0) || ended != "done" || before {
                ended.into()
            } else {
                "done, but failed its checks".into()
            },
            is_good: code == Some(0),
            gap_ms: gap(0),
            failback_ms: if trial.comes_back { gap(1) } else { None },
            lost: report["writes"]["lost"].as_u64(),
            way_back: report["afterwards"][left].as_bool(),
        }
    }

    fn cells(&self) -> [String; 9] {
        let time = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |ms| format!("{ms:.0}"));
        let way_back = match self.way_back {
            Some(true) => "follows",
            Some(false) => "none",
            None => "-",
        };
        [
            self.source.clone(),
            self.target.clone(),
            self.playbook.to_owned(),
            if self.tls { "yes" } else { "no" }.to_owned(),
            self.result.clone(),
            time(self.gap_ms),
            self.lost.map_or_else(|| "-".to_owned(), |lost| lost.to_string()),
            time(self.failback_ms),
            way_back.to_owned(),
        ]
    }
}

/// The line of one rehearsal.
#[must_use]
pub fn line(outcome: &Outcome, seconds: f64) -> String {
    let [source, target, playbook, tls, result, gap, lost, failback, way_back] = outcome.cells();
    let mark = if outcome.is_good { "✓" } else { "✗" };
    let tls = if tls == "yes" { "TLS" } else { "no TLS" };
    format!(
        "{mark} {source} to {target}, {playbook}, {tls}: {result}; gap {gap} ms, failback {failback} ms, lost {lost}, \
         way back {way_back} ({seconds:.0} s)"
    )
}

/// The table of all rehearsals, to paste into an issue.
#[must_use]
pub fn table(outcomes: &[Outcome], program: &str) -> String {
    let head = "| old server | new server | playbook | TLS | result | gap ms | lost | failback ms | way back |\n\
                |---|---|---|---|---|---:|---:|---:|---|\n";
    let rows: Vec<String> = outcomes.iter().map(|outcome| format!("| {} |\n", outcome.cells().join(" | "))).collect();
    let good = outcomes.iter().filter(|outcome| outcome.is_good).count();
    format!("\n{head}{}\n{program}: {good} of {} rehearsals went through\n", rows.concat(), outcomes.len())
}

#[cfg(test)]
mod tests {
    use super::super::trials::{Given, Trial};
    use super::{Outcome, line, table};
    use serde_json::{Value, json};

    fn trial(comes_back: bool) -> Trial {
        let given = Given { name: "/opt/mysql".into(), product: "8.4.3".parse().unwrap() };
        Trial { source: given.clone(), target: given, swap: "replication_swap", comes_back, tls: true }
    }

    #[test]
    fn a_report_becomes_a_line_and_a_row() {
        let report = json!({
            "result": "done", "servers": { "source": "8.4.3", "target": "8.4.3-log" }, "writes": { "lost": 0 },
            "switches": [{ "downtime_ms": 31.4 }, { "downtime_ms": 40.6 }],
            "afterwards": { "target_follows": true, "source_follows": false },
        });
        let outcome = Outcome::of(&trial(true), &report, Some(0));
        let said = line(&outcome, 33.3);
        assert_eq!(
            said,
            "✓ MySQL 8.4.3 to MySQL 8.4.3-log, replication_swap, TLS: done; gap 31 ms, failback 41 ms, lost 0, way back \
             follows (33 s)"
        );
        let text = table(&[outcome], "cutover 1.2.3");
        assert!(
            text.contains("| MySQL 8.4.3 | MySQL 8.4.3-log | replication_swap | yes | done | 31 | 0 | 41 | follows |")
        );
        assert!(text.ends_with("cutover 1.2.3: 1 of 1 rehearsals went through\n"), "{text}");
    }

    #[test]
    fn what_did_not_go_through_is_told_apart() {
        let refused = Outcome::of(&trial(false), &json!({ "result": "refused" }), Some(5));
        assert!(!refused.is_good && refused.result == "refused");
        let never = Outcome::of(&trial(false), &Value::Null, None);
        assert!(!never.is_good && never.result == "did not start" && line(&never, 1.0).starts_with("✗ MySQL 8.4.3 to"));
        let lost = Outcome::of(&trial(false), &json!({ "result": "done", "writes": { "lost": 2 } }), Some(4));
        assert_eq!((lost.is_good, lost.result.as_str(), lost.lost), (false, "done, but failed its checks", Some(2)));
    }
}
