//! A rehearsal: the very program, with the very playbook, on a sandbox, under an application that never stops writing.

use super::judge::Verdict;
use super::sandbox::Sandbox;
use super::server::Server;
use super::stage::{Ended, Piece, Stage};
use crate::effects::Session;
use crate::effects::replica::ReplicaStatus;
use crate::engine::Home;
use crate::engine::clock::wall;
use crate::error::{Result, exit};
use crate::kinds::{self, RoleName};
use crate::store::{Event, Journal};
use serde::Serialize;
use serde_json::{Value, json};
use std::process::Stdio;
use std::time::{Duration, Instant};

/// The application goes on for this long after the run has ended: the pause that is judged may not touch its end.
const AFTERWARDS: Duration = Duration::from_millis(2200);
const LOOK: Duration = Duration::from_secs(30);

/// What came out.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// The run's id.
    pub run: Option<String>,
    /// How it ended: `done`, `rolled_back` ...
    pub result: String,
    /// The run's exit code.
    pub exit_code: u8,
    /// Steps with their status and duration in milliseconds.
    pub steps: Vec<Value>,
    /// What ran before: each playbook with its run, how it ended, and its steps.
    pub before: Vec<Value>,
    /// Longest time without an acknowledged write around the last switch, in milliseconds.
    pub downtime_ms: Option<f64>,
    /// Every switch, the first one first: its playbook and the time without an acknowledged write around it.
    pub switches: Vec<Value>,
    /// What became of the application's writes.
    pub writes: Value,
    /// What an event that writes a row a second has left: `rows`, `seconds`, `too_many`, `missing`, `here`.
    pub events: Value,
    /// Time from the first lock to the final position, in milliseconds.
    pub fence_ms: Option<f64>,
    /// Size of the compressed dump.
    pub bytes_copied: Option<u64>,
    /// Rows that came by dump and replication.
    pub rows_copied: u64,
    /// Version texts of both servers.
    pub servers: Value,
    /// What both servers report about themselves at the end.
    pub afterwards: Value,
    /// Seconds for everything, the sandbox included.
    pub seconds: f64,
}

impl Report {
    /// 0 only when every acknowledged write is on the target and the source took none after the fence.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        let events = self.events.is_null() || self.events["too_many"] == 0 && self.events["here"] != 0;
        let kept = events && self.writes["lost"] == 0 && self.writes["on_source_after_fence"] == 0;
        match self.exit_code {
            exit::DONE if kept && self.all_moved() && self.writes["balance_kept"] == true => exit::DONE,
            exit::DONE => exit::STUCK,
            code => code,
        }
    }

    fn all_moved(&self) -> bool {
        !self.switches.is_empty() && self.switches.iter().all(|switch| !switch["downtime_ms"].is_null())
    }
}

/// Makes the sandbox, runs the playbook in it, and judges. The stage is handed back with its servers alive.
///
/// # Errors
/// When the sandbox cannot be made or judged.
pub async fn hold(piece: &Piece) -> Result<(Report, Stage)> {
    let begin = Instant::now();
    let mut stage = Stage::set(piece.clone()).await?;
    let mut runs = stage.prelude(Stdio::inherit).await?;
    let ended = stage.carry_out().await?;
    let home = if ended.code == exit::DONE { stage.began_at().other() } else { stage.home().await? };
    runs.push(ended);
    tokio::time::sleep(AFTERWARDS).await;
    let ledger = stage.stop_application().await?;
    let verdict = stage.judge(&ledger, home).await?;
    let mut report = report(&runs, &verdict);
    (report.servers, report.afterwards) = afterwards(&stage.sandbox).await?;
    report.seconds = begin.elapsed().as_secs_f64();
    keep(&report, &stage)?;
    Ok((report, stage))
}

/// Puts the report beside the run, so that `cutover report` has the ledger too.
fn keep(report: &Report, stage: &Stage) -> Result<()> {
    let Some(run) = &report.run else { return Ok(()) };
    let judged = Event::Judged { report: serde_json::to_value(report).unwrap_or_default() };
    Home::at(&stage.state())?.store.append(run, wall(), &[judged]).map(drop)
}

