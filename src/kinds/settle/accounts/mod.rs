//! `accounts`: copies an application's accounts to the new server and proves that they can log in there.

mod making;
mod others;
mod subject;
mod trial;

pub use others::behind;
pub use subject::Subject;

use crate::domain::{Sql, Words};
use crate::effects::LoginPath;
use crate::effects::past_read_only::AccountName;
use crate::effects::replica::LOOK;
use crate::error::{Class, Failure, Result};
use crate::kinds::support::account_locks;
use crate::kinds::support::accounts_before;
use crate::kinds::support::place::{account_fact, dialect, server};
use crate::kinds::{
    Action, Complaint, Condition, Ctx, Need, Needs, On, Output, OutputType, Outputs, Probe, Reversibility, Step,
};
use crate::playbook::inventory::{Account, Application};
use crate::playbook::world::World;
use crate::sql;
use async_trait::async_trait;
use making::{Made, Making, VERBS, drop_statement, drop_subject, made, restore_strictness, set_strict};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use subject::with_roles;

/// Outputs of this kind.
pub const OUTPUTS: &[Output] =
    &[Output { name: "proved", kind: OutputType::Text, about: "Accounts that logged in, separated by spaces." }];

/// What `MariaDB` answers to the right password of an account that is locked.
const LOCKED: &str = "4151";

/// Key of the memo: the accounts and roles beside the application's own that this step brings.
const BESIDE: &str = "beside";

/// Copies an application's accounts, with their roles, passwords and privileges, from one server to another, and logs
/// in as each of them along the path that the application takes. Otherwise a missing account would show only at the
/// switch. With `others` all other accounts and roles are copied too.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend(
    "x-undo" = "Accounts and roles that this step created are dropped.",
    "examples" = [{ "application": "shop", "from": "source", "to": "target", "others": true }]
))]
pub struct Accounts {
    /// Application whose accounts are copied, and proved by a login.
    #[serde(default)]
    #[schemars(extend("format" = "application"))]
    application: Option<String>,
    /// Server to copy from.
    #[schemars(extend("format" = "server"))]
    from: String,
    /// Server to copy to.
    #[schemars(extend("format" = "server"))]
    to: String,
    /// Also copies every other account and role that the new server lacks, except the servers' own accounts, local
    /// administrators, anonymous accounts, the runner's account, and replication accounts.
    #[serde(default)]
    others: bool,
}

/// A [`Subject`] as a plan knows it.
struct Planned {
    user: Words,
    host: Words,
    is_role: bool,
}

/// The account's host part, where the inventory leaves it out.
fn host(account: &Account) -> &str {
    account.host.as_deref().unwrap_or("%")
}

