//! Reasons, found before anything is touched, why a file cannot be written or a server not run with it.

use crate::dialect::Dialect;
use crate::error::Failure;
use crate::kinds::support::answer;
use crate::kinds::support::option_file::effective;
use crate::kinds::{Action, Ctx};
use crate::playbook::inventory::Server;
use crate::playbook::world::World;
use std::collections::BTreeSet;

/// What [`same_server_id`] asks.
pub fn questions(world: &World, name: &str) -> Vec<Action> {
    let others = world.inventory.servers.iter().filter(|(other, _)| *other != name);
    others.map(|(other, access)| Action::sql(other, ask(access))).collect()
}

fn ask(server: &Server) -> crate::domain::Sql {
    Dialect::from(server.product()).read_variable("server_id")
}

/// Another server of the inventory that has, or is to have, the `server_id` in `text`.
pub async fn same_server_id(cx: &Ctx<'_>, settled: &BTreeSet<String>, name: &str, text: &str) -> Option<Failure> {
    let id = effective(text).remove("server_id")?;
    for (other, access) in cx.world.inventory.servers.iter().filter(|(other, _)| *other != name) {
        let planned = access.server_id.is_some() || settled.contains(&format!("{other}.server_id"));
        let mut theirs = planned.then(|| cx.world.inventory.server_id(other).to_string());
        if !settled.contains(&format!("{other}.server_id"))
            && let Ok(session) = cx.fx.sql(other).await
        {
            match answer::value(&session, &ask(access)).await {
                Ok(id) => theirs = Some(id),
                Err(failure) => return Some(failure.now("nothing was touched")),
            }
        }
        if theirs.as_ref() == Some(&id) {
            let answer = format!("server `{other}` has the same server_id {id}");
            return Some(
                Failure::refused("configure the server", answer)
                    .at(name)
                    .now("nothing was touched")
                    .help(format!("set another one: servers.{name}.server_id in the inventory")),
            );
        }
    }
    None
}
