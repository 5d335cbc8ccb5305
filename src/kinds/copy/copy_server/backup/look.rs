//! Whether the files of one server can be copied to another: programs, places, room, and settings that files depend on.

use super::super::CopyServer;
use super::super::beside::{self, number, printed};
use super::super::data_dir;
use super::super::settings::{refuse, settings, variables};
use super::super::ssh::ssh_command;
use super::dialects;
use super::tool::Tool;
use crate::domain::product::Product;
use crate::domain::script::argument;
use crate::domain::{Script, Words};
use crate::error::{Failure, Result};
use crate::kinds::support::server_state;
use crate::kinds::{Action, Ctx};
use crate::playbook::world::World;
use crate::sh;
use std::collections::BTreeMap;
use std::time::Duration;

/// Longest time to count the files of a large server.
const COUNT: Duration = Duration::from_mins(5);

/// Prints what the program says of itself, and fails where something is missing.
fn programs(tool: &Tool, unpack: bool) -> Script {
    let unpack = if unpack { sh!(" && command -v -- {} >/dev/null", argument(tool.unpack)) } else { Script::default() };
    sh!(
        "PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin; for p in {}; do ! command -v \"$p\" >/dev/null || break; done; \
         command -v zstd >/dev/null{} && \"$p\" --version 2>&1",
        Script::words(tool.programs.split(' ')),
        unpack
    )
}

/// The words before a program that the target's host runs on the source's; nothing where that is the same host, or has no `ssh`.
pub fn way(copy: &CopyServer, world: &World) -> Option<Script> {
    let (from, to) = (copy.source_host(world), copy.target_host(world));
    if from == to {
        return None;
    }
    ssh_command(world, to, from).map(Script::words)
}

/// Tries whether this host may run a program on the other one.
fn trial(copy: &CopyServer, world: &World) -> Option<Script> {
    way(copy, world).map(|way| sh!("{} echo reached", way))
}

/// What [`faults`] and [`bytes`] ask.
pub fn questions(tool: &Tool, copy: &CopyServer, world: &World) -> Vec<Action> {
    let (from, to) = dialects(copy, world);
    let (source, target) = (copy.source_host(world), copy.target_host(world));
    let late = |what: &str| Words::late(what.to_owned());
    let mut actions = vec![
        Action::sql(copy.source(), from.show_variables(&variables())),
        Action::sql(copy.target(), to.show_variables(&variables())),
        Action::look(source, programs(tool, false)),
        Action::look(target, programs(tool, true)),
        Action::look(source, data_dir::look_at_source(late("its data directory"), late("its binary logs"))),
    ];
    actions.extend(beside::question(copy, world));
    actions.extend(trial(copy, world).map(|trial| Action::look(target, trial)));
    actions
}

/// The variables of a server that its files depend on.
///
/// # Errors
/// When it cannot be asked.
pub async fn asked(cx: &Ctx<'_>, server: &str) -> Result<BTreeMap<String, String>> {
    server_state::variables(cx, server, &variables()).await
}

/// Bytes of the source's files, its binary logs left out.
///
/// # Errors
/// When they cannot be counted.
pub async fn bytes(copy: &CopyServer, cx: &Ctx<'_>) -> Result<u64> {
    let variables = asked(cx, copy.source()).await?;
    let printed = look_at_source(copy, cx, &variables).await?;
    number(&printed, "bytes: ").ok_or_else(|| Failure::permanent("count the files", "the check printed no number"))
}

async fn look_at_source(copy: &CopyServer, cx: &Ctx<'_>, variables: &BTreeMap<String, String>) -> Result<String> {
    let value = |name: &str| variables.get(name).cloned().unwrap_or_default();
    let logs = Some(value("log_bin_basename")).filter(|logs| !logs.is_empty()).unwrap_or_else(|| "/".to_owned());
    let script = data_dir::look_at_source(value("datadir"), logs);
    let ran = cx.fx.host(copy.source_host(cx.world)).await?.run_within(&script, None, COUNT).await?;
    Ok(printed(&ran))
}

/// Every reason why the files cannot be copied.
pub async fn faults(tool: &Tool, copy: &CopyServer, cx: &Ctx<'_>) -> Vec<Failure> {
    let mut failures = Vec::new();
    match (asked(cx, copy.source()).await, asked(cx, copy.target()).await) {
        (Ok(source), Ok(target)) => {
            failures.extend(settings(copy, &source, &target));
            failures.extend(places(copy, cx, &source, &target).await.unwrap_or_else(|failure| vec![failure]));
        }
        (source, target) => failures.extend(source.err().into_iter().chain(target.err())),
    }
    match server_state::actual(cx, copy.source()).await {
        Ok(source) => {
            for (host, unpack) in [(copy.source_host(cx.world), false), (copy.target_host(cx.world), true)] {
                failures.extend(program(tool, source.product, cx, host, unpack).await.err());
            }
        }
        Err(failure) => failures.push(failure),
    }
    failures.extend(reached(copy, cx).await.err());
    failures
}

async fn places(
    copy: &CopyServer,
    cx: &Ctx<'_>,
    source: &BTreeMap<String, String>,
    target: &BTreeMap<String, String>,
) -> Result<Vec<Failure>> {
    let there = look_at_source(copy, cx, source).await?;
    let here = beside::look(copy, cx, target.get("datadir").cloned().unwrap_or_default()).await?;
    let room = number(&there, "bytes: ").and_then(|bytes| here.room(copy, cx.world, bytes));
    let mut failures = beside::faults(&there, copy.source_host(cx.world));
    failures.extend(here.faults);
    failures.extend(room);
    Ok(failures)
}

async fn program(tool: &Tool, source: Product, cx: &Ctx<'_>, host: &str, unpack: bool) -> Result<()> {
    let ran = cx.fx.host(host).await?.run(&programs(tool, unpack)).await?;
    let wanted = format!("{}{}", tool.version_after, Tool::series(source));
    if ran.code == Some(0) && printed(&ran).contains(&wanted) {
        return Ok(());
    }
    let names = format!(
        "{}{} and zstd",
        tool.programs.replace(' ', " or "),
        if unpack { format!(", {}", tool.unpack) } else { String::new() }
    );
    let told = printed(&ran);
    let said = told.lines().find(|line| line.contains(tool.version_after)).map_or("it is not installed", str::trim);
    let answer = format!("it needs {names}, made for {}.{}: {said}", source.version.0, source.version.1);
    Err(refuse(answer, host, "install the backup program of the source's series there"))
}

async fn reached(copy: &CopyServer, cx: &Ctx<'_>) -> Result<()> {
    let Some(trial) = trial(copy, cx.world) else { return Ok(()) };
    let host = copy.target_host(cx.world);
    let ran = cx.fx.host(host).await?.run(&trial).await?;
    if ran.code == Some(0) && printed(&ran).lines().any(|line| line == "reached") {
        return Ok(());
    }
    let said = ran.stderr.lines().last().unwrap_or("there was no output").trim();
    let answer = format!("it cannot run a program on {}: {said}", copy.source_host(cx.world));
    let help = "files are copied from host to host: allow the key of this host to run programs there during the copy \
                (no `command=` before it in authorized_keys, no ForceCommand for its account), or use the engine \
                `dump`";
    Err(refuse(answer, host, help))
}