impl Accounts {
    fn application<'a>(&self, world: &'a World) -> Result<Option<&'a Application>> {
        let Some(name) = &self.application else { return Ok(None) };
        world.inventory.applications.get(name).map(Some).ok_or_else(|| {
            Failure::permanent("find the application", format!("the inventory has no application `{name}`"))
        })
    }
    fn accounts<'a>(&self, world: &'a World) -> Result<&'a [Account]> {
        Ok(self.application(world)?.map_or(&[][..], |application| &application.accounts))
    }
    /// Whatever is brought, roles first.
    async fn subjects(&self, cx: &Ctx<'_>, making: &Making<'_>) -> Result<Vec<Subject>> {
        let (from, to) = (dialect(cx.world, &self.from), dialect(cx.world, &self.to));
        let mut wanted: Vec<Subject> = self.accounts(cx.world)?.iter().map(Subject::of).collect();
        if self.others {
            let machine = crate::kinds::support::answer::value(&making.read, from.machine_name()).await?;
            let there = making.read.query(from.accounts_and_roles(), LOOK).await?;
            let here = making.write.query(to.accounts_and_roles(), LOOK).await?;
            let all = behind(cx.world, (&self.from, &self.to), &there, &here, &machine);
            wanted.extend(all.into_iter().filter(|other| !wanted.contains(other)).collect::<Vec<_>>());
        }
        match from.role_members() {
            Some(members) => Ok(with_roles(&wanted, &making.read.query(members, LOOK).await?)),
            None => Ok(wanted),
        }
    }
    async fn bring(&self, cx: &Ctx<'_>, making: &Making<'_>) -> Result<()> {
        let mut subjects = self.subjects(cx, making).await?;
        let own: Vec<Subject> = self.accounts(cx.world)?.iter().map(Subject::of).collect();
        let mut beside: Vec<Subject> = cx.memo.read(BESIDE)?.unwrap_or_default();
        // an attempt before has made some of them, and half of one: they are no longer missing there
        let again: Vec<Subject> = beside.iter().filter(|known| !subjects.contains(known)).cloned().collect();
        subjects.splice(0..0, again);
        beside.extend(
            subjects.iter().filter(|new| !own.contains(new) && !beside.contains(new)).cloned().collect::<Vec<_>>(),
        );
        if !beside.is_empty() {
            cx.memo.set(BESIDE, serde_json::to_value(&beside).unwrap_or_default()).await?;
        }
        for subject in &subjects {
            making.bring(subject).await?;
        }
        let others = subjects.len().saturating_sub(own.len());
        if others > 0 {
            cx.progress.note(format!("copied other accounts and roles: {others}"));
        }
        self.tell_public(cx, making).await?;
        self.tell_second_passwords(cx, making, &subjects).await
    }
    /// What PUBLIC may do on the old server but not on the new one: it belongs to no account, so no account's copy
    /// includes it.
    async fn tell_public(&self, cx: &Ctx<'_>, making: &Making<'_>) -> Result<()> {
        let both =
            dialect(cx.world, &self.from).show_public_grants().zip(dialect(cx.world, &self.to).show_public_grants());
        let Some((there, here)) = both else { return Ok(()) };
        let (there, here) = (making.read.query(there, LOOK).await?, making.write.query(here, LOOK).await?);
        let here: BTreeSet<&str> = here.iter().filter_map(|row| row.at(0)).collect();
        let missing: Vec<&str> = there.iter().filter_map(|row| row.at(0)).filter(|line| !here.contains(line)).collect();
        if !missing.is_empty() {
            cx.progress.note(format!("on `{}` PUBLIC lacks: {}", self.to, missing.join("; ")));
        }
        Ok(())
    }
    async fn tell_second_passwords(&self, cx: &Ctx<'_>, making: &Making<'_>, subjects: &[Subject]) -> Result<()> {
        let Some(question) = dialect(cx.world, &self.from).second_passwords() else { return Ok(()) };
        for subject in Subject::all(&making.read.query(question, LOOK).await?) {
            if subjects.contains(&subject) {
                let text = "has a second password on the old server (RETAIN CURRENT PASSWORD), which is not copied";
                cx.progress.note(format!("{subject} {text}"));
            }
        }
        Ok(())
    }
    async fn tried(&self, cx: &Ctx<'_>) -> Result<Vec<Failure>> {
        let making = Making::open(cx, (&self.from, &self.to), self.accounts(cx.world)?).await?;
        let to = server(cx.world, &self.to)?;
        let mut failures = Vec::new();
        for subject in self.subjects(cx, &making).await? {
            if making.exists(&subject).await? {
                continue;
            }
            let target = (self.to.as_str(), dialect(cx.world, &self.to), to.user.as_str());
            // an account that the old server does not have, or a server that is closed, is another check's to name
            failures.extend(match trial::attempt(&making, &subject, target).await {
                Err(failure) if failure.class == Class::Refused => vec![failure],
                tried => tried.unwrap_or_default(),
            });
        }
        making.end().await;
        Ok(failures)
    }
    fn look_actions(&self, world: &World) -> Vec<Action> {
        let (from, to) = (dialect(world, &self.from), dialect(world, &self.to));
        let (old, new) = (On(&self.from), On(&self.to));
        let mut actions = vec![old.sql(from.read_definitions()), new.sql(to.without_binlog())];
        if self.others {
            actions.push(old.sql(from.machine_name()));
            actions.extend([old.sql(from.accounts_and_roles()), new.sql(to.accounts_and_roles())]);
        }
        actions.extend(from.role_members().map(|text| old.sql(text)));
        actions
    }
    /// Who is brought, as a plan shows it: by name, and as what shows only when it is asked.
    fn shown(&self, world: &World) -> Vec<Planned> {
        let from = dialect(world, &self.from);
        let late = |about: &str| Planned { user: Words::late(about), host: Words::late("host"), is_role: false };
        let mut shown = Vec::new();
        if from.is_mariadb() {
            shown.push(Planned { host: Words::default(), is_role: true, ..late("each role") });
        } else if from.role_members().is_some() {
            shown.push(late("each role"));
        }
        let named = self.accounts(world).unwrap_or_default().iter();
        shown.extend(named.map(|one| Planned { user: (&one.user).into(), host: host(one).into(), is_role: false }));
        if self.others {
            shown.push(late("each other account"));
        }
        shown
    }
    fn bring_actions(&self, world: &World, planned: &Planned) -> Vec<Action> {
        let (from, to) = (dialect(world, &self.from), dialect(world, &self.to));
        let Planned { user, host, is_role } = planned;
        let grants = from.show_grants_of(user, host, *is_role);
        let mut actions = vec![Action::sql(&self.to, to.account_exists(user, host))];
        actions.push(Action::note("if it exists already, what it lacks:"));
        actions.push(Action::sql(&self.to, to.show_grants_of(user, host, *is_role)));
        actions.push(Action::sql(&self.from, grants));
        actions.push(Action::note("if it does not exist, or was left incomplete by an earlier attempt of this step:"));
        let create = to.create_role(user).filter(|_| *is_role);
        if create.is_none() {
            actions.push(Action::sql(&self.from, from.show_create_account(user, host)));
        }
        actions.push(Action::sql(&self.to, drop_statement(to, user, host, *is_role)));
        actions.extend(create.map(|create| Action::sql(&self.to, create)));
        actions
    }
    /// What makes the application's accounts where the other family does not read their definitions.
    fn anew_actions(&self, world: &World) -> Vec<Action> {
        let (from, to) = (dialect(world, &self.from), dialect(world, &self.to));
        if from.is_mariadb() == to.is_mariadb() {
            return Vec::new();
        }
        let create = |one: &Account| Action::sql(&self.to, to.create_account(&one.user, host(one), &one.password));
        self.accounts(world).unwrap_or_default().iter().map(create).collect()
    }
    fn make_actions(&self, world: &World) -> Vec<Action> {
        let answered = Sql::to_copy(format!("as `{}` answered", self.from));
        let mut actions = self.anew_actions(world);
        actions.extend(VERBS.iter().map(|&verb| Action::sql(&self.to, sql!("{} {}", verb, &answered))));
        if let Some(name) = dialect(world, &self.to).strict_passwords() {
            actions.push(Action::note("while accounts are created, if the server refuses passwords as hashes:"));
            let new = On(&self.to);
            actions.push(new.sql(dialect(world, &self.to).read_variable(name)));
            actions.extend([new.sql(set_strict(name, false)), new.sql(set_strict(name, true))]);
        }
        let public = |server: &str| Some(Action::sql(server, dialect(world, server).show_public_grants()?));
        actions.extend(public(&self.from).zip(public(&self.to)).map(|(old, new)| [old, new]).into_iter().flatten());
        actions.extend(dialect(world, &self.from).second_passwords().map(|text| Action::sql(&self.from, text)));
        actions
    }
    /// From the application's own host, to the address the application will use.
    fn path<'a>(&'a self, world: &'a World) -> Result<LoginPath<'a>> {
        let target = server(world, &self.to)?;
        Ok(match self.application(world)?.and_then(|application| application.config.as_ref()) {
            Some(config) if target.endpoint.is_some() || config.host == target.host => {
                LoginPath { host: &config.host, address: target.endpoint(), authority: None, bare: false }
            }
            _ => LoginPath { host: &target.host, address: &target.address, authority: None, bare: false },
        })
    }
    /// Logs in along that way.
    async fn prove(&self, cx: &Ctx<'_>, account: &Account) -> Result<()> {
        let Err(failure) = cx.fx.try_login(&self.to, account, self.path(cx.world)?).await else { return Ok(()) };
        if failure.answer.contains(LOCKED) && self.is_locked_by_fence(cx, account).await? {
            let name = Subject::of(account).to_string();
            cx.progress
                .note(format!("{name} is locked by a fence until `{}` is opened; its password is correct", self.to));
            return Ok(());
        }
        Err(failure.help(format!(
            "before the switch, give the application an account on `{}` that it can log in with",
            self.to
        )))
    }

    /// The server checks the password first, so an answer about the lock means that the password is correct; and the
    /// lock is removed when the server is opened.
    async fn is_locked_by_fence(&self, cx: &Ctx<'_>, account: &Account) -> Result<bool> {
        let dialect = dialect(cx.world, &self.to);
        if !account_locks::needed(dialect) {
            return Ok(false);
        }
        let recorded = account_locks::recorded(&*cx.fx.sql(&self.to).await?, dialect).await?;
        let name = AccountName::new(&account.user, host(account));
        Ok(recorded.iter().any(|(_, locked)| *locked == name))
    }
}

