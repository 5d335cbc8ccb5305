//! `accounts`: brings an application's accounts to the new server and proves that they can log in there.

use super::account_locks;
use super::answer;
use super::place::{account_fact, dialect, server};
use super::{Action, Complaint, Ctx, Output, OutputType, Outputs, Probe, Reversibility, Step};
use crate::effects::LoginPath;
use crate::effects::past_read_only::AccountName;
use crate::effects::replica::LOOK;
use crate::error::{Failure, Result};
use crate::playbook::inventory::{Account, Application};
use crate::playbook::marker;
use crate::playbook::world::World;
use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// Outputs of this kind.
pub const OUTPUTS: &[Output] =
    &[Output { name: "proved", kind: OutputType::Text, about: "Accounts that logged in, separated by spaces." }];

/// What `MariaDB` answers to the right password of an account that is locked.
const LOCKED: &str = "4151";

/// Brings an application's accounts, with passwords and privileges, from one server to another, and logs in as each
/// of them along the path the application takes. An account that is missing shows only at the switch otherwise.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend(
    "x-undo" = "Accounts that this step made are dropped.",
    "examples" = [{ "application": "shop", "from": "source", "to": "target" }]
))]
pub struct Accounts {
    /// Application whose accounts these are.
    #[schemars(extend("format" = "application"))]
    application: String,
    /// Server they come from.
    #[schemars(extend("format" = "server"))]
    from: String,
    /// Server they go to.
    #[schemars(extend("format" = "server"))]
    to: String,
}

/// How far an account of this step has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Made {
    /// The account may be there without all of its privileges.
    Begun,
    /// The account is there with everything.
    Whole,
}

impl Accounts {
    fn application<'a>(&self, world: &'a World) -> Result<&'a Application> {
        world.inventory.applications.get(&self.application).ok_or_else(|| {
            Failure::permanent(
                "find the application",
                format!("the inventory has no application `{}`", self.application),
            )
        })
    }
    fn host(account: &Account) -> &str {
        account.host.as_deref().unwrap_or("%")
    }
    async fn exists(&self, cx: &Ctx<'_>, account: &Account) -> Result<bool> {
        let session = cx.fx.sql(&self.to).await?;
        let text = dialect(cx.world, &self.to).account_exists(&account.user, Self::host(account));
        Ok(answer::number::<u64>(&session, &text).await? > 0)
    }
    /// Statements that make the account anew, as the old server itself writes them.
    async fn definition(&self, cx: &Ctx<'_>, account: &Account) -> Result<Vec<String>> {
        let from = cx.fx.sql(&self.from).await?;
        let dialect = dialect(cx.world, &self.from);
        let mut statements = Vec::new();
        for text in [
            dialect.show_create_account(&account.user, Self::host(account)),
            dialect.show_grants(&account.user, Self::host(account)),
        ] {
            let rows = from.query(&text, LOOK).await.map_err(|failure| {
                failure
                    .help("correct the application's `accounts` in the inventory: user and host as on the old server")
            })?;
            statements.extend(rows.iter().filter_map(|row| row.at(0).map(str::to_owned)));
        }
        Ok(statements)
    }
    async fn bring(&self, cx: &Ctx<'_>, account: &Account) -> Result<()> {
        let made = made(account);
        let there = self.exists(cx, account).await?;
        let half = cx.memo.read(&made)? == Some(Made::Begun);
        if there && !half {
            return Ok(());
        }
        let statements = self.definition(cx, account).await?;
        cx.memo.set(&made, json!(Made::Begun)).await?;
        let session = cx.fx.session(&self.to, cx.step).await?;
        session.query(dialect(cx.world, &self.to).without_binlog(), LOOK).await?;
        if there {
            let (user, host) = (&account.user, Self::host(account));
            session.query(&dialect(cx.world, &self.to).drop_account(user, host), LOOK).await?;
        }
        for statement in statements {
            session.query(&statement, LOOK).await.map_err(|failure| Failure {
                attempted: format!("make the account {}@{}", account.user, Self::host(account)),
                answer: without_hash(&failure.answer),
                ..failure
            })?;
        }
        cx.fx.close_session(&self.to, cx.step).await;
        cx.memo.set(&made, json!(Made::Whole)).await
    }
    /// Logs in from the application's own host, to the address the application will use.
    async fn prove(&self, cx: &Ctx<'_>, account: &Account) -> Result<()> {
        let (application, target) = (self.application(cx.world)?, server(cx.world, &self.to)?);
        let path = match &application.config {
            Some(config) if target.endpoint.is_some() || config.host == target.host => {
                LoginPath { host: &config.host, address: target.endpoint(), authority: None }
            }
            _ => LoginPath { host: &target.host, address: &target.address, authority: None },
        };
        let Err(failure) = cx.fx.try_login(&self.to, account, path).await else { return Ok(()) };
        if failure.answer.contains(LOCKED) && self.is_locked_by_fence(cx, account).await? {
            let name = format!("{}@{}", account.user, Self::host(account));
            cx.progress
                .note(format!("{name} is locked by a fence until `{}` is opened; its password is right", self.to));
            return Ok(());
        }
        Err(failure.help(format!(
            "give `{}` an account on `{}` that lets it in, before the switch",
            self.application, self.to
        )))
    }

    /// The server looks at the password first, so whoever is told of the lock has the right one; and whoever opens the
    /// server takes off what stands in the record.
    async fn is_locked_by_fence(&self, cx: &Ctx<'_>, account: &Account) -> Result<bool> {
        let dialect = dialect(cx.world, &self.to);
        if !account_locks::needed(dialect) {
            return Ok(false);
        }
        let recorded = account_locks::recorded(&*cx.fx.sql(&self.to).await?, dialect).await?;
        let name = AccountName::new(&account.user, Self::host(account));
        Ok(recorded.iter().any(|(_, locked)| *locked == name))
    }
}

