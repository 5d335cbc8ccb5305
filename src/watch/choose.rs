//! Selects the switch to check: the given one, or the newest completed one. Pure except for the journal.

use crate::effects::Secrets;
use crate::engine::fenced::{Fenced, fenced, is_switching};
use crate::engine::graph::Graph;
use crate::engine::state::RunState;
use crate::error::{Failure, Result};
use crate::plan::Plan;
use crate::plan::correction::corrected;
use crate::store::{Entry, Event, Journal, Outcome, RunRow, Store, Wanted};
use std::path::PathBuf;
use std::sync::Arc;

/// The switch of a run: one pair of servers, or several.
#[derive(Debug, Clone)]
pub struct Switch {
    /// The run.
    pub run: String,
    /// Its plan.
    pub plan: Arc<Plan>,
    /// Folder that relative secret files are seen from.
    pub folder: PathBuf,
    /// The servers.
    pub pairs: Vec<Fenced>,
}

/// What there is to check.
#[derive(Debug, Clone)]
pub enum Chosen {
    /// A completed switch.
    Switch(Box<Switch>),
    /// A newer switch is in progress, in the run of this id: servers open and close.
    Switching(String),
}

impl Switch {
    /// Whether nothing has changed: neither the switch, nor how its servers are reached, nor what was accepted.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        self.run == other.run && self.pairs == other.pairs && self.plan == other.plan
    }

    /// The secrets that its servers are reached with.
    ///
    /// # Errors
    /// One failure for each missing secret.
    pub fn secrets(&self) -> Result<Secrets, Vec<Failure>> {
        Secrets::read(self.plan.world.inventory.secrets(), &self.folder)
    }
}

/// The switch of `run`, or the newest one. Rehearsals count only where there is nothing else: their servers are gone.
///
/// # Errors
/// When there is none, or the journal cannot be read.
pub fn choose(journal: &Store, run: Option<&str>) -> Result<Chosen> {
    if let Some(run) = run {
        let none =
            || none(&format!("run {run} has made no switch: `fence` and `promote` of one pair must have succeeded"));
        let switch = fold(journal, run)?.switch(run).ok_or_else(none)?;
        is_the_last(journal, &switch)?;
        return Ok(Chosen::Switch(Box::new(switch)));
    }
    let rows = journal.list(&Wanted::default())?; // the newest first
    let (rehearsals, real): (Vec<RunRow>, Vec<RunRow>) = rows.into_iter().partition(|row| row.rehearsal);
    for row in real.iter().chain(&rehearsals) {
        let (run, folded) = (&row.head.id, fold(journal, &row.head.id)?);
        if row.outcome.is_none_or(Outcome::is_resumable) && is_switching(&folded.state) {
            return Ok(Chosen::Switching(run.clone()));
        }
        if let Some(switch) = folded.switch(run) {
            return Ok(Chosen::Switch(Box::new(switch)));
        }
    }
    Err(none("no run has made a switch"))
}

/// After a later switch has opened the old server again, its writes are correct.
fn is_the_last(journal: &Store, switch: &Switch) -> Result<()> {
    let place = |of: &Switch, server: &str| {
        of.plan.world.inventory.server(server).map(|server| (server.host.clone(), server.address.clone()))
    };
    let left: Vec<_> = switch.pairs.iter().map(|pair| place(switch, &pair.old)).collect();
    for row in journal.list(&Wanted::default())?.into_iter().take_while(|row| row.head.id != switch.run) {
        let Some(later) = fold(journal, &row.head.id)?.switch(&row.head.id) else { continue };
        if later.pairs.iter().any(|pair| left.contains(&place(&later, &pair.new))) {
            let answer = format!("run {} has opened the server again that run {} had closed", later.run, switch.run);
            return Err(none(&answer).help(format!("check that run instead: `cutover status {} --live`", later.run)));
        }
    }
    Ok(())
}

fn none(answer: &str) -> Failure {
    Failure::permanent("find a switch to check", answer)
        .help("`cutover list` shows the runs; give one, and its state directory with --state")
}

/// A run, read from its journal.
struct Folded {
    plan: Arc<Plan>,
    entries: Vec<Entry>,
    state: RunState,
}

impl Folded {
    fn switch(&self, run: &str) -> Option<Switch> {
        let pairs = fenced(&self.state);
        let folder = self.entries.iter().find_map(|entry| match &entry.event {
            Event::RunStarted { folder, .. } => Some(PathBuf::from(folder)),
            _ => None,
        });
        let (run, plan, folder) = (run.to_owned(), self.plan.clone(), folder.unwrap_or_default());
        (!pairs.is_empty()).then_some(Switch { run, plan, folder, pairs })
    }
}

fn fold(journal: &Store, run: &str) -> Result<Folded> {
    let (mut plan, entries) = (journal.run(run)?.plan_to_read()?, journal.entries(run)?);
    reach_as_corrected(&mut plan, &entries)?;
    let plan = Arc::new(plan);
    let state = RunState::fold(Arc::new(Graph::new(plan.clone())?), &entries)?;
    Ok(Folded { plan, entries, state })
}

/// How servers are reached, as people have corrected it since.
fn reach_as_corrected(plan: &mut Plan, entries: &[Entry]) -> Result<()> {
    let changes = entries.iter().filter_map(|entry| match &entry.event {
        Event::InventoryCorrected { changes, .. } => Some(changes.as_slice()),
        _ => None,
    });
    let damaged = |why| Failure::permanent("read the addresses of the run's servers", why);
    plan.world.inventory = corrected(&plan.world.inventory, &changes.collect::<Vec<_>>().concat()).map_err(damaged)?;
    Ok(())
}
