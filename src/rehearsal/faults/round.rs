//! One round: a sandbox, a run, a fault, and what came of it.

use super::blow::Blow;
use super::catalogue::Fault;
use super::drive::{End, drive, let_run};
use super::moment::Moment;
use super::roles::Roles;
use crate::error::{Result, exit};
use crate::rehearsal::fingerprint::Fingerprint;
use crate::rehearsal::judge;
use crate::rehearsal::shop::DATABASE;
use crate::rehearsal::stage::{Piece, Stage};
use crate::store::Outcome;
use serde::Serialize;
use std::process::Stdio;
use std::time::{Duration, Instant};
use tokio::process::Command;

/// The application goes on for this long after the last command has ended.
const AFTERWARDS: Duration = Duration::from_millis(500);
/// So often a run that can be resumed is resumed.
const RESUMES: usize = 3;

/// What came of a round.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Row {
    /// The fault's name.
    pub fault: String,
    /// Where it struck.
    pub place: String,
    /// How every process of the program ended, in order: `killed`, `interrupted`, `done` ...
    pub ends: Vec<String>,
    /// How the run ended.
    pub outcome: Option<Outcome>,
    /// How it may end.
    pub expected: Vec<Outcome>,
    /// Longest time without an acknowledged write, in milliseconds.
    pub pause_ms: Option<f64>,
    /// Writes whose commit was acknowledged to the application.
    pub acknowledged: u64,
    /// Acknowledged writes that are not on the server that counts.
    pub lost: u64,
    /// Writes that the other server has and this one has not.
    pub split_brain: u64,
    /// Rows of an event beyond one a second: it ran on both servers.
    pub event_twice: u64,
    /// What a rollback left behind, as a comparison of both servers before and after.
    pub left_behind: String,
    /// The output of `cutover status` after the fault.
    pub status: String,
    /// The output of the program, when the round was not as expected.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub said: String,
    /// What kept the round from being held.
    pub error: Option<String>,
    /// Seconds, the sandbox included.
    pub seconds: f64,
}

impl Row {
    /// Whether the run ended as it may, with every promise kept.
    #[must_use]
    pub fn is_good(&self) -> bool {
        let expected = self.outcome.is_some_and(|outcome| self.expected.contains(&outcome));
        let kept = self.lost == 0 && self.split_brain == 0 && self.event_twice == 0 && self.left_behind.is_empty();
        self.error.is_none() && expected && kept
    }
}

/// What strikes in a round.
#[derive(Debug, Clone)]
pub enum Plot {
    /// A fault, at its moment.
    Fault(Fault),
    /// The runner is killed after each of these times, and then resumed for good.
    Kills(Vec<Duration>),
    /// Nothing: to learn the moments of a run.
    Nothing,
}

impl Plot {
    fn names(&self) -> (String, String) {
        match self {
            Self::Fault(fault) => (fault.name.clone(), fault.place()),
            Self::Kills(times) => {
                let times: Vec<String> = times.iter().map(|time| format!("{} ms", time.as_millis())).collect();
                ("random-kill".into(), times.join(", "))
            }
            Self::Nothing => ("none".into(), String::new()),
        }
    }
    fn expected(&self) -> Vec<Outcome> {
        match self {
            Self::Fault(fault) => fault.expected.clone(),
            _ => vec![Outcome::Done],
        }
    }
}

/// Holds one round. The moments that its first process passed come with it.
pub async fn hold(mut piece: Piece, plot: &Plot) -> (Row, Vec<Vec<Moment>>) {
    let begin = Instant::now();
    let (fault, place) = plot.names();
    if let Plot::Fault(fault) = plot {
        piece.deaf = fault.blow == Blow::Deaf;
        piece.sandbox.disk = fault.blow.disk();
    }
    let (dir, keep) = (piece.sandbox.dir.clone(), piece.keep);
    let mut row = Row { fault, place, expected: plot.expected(), ..Row::default() };
    let moments = match play(piece, plot, &mut row).await {
        Ok(moments) => moments,
        Err(failure) => {
            row.error = Some(failure.to_string());
            Vec::new()
        }
    };
    if !keep {
        let _ = std::fs::remove_dir_all(dir); // the next round has a folder of its own
    }
    row.seconds = begin.elapsed().as_secs_f64();
    (row, moments)
}

