//! The first lines of a plan for people who approve it: what moves where, how long, what restarts, which files change,
//! what cannot be undone.

use crate::kinds::role::{
    Closes, CopiesFrom, MovesApplication, Opens, RoleData, RunsUsersProgram, RunsUsersStatements,
};
use crate::kinds::{Action, Reversibility};
use crate::plan::display::edges::Edges;
use crate::plan::display::markup::{code, plain, sentence};
use crate::plan::display::wording::{self, NoReturn};
use crate::plan::{Plan, PlannedStep};
use crate::playbook::inventory::Server;
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// Longest line of prose; a description may be a whole page.
const LETTERS: usize = 400;
/// Names on one line.
const NAMES: usize = 12;

pub(super) fn write_brief(out: &mut String, plan: &Plan, edges: &Edges, forecast: Option<&str>) -> std::fmt::Result {
    writeln!(out, "## Plan {}\n", code(&plan.name))?;
    if let Some(description) = &plan.description {
        let short: String = description.chars().take(LETTERS).collect();
        writeln!(out, "{}{}\n", plain(&short), if short.len() < description.len() { " …" } else { "" })?;
    }
    writeln!(out, "- **moves**: {}", listed(&moves(plan), "no application moves, and no other server is opened"))?;
    writeln!(out, "- **copy**: {}", copy(plan, forecast))?;
    writeln!(out, "- **pause**: {}", listed(&pauses(plan), "no step closes a server to writes"))?;
    writeln!(out, "- **restarts**: {}", listed(&restarts(plan), "nothing"))?;
    writeln!(out, "- **files that change**: {}", listed(&files(plan), "none permanently"))?;
    writeln!(out, "- **not undone**: {}", not_undone(plan, edges))?;
    let windows = wording::windows(plan);
    if !windows.is_empty() {
        let windows: Vec<String> = windows.iter().map(|(id, about)| format!("{} {}", code(id), plain(about))).collect();
        writeln!(out, "- **windows**: {}", listed(&windows, ""))?;
    }
    writeln!(out, "- **steps**: {}; hash {}", wording::count(plan), code(wording::short_hash(plan)))
}

fn listed(texts: &[String], none: &str) -> String {
    let more = texts.len().saturating_sub(NAMES);
    let shown = texts.iter().take(NAMES).cloned().collect::<Vec<_>>().join("; ");
    match (texts.is_empty(), more) {
        (true, _) => none.to_owned(),
        (false, 0) => shown,
        (false, more) => format!("{shown}; and {more} more"),
    }
}

/// Steps that play a role, with their data for it.
fn playing<R: RoleData>(plan: &Plan) -> impl Iterator<Item = (&PlannedStep, &R)> {
    plan.steps.iter().filter(|step| step.skip.is_none()).flat_map(|step| step.each_role().map(move |role| (step, role)))
}

/// Which server takes over from which, and who goes along.
fn moves(plan: &Plan) -> Vec<String> {
    let place = |name: &str| {
        let server = plan.world.inventory.server(name);
        let about = server.map(|server| format!(" ({})", plain(&format!("{} on {}", server.address, server.host))));
        format!("{}{}", code(name), about.unwrap_or_default())
    };
    let promotions =
        playing(plan).map(|(_, Opens { server, source, .. })| format!("from {} to {}", place(source), place(server)));
    let applications = playing(plan).map(|(_, MovesApplication { application, to })| {
        format!("application {} is switched to {}", code(application), code(to))
    });
    promotions.chain(applications).collect()
}

fn copy(plan: &Plan, forecast: Option<&str>) -> String {
    match forecast {
        Some(forecast) => plain(forecast),
        None if playing::<CopiesFrom>(plan).next().is_none() => "no step copies data".to_owned(),
        None => "`cutover plan --live` asks the servers for size and duration".to_owned(),
    }
}

/// How long writes may stand still: the deadline of the block that closes the server.
fn pauses(plan: &Plan) -> Vec<String> {
    let pause = |(step, Closes { server }): (&PlannedStep, &Closes)| {
        let server = code(server);
        let block = step.block.as_ref().and_then(|id| plan.blocks.iter().find(|block| block.id == *id));
        match block.and_then(|block| Some((block, block.deadline_ms?))) {
            Some((block, limit)) => {
                let limit = wording::time(limit);
                format!(
                    "writes on {server} pause for at most {limit} (block {}), or the run rolls back",
                    code(&block.id)
                )
            }
            None => format!("writes on {server} pause, and no deadline limits that"),
        }
    };
    playing(plan).map(pause).collect()
}

