//! Whether the runner's own account may do what steps will do much later, and what helps where it may not.
//!
//! May know: the dialect and servers. Nothing of the steps.

mod grant;
pub mod swap;

pub use grant::{Grant, grants};

use crate::dialect::{GRANT_OPTION, OwnDatabase};
use crate::domain::endpoint::Endpoint;
use crate::domain::sql::account;
use crate::effects::Rows;
use crate::effects::replica::LOOK;
use crate::error::{Failure, Result};
use crate::kinds::support::place::{dialect, server};
use crate::kinds::{Ctx, Need, Scope};
use crate::playbook::inventory::Server;
use crate::playbook::world::World;

/// The account of the runner on a server, as statements name it: the connection arrives there from the server's own host.
#[must_use]
pub fn own_account(server: &Server) -> String {
    account(&server.user, Endpoint::of(&server.address).arrives_from()).to_string()
}

/// Those of `needs` that an account does not meet; `rows`: its own privileges.
#[must_use]
pub fn missing(rows: &Rows, needs: &[Need]) -> Vec<Need> {
    let holds = |privilege: &str, database: &str| {
        rows.iter().any(|row| row.get("privilege") == Some(privilege) && row.get("in_database") == Some(database))
    };
    let met = |need: &Need| {
        let there = |privilege: &&str| {
            let own = |own: OwnDatabase| holds(privilege, own.name());
            holds(privilege, "*") || matches!(need.scope, Scope::Own(database) if own(database))
        };
        need.any_of.iter().any(there) && (!need.passed_on || holds(GRANT_OPTION, "*"))
    };
    needs.iter().filter(|need| !met(need)).cloned().collect()
}

/// What of it an account lacks, by name, and where. That it may not pass privileges on is said by that name alone.
#[must_use]
pub fn lacks(rows: &Rows, missing: &[Need]) -> String {
    let held = |need: &Need| {
        let is = |privilege: &&str| rows.iter().any(|row| row.get("privilege") == Some(privilege));
        need.passed_on && need.any_of.iter().any(is)
    };
    let mut words: Vec<String> = Vec::new();
    for need in missing {
        let name = if held(need) { GRANT_OPTION } else { need.any_of.first().copied().unwrap_or_default() };
        let word = match need.scope {
            Scope::Everywhere => name.to_owned(),
            Scope::Own(database) => format!("{name} on {}", database.name()),
        };
        if !words.contains(&word) {
            words.push(word);
        }
    }
    words.sort();
    words.join(", ")
}

/// The statements that give `account` what is missing.
#[must_use]
pub fn remedy(missing: &[Need], account: &str) -> String {
    let without_purpose = missing.iter().map(|need| Need { purpose: "", only_if: None, ..need.clone() });
    let statements = grants(&without_purpose.collect::<Vec<_>>());
    statements.iter().map(|grant| grant.statement(account)).collect::<Vec<_>>().join("; ")
}

/// Refuses, once for each server, unless the accounts meet `needs`; `attempted` is what they would fail at.
pub async fn require(cx: &Ctx<'_>, needs: &[Need], attempted: &str) -> Vec<Failure> {
    let mut names: Vec<&str> = needs.iter().map(|need| need.server.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    let mut failures = Vec::new();
    for name in names {
        let here: Vec<Need> = needs.iter().filter(|need| need.server == name).cloned().collect();
        failures.extend(require_on(cx, name, &here, attempted).await.err());
    }
    failures
}

/// The same on one server.
///
/// # Errors
/// A refusal that names what to grant, or that the server cannot be asked.
pub async fn require_on(cx: &Ctx<'_>, name: &str, needs: &[Need], attempted: &str) -> Result<()> {
    let rows = cx.fx.sql(name).await?.query(&dialect(cx.world, name).own_privileges(), LOOK).await?;
    let missing = missing(&rows, needs);
    if missing.is_empty() {
        return Ok(());
    }
    let remedy = remedy(&missing, &account_on(cx.world, name)?);
    Err(Failure::refused(attempted, format!("the account lacks {}", lacks(&rows, &missing)))
        .at(name)
        .now("nothing was touched")
        .help(format!("{remedy}; grant directly, not through a role")))
}

/// [`own_account`] of the server called `name`.
///
/// # Errors
/// When there is no such server.
pub fn account_on(world: &World, name: &str) -> Result<String> {
    server(world, name).map(own_account)
}