#[async_trait]
impl Step for Accounts {
    fn reversibility(&self) -> Reversibility {
        Reversibility::Reversible
    }

    fn preview(&self, world: &World) -> Result<Vec<Action>, Vec<Complaint>> {
        let unknown = |failure: Failure| vec![Complaint::new("application", failure.answer)];
        let accounts = self.accounts(world).map_err(unknown)?;
        if let (Some(name), true) = (&self.application, accounts.is_empty()) {
            let message = format!("application `{name}` has no `accounts` in the inventory");
            let help = "add `accounts: [{ user: shop, host: \"%\", password: { env: SHOP_PASSWORD } }]` to it";
            return Err(vec![Complaint::new("application", message).help(help)]);
        }
        if self.application.is_none() && !self.others {
            let message = "the accounts to copy are missing";
            return Err(vec![Complaint::new("", message).help("add `application: NAME`, or `others: true`, or both")]);
        }
        let mut actions = self.look_actions(world);
        for planned in self.shown(world) {
            actions.extend(self.bring_actions(world, &planned));
        }
        actions.extend(self.make_actions(world));
        let to = dialect(world, &self.to);
        for account in accounts {
            actions.extend(self.path(world).map_err(unknown)?.actions(&self.to, &account.user));
        }
        if account_locks::needed(to) && !accounts.is_empty() {
            actions.push(Action::note("if it is locked, whether a fence has done that:"));
            actions.extend(account_locks::look_actions(&self.to, to));
        }
        Ok(actions)
    }