/// Servers and applications whose restart or reload command is among what the steps do.
fn restarts(plan: &Plan) -> Vec<String> {
    let inventory = &plan.world.inventory;
    let by = |argv: &[String]| {
        let command = shell_words::join(argv);
        let runs = |action: &Action| {
            !action.only_reads() && action.script().is_some_and(|run| run.to_string().contains(&command))
        };
        let ids: Vec<String> =
            touching(plan).filter(|step| step.actions.iter().any(runs)).map(|s| code(&s.id)).collect();
        (!argv.is_empty() && !ids.is_empty()).then(|| format!("by {} in {}", code(&command), ids.join(", ")))
    };
    let servers = inventory
        .servers
        .iter()
        .filter_map(|(name, server)| Some(format!("server {} {}", code(name), by(&server.restart)?)));
    let applications = inventory.applications.iter().filter_map(|(name, application)| {
        Some(format!("application {} is reloaded {}", code(name), by(&application.reload)?))
    });
    servers.chain(applications).collect()
}

/// Steps that change something.
fn touching(plan: &Plan) -> impl Iterator<Item = &PlannedStep> {
    plan.steps.iter().filter(|step| step.skip.is_none() && step.reversibility != Reversibility::NothingToUndo)
}

/// Files that are other ones afterwards: those written under a name that stays, and configuration files of the inventory
/// that a step names.
fn files(plan: &Plan) -> Vec<String> {
    let inventory = &plan.world.inventory;
    let config = |server: &Server| Some((server.host.clone(), server.config_file.clone()?));
    let servers = inventory.servers.values().filter_map(config);
    let applications = inventory.applications.values().filter_map(|application| application.config.as_ref());
    let known: BTreeSet<(String, String)> =
        servers.chain(applications.map(|config| (config.host.clone(), config.path.clone()))).collect();
    let mut found = BTreeSet::new();
    for action in touching(plan).flat_map(|step| &step.actions) {
        match action {
            Action::File { host, path, .. } => match path.known() {
                Some(path) => drop(found.insert((host.clone(), path))),
                None => found.extend(named(&known, host, &path.to_string())),
            },
            Action::Command { host, command, .. } | Action::Job { host, command, .. } => {
                found.extend(named(&known, host, &command.to_string()));
            }
            _ => {}
        }
    }
    found.into_iter().map(|(host, path)| format!("{} on {}", code(&path), code(&host))).collect()
}

/// Those of `known` on `host` that stand in `text`.
fn named(known: &BTreeSet<(String, String)>, host: &str, text: &str) -> Vec<(String, String)> {
    known.iter().filter(|(at, path)| at == host && text.contains(path)).cloned().collect()
}

/// Whether it runs a command or statement of the user for which the playbook has no undo.
fn has_no_undo(step: &PlannedStep) -> bool {
    step.each_role().any(|runs: &RunsUsersProgram| !runs.has_undo)
        || step.each_role().any(|runs: &RunsUsersStatements| !runs.has_undo)
}

fn not_undone(plan: &Plan, edges: &Edges) -> String {
    let mut out = String::new();
    let end = NoReturn::of(plan, edges);
    // writing into a String cannot fail
    let _ = match end.step {
        None => write!(out, "nothing: **no point of no return**; after any failure, the steps that ran are undone"),
        Some((number, step)) => {
            let beyond: Vec<String> = end.beyond.iter().map(|id| code(id)).collect();
            let beyond = listed(&beyond, "none").replace("; ", ", ");
            write!(out, "**point of no return: after step {number}, {}**; steps after it: {beyond}", code(step))
        }
    };
    let unstated: Vec<String> = plan.steps.iter().filter(|step| has_no_undo(step)).map(|step| code(&step.id)).collect();
    if !unstated.is_empty() {
        let _ = write!(out, "; {}", sentence("steps without an `undo` in the playbook: "));
        out.push_str(&listed(&unstated, "").replace("; ", ", "));
    }
    out
}
