//! Many rounds, some of them side by side, and their sum.

use super::catalogue::{self, Fault};
use super::moment::Moment;
use super::round::{Plot, Row, hold};
use crate::error::{Failure, Result};
use crate::kinds::{self, RoleName};
use crate::playbook::model::Playbook;
use crate::rehearsal::disk::Disk;
use crate::rehearsal::server::{self, Profile, Server, Setup};
use crate::rehearsal::stage::Piece;
use serde::Serialize;
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// Which rounds are held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice {
    /// The runner killed before and after every journal entry, a rollback from every step, and the list.
    All,
    /// The runner killed before and after every journal entry.
    Kills,
    /// A rollback from every step.
    Rollbacks,
    /// The list of named faults.
    List,
    /// Kills at random times.
    Random {
        /// How many rounds.
        rounds: usize,
        /// Where the random numbers begin.
        seed: u64,
    },
    /// These.
    These(Vec<String>),
}

/// What came of all rounds.
#[derive(Debug, Clone, Serialize)]
pub struct Sum {
    /// How many were held.
    pub rounds: usize,
    /// Acknowledged writes lost, in all of them.
    pub lost: u64,
    /// Writes accepted by a server that was not the one that counts.
    pub split_brain: u64,
    /// Rounds that did not end as they may.
    pub unexpected: usize,
    /// Acknowledged writes, in all of them.
    pub acknowledged: u64,
    /// Faults that this user or machine cannot do.
    pub skipped: Vec<String>,
    /// Seconds for all.
    pub seconds: f64,
    /// A row a round.
    pub faults: Vec<Row>,
}

/// Runs the rounds of `choice`, `jobs` at a time, and reports each row as it comes.
///
/// # Errors
/// When a fault is not known, or the first run, without faults, does not complete.
pub async fn hold_all(
    piece: &Piece,
    playbook: &Playbook,
    choice: &Choice,
    jobs: usize,
    tell: impl Fn(usize, usize, &Row),
) -> Result<Sum> {
    let begin = Instant::now();
    let mut piece = piece.clone();
    let installed = piece.sandbox.dir.join("installed");
    if piece.sandbox.source == piece.sandbox.target {
        piece.sandbox.installed = Some(install(&installed, &piece.sandbox.source).await?);
    }
    let sum = hold_plots(&piece, playbook, choice, jobs, tell).await;
    let _ = std::fs::remove_dir_all(installed); // nothing of value is in it
    sum.map(|(rows, skipped)| add_up(rows, skipped, begin.elapsed()))
}

/// A data directory to be copied for every server of every round.
async fn install(folder: &Path, program: &server::Choice) -> Result<PathBuf> {
    let setup = Setup {
        name: "first".into(),
        dir: folder.to_owned(),
        program: program.clone(),
        port: None,
        profile: Profile::Bare,
        password: String::new(),
        options: Vec::new(),
    };
    drop(Server::start(setup).await?);
    Ok(folder.join("data"))
}

async fn hold_plots(
    piece: &Piece,
    playbook: &Playbook,
    choice: &Choice,
    jobs: usize,
    tell: impl Fn(usize, usize, &Row),
) -> Result<(Vec<Row>, Vec<String>)> {
    let (plots, skipped) = plots(piece, playbook, choice).await?;
    let total = plots.len();
    let (gate, mut tasks, mut rows) = (Arc::new(Semaphore::new(jobs)), JoinSet::new(), vec![Row::default(); total]);
    for (number, plot) in plots.into_iter().enumerate() {
        let mut piece = piece.clone();
        piece.sandbox.dir.push(number.to_string());
        let gate = gate.clone();
        tasks.spawn(async move {
            let _permit = gate.acquire().await;
            (number, hold(piece, &plot).await.0)
        });
    }
    let mut done = 0;
    while let Some(joined) = tasks.join_next().await {
        let (number, row) = joined.map_err(|error| Failure::permanent("run a round", error.to_string()))?;
        done += 1;
        tell(done, total, &row);
        rows[number] = row;
    }
    Ok((rows, skipped))
}

