//! `cutover run`

use super::amend::Amendments;
use super::conduct::{self, Conduct, Errand, Manner, StartedBy};
use super::inputs::{self, Inputs, secrets_folder};
use super::state::State;
use super::{live, output, unchanged};
use crate::engine::run_id;
use crate::error::{Failure, Result, exit};
use crate::plan::Plan;
use crate::plan::load::Sources;
use crate::survey;
use crate::survey::saved::{self, SavedPlan};

/// Arguments of `run`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    inputs: Inputs,
    #[command(flatten)]
    state: State,
    #[command(flatten)]
    manner: Manner,
    /// Id of the run, made by a schedule's start.
    #[arg(long, value_name = "ID", value_parser = run_id::parse, hide = true)]
    run_id: Option<String>,
}

impl Args {
    /// The same, as a start of a schedule.
    #[must_use]
    pub fn started_by(mut self, started_by: Option<StartedBy>) -> Self {
        self.manner.started_by = started_by;
        self
    }
}

/// Plans, or takes the saved plan, and runs it.
pub fn run(args: Args) -> u8 {
    let made = if saved::is_saved(&args.inputs.playbook) { from_saved(&args) } else { from_playbook(&args.inputs) };
    let (sources, plan) = match made {
        Ok(made) => made,
        Err(code) => return code,
    };
    let folder = secrets_folder(sources.inventory.as_deref());
    let (run, compare) = (args.run_id.unwrap_or_else(conduct::new_run), false);
    let sources = sources.absolute();
    let conduct = Conduct {
        state: args.state,
        run,
        plan,
        folder,
        sources,
        compare,
        amendments: Amendments::default(),
        manner: args.manner,
    };
    conduct.carry_out(Errand::Run)
}

fn from_playbook(inputs: &Inputs) -> Result<(Sources, Plan), u8> {
    match inputs.plan() {
        Ok(plan) => Ok((inputs.sources(), plan)),
        Err(reports) => {
            inputs::complain(reports);
            Err(exit::INVALID)
        }
    }
}

/// The saved plan, if the files still give the same plan and the servers and hosts are unchanged.
fn from_saved(args: &Args) -> Result<(Sources, Plan), u8> {
    let path = &args.inputs.playbook;
    let give_up = |failure: Failure| conduct::give_up(&failure);
    if !args.inputs.is_bare() {
        let failure =
            Failure::permanent("run the saved plan", "a saved plan already contains its inventory and its inputs");
        output::complain(&failure.now("nothing was changed").help("leave out -i, --inputs and --set"));
        return Err(exit::INVALID);
    }
    let SavedPlan { sources, plan, survey, .. } = SavedPlan::read(path).map_err(give_up)?;
    plan.is_own_program().map_err(give_up)?;
    unchanged::saved(path, &sources, &plan).map_err(give_up)?;
    let now = live::again(&plan, &sources, &args.state)?;
    let mut changes = survey::changes(&survey, &now);
    if let Some(failure) = now.failures.first() {
        changes.push(format!("{}: {}", failure.attempted, failure.answer));
    }
    if changes.is_empty() {
        return Ok((sources, plan));
    }
    let answer = format!("the servers or hosts have changed since it was saved: {}", changes.join("; "));
    Err(give_up(unchanged::plan_anew(path, answer)))
}
