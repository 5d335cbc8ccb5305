//! `cutover plan`

use super::inputs::{self, Inputs};
use super::output;
use super::state::State;
use super::{conduct, live};
use crate::error::{Failure, exit};
use crate::plan::display::{self, Beside};
use crate::plan::{Plan, load};
use crate::survey::saved::{self, SavedPlan};
use crate::survey::{self, Survey};
use clap::ValueEnum;
use serde_json::json;
use std::path::PathBuf;

/// Arguments of `plan`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    inputs: Inputs,
    /// Output format.
    #[arg(long, value_enum, default_value_t)]
    format: Display,
    /// Also check the servers and hosts, changing nothing: what each step would find, what would be refused, how much data
    /// there is to move.
    #[arg(long)]
    live: bool,
    /// Save the plan and the findings. `cutover run FILE` runs exactly this plan, and refuses when something has changed.
    #[arg(long, value_name = "FILE.plan.json", requires = "live")]
    out: Option<PathBuf>,
    #[command(flatten)]
    state: State,
}

/// How a plan is printed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Display {
    /// For people at a terminal.
    #[default]
    Text,
    /// For a pull request: a summary, a graph, and folded details, as far as they fit into a comment.
    Markdown,
    /// The plan itself, by the schema of `cutover schema plan`.
    Json,
    /// The graph as a Mermaid flowchart.
    Mermaid,
    /// The graph for Graphviz.
    Dot,
    /// One self-contained page for a browser.
    Html,
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
            print(args.format, &plan, None);
            std::mem::forget(plan); // the process ends here: dropping ten thousand steps would take time
            exit::DONE
        }
        Err(reports) => {
            if args.format == Display::Json {
                output::json(&json!({ "valid": false, "faults": inputs::faults_json(&reports) }));
            }
            inputs::complain(reports);
            exit::INVALID
        }
    }
}

/// Prints a saved plan and its survey.
fn show_saved(args: &Args) -> u8 {
    match SavedPlan::read_to_show(&args.inputs.playbook) {
        Ok(saved) => {
            print(args.format, &saved.plan, Some(&saved.survey));
            exit::DONE
        }
        Err(failure) => conduct::give_up(&failure),
    }
}

/// Makes the plan and the survey, prints both, and saves them on request.
fn live(args: &Args) -> u8 {
    if let Some(out) = args.out.as_deref().filter(|out| !saved::is_saved(out)) {
        let answer = format!("{} does not end in `.plan.json`", out.display());
        let failure = Failure::permanent("save the plan", answer).now("nothing was done");
        output::complain(&failure.help("`run` recognises saved plans by that ending"));
        return exit::INVALID;
    }
    let (sources, plan, survey) = match live::plan(load::plan, args.inputs.sources(), &args.state) {
        Ok(made) => made,
        Err(code) => return code,
    };
    print(args.format, &plan, Some(&survey));
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
            output::say(&format!(
                "saved plan {} as {}; run it with: cutover run {}",
                &saved.plan.hash[..16],
                out.display(),
                out.display()
            ));
        }
        Some(_) => output::say("not saved: some servers or hosts did not answer"),
        None => {}
    }
    if refused { exit::REFUSED } else { exit::DONE }
}

/// Prints a plan, with the survey in text formats; graphs show only the plan.
fn print(format: Display, plan: &Plan, survey: Option<&Survey>) {
    let found = |write: fn(&Survey) -> String| survey.map(write).unwrap_or_default();
    match (format, survey) {
        (Display::Text, _) => output::text(&(found(survey::text) + &display::text(plan))),
        (Display::Markdown, _) => {
            let (forecast, found) = (survey.and_then(survey::forecast_line), found(survey::markdown));
            output::text(&display::markdown(plan, Beside { forecast: forecast.as_deref(), found: &found }));
        }
        (Display::Json, None) => output::json(plan),
        (Display::Json, Some(survey)) => output::json(&json!({ "plan": plan, "survey": survey })),
        (Display::Mermaid, _) => output::text(&display::mermaid(plan)),
        (Display::Dot, _) => output::text(&display::dot(plan)),
        (Display::Html, _) => output::text(&display::html(plan)),
    }
}
