//! Accounts that are locked while a server is closed, and the record of them on that server.
//!
//! Where the strongest lock ends with a session, an account that gets past `read_only` could write after it. So it is
//! locked, on this one server: nothing of it enters the binary log, or the other server would lock it too. The record
//! is kept on the server itself, because another run, perhaps on another machine, will open it again.

use crate::dialect::{Dialect, OwnDatabase};
use crate::domain::sql::{account, list};
use crate::domain::{Sql, Words};
use crate::effects::Session;
use crate::effects::past_read_only::AccountName;
use crate::effects::replica::LOOK;
use crate::error::Result;
use crate::kinds::support::answer;
use crate::kinds::support::own_database;
use crate::kinds::support::place::dialect;
use crate::kinds::{Action, Ctx, On};
use crate::playbook::world::World;
use std::sync::Arc;

/// Purpose of the connection that changes accounts: whatever it does stays out of the binary log.
const SESSION: &str = "account locks";

/// What lists of accounts are called where a plan cannot know them.
pub const TO_LOCK: &str = "each account to lock";
const WAS_LOCKED: &str = "each account that was locked";
const IN_RECORD: &str = "each account in the record";

/// Whether a closed server needs it.
pub fn needed(dialect: Dialect) -> bool {
    dialect.strongest_fence().held_by_session && dialect.account_lock()
}

/// A connection that changes this one server alone.
pub async fn session(cx: &Ctx<'_>, server: &str) -> Result<Arc<Session>> {
    let session = cx.fx.session(server, SESSION).await?;
    session.query(dialect(cx.world, server).without_binlog(), LOOK).await?;
    Ok(session)
}

/// Closes it.
pub async fn end_session(cx: &Ctx<'_>, server: &str) {
    cx.fx.close_session(server, SESSION).await;
}

/// A list of names, called `about` in plans.
pub fn names(about: &'static str, accounts: &[AccountName]) -> Sql {
    list(about, accounts.iter().map(|name| account(&name.user, &name.host)))
}

/// What stands in the record: the run that locked it, and the account. Empty without a record.
pub async fn recorded(session: &Session, dialect: Dialect) -> Result<Vec<(String, AccountName)>> {
    if answer::number::<u64>(session, &dialect.lock_record_exists()).await? == 0 {
        return Ok(Vec::new());
    }
    let question = dialect.read_lock_record();
    let rows = session.query(&question, LOOK).await?;
    let read = rows.iter().map(|row| {
        let column = |name| answer::column(row, name, session, &question);
        Ok((column("run")?.to_owned(), AccountName::new(column("user")?, column("host")?)))
    });
    read.collect()
}

/// What [`recorded`] asks.
pub fn look_actions(server: &str, dialect: Dialect) -> Vec<Action> {
    [dialect.lock_record_exists(), dialect.read_lock_record()].map(|text| Action::sql(server, text)).into()
}

/// Makes the record and notes there what run `run` is about to lock.
pub async fn record(session: &Session, dialect: Dialect, run: &str, accounts: &[AccountName]) -> Result<()> {
    for statement in dialect.create_lock_record() {
        session.query(&statement, LOOK).await?;
    }
    for account in accounts {
        session.query(&dialect.record_lock(run, &account.user, &account.host), LOOK).await?;
    }
    Ok(())
}

/// What [`record`] does.
pub fn record_actions(server: &str, dialect: Dialect) -> Vec<Action> {
    let note = dialect.record_lock(Words::late("run"), Words::late(TO_LOCK), Words::late("host"));
    let all = dialect.create_lock_record().into_iter().chain([note]);
    all.map(|text| Action::sql(server, text)).collect()
}

/// Gives accounts back that run `run` has locked, and takes them out of the record; the last one takes it with it.
pub async fn give_back(cx: &Ctx<'_>, server: &str, accounts: &[AccountName]) -> Result<()> {
    let dialect = dialect(cx.world, server);
    let session = session(cx, server).await?;
    if !accounts.is_empty() {
        session.query(&dialect.unlock_accounts(names(WAS_LOCKED, accounts)), LOOK).await?;
    }
    if !recorded(&session, dialect).await?.is_empty() {
        session.query(&dialect.forget_locks(cx.run), LOOK).await?;
    }
    if recorded(&session, dialect).await?.is_empty() {
        own_database::remove(&session, dialect, OwnDatabase::Fence).await?;
    }
    end_session(cx, server).await;
    Ok(())
}

/// What [`give_back`] does.
pub fn give_back_actions(server: &str, dialect: Dialect) -> Vec<Action> {
    let here = On(server);
    let unlock = dialect.unlock_accounts(Sql::late(WAS_LOCKED));
    let mut actions = vec![here.sql(dialect.without_binlog()), here.sql(unlock)];
    actions.extend(look_actions(server, dialect));
    actions.push(here.sql(dialect.forget_locks(Words::late("run"))));
    actions.push(Action::note("when no other run has locked any:"));
    actions.extend(own_database::remove_actions(server, dialect, OwnDatabase::Fence));
    actions
}

/// Whether a fence has locked accounts there.
pub async fn is_recorded(cx: &Ctx<'_>, server: &str) -> Result<bool> {
    let dialect = dialect(cx.world, server);
    Ok(needed(dialect) && !recorded(&*cx.fx.sql(server).await?, dialect).await?.is_empty())
}

/// Opens the connection that unlocks them in advance, so that the switch does not wait for it.
pub async fn make_ready(cx: &Ctx<'_>, server: &str) -> Result<()> {
    if is_recorded(cx, server).await? { session(cx, server).await.map(drop) } else { Ok(()) }
}

/// Gives every account back that any run has locked there: for a server that has been opened for good.
pub async fn give_all_back(cx: &Ctx<'_>, server: &str) -> Result<Vec<AccountName>> {
    let dialect = dialect(cx.world, server);
    if !is_recorded(cx, server).await? {
        return Ok(Vec::new());
    }
    let session = session(cx, server).await?;
    let mut accounts: Vec<_> = recorded(&session, dialect).await?.into_iter().map(|(_, account)| account).collect();
    accounts.sort();
    accounts.dedup();
    session.query(&dialect.unlock_accounts(names(IN_RECORD, &accounts)), LOOK).await?;
    own_database::remove(&session, dialect, OwnDatabase::Fence).await?;
    end_session(cx, server).await;
    Ok(accounts)
}

/// What [`give_all_back`] does.
pub fn give_all_back_actions(world: &World, server: &str) -> Vec<Action> {
    let dialect = dialect(world, server);
    if !needed(dialect) {
        return Vec::new();
    }
    let here = On(server);
    let mut actions = look_actions(server, dialect);
    actions.push(Action::note("if a fence locked accounts there:"));
    let unlock = dialect.unlock_accounts(Sql::late(IN_RECORD));
    actions.extend([here.sql(dialect.without_binlog()), here.sql(unlock)]);
    actions.extend(own_database::remove_actions(server, dialect, OwnDatabase::Fence));
    actions
}
