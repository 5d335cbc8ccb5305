//! What comes after a copy by files: it takes the place of the target's data directory, and the server starts with it.

use super::data_dir::{self, Way};
use super::engine::{CopyEngine, Taken};
use super::place::Place;
use super::{CopyServer, arrival, login};
use crate::dialect::Dialect;
use crate::domain::{Contents, Words};
use crate::effects::Ran;
use crate::error::{Failure, Result};
use crate::kinds::support::config_file::ConfigFile;
use crate::kinds::support::option_file;
use crate::kinds::support::place::{dialect, server};
use crate::kinds::support::{server_command, server_state};
use crate::kinds::{Action, Complaint, Ctx};
use crate::playbook::inventory::Server;
use crate::playbook::world::World;
use std::time::Duration;

/// Key of the memo: that the data directories are being swapped, or have been.
pub const SWAP: &str = "swap";
/// Longest time to rename two folders, beside that for the server to end.
const RENAME: Duration = Duration::from_mins(2);

/// The target's data directory.
///
/// # Errors
/// When the inventory does not state it.
pub fn data<'a>(copy: &CopyServer, world: &'a World) -> Result<&'a str> {
    let missing = || {
        let answer = format!("server `{}` has no `data_dir` in the inventory", copy.target());
        Failure::permanent("copy the server", answer)
            .help("state it in the inventory: the copy replaces this directory")
    };
    server(world, copy.target())?.data_dir.as_deref().map(|data| data.trim_end_matches('/')).ok_or_else(missing)
}

/// The target's configuration file.
///
/// # Errors
/// When the inventory does not state it.
fn file<'a>(copy: &CopyServer, world: &'a World) -> Result<ConfigFile<'a>> {
    let missing = || {
        let answer = format!("server `{}` has no `config_file` in the inventory", copy.target());
        Failure::permanent("copy the server", answer)
            .help("state it in the inventory: the server starts with the copy closed to writes and with its events off")
    };
    let target = server(world, copy.target())?;
    let path = target.config_file.as_deref().ok_or_else(missing)?;
    Ok(ConfigFile { host: &target.host, path })
}

/// What the inventory does not say of a target, and must for it. Pure.
pub fn unstated(target: &Server) -> Vec<&'static str> {
    let stated = [
        ("`data_dir`", target.data_dir.is_some()),
        ("`config_file`", target.config_file.is_some()),
        ("`restart`", !target.restart.is_empty()),
    ];
    stated.into_iter().filter(|(_, is_stated)| !is_stated).map(|(name, _)| name).collect()
}

/// What the inventory must say of a target for it. Pure.
pub fn complaints(copy: &CopyServer, world: &World) -> Vec<Complaint> {
    let of = |failure: Failure| Complaint { help: failure.help, ..Complaint::new("to", failure.answer) };
    let mut found = Vec::new();
    found.extend(data(copy, world).err().map(of));
    found.extend(file(copy, world).err().map(of));
    if server(world, copy.target()).is_ok_and(|server| server.restart.is_empty()) {
        let message = format!("server `{}` has no `restart` command in the inventory", copy.target());
        found.push(Complaint::new("to", message).help("such as `restart: [systemctl, restart, mariadb]`"));
    }
    found
}

/// What [`take_place`] does, in order. Pure.
pub fn actions(engine: &dyn CopyEngine, copy: &CopyServer, world: &World) -> Vec<Action> {
    let (Ok(data), Ok(file), Ok(target)) = (data(copy, world), file(copy, world), server(world, copy.target())) else {
        return Vec::new();
    };
    let (dialect, suffix, host) = (dialect(world, copy.target()), data_dir::planned_suffix(), &target.host);
    let mut actions = login::actions(world, copy.target());
    actions.extend(arrival::own_uuid_action(world, copy.target()));
    let uuid = arrival::own_uuid_action(world, copy.target()).map(|_| Words::late("its server_uuid"));
    actions.push(Action::command_with(host, data_dir::hand_over(data, &suffix, uuid), &login::planned()));
    actions.extend(file.preview(&edited(dialect, data)));
    actions.push(Action::command(host, data_dir::swap(target, data, &suffix, Way::There)));
    actions.extend(server_command::restart_actions(target));
    actions.extend(engine.place_actions(copy, world));
    actions.extend(arrival::actions(world, copy.source(), copy.target()));
    actions.push(Action::command(host, data_dir::remove_login_file(data)));
    actions
}

/// What [`give_back`] does, in order. Pure.
pub fn undo_actions(copy: &CopyServer, world: &World) -> Vec<Action> {
    let (Ok(data), Ok(file), Ok(target)) = (data(copy, world), file(copy, world), server(world, copy.target())) else {
        return Vec::new();
    };
    let swap = data_dir::swap(target, data, &data_dir::planned_suffix(), Way::Back);
    let mut actions: Vec<Action> = file.preview_undo().into_iter().collect();
    actions.push(Action::command(&target.host, swap));
    actions.extend(server_command::restart_actions(target));
    actions.push(Action::sql(copy.target(), dialect(world, copy.target()).version()));
    actions
}

