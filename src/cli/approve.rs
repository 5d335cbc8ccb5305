//! `cutover approve`

use super::identity::{Identity, Speaker};
use super::output::{self, Format};
use super::state::State;
use crate::effects::Decision;
use crate::engine::approvals::decide;
use crate::error::exit;
use crate::people::Right;
use serde_json::json;

/// Arguments of `approve`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Id of the run.
    run: String,
    /// The waiting step; optional when only one step waits.
    step: Option<String>,
    /// Refuse instead of approving.
    #[arg(long)]
    refuse: bool,
    /// Reason, for the report.
    #[arg(long)]
    reason: Option<String>,
    /// Hash of the plan that you have reviewed, or at least its first eight digits. No other plan is approved.
    #[arg(long, value_name = "HASH")]
    plan: Option<String>,
    #[command(flatten)]
    identity: Identity,
    #[command(flatten)]
    state: State,
    /// Output format.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Records the decision.
pub fn run(args: &Args) -> u8 {
    let Speaker { name: by, file } = match args.identity.speaker(Right::Approve) {
        Ok(speaker) => speaker,
        Err(code) => return code,
    };
    let (reason, plan) = (args.reason.clone(), args.plan.clone());
    let decision = Decision { approved: !args.refuse, by: by.clone(), reason, plan, people: None };
    let decided = args.state.record(Some(&args.run)).and_then(|record| {
        let (step, standing) =
            decide(&*args.state.journal()?, &record.head.id, args.step.as_deref(), decision, file.as_ref())?;
        Ok((record.head, step, standing))
    });
    let (head, step, standing) = match decided {
        Ok(decided) => decided,
        Err(failure) => {
            output::complain(&failure);
            return failure.exit_code();
        }
    };
    let word = if args.refuse { "refused" } else { "approved" };
    match args.format {
        Format::Json => output::json(&json!({
            "run": head.id, "step": step, "approved": !args.refuse, "by": by, "plan": head.hash,
            "people": standing.people(), "missing": standing.missing(),
        })),
        Format::Text => {
            let words = standing.words();
            let words = if words.is_empty() || args.refuse { String::new() } else { format!(": {words}") };
            output::text(&format!("{by} {word} `{step}` of run {}, plan {}{words}\n", head.id, &head.hash[..16]));
        }
    }
    exit::DONE
}
