//! A rehearsal: the very program, with the very playbook, on a sandbox, under an application that never stops writing.

use super::judge::Verdict;
use super::sandbox::Sandbox;
use super::stage::{Home, Piece, Stage};
use crate::error::{Failure, Result, exit};
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
    /// Longest time without an acknowledged write around the switch, in milliseconds.
    pub downtime_ms: Option<f64>,
    /// What became of the application's writes.
    pub writes: Value,
    /// Time from the first lock to the final position, in milliseconds.
    pub fence_ms: Option<f64>,
    /// Size of the compressed dump.
    pub bytes_copied: Option<u64>,
    /// Rows that came by dump and replication.
    pub rows_copied: u64,
    /// Version texts of both servers.
    pub servers: Value,
    /// What both servers say about themselves at the end.
    pub afterwards: Value,
    /// Seconds for everything, the sandbox included.
    pub seconds: f64,
}

impl Report {
    /// 0 only when every acknowledged write is on the target and the source took none after the fence.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        let kept = self.writes["lost"] == 0 && self.writes["on_source_after_fence"] == 0;
        match self.exit_code {
            exit::DONE if kept && self.downtime_ms.is_some() && self.writes["balance_kept"] == true => exit::DONE,
            exit::DONE => exit::STUCK,
            code => code,
        }
    }
}

/// Makes the sandbox, runs the playbook in it, and judges. The stage is handed back with its servers alive.
///
/// # Errors
/// When the sandbox cannot be made or judged.
pub async fn hold(piece: &Piece) -> Result<(Report, Stage)> {
    let begin = Instant::now();
    let mut stage = Stage::set(piece.clone()).await?;
    let (code, summary) = run_playbook(&stage).await?;
    tokio::time::sleep(AFTERWARDS).await;
    let ledger = stage.stop_application().await?;
    let verdict = stage.judge(&ledger, Home::Target).await?;
    let mut report = report(code, &summary, &verdict);
    (report.servers, report.afterwards) = afterwards(&stage.sandbox).await?;
    report.seconds = begin.elapsed().as_secs_f64();
    Ok((report, stage))
}

async fn run_playbook(stage: &Stage) -> Result<(u8, Value)> {
    let failed = |error: std::io::Error| Failure::permanent("start the runner", error.to_string());
    let mut command = stage.run();
    command.stdout(Stdio::piped());
    let ran = command.spawn().map_err(failed)?.wait_with_output().await.map_err(failed)?;
    let code = ran.status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(exit::STUCK);
    Ok((code, serde_json::from_slice(&ran.stdout).unwrap_or(Value::Null)))
}

fn report(code: u8, summary: &Value, verdict: &Verdict) -> Report {
    let steps = summary["steps"].as_array().cloned().unwrap_or_default();
    let output = |kind: &str, name: &str| {
        steps.iter().find(|step| step["uses"] == kind).map(|step| step["outputs"][name].clone()).unwrap_or_default()
    };
    Report {
        run: summary["run"].as_str().map(str::to_owned),
        result: summary["outcome"].as_str().unwrap_or("not begun").to_owned(),
        exit_code: code,
        steps: steps
            .iter()
            .map(|step| json!({ "id": step["id"], "status": step["status"], "duration_ms": step["duration"] }))
            .collect(),
        downtime_ms: verdict.downtime_ms,
        writes: json!({
            "acknowledged": verdict.acknowledged,
            "lost": verdict.lost,
            "unknown": verdict.unknown,
            "unknown_on_target": verdict.unknown_on_target,
            "on_source_after_fence": verdict.on_source_after_fence,
            "balance_kept": verdict.balance_kept,
        }),
        fence_ms: output("fence", "fence_ms").as_f64(),
        bytes_copied: output("dump", "bytes").as_u64(),
        rows_copied: verdict.rows_copied,
        servers: Value::Null,
        afterwards: Value::Null,
        seconds: 0.0,
    }
}

/// Versions, and what both servers say about themselves now.
async fn afterwards(sandbox: &Sandbox) -> Result<(Value, Value)> {
    let (source, target) = (sandbox.on_source().await?, sandbox.on_target().await?);
    let ask = async |session: &crate::effects::Session, sql: &str| -> Result<String> {
        Ok(session.query(sql, LOOK).await?.value().unwrap_or_default().to_owned())
    };
    let versions = json!({
        "source": ask(&source, "SELECT VERSION()").await?,
        "target": ask(&target, "SELECT VERSION()").await?,
    });
    let channel = target.query(&sandbox.target.dialect().replica_status(), LOOK).await?;
    let file = std::fs::read_to_string(sandbox.target.config_file()).unwrap_or_default();
    let durable = |line: &str| line.replace(' ', "") == "innodb_flush_log_at_trx_commit=1";
    let now = json!({
        "source_read_only": ask(&source, "SELECT @@GLOBAL.read_only").await? == "1",
        "target_read_only": ask(&target, "SELECT @@GLOBAL.read_only").await? == "1",
        "target_follows_nothing": channel.is_empty(),
        "target_flush_log_at_trx_commit": ask(&target, "SELECT @@GLOBAL.innodb_flush_log_at_trx_commit").await?,
        "target_file_flushes_at_commit": file.lines().any(durable),
    });
    Ok((versions, now))
}
