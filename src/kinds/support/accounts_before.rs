//! A server's accounts as they were before it began to follow another one, and how it gets them back: accounts, roles and
//! privileges that replication has brought are undone by no step of their own.
//!
//! They are kept on the server itself, in a database that is never replicated, because their hashes must not go anywhere
//! else. Accounts that a step of the run makes or has made are that step's to undo.
//!
//! May know: the dialect, servers and facts. Nothing of why a server follows.

use crate::dialect::{Dialect, OwnDatabase};
use crate::domain::Words;
use crate::effects::Session;
use crate::effects::replica::LOOK;
use crate::error::Result;
use crate::kinds::support::answer;
use crate::kinds::support::own_database;
use crate::kinds::support::place::dialect;
use crate::kinds::{Action, Ctx, On};
use crate::playbook::world::World;
use std::sync::Arc;

/// Key of the memo: that this step keeps them, and from when on.
const KEPT: &str = "accounts_kept";

/// The statements of [`keep`].
pub fn keep_actions(world: &World, server: &str) -> Vec<Action> {
    let dialect = dialect(world, server);
    let here = On(server);
    let mut actions = vec![
        Action::note("keep a copy of the accounts for a rollback:"),
        here.sql(dialect.before_is_whole()),
        here.sql(dialect.run_before()),
        here.sql(dialect.without_binlog()),
    ];
    actions.extend(own_database::remove_actions(server, dialect, OwnDatabase::Before));
    actions.extend([here.sql(dialect.begin_before()), here.sql(dialect.keep_apart_shown())]);
    actions.extend(
        [dialect.keep_tables_shown(), dialect.keep_functions(), dialect.end_before(Words::late("run"))]
            .map(|text| here.sql(text)),
    );
    actions
}

/// The statements of [`restore`].
pub fn restore_actions(world: &World, server: &str) -> Vec<Action> {
    let dialect = dialect(world, server);
    let here = On(server);
    let mut actions = vec![
        Action::note("the accounts from before, without those that replication created:"),
        here.sql(dialect.before_is_whole()),
        here.sql(dialect.run_before()),
        here.sql(dialect.without_binlog()),
        here.sql(dialect.new_functions()),
        here.sql(dialect.drop_library_function(Words::late("each that is new"))),
    ];
    actions.extend(dialect.restore_tables_shown().map(|text| here.sql(text)));
    actions.push(here.sql(dialect.read_grants()));
    actions.extend(own_database::remove_actions(server, dialect, OwnDatabase::Before));
    actions
}

/// Keeps the accounts of `server`, unless this run has done so.
///
/// # Errors
/// When the server does not let it.
pub async fn keep(cx: &Ctx<'_>, server: &str) -> Result<()> {
    let dialect = dialect(cx.world, server);
    let session = cx.fx.session(server, cx.step).await?;
    if kept_for(&session, dialect).await?.as_deref() == Some(cx.run) {
        return Ok(());
    }
    cx.memo.keep(KEPT, true).await?;
    session.query(dialect.without_binlog(), LOOK).await?;
    own_database::remove(&session, dialect, OwnDatabase::Before).await?;
    session.query(&dialect.begin_before(), LOOK).await?;
    let made = made_by_steps(cx, server);
    session.query(&dialect.keep_apart(&made), LOOK).await?;
    for table in dialect.grant_tables() {
        session.query(&dialect.keep_table(table, &made), LOOK).await?;
    }
    session.query(&dialect.keep_functions(), LOOK).await?;
    session.query(&dialect.end_before(cx.run), LOOK).await?;
    cx.fx.close_session(server, cx.step).await;
    Ok(())
}

/// The statements of [`forget`].
pub fn forget_actions(world: &World, server: &str) -> Vec<Action> {
    let dialect = dialect(world, server);
    let texts = [dialect.before_is_whole(), dialect.forget_kept_shown()];
    texts.map(|text| Action::sql(server, text)).into()
}

/// Takes accounts (user, host) out of what is kept: a step that has made them drops them itself. `session` writes no
/// binary log.
///
/// # Errors
/// When the server does not let it.
pub async fn forget(session: &Arc<Session>, dialect: Dialect, accounts: &[(String, String)]) -> Result<()> {
    if accounts.is_empty() || answer::number::<u64>(session, &dialect.before_is_whole()).await? == 0 {
        return Ok(());
    }
    for table in dialect.grant_tables() {
        session.query(&dialect.forget_kept(table, accounts), LOOK).await?;
    }
    Ok(())
}

/// Gives `server` its accounts back, where this step has kept them, and removes what was kept.
///
/// # Errors
/// When the server does not let it, or the note is damaged.
pub async fn restore(cx: &Ctx<'_>, server: &str) -> Result<()> {
    if !cx.memo.flag(KEPT)? {
        return Ok(());
    }
    let dialect = dialect(cx.world, server);
    let session = cx.fx.session(server, cx.step).await?;
    let whole = kept_for(&session, dialect).await?.as_deref() == Some(cx.run);
    session.query(dialect.without_binlog(), LOOK).await?;
    if whole {
        put_back(&session, dialect).await?;
    }
    own_database::remove(&session, dialect, OwnDatabase::Before).await?;
    cx.fx.close_session(server, cx.step).await;
    Ok(())
}

async fn put_back(session: &Arc<Session>, dialect: Dialect) -> Result<()> {
    let ask = dialect.new_functions();
    for row in session.query(&ask, LOOK).await?.iter() {
        let name = answer::column(row, "name", session, &ask)?;
        session.query(&dialect.drop_library_function(name), LOOK).await?;
    }
    for text in dialect.grant_tables().into_iter().flat_map(|table| dialect.restore_table(table)) {
        session.query(&text, LOOK).await?;
    }
    session.query(dialect.read_grants(), LOOK).await.map(drop)
}

/// The run that accounts are kept for, once all of them are.
async fn kept_for(session: &Arc<Session>, dialect: Dialect) -> Result<Option<String>> {
    if answer::number::<u64>(session, &dialect.before_is_whole()).await? == 0 {
        return Ok(None);
    }
    answer::value(session, &dialect.run_before()).await.map(Some)
}

/// Accounts on `server` that some step of the plan makes: user and host.
fn made_by_steps(cx: &Ctx<'_>, server: &str) -> Vec<(String, String)> {
    let prefix = format!("{server}.account ");
    let names = cx.foreseen.iter().filter_map(|fact| fact.strip_prefix(&prefix)?.rsplit_once('@'));
    names.map(|(user, host)| (user.to_owned(), host.to_owned())).collect()
}