/// What it asks before the run touches anything. Pure.
pub fn questions(copy: &CopyServer, world: &World) -> Vec<Action> {
    server(world, copy.target()).map(|target| server_command::questions(target, true)).unwrap_or_default()
}

/// Every reason why the target cannot be started with a copy.
pub async fn faults(copy: &CopyServer, cx: &Ctx<'_>) -> Vec<Failure> {
    match server(cx.world, copy.target()) {
        Ok(target) => {
            let found = server_command::faults(cx, copy.target(), target, true).await;
            found.unwrap_or_else(|failure| vec![failure])
        }
        Err(failure) => vec![failure],
    }
}

/// Lets the copy take the place of the data directory, starts the server with it, closed, and gives it the copy's state
/// of replication. Returns where the copy stands. A second call continues where the first was interrupted.
///
/// # Errors
/// When the server does not end, or does not start as it must be.
pub async fn take_place(engine: &dyn CopyEngine, copy: &CopyServer, cx: &Ctx<'_>, taken: &Taken) -> Result<Place> {
    swap(copy, cx).await?;
    let place = engine.stands_at(copy, cx, taken).await?;
    arrival::set_right(cx, copy.source(), copy.target(), &place.gtid).await?;
    settle(copy, cx).await?;
    Ok(place)
}

/// Restores the old data directory, if it was replaced, and starts the server with it.
///
/// # Errors
/// When the server does not end or start.
pub async fn give_back(copy: &CopyServer, cx: &Ctx<'_>) -> Result<()> {
    let begun = file(copy, cx.world)?.restore(cx).await?;
    cx.fx.close_session(copy.target(), "main").await;
    rename(copy, cx, Way::Back).await?;
    if begun {
        server_state::restart(cx, copy.target()).await?;
    }
    Ok(())
}

/// Where the old data directory lies until it is cleaned up.
///
/// # Errors
/// When the inventory does not state the data directory.
pub fn old_data(copy: &CopyServer, cx: &Ctx<'_>) -> Result<String> {
    Ok(data_dir::old_name(data(copy, cx.world)?, &data_dir::suffix(cx.run, cx.step)).to_string())
}

fn edited(dialect: Dialect, data: &str) -> Contents {
    let lines = arrival::lines(dialect, &data_dir::login_file(data));
    let lines: Vec<String> = lines.iter().map(|(name, value)| format!("{name} = {value}")).collect();
    let text = format!("its content, with these lines set for the server: {}", lines.join(", "));
    Contents::plain(Words::late(text))
}

/// Writes what the copy needs for its first start, and lets it take the place of the data directory.
async fn swap(copy: &CopyServer, cx: &Ctx<'_>) -> Result<()> {
    let (target, data) = (server(cx.world, copy.target())?, data(copy, cx.world)?);
    let (dialect, suffix) = (dialect(cx.world, copy.target()), data_dir::suffix(cx.run, cx.step));
    let host = cx.fx.host(&target.host).await?;
    if !cx.memo.flag(SWAP)? {
        let login = login::file(cx, copy.target()).await?;
        let uuid = arrival::own_uuid(cx, copy.target()).await?.map(Words::from);
        let script = data_dir::hand_over(data, &suffix, uuid);
        let ran = host.run_within(&script, Some(&login), RENAME).await?;
        succeeded(&ran, "hand the copy over to the server", &target.host)?;
        let file = file(copy, cx.world)?;
        let text = file.read(cx).await?.unwrap_or_default();
        let lines = arrival::lines(dialect, &data_dir::login_file(data));
        let text = option_file::set(&text, lines.iter().map(|(name, value)| (*name, value.as_str())));
        file.replace(cx, &Contents::plain(text), None).await?;
        cx.memo.set(SWAP, true.into()).await?;
    }
    rename(copy, cx, Way::There).await?;
    server_state::restart(cx, copy.target()).await
}

async fn rename(copy: &CopyServer, cx: &Ctx<'_>, way: Way) -> Result<()> {
    let (target, data) = (server(cx.world, copy.target())?, data(copy, cx.world)?);
    let script = data_dir::swap(target, data, &data_dir::suffix(cx.run, cx.step), way);
    let host = cx.fx.host(&target.host).await?;
    let limit = target.restart_limit().0 + RENAME;
    succeeded(&host.run_within(&script, None, limit).await?, "swap the data directories", &target.host)
}

/// Takes the first start's line and file away.
async fn settle(copy: &CopyServer, cx: &Ctx<'_>) -> Result<()> {
    let (target, data) = (server(cx.world, copy.target())?, data(copy, cx.world)?);
    let file = file(copy, cx.world)?;
    let text = file.read(cx).await?.unwrap_or_default();
    // first the line, then the file: a server does not start without a file that it is told to read
    let login_file = data_dir::login_file(data);
    file.replace(cx, &Contents::plain(arrival::without_login(&text, &login_file)), None).await?;
    cx.fx.host(&target.host).await?.print(&data_dir::remove_login_file(data)).await.map(drop)
}

fn succeeded(ran: &Ran, attempted: &str, host: &str) -> Result<()> {
    if ran.code == Some(0) {
        return Ok(());
    }
    Err(Failure::permanent(attempted, ran.last_words())
        .at(host)
        .help("the old data directory is kept: a rollback restores it"))
}
