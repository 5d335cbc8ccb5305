//! `cutover status` and `cutover list`: looking at runs.

use super::output::{self, Format};
use super::state::State;
use crate::engine::StateLock;
use crate::error::Result;
use crate::report::text;
use serde_json::json;

/// Arguments of `status`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The run; the newest when left out.
    run: Option<String>,
    #[command(flatten)]
    state: State,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Arguments of `list`.
#[derive(Debug, clap::Args)]
pub struct ListArgs {
    #[command(flatten)]
    state: State,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Shows how a run stands, and what to type next.
pub fn status(args: &Args) -> u8 {
    output::shown(&show_status(args))
}

/// Shows all runs.
pub fn list(args: &ListArgs) -> u8 {
    output::shown(&show_list(args))
}

fn show_status(args: &Args) -> Result<()> {
    let summary = args.state.summary(args.run.as_deref())?;
    match args.format {
        Format::Json => output::json(&summary),
        Format::Text => output::text(&text::text(&summary, args.state.worker(&summary.run).as_deref())),
    }
    Ok(())
}

fn show_list(args: &ListArgs) -> Result<()> {
    let worker = StateLock::holder(args.state.dir());
    let mut rows = Vec::new();
    for row in args.state.rows()? {
        let outcome = match row.outcome {
            _ if worker.as_ref().is_some_and(|worker| worker.contains(&row.head.id)) => "running".to_owned(),
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
            let lines =
                rows.iter().map(|(row, outcome)| format!("{}  {:<24} {outcome}\n", row.head.id, row.head.playbook));
            output::text(&lines.collect::<String>());
        }
    }
    Ok(())
}
