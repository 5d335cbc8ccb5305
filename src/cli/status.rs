//! `cutover status` and `cutover list`: show runs.

use super::output::{self, Format};
use super::state::State;
use super::watch::{self, Judged};
use crate::engine::clock::wall;
use crate::error::{Failure, Result, exit};
use crate::report::fold::Summary;
use crate::watch::{Chosen, Look, Memory, Verdict, choose};
use serde::Serialize;
use serde_json::json;

/// Arguments of `status`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Id of the run. Default: the newest run.
    run: Option<String>,
    #[command(flatten)]
    state: State,
    /// Also check the servers of its switch: is the old one closed, has it written anything itself, does it replicate?
    #[arg(long)]
    live: bool,
    /// Output format.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Arguments of `list`.
#[derive(Debug, clap::Args)]
pub struct ListArgs {
    #[command(flatten)]
    state: State,
    /// Output format.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Shows the state of a run, and the command to type next.
pub fn status(args: &Args) -> u8 {
    match show_status(args) {
        Ok(code) => code,
        Err(failure) => output::shown(&Err(failure)),
    }
}

/// Shows all runs.
pub fn list(args: &ListArgs) -> u8 {
    output::shown(&show_list(args))
}

fn show_status(args: &Args) -> Result<u8> {
    let summary = args.state.summary(args.run.as_deref())?;
    let looks = if args.live { look(&args.state, &summary.run)? } else { Vec::new() };
    match args.format {
        Format::Json if args.live => {
            let live = looks.iter().map(|look| Judged { verdict: look.verdict(), look }).collect();
            output::json(&Live { summary: &summary, live });
        }
        Format::Json => output::json(&summary),
        Format::Text => {
            output::text(&args.state.shown(&summary, args.state.worker(&summary.run).as_deref()));
            for look in &looks {
                output::text(&shown(look));
            }
        }
    }
    Ok(looks.iter().map(Look::verdict).max().map_or(exit::DONE, Verdict::exit_code))
}

/// A summary with the servers' current answers.
#[derive(Serialize)]
struct Live<'a> {
    #[serde(flatten)]
    summary: &'a Summary,
    live: Vec<Judged<'a>>,
}

/// One check of the servers of the run's switch.
fn look(state: &State, run: &str) -> Result<Vec<Look>> {
    let Chosen::Switch(switch) = choose(&state.open()?, Some(run))? else { return Ok(Vec::new()) };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::permanent("check the servers", error.to_string()))?;
    let mut memory = Memory::read(state.dir(), run);
    runtime.block_on(async {
        let mut watcher = watch::watcher(*switch, state, true)?;
        let mut looks = watcher.look(wall()).await;
        watcher.close().await;
        for look in &mut looks {
            memory.complete(look);
        }
        Ok(looks)
    })
}

fn shown(look: &Look) -> String {
    let accounts = look.past_read_only.as_ref().filter(|accounts| !accounts.is_empty()).map(|accounts| {
        format!("  `read_only` does not stop these accounts of `{}`: {}\n", look.old, accounts.join(", "))
    });
    format!("just now: {look}\n{}", accounts.unwrap_or_default())
}

fn show_list(args: &ListArgs) -> Result<()> {
    let (found, workers) = (args.state.rows()?, args.state.home()?.workers());
    let mut rows = Vec::new();
    for row in found {
        let outcome = match row.outcome {
            _ if workers.iter().any(|worker| worker.contains(&row.head.id)) => "running".to_owned(),
            Some(outcome) => outcome.to_string(),
            None => "not finished".to_owned(),
        };
        rows.push((row, outcome));
    }
    match args.format {
        Format::Json => output::json(
            &rows
                .iter()
                .map(|(row, outcome)| {
                    let head = &row.head;
                    json!({
                        "run": head.id, "playbook": head.playbook, "plan": head.hash, "created": head.created,
                        "rehearsal": row.rehearsal, "started": row.started, "ended": row.ended, "outcome": outcome,
                    })
                })
                .collect::<Vec<_>>(),
        ),
        Format::Text => {
            let lines = rows.iter().map(|(row, outcome)| {
                let rehearsal = if row.rehearsal { ", a rehearsal" } else { "" };
                format!("{}  {:<24} {outcome}{rehearsal}\n", row.head.id, row.head.playbook)
            });
            output::text(&lines.collect::<String>());
        }
    }
    Ok(())
}