/// Key of what is remembered of an account that this step makes: a [`Made`].
fn made(account: &Account) -> String {
    format!("made {}@{}", account.user, Accounts::host(account))
}

/// A password's hash is as secret as the password to whoever wants to guess it.
fn without_hash(answer: &str) -> String {
    answer.split_once("IDENTIFIED").map_or(answer, |(before, _)| before).to_owned()
}

#[async_trait]
impl Step for Accounts {
    fn reversibility(&self) -> Reversibility {
        Reversibility::Reversible
    }

    fn preview(&self, world: &World) -> Result<Vec<Action>, Vec<Complaint>> {
        let application =
            self.application(world).map_err(|failure| vec![Complaint::new("application", failure.answer)])?;
        if application.accounts.is_empty() {
            let message = format!("application `{}` has no `accounts` in the inventory", self.application);
            let help = "add `accounts: [{ user: shop, host: \"%\", password: { env: SHOP_PASSWORD } }]` to it";
            return Err(vec![Complaint::new("application", message).help(help)]);
        }
        let (from, to) = (dialect(world, &self.from), dialect(world, &self.to));
        let mut actions = Vec::new();
        for account in &application.accounts {
            let (user, host) = (&account.user, Self::host(account));
            actions.push(Action::sql(&self.to, to.account_exists(user, host)));
            actions.push(Action::note("if it is not there, or was left half made by an attempt of this step:"));
            actions.push(Action::sql(&self.from, from.show_create_account(user, host)));
            actions.push(Action::sql(&self.from, from.show_grants(user, host)));
            actions.push(Action::sql(&self.to, to.without_binlog()));
            actions.push(Action::note("if half of it is there:"));
            actions.push(Action::sql(&self.to, to.drop_account(user, host)));
            let answered = marker::late(&format!("as `{}` answered", self.from));
            for statement in ["CREATE USER", "GRANT", "SET DEFAULT ROLE"] {
                actions.push(Action::sql(&self.to, format!("{statement} {answered}")));
            }
            actions.push(Action::note(format!(
                "log in to `{}` as {user}, from where `{}` will",
                self.to, self.application
            )));
            actions.push(Action::sql(&self.to, "SELECT CURRENT_USER()"));
            if account_locks::needed(to) {
                actions.push(Action::note("if it is locked, whether a fence has done that:"));
                actions.extend(account_locks::look_actions(&self.to, to));
            }
        }
        Ok(actions)
    }

    fn preview_undo(&self, world: &World) -> Vec<Action> {
        let Ok(application) = self.application(world) else { return Vec::new() };
        let dialect = dialect(world, &self.to);
        let drops = application
            .accounts
            .iter()
            .map(|account| Action::sql(&self.to, dialect.drop_account(&account.user, Self::host(account))));
        [Action::note("accounts that this step made:"), Action::sql(&self.to, dialect.without_binlog())]
            .into_iter()
            .chain(drops)
            .collect()
    }

    fn settles(&self, world: &World) -> Vec<String> {
        let accounts = self.application(world).map_or(&[][..], |application| &application.accounts);
        accounts.iter().map(|account| account_fact(&self.to, &account.user, Self::host(account))).collect()
    }

    fn unproved(&self, _: &World) -> Vec<String> {
        vec![
            format!("that the accounts of `{}` are on `{}`, with these passwords", self.application, self.from),
            format!("that `{}` takes their passwords and privileges as `{}` names them", self.to, self.from),
        ]
    }

    async fn probe(&self, _: &Ctx<'_>) -> Result<Probe> {
        Ok(Probe::NotDone)
    }

    async fn execute(&self, cx: &Ctx<'_>) -> Result<Outputs> {
        let mut proved = Vec::new();
        for account in &self.application(cx.world)?.accounts {
            self.bring(cx, account).await?;
            self.prove(cx, account).await?;
            proved.push(format!("{}@{}", account.user, Self::host(account)));
        }
        cx.progress.note(format!("logged in as {}", proved.join(", ")));
        Ok(Outputs::from_iter([("proved".to_owned(), proved.join(" ").into())]))
    }

    async fn undo(&self, cx: &Ctx<'_>) -> Result<()> {
        let mut ours = Vec::new();
        for account in &self.application(cx.world)?.accounts {
            if cx.memo.read::<Made>(&made(account))?.is_some() {
                ours.push(account);
            }
        }
        let dialect = dialect(cx.world, &self.to);
        let session = cx.fx.session(&self.to, cx.step).await?;
        session.query(dialect.without_binlog(), LOOK).await?;
        for account in ours {
            session.query(&dialect.drop_account(&account.user, Self::host(account)), LOOK).await?;
        }
        cx.fx.close_session(&self.to, cx.step).await;
        Ok(())
    }
}
