//! `cutover plan`

use super::inputs::{self, Inputs};
use super::output::{self, Format};
use super::state::State;
use super::{conduct, live};
use crate::error::{Failure, exit};
use crate::plan::{Plan, display};
use crate::survey::saved::{self, SavedPlan};
use crate::survey::{self, Survey};
use serde_json::json;
use std::path::PathBuf;

/// Arguments of `plan`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    inputs: Inputs,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// Look at the servers and hosts as well, changing nothing: what each step would find, what would be refused, how
    /// much there is to move.
    #[arg(long)]
    live: bool,
    /// Save the plan and what was found; `cutover run FILE` carries out just that, and refuses when something changed.
    #[arg(long, value_name = "FILE.plan.json", requires = "live")]
    out: Option<PathBuf>,
    #[command(flatten)]
    state: State,
}

/// Makes the plan and prints it.
pub fn run(args: &Args) -> u8 {
    if saved::is_saved(&args.inputs.playbook) && !args.live {
        return show_saved(args);
    }
    if args.live {
        return live(args);
    }
    match args.inputs.plan() {
        Ok(plan) => {
            match args.format {
                Format::Text => output::text(&display::text(&plan)),
                Format::Json => output::json(&plan),
            }
            exit::DONE
        }
        Err(reports) => {
            if args.format == Format::Json {
                output::json(&json!({ "valid": false, "faults": inputs::faults_json(&reports) }));
            }
            inputs::complain(reports);
            exit::INVALID
        }
    }
}

/// Prints a plan that was saved, and what was found when it was.
fn show_saved(args: &Args) -> u8 {
    match SavedPlan::read(&args.inputs.playbook) {
        Ok(saved) => {
            print(args.format, &saved.plan, &saved.survey);
            exit::DONE
        }
        Err(failure) => conduct::give_up(&failure),
    }
}

/// Makes the plan, looks, prints both, and saves them where that is asked for.
fn live(args: &Args) -> u8 {
    if let Some(out) = args.out.as_deref().filter(|out| !saved::is_saved(out)) {
        let answer = format!("{} does not end in `.plan.json`", out.display());
        let failure = Failure::permanent("save the plan", answer).now("nothing was done");
        output::complain(&failure.help("`run` knows saved plans by that name"));
        return exit::INVALID;
    }
    let (sources, plan, survey) = match live::plan(args.inputs.sources(), args.state.dir().join("ssh")) {
        Ok(made) => made,
        Err(code) => return code,
    };
    print(args.format, &plan, &survey);
    let refusals = survey.refusals().map(|(_, failure)| failure).chain(&survey.failures);
    let refused = refusals.fold(false, |_, failure| {
        output::complain(failure);
        true
    });
    match &args.out {
        Some(out) if survey.failures.is_empty() => {
            let saved = SavedPlan::new(sources, plan, survey);
            if let Err(failure) = saved.write(out) {
                return conduct::give_up(&failure);
            }
            eprintln!(
                "saved plan {} as {}; carry it out with: cutover run {}",
                &saved.plan.hash[..16],
                out.display(),
                out.display()
            );
        }
        Some(_) => eprintln!("not saved: not everything could be asked"),
        None => {}
    }
    if refused { exit::REFUSED } else { exit::DONE }
}

fn print(format: Format, plan: &Plan, survey: &Survey) {
    match format {
        Format::Text => output::text(&(survey::text(survey) + &display::text(plan))),
        Format::Json => output::json(&json!({ "plan": plan, "survey": survey })),
    }
}
