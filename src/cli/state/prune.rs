//! `cutover state prune`: removes old finished runs, and keeps their evidence for auditors as files.

use super::State;
use crate::cli::output::{self, Format};
use crate::error::{Failure, Result};
use crate::report::document::Document;
use crate::report::fold::Summary;
use crate::report::html::{Material, page};
use crate::report::progress::{Reader, lag};
use crate::store::{Journal, Old, Store};
use jiff::Timestamp;
use serde::Serialize;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

#[derive(Debug, clap::Args)]
pub(super) struct PruneArgs {
    /// Remove runs that ended longer ago than this, such as `90d`.
    #[arg(long, value_name = "AGE", value_parser = age)]
    older_than: Duration,
    /// Folder for the evidence of each run: its plan, its report and its page.
    #[arg(long, value_name = "DIR")]
    evidence: PathBuf,
    /// Remove them. Without this option only list them.
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    state: State,
    /// Output format.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// What was removed, or would be.
#[derive(Debug, Serialize)]
struct Pruned {
    /// Whether it was removed.
    done: bool,
    runs: Vec<Old>,
    /// Decisions of schedules.
    starts: u64,
}

/// A number of days, `90d`, or a shorter time such as `36h`.
fn age(text: &str) -> std::result::Result<Duration, String> {
    let days = text.strip_suffix('d').and_then(|days| days.trim().parse::<u64>().ok());
    match days {
        Some(days) => {
            days.checked_mul(24 * 60 * 60).map(Duration::from_secs).ok_or_else(|| format!("`{text}` is too long"))
        }
        None => text
            .parse::<crate::domain::units::Span>()
            .map(|span| span.0)
            .map_err(|_| format!("`{text}` is not an age such as `90d` or `36h`")),
    }
}

pub(super) fn prune(args: &PruneArgs) -> Result<()> {
    let store = args.state.open()?;
    let age = i64::try_from(args.older_than.as_millis()).unwrap_or(i64::MAX);
    let before = Timestamp::now().as_millisecond().saturating_sub(age);
    let mut runs = store.old_runs(before)?;
    let mut starts = 0;
    if args.yes && !runs.is_empty() {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&args.evidence).map_err(|error| {
            Failure::permanent(format!("make {}", args.evidence.display()), error.to_string())
                .now("nothing was removed")
        })?;
        let mut gone = Vec::new();
        for old in runs {
            if forget(&store, args, &old.run)? {
                gone.push(old);
            }
        }
        runs = gone;
    }
    if args.yes {
        starts = store.forget_starts(before)?;
    }
    let pruned = Pruned { done: args.yes, runs, starts };
    match args.format {
        Format::Json => output::json(&pruned),
        Format::Text => output::text(&words(&pruned, &args.evidence)),
    }
    Ok(())
}

/// Keeps the evidence of a run, and then removes it; returns false when the run has changed meanwhile.
fn forget(store: &Store, args: &PruneArgs, run: &str) -> Result<bool> {
    let (record, entries) = (store.run(run)?, store.entries(run)?);
    let Some(last) = entries.last().map(|entry| (entry.seq, entry.hash.clone())) else { return Ok(false) };
    let plan = Arc::new(record.plan_to_read()?);
    let summary = Summary::new(run, &plan, &entries)?;
    let mut progress = Reader::new(args.state.dir(), run);
    progress.look()?;
    let lag = lag(progress.news());
    let html = page(&Material { summary: &summary, entries: &entries, alive: None, lag: &lag });
    let report =
        serde_json::to_string_pretty(&Document::new(summary, entries.clone())).map_err(|error| unkept(run, &error))?;
    for (name, text) in [("plan.json", &record.plan), ("report.json", &report), ("html", &html)] {
        keep(&args.evidence.join(format!("{run}.{name}")), text).map_err(|error| unkept(run, &error))?;
    }
    fs::File::open(&args.evidence).and_then(|folder| folder.sync_all()).map_err(|error| unkept(run, &error))?;
    store.forget_run(run, &last)
}

/// The file is durable before it gets its name.
fn keep(path: &Path, text: &str) -> std::io::Result<()> {
    let folder = path.parent().unwrap_or_else(|| Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(text.as_bytes())?;
    file.as_file().set_permissions(fs::Permissions::from_mode(0o600))?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}

fn unkept(run: &str, error: &impl ToString) -> Failure {
    Failure::permanent(format!("keep the evidence of run {run}"), error.to_string())
        .now("this run is still in the store, and so are all runs not listed above")
}

fn words(pruned: &Pruned, evidence: &Path) -> String {
    let mut text = String::new();
    for Old { run, playbook, outcome, ended } in &pruned.runs {
        let ended = Timestamp::from_millisecond(*ended).map(|at| at.strftime("%F").to_string()).unwrap_or_default();
        let _ = writeln!(text, "{run}  {ended}  {playbook}  {outcome}");
    }
    let (runs, starts, evidence) = (pruned.runs.len(), pruned.starts, evidence.display());
    let run_word = if runs == 1 { "run" } else { "runs" };
    let decision_word = if starts == 1 { "decision" } else { "decisions" };
    let _ = if runs == 0 && starts == 0 {
        writeln!(text, "no finished run is that old")
    } else if pruned.done {
        writeln!(text, "removed {runs} {run_word} and {starts} schedule {decision_word}; the evidence is in {evidence}")
    } else {
        writeln!(text, "would remove {runs} {run_word}; add --yes to remove them")
    };
    text
}

#[cfg(test)]
mod tests {
    use super::age;
    use std::time::Duration;

    #[test]
    fn ages_are_days_or_shorter() {
        assert_eq!(age("90d"), Ok(Duration::from_hours(90 * 24)));
        assert_eq!(age("36h"), Ok(Duration::from_hours(36)));
        for none in ["90", "d", "-1d", "1.5d", "99999999999999999999d", "999999999999999999d"] {
            assert!(age(none).is_err(), "{none}");
        }
    }
}