    fn preview_undo(&self, world: &World) -> Vec<Action> {
        let dialect = dialect(world, &self.to);
        let mut actions = vec![
            Action::note("accounts and roles that this step created:"),
            Action::sql(&self.to, dialect.without_binlog()),
        ];
        let drop = |one: Planned| Action::sql(&self.to, drop_statement(dialect, one.user, one.host, one.is_role));
        actions.extend(self.shown(world).into_iter().rev().map(drop));
        actions.extend(accounts_before::forget_actions(world, &self.to));
        if let Some(name) = dialect.strict_passwords() {
            actions.push(Action::sql(&self.to, set_strict(name, true)));
        }
        actions
    }

    fn questions(&self, world: &World) -> Vec<Action> {
        let from = dialect(world, &self.from);
        let mut actions = self.look_actions(world);
        for Planned { user, host, is_role } in self.shown(world) {
            actions.push(Action::sql(&self.to, dialect(world, &self.to).account_exists(&user, &host)));
            let create = (!is_role).then(|| from.show_create_account(&user, &host));
            let texts = create.into_iter().chain([from.show_grants_of(&user, &host, is_role)]);
            actions.extend(texts.map(|text| Action::sql(&self.from, text)));
        }
        actions.extend(trial::actions(&self.to, dialect(world, &self.to)));
        actions
    }

