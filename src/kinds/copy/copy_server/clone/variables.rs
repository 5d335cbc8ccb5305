//! The target's settings for the time of a clone: whom it may clone, with how many threads, how fast. What was there before is
//! put back.

use super::super::CopyServer;
use super::donor::Donor;
use crate::domain::{Sql, Words};
use crate::error::{Failure, Result};
use crate::kinds::support::option_file::same_value;
use crate::kinds::support::place::dialect;
use crate::kinds::support::server_state::{READ_LIMIT, variables};
use crate::kinds::{Action, Ctx};
use crate::playbook::world::World;
use std::collections::BTreeMap;

/// Key of the memo: the values from before.
const BEFORE: &str = "variables";
const MIB: u64 = 1 << 20;
/// All that can be set.
const NAMES: [&str; 4] =
    ["clone_valid_donor_list", "clone_max_concurrency", "clone_max_data_bandwidth", "clone_ssl_ca"];

/// Those that take no empty text (error 3869, seen on 9.7.4).
const TEXTS: [&str; 2] = ["clone_valid_donor_list", "clone_ssl_ca"];

type Values = BTreeMap<String, String>;

/// What a clone takes. `clone_ssl_ca` is what makes it verify a certificate.
fn wanted(copy: &CopyServer, donor: &Donor<'_>) -> Vec<(&'static str, String)> {
    let rate = copy.limit().map_or(0, |limit| (limit / MIB).max(1)); // 0 is no limit
    let values = [
        Some(donor.listed()),
        Some(copy.parallel().to_string()),
        Some(rate.to_string()),
        donor.authority.map(Into::into),
    ];
    NAMES.into_iter().zip(values).filter_map(|(name, value)| Some((name, value?))).collect()
}

fn set(copy: &CopyServer, world: &World, name: &'static str, value: impl Into<Words>) -> Sql {
    dialect(world, copy.target()).set_variable(name, value)
}

fn read(copy: &CopyServer, world: &World) -> Action {
    Action::sql(copy.target(), dialect(world, copy.target()).show_variables(&NAMES))
}

/// What [`fit`] asks and sets.
pub fn actions(copy: &CopyServer, world: &World, donor: &Donor<'_>) -> Vec<Action> {
    let mut actions = vec![read(copy, world)];
    let wanted = wanted(copy, donor).into_iter();
    actions.extend(wanted.map(|(name, value)| Action::sql(copy.target(), set(copy, world, name, value))));
    actions
}

/// What [`put_back`] asks and sets.
pub fn undo_actions(copy: &CopyServer, world: &World) -> Vec<Action> {
    let late = |name: &'static str| set(copy, world, name, Words::late(format!("{name} before")));
    let mut actions = vec![read(copy, world)];
    actions.extend(NAMES.map(|name| Action::sql(copy.target(), late(name))));
    actions.push(Action::note("those that were empty:"));
    actions.extend(TEXTS.map(|name| Action::sql(copy.target(), dialect(world, copy.target()).unset_variable(name))));
    actions
}

/// Notes what is there, sets what a clone takes, and reads it back.
///
/// # Errors
/// When the server has no such settings, or keeps others.
pub async fn fit(copy: &CopyServer, cx: &Ctx<'_>, donor: &Donor<'_>) -> Result<()> {
    let wanted = wanted(copy, donor);
    let now = variables(cx, copy.target(), &NAMES).await?;
    if !now.contains_key(NAMES[0]) {
        let help = "to load it from a rendered configuration file, add `plugin_load_add: mysql_clone.so` to \
                    `settings` of that server in the inventory";
        return Err(Failure::permanent("clone the server", "the clone plugin is not active")
            .at(copy.target())
            .help(help));
    }
    let ours = |(name, _): &(&String, &String)| wanted.iter().any(|(wanted, _)| wanted == name);
    let before: Values = now.iter().filter(ours).map(|(name, value)| (name.clone(), value.clone())).collect();
    cx.memo.keep(BEFORE, before).await?;
    let session = cx.fx.sql(copy.target()).await?;
    for (name, value) in &wanted {
        if !now.get(*name).is_some_and(|now| same_value(value, now)) {
            session.exec(set(copy, cx.world, name, value), READ_LIMIT).await?;
        }
    }
    let now = variables(cx, copy.target(), &NAMES).await?;
    let wrong = wanted.iter().find(|(name, value)| !now.get(*name).is_some_and(|now| same_value(value, now)));
    let Some((name, value)) = wrong else { return Ok(()) };
    let answer = format!("{name} is {} instead of {value}", now.get(*name).map_or("", String::as_str));
    Err(Failure::permanent("set the variables for the clone", answer).at(copy.target()))
}

/// Puts back what was there before, where it was changed.
///
/// # Errors
/// When the server cannot be asked, or refuses a value.
pub async fn put_back(copy: &CopyServer, cx: &Ctx<'_>) -> Result<()> {
    let Some(before) = cx.memo.read::<Values>(BEFORE)? else { return Ok(()) };
    let now = variables(cx, copy.target(), &NAMES).await?;
    let session = cx.fx.sql(copy.target()).await?;
    for name in NAMES {
        let (Some(before), Some(now)) = (before.get(name), now.get(name)) else { continue };
        if before == now {
            continue;
        }
        let statement = match before.as_str() {
            "" | "NULL" if TEXTS.contains(&name) => dialect(cx.world, copy.target()).unset_variable(name),
            _ => set(copy, cx.world, name, before),
        };
        session.exec(statement, READ_LIMIT).await?;
    }
    Ok(())
}
