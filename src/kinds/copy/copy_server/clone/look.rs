//! Whether one server can clone the other: plugins, what a clone would leave out, settings that files depend on, and room.

use super::super::CopyServer;
use super::super::beside::{self, printed};
use super::super::files;
use super::super::settings::{self, refuse};
use super::fit::{Plugins, plugin_faults};
use super::folder;
use crate::dialect::Dialect;
use crate::domain::Sql;
use crate::effects::replica::LOOK;
use crate::error::{Failure, Result};
use crate::kinds::support::place::dialect;
use crate::kinds::support::server_state;
use crate::kinds::{Action, Ctx};
use crate::playbook::world::World;
use std::collections::BTreeMap;

/// Both servers need as much; a clone's packets have this size (its page on remote data).
const PACKET: &str = "max_allowed_packet";
const LEAST_PACKET: u64 = 2 << 20;
/// How many names are shown.
const NAMES: usize = 5;

fn variables() -> Vec<&'static str> {
    settings::variables().into_iter().chain([PACKET]).collect()
}

/// What is asked of either server.
fn of_both(dialect: Dialect) -> Vec<Sql> {
    let always =
        [dialect.show_variables(&variables()), dialect.active_plugins().into(), dialect.installed_plugins().into()];
    always.into_iter().chain(dialect.keyring_component().map(Sql::from)).collect()
}

/// What [`faults`] asks.
pub fn questions(copy: &CopyServer, world: &World) -> Vec<Action> {
    let from = dialect(world, copy.source());
    let mut actions = Vec::new();
    for server in [copy.source(), copy.target()] {
        actions.extend(of_both(dialect(world, server)).into_iter().map(|ask| Action::sql(server, ask)));
    }
    let of_source = [from.tables_cloned_empty(), from.files_outside().into(), from.file_bytes().into()];
    actions.extend(of_source.map(|ask| Action::sql(copy.source(), ask)));
    actions.extend(beside::question(copy, world));
    if let Ok(data) = files::data(copy, world) {
        actions.push(Action::look(copy.target_host(world), folder::look_at_confinement(data)));
    }
    actions
}

/// What one server says of itself.
struct Side {
    variables: BTreeMap<String, String>,
    plugins: Plugins,
}

async fn side(cx: &Ctx<'_>, server: &str) -> Result<Side> {
    let dialect = dialect(cx.world, server);
    let variables = server_state::variables(cx, server, &variables()).await?;
    let active = names(cx, server, dialect.active_plugins()).await?;
    let installed = names(cx, server, dialect.installed_plugins()).await?;
    let keyring = match dialect.keyring_component() {
        Some(ask) => names(cx, server, ask).await?,
        None => Vec::new(),
    };
    let settings = cx.world.inventory.server(server).map(|server| &server.settings);
    let stated = settings.into_iter().flatten().map(|(name, value)| (name.clone(), value.to_string())).collect();
    Ok(Side { variables, plugins: Plugins { active, installed, keyring, stated } })
}

async fn names(cx: &Ctx<'_>, server: &str, ask: impl Into<Sql>) -> Result<Vec<String>> {
    let rows = cx.fx.sql(server).await?.query(ask.into(), LOOK).await?;
    Ok(rows.iter().filter_map(|row| row.get("name").map(str::to_owned)).collect())
}

/// Every reason why it cannot be cloned.
pub async fn faults(copy: &CopyServer, cx: &Ctx<'_>) -> Vec<Failure> {
    let mut failures = Vec::new();
    match (side(cx, copy.source()).await, side(cx, copy.target()).await) {
        (Ok(source), Ok(target)) => {
            failures.extend(plugin_faults(copy, &source.plugins, &target.plugins));
            failures.extend(settings::settings(copy, &source.variables, &target.variables));
            failures.extend(small_packets(copy.source(), &source));
            failures.extend(small_packets(copy.target(), &target));
            failures.extend(of_host(copy, cx, &target).await.unwrap_or_else(|failure| vec![failure]));
        }
        (source, target) => failures.extend(source.err().into_iter().chain(target.err())),
    }
    failures.extend(of_source(copy, cx).await.unwrap_or_else(|failure| vec![failure]));
    failures
}

fn small_packets(server: &str, side: &Side) -> Option<Failure> {
    let packet =
        side.variables.get(PACKET).filter(|value| value.parse::<u64>().is_ok_and(|size| size < LEAST_PACKET))?;
    let answer = format!("{PACKET} is {packet}, but a clone needs {LEAST_PACKET}");
    Some(refuse(answer, server, "set it to 64M there, in its configuration file too"))
}

async fn of_source(copy: &CopyServer, cx: &Ctx<'_>) -> Result<Vec<Failure>> {
    let (server, mut failures) = (copy.source(), Vec::new());
    let dialect = dialect(cx.world, server);
    let empty = names(cx, server, dialect.tables_cloned_empty()).await?;
    if !empty.is_empty() {
        let answer = format!("these tables are not InnoDB and would be empty in the clone: {}", told(&empty));
        failures.push(refuse(answer, server, "ALTER TABLE ... ENGINE = InnoDB, or use the engine `dump`"));
    }
    let outside = names(cx, server, dialect.files_outside()).await?;
    if !outside.is_empty() {
        let answer = format!("files of InnoDB are outside its data directory: {}", told(&outside));
        failures.push(refuse(answer, server, "use the engine `dump` for this server"));
    }
    Ok(failures)
}

fn told(names: &[String]) -> String {
    let first = names.iter().take(NAMES).map(String::as_str).collect::<Vec<_>>().join(", ");
    if names.len() > NAMES { format!("{first} and {} more", names.len() - NAMES) } else { first }
}

/// What the target's host says.
async fn of_host(copy: &CopyServer, cx: &Ctx<'_>, target: &Side) -> Result<Vec<Failure>> {
    let here = beside::look(copy, cx, target.variables.get("datadir").cloned().unwrap_or_default()).await?;
    let ask = dialect(cx.world, copy.source()).file_bytes();
    let rows = cx.fx.sql(copy.source()).await?.query(ask, LOOK).await?;
    let bytes = rows.value().and_then(|bytes| bytes.parse().ok());
    let room = bytes.and_then(|bytes| here.room(copy, cx.world, bytes));
    let mut failures = here.faults;
    failures.extend(room);
    let data = files::data(copy, cx.world)?;
    let host = copy.target_host(cx.world);
    let printed = printed(&cx.fx.host(host).await?.run(&folder::look_at_confinement(data)).await?);
    failures.extend(printed.lines().filter_map(|line| line.strip_prefix("confined: ")).map(|label| {
        let answer = format!(
            "AppArmor restricts the server ({label}) to its own folders, but it clones into a folder beside {data}"
        );
        let help = format!(
            "add `{data}.cutover-*/ rw,` and `{data}.cutover-*/** rwk,` to the file of its profile in \
             /etc/apparmor.d/local, and reload the profile with `apparmor_parser -r`; or choose the engine \
             `xtrabackup`"
        );
        refuse(answer, host, &help)
    }));
    Ok(failures)
}