async fn play(piece: Piece, plot: &Plot, row: &mut Row) -> Result<Vec<Vec<Moment>>> {
    let mut stage = Stage::set(piece).await?;
    stage.prelude(Stdio::null).await?;
    let may_go_back = row.expected.contains(&Outcome::RolledBack);
    let before = if may_go_back { Some(fingerprints(&stage).await?) } else { None };
    let (mut end, moments) = open(&stage, plot, row).await?;
    for _ in 0..RESUMES {
        if !can_go_on(&end) {
            break;
        }
        std::mem::take(&mut end.damage).mend(Roles::of(&stage)).await;
        stage.idle().await;
        row.status = said(&stage, &["status"]).await?;
        // a run at a checkpoint goes forward; if that fails, a person rolls back everything
        let nowhere = row.ends.iter().filter(|word| **word == Outcome::Kept.to_string()).count() > 1;
        end = let_run(&stage, next(&stage, takes_back(plot) || nowhere).await?, None).await?;
        note(row, &end);
    }
    std::mem::take(&mut end.damage).mend(Roles::of(&stage)).await;
    tokio::time::sleep(AFTERWARDS).await;
    let ledger = stage.stop_application().await?;
    let home = if row.outcome == Some(Outcome::RolledBack) { stage.began_at() } else { stage.home().await? };
    let verdict = stage.judge(&ledger, home).await?;
    row.acknowledged = verdict.acknowledged;
    (row.lost, row.split_brain) = (verdict.lost, verdict.on_source_after_fence);
    row.event_twice = verdict.ticks.map_or(0, |ticks| ticks.too_many);
    row.pause_ms = judge::longest_pause(&ledger);
    if let Some(before) = before.filter(|_| row.outcome == Some(Outcome::RolledBack)) {
        let after = fingerprints(&stage).await?;
        row.left_behind = before.iter().zip(&after).map(|(before, after)| before.changes(after)).collect();
    }
    Ok(moments)
}

/// The first process, or the first ones, until the fault is done.
async fn open(stage: &Stage, plot: &Plot, row: &mut Row) -> Result<(End, Vec<Vec<Moment>>)> {
    let mut end = match plot {
        Plot::Fault(fault) => drive(stage, stage.run(), Some(fault)).await?,
        Plot::Nothing => {
            let nowhere = Fault::kill(Moment::new(crate::store::Side::After, "", ""));
            drive(stage, stage.run(), Some(&nowhere)).await?
        }
        Plot::Kills(times) => let_run(stage, stage.run(), times.first().copied()).await?,
    };
    note(row, &end);
    if let Plot::Fault(fault) = plot
        && !end.struck
        && fault.moment.is_some()
    {
        row.error = Some(format!("the run never reached {}", fault.place()));
    }
    if let Plot::Kills(times) = plot {
        for time in &times[1..] {
            if !can_go_on(&end) {
                break;
            }
            end = let_run(stage, next(stage, false).await?, Some(*time)).await?;
            note(row, &end);
        }
    }
    let moments = std::mem::take(&mut end.moments);
    Ok((end, moments))
}

/// What a person types next: a run that died before it was made known is begun again.
async fn next(stage: &Stage, takes_back: bool) -> Result<Command> {
    let runs = serde_json::from_str::<Vec<serde_json::Value>>(&said(stage, &["list", "--format", "json"]).await?);
    if runs.unwrap_or_default().len() <= stage.runs_before() {
        return Ok(stage.run());
    }
    let word = if takes_back { "rollback" } else { "resume" };
    Ok(stage.program(&[word, "--yes", "--format", "json"]))
}

fn takes_back(plot: &Plot) -> bool {
    matches!(plot, Plot::Fault(Fault { blow: Blow::TakeBack, .. }))
}

/// Killed, interrupted, stopped, stuck, or rolled back to a checkpoint: there is something that `resume` could do.
fn can_go_on(end: &End) -> bool {
    let kept = end.summary["outcome"] == "kept";
    kept || end
        .code
        .is_none_or(|code| [exit::STUCK, exit::INTERRUPTED].contains(&u8::try_from(code).unwrap_or(u8::MAX)))
}

fn note(row: &mut Row, end: &End) {
    row.outcome = serde_json::from_value(end.summary["outcome"].clone()).unwrap_or(row.outcome);
    let word = match (end.code, row.outcome) {
        (None, _) => "killed".to_owned(),
        (Some(_), Some(outcome)) => outcome.to_string(),
        (Some(code), None) => format!("exit {code}"),
    };
    row.ends.push(word);
    row.said.clone_from(&end.said);
}

async fn said(stage: &Stage, words: &[&str]) -> Result<String> {
    let mut command = stage.program(words);
    let output = command
        .output()
        .await
        .map_err(|error| crate::error::Failure::permanent(format!("run `{}`", words.join(" ")), error.to_string()))?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

async fn fingerprints(stage: &Stage) -> Result<[Fingerprint; 2]> {
    let sandbox = &stage.sandbox;
    let work = |host: &str| sandbox.dir().join("work").join(host);
    let (source, target) = (sandbox.on_source().await?, sandbox.on_target().await?);
    Ok([
        Fingerprint::of(&sandbox.source, &source, &work("old"), Some(DATABASE)).await?,
        Fingerprint::of(&sandbox.target, &target, &work("new"), Some(DATABASE)).await?,
    ])
}
