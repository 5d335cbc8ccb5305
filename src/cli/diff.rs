//! `cutover diff`: what changes between two plans, saved or made from files, of today or of a git revision.

use super::inputs;
use super::output;
use super::revision::Revision;
use crate::error::{Failure, exit};
use crate::plan::Plan;
use crate::plan::changes::{self, Became, Change};
use crate::plan::display::markup::fenced;
use crate::plan::load::{self, Sources};
use crate::survey::saved::{self, SavedPlan};
use clap::ValueEnum;
use serde_json::json;
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// Arguments of `diff`.
#[derive(Debug, clap::Args)]
#[allow(clippy::struct_field_names, reason = "the field names the flag `--inputs`")]
pub struct Args {
    /// A playbook or a saved plan, or two git revisions: `main..HEAD`. `main..` compares with the files on disk.
    before: String,
    /// The other playbook or saved plan; with revisions, the playbook.
    after: PathBuf,
    /// The inventory for both.
    #[arg(short, long, value_name = "FILE")]
    inventory: Option<PathBuf>,
    /// A YAML file with inputs, for both.
    #[arg(long, value_name = "FILE")]
    inputs: Option<PathBuf>,
    /// An input for both; can be repeated, and overrides the file.
    #[arg(long, value_name = "NAME=VALUE")]
    set: Vec<String>,
    /// Output format.
    #[arg(long, value_enum, default_value_t)]
    format: Shape,
}

/// How changes are printed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Shape {
    /// For terminals.
    #[default]
    Text,
    /// For a pull request.
    Markdown,
    /// One JSON document.
    Json,
}

/// Compares and prints.
pub fn run(args: &Args) -> u8 {
    let (before, after) = match plans(args) {
        Ok(plans) => plans,
        Err(code) => return code,
    };
    let changes = changes::list(&before, &after);
    match args.format {
        Shape::Text if changes.is_empty() => output::text("nothing changes\n"),
        Shape::Text => output::text(&changes::text(&changes, None)),
        Shape::Markdown => output::text(&markdown(&before, &after, &changes)),
        Shape::Json => output::json(&json!({ "before": before.hash, "after": after.hash, "changes": changes })),
    }
    exit::DONE
}

fn plans(args: &Args) -> Result<(Plan, Plan), u8> {
    let sources = |playbook: &Path| Sources {
        playbook: playbook.to_path_buf(),
        inventory: args.inventory.clone(),
        inputs: args.inputs.clone(),
        set: args.set.clone(),
        ..Sources::default()
    };
    let both = |before: Result<Plan, u8>, after: Result<Plan, u8>| Ok((before?, after?));
    let Some((old, new)) = args.before.split_once("..").filter(|_| !Path::new(&args.before).exists()) else {
        return both(plan(&sources(Path::new(&args.before))), plan(&sources(&args.after)));
    };
    both(at(old, &sources(&args.after)), at(new.trim_start_matches('.'), &sources(&args.after)))
}

/// The plan of the files as they were at a revision; of the files as they are, when none is named.
fn at(revision: &str, sources: &Sources) -> Result<Plan, u8> {
    if revision.is_empty() {
        return plan(sources);
    }
    let copy = Revision::check_out(revision, &sources.playbook).map_err(|failure| invalid(&failure))?;
    let inside = |path: &PathBuf| copy.path(path).map_err(|failure| invalid(&failure));
    plan(&Sources {
        playbook: inside(&sources.playbook)?,
        inventory: sources.inventory.as_ref().map(inside).transpose()?,
        inputs: sources.inputs.as_ref().map(inside).transpose()?,
        ..sources.clone()
    })
}

fn plan(sources: &Sources) -> Result<Plan, u8> {
    if saved::is_saved(&sources.playbook) {
        let saved = SavedPlan::read(&sources.playbook);
        return saved.map(|saved| saved.plan).map_err(|failure| invalid(&failure));
    }
    load::plan(sources).map_err(|reports| {
        inputs::complain(reports);
        exit::INVALID
    })
}

/// Nothing was done, because nothing can be compared.
fn invalid(failure: &Failure) -> u8 {
    output::complain(failure);
    exit::INVALID
}

fn markdown(before: &Plan, after: &Plan, changes: &[Change]) -> String {
    let mut out = String::new();
    let (old, new) = (&before.hash[..16], &after.hash[..16]);
    // a String takes everything
    let _ = if changes.is_empty() {
        writeln!(out, "The plan `{new}` of **{}** does not change.", after.name)
    } else {
        let count = match changes.len() {
            1 => "1 change".to_owned(),
            many => format!("{many} changes"),
        };
        writeln!(out, "The plan of **{}** has {count} (`{old}` to `{new}`).\n", after.name)
    };
    for change in changes {
        let became = match change.became {
            Became::New => "new: ",
            Became::Gone => "gone: ",
            Became::Changed => "",
        };
        let _ = writeln!(out, "**{became}{}**\n\n{}\n", change.part, fenced("diff", &change.diff));
    }
    out
}