fn add_up(mut rows: Vec<Row>, skipped: Vec<String>, took: Duration) -> Sum {
    for row in &mut rows {
        if row.is_good() {
            row.said.clear();
        }
    }
    Sum {
        rounds: rows.len(),
        lost: rows.iter().map(|row| row.lost).sum(),
        split_brain: rows.iter().map(|row| row.split_brain).sum(),
        unexpected: rows.iter().filter(|row| !row.is_good()).count(),
        acknowledged: rows.iter().map(|row| row.acknowledged).sum(),
        skipped,
        seconds: took.as_secs_f64(),
        faults: rows,
    }
}

async fn plots(piece: &Piece, playbook: &Playbook, choice: &Choice) -> Result<(Vec<Plot>, Vec<String>)> {
    let mut faults: Vec<Fault> = Vec::new();
    match choice {
        Choice::Random { rounds, seed } => return Ok((random(piece, *rounds, *seed).await?, Vec::new())),
        Choice::These(specs) => {
            for spec in specs {
                let fault = catalogue::named(spec, playbook);
                faults.push(fault.map_err(|answer| Failure::refused(format!("inject the fault `{spec}`"), answer))?);
            }
        }
        Choice::List => faults.extend(catalogue::all(playbook)),
        Choice::All | Choice::Kills | Choice::Rollbacks => {
            let moments = reference(piece).await?.0;
            if *choice != Choice::Rollbacks {
                faults.extend(boundaries(&moments).into_iter().map(Fault::kill));
            }
            if *choice != Choice::Kills {
                faults.extend(ends_before_the_switch(&moments, playbook).into_iter().map(Fault::rollback));
            }
            if *choice == Choice::All {
                faults.extend(catalogue::all(playbook));
            }
        }
    }
    let (can, cannot): (Vec<Fault>, Vec<Fault>) =
        faults.into_iter().partition(|fault| fault.blow.disk().is_none() || Disk::is_possible());
    let cannot = cannot.into_iter().map(|fault| format!("{}: only root may mount a disk", fault.name)).collect();
    Ok((can.into_iter().map(Plot::Fault).collect(), cannot))
}

/// A run that nothing happens to: its moments, and how long it takes.
async fn reference(piece: &Piece) -> Result<(Vec<Vec<Moment>>, Duration)> {
    let mut piece = piece.clone();
    piece.sandbox.dir.push("first");
    let begin = Instant::now();
    let (row, moments) = hold(piece, &Plot::Nothing).await;
    if row.is_good() {
        return Ok((moments, begin.elapsed()));
    }
    let answer = row.error.unwrap_or_else(|| format!("it ended as {:?}: {}", row.ends, row.said));
    Err(Failure::permanent("complete the run without a fault", answer)
        .help("rehearse the playbook without faults first"))
}

/// One moment for each halt: the entries of one append are written together.
fn boundaries(halts: &[Vec<Moment>]) -> Vec<Moment> {
    let mut seen = HashSet::new();
    halts.iter().filter_map(|halt| halt.first().cloned()).filter(|moment| seen.insert(moment.clone())).collect()
}

/// The end of every step that may still be undone.
fn ends_before_the_switch(halts: &[Vec<Moment>], playbook: &Playbook) -> Vec<Moment> {
    let promote =
        playbook.steps.iter().find(|step| kinds::plays(&step.uses, RoleName::Opens)).map(|step| step.id.as_str());
    let all = halts.iter().flatten().filter(|moment| moment.side == crate::store::Side::After);
    let before = all.take_while(|moment| moment.event != "step_done" || Some(moment.step.as_str()) != promote);
    before.filter(|moment| moment.event == "step_done").cloned().collect()
}

async fn random(piece: &Piece, rounds: usize, seed: u64) -> Result<Vec<Plot>> {
    let (_, took) = reference(piece).await?;
    let mut dice = fastrand::Rng::with_seed(seed);
    let longest = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    let plots = (0..rounds).map(|_| {
        let kills = dice.usize(1..=3);
        // a resumed run has less to do than one from the start
        let times = (0..kills).map(|kill| Duration::from_millis(dice.u64(0..longest / (1 + kill as u64))));
        Plot::Kills(times.collect())
    });
    Ok(plots.collect())
}