fn steps(ended: &Ended) -> Vec<Value> {
    let steps = ended.summary["steps"].as_array().cloned().unwrap_or_default();
    let short = |step: &Value| json!({ "id": step["id"], "status": step["status"], "duration_ms": step["duration"] });
    steps.iter().map(short).collect()
}

fn outcome(ended: &Ended) -> &str {
    ended.summary["outcome"].as_str().unwrap_or("not begun")
}

fn report(runs: &[Ended], verdict: &Verdict) -> Report {
    // the last run that has such a step speaks: a failback has no dump
    let output = |role: RoleName, name: &str| {
        let plays = |step: &Value| {
            step["status"] != "skipped" && step["uses"].as_str().is_some_and(|uses| kinds::plays(uses, role))
        };
        let steps = |ended: &Ended| ended.summary["steps"].as_array().cloned().unwrap_or_default();
        let mut all = runs.iter().rev().flat_map(steps);
        all.find(plays).map(|step| step["outputs"][name].clone()).unwrap_or_default()
    };
    let before = |ended: &Ended| {
        let run = &ended.summary["run"];
        json!({ "playbook": ended.playbook, "run": run, "result": outcome(ended), "steps": steps(ended) })
    };
    let switch =
        |(ended, downtime): (&Ended, &Option<f64>)| json!({ "playbook": ended.playbook, "downtime_ms": downtime });
    let last = runs.last();
    Report {
        run: last.and_then(|ended| ended.summary["run"].as_str()).map(str::to_owned),
        result: last.map_or("not begun", outcome).to_owned(),
        exit_code: last.map_or(exit::STUCK, |ended| ended.code),
        steps: last.map(steps).unwrap_or_default(),
        before: runs.iter().rev().skip(1).rev().map(before).collect(),
        downtime_ms: verdict.downtime_ms,
        switches: runs.iter().zip(&verdict.downtimes).map(switch).collect(),
        writes: json!({
            "acknowledged": verdict.acknowledged,
            "lost": verdict.lost,
            "unknown": verdict.unknown,
            "unknown_on_target": verdict.unknown_on_target,
            "on_source_after_fence": verdict.on_source_after_fence,
            "balance_kept": verdict.balance_kept,
        }),
        events: serde_json::to_value(&verdict.ticks).unwrap_or_default(),
        fence_ms: output(RoleName::Closes, "fence_ms").as_f64(),
        bytes_copied: output(RoleName::CopiesFrom, "bytes").as_u64(),
        rows_copied: verdict.rows_copied,
        servers: Value::Null,
        afterwards: Value::Null,
        seconds: 0.0,
    }
}

/// Versions, and what both servers report about themselves now.
async fn afterwards(sandbox: &Sandbox) -> Result<(Value, Value)> {
    let (source, target) = (sandbox.on_source().await?, sandbox.on_target().await?);
    let ask = async |session: &Session, sql: &'static str| -> Result<String> {
        Ok(session.query(sql, LOOK).await?.value().unwrap_or_default().to_owned())
    };
    let versions = json!({
        "source": ask(&source, "SELECT VERSION()").await?,
        "target": ask(&target, "SELECT VERSION()").await?,
    });
    let follows = async |session: &Session, server: &Server| -> Result<Option<bool>> {
        let status = ReplicaStatus::read(session, server.dialect()).await?;
        Ok(status.map(|status| status.healthy(server.name(), "follow").is_ok()))
    };
    let (source_follows, target_follows) =
        (follows(&source, &sandbox.source).await?, follows(&target, &sandbox.target).await?);
    let file = std::fs::read_to_string(sandbox.target.config_file()).unwrap_or_default();
    let durable = |line: &str| line.replace(' ', "") == "innodb_flush_log_at_trx_commit=1";
    let now = json!({
        "source_read_only": ask(&source, "SELECT @@GLOBAL.read_only").await? == "1",
        "target_read_only": ask(&target, "SELECT @@GLOBAL.read_only").await? == "1",
        "source_follows": source_follows.unwrap_or(false),
        "target_follows": target_follows.unwrap_or(false),
        "target_follows_nothing": target_follows.is_none(),
        "target_flush_log_at_trx_commit": ask(&target, "SELECT @@GLOBAL.innodb_flush_log_at_trx_commit").await?,
        "target_file_flushes_at_commit": file.lines().any(durable),
    });
    Ok((versions, now))
}