    fn settles(&self, world: &World) -> Vec<String> {
        let accounts = self.accounts(world).unwrap_or_default();
        let named = accounts.iter().map(|account| account_fact(&self.to, &account.user, host(account)));
        named.chain(self.others.then(|| format!("{}.accounts", self.to))).collect()
    }

    fn needs(&self, world: &World) -> Vec<Need> {
        let (from, to) = (dialect(world, &self.from), dialect(world, &self.to));
        let read = Needs::on(&self.from, "read accounts and their privileges").everywhere([from.reads_accounts()]);
        let accounts = self.accounts(world).unwrap_or_default().iter();
        let names: Vec<_> = accounts.map(|account| AccountName::new(&account.user, host(account))).collect();
        let only_if = (!self.others).then_some(Condition::Missing(names));
        let purpose = "create accounts, and grant them everything that GRANT ALL gives on a database; whatever else \
                       they have, this account must have itself WITH GRANT OPTION";
        let all = [to.makes_accounts()].into_iter().chain(to.all_of_a_database());
        let make = Needs::on(&self.to, purpose).passed_on(only_if.as_ref(), all);
        [read, make].into_iter().flat_map(Vec::from).collect()
    }

    fn unproved(&self, world: &World) -> Vec<String> {
        if self.accounts(world).unwrap_or_default().is_empty() {
            return vec![format!(
                "that the passwords of the accounts work on `{}`: this step does not log in as them",
                self.to
            )];
        }
        vec![format!("that the application's accounts exist on `{}`, with these passwords", self.from)]
    }

    async fn inspect(&self, cx: &Ctx<'_>, _: &BTreeSet<String>) -> Vec<Failure> {
        self.tried(cx).await.unwrap_or_default() // a server that cannot be asked is told by every other step
    }

    async fn probe(&self, _: &Ctx<'_>) -> Result<Probe> {
        Ok(Probe::NotDone)
    }

    async fn execute(&self, cx: &Ctx<'_>) -> Result<Outputs> {
        let making = Making::open(cx, (&self.from, &self.to), self.accounts(cx.world)?).await?;
        let brought = self.bring(cx, &making).await;
        let closed = making.close().await;
        brought.and(closed)?;
        let mut proved = Vec::new();
        for account in self.accounts(cx.world)? {
            self.prove(cx, account).await?;
            proved.push(Subject::of(account).to_string());
        }
        if !proved.is_empty() {
            cx.progress.note(format!("logged in as {}", proved.join(", ")));
        }
        Ok(Outputs::from_iter([("proved".to_owned(), proved.join(" ").into())]))
    }

    async fn undo(&self, cx: &Ctx<'_>) -> Result<()> {
        let mut all: Vec<Subject> = cx.memo.read(BESIDE)?.unwrap_or_default();
        all.extend(self.accounts(cx.world)?.iter().map(Subject::of));
        let mut ours = Vec::new();
        for subject in all.into_iter().rev() {
            if cx.memo.read::<Made>(&made(&subject))?.is_some() {
                ours.push(subject);
            }
        }
        let dialect = dialect(cx.world, &self.to);
        let session = cx.fx.session(&self.to, cx.step).await?;
        session.query(dialect.without_binlog(), LOOK).await?;
        for subject in &ours {
            session.query(drop_subject(dialect, subject), LOOK).await?;
        }
        let pairs: Vec<(String, String)> = ours.iter().map(Subject::pair).collect();
        accounts_before::forget(&session, dialect, &pairs).await?;
        restore_strictness(cx, &session, dialect).await?;
        cx.fx.close_session(&self.to, cx.step).await;
        Ok(())
    }
}
