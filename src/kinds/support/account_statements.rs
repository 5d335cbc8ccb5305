//! A replica that has stopped at a statement about accounts: an account that it does not have, or has already. Exactly
//! that one transaction is skipped, and reported.
//!
//! May know: the dialect, servers, memo and progress. Nothing of why the replica is waited for.

use crate::dialect::Dialect;
use crate::domain::{Sql, Words};
use crate::effects::account_statement::{AccountStatement, Met, first, met};
use crate::effects::replica::{LOOK, ReplicaStatus};
use crate::effects::{Rows, Session};
use crate::error::{Failure, Result};
use crate::kinds::support::place::dialect;
use crate::kinds::{Action, Ctx};
use crate::playbook::position::Position;
use crate::playbook::world::World;
use std::cmp::Ordering;
use std::time::{Duration, Instant};

/// Purpose of the connection that passes one over: `gtid_next` is a setting of a session.
const SESSION: &str = "account statements";
/// Key of the memo: every statement that was passed over.
const PASSED: &str = "account_statements";
/// Key of the memo: that the applier is stopped by this code, or about to be.
const AT_WORK: &str = "account_statement_begun";
/// How long a thread that has met an error may take to stop.
const STOPS: Duration = Duration::from_secs(2);
const PAUSE: Duration = Duration::from_millis(5);
/// Pause between looks while a position is waited for.
const LOOK_AGAIN: Duration = Duration::from_millis(1);
/// The account is there already, or is not there at all.
const EXISTENCE: &str = "1396";
/// What is to be taken away, or granted on, is not there: the account itself lacks nothing.
const NO_OBJECT: [&str; 4] = ["1141", "1147", "1146", "1305"];

/// What may be sent when a replica stops at such a statement.
pub fn actions(world: &World, replica: &str) -> Vec<Action> {
    let dialect = dialect(world, replica);
    let [file, offset] = ["its relay log", "the position in it"].map(Words::late);
    let gtid = (!dialect.is_mariadb()).then(|| Words::late("its GTID"));
    let by_gtid = gtid.map(|gtid| dialect.pass_transaction(Some(gtid)));
    let texts = dialect.close_gaps().into_iter().chain(dialect.pass_transaction(None));
    let texts = texts.chain(by_gtid.into_iter().flatten()).chain(dialect.pass_nothing(None));
    let mut actions = vec![
        Action::note(format!(
            "if `{replica}` stops at a statement about an account that is missing or exists already: skip exactly \
             that statement, and report it"
        )),
        Action::sql(replica, dialect.relay_log_events(&file, &offset)),
    ];
    for text in texts {
        let action = Action::sql(replica, text);
        if !actions.contains(&action) {
            actions.push(action);
        }
    }
    actions
}

/// How replication stands on `replica`, once it has been taken past statements about accounts that stopped it.
///
/// # Errors
/// As [`ReplicaStatus::read`]; and when one was met that must not be passed over.
pub async fn status(cx: &Ctx<'_>, replica: &str, session: &Session) -> Result<Option<ReplicaStatus>> {
    let dialect = dialect(cx.world, replica);
    loop {
        let Some(status) = stopped_or_well(session, dialect).await? else { return Ok(None) };
        if status.apply_error.is_none() && !status.applying && cx.memo.flag(AT_WORK)? {
            session.query(&dialect.start_applier(), LOOK).await?; // the runner before died between stop and start
            cx.memo.set(AT_WORK, false.into()).await?;
            continue;
        }
        if status.apply_error.is_none() || !pass(cx, replica, session, &status).await? {
            return Ok(Some(status));
        }
    }
}

/// The statements of [`tell_open`].
pub fn open_actions(world: &World, source: &str, replica: &str) -> Vec<Action> {
    let question = |server: &str| Some(Action::sql(server, dialect(world, server).open_accounts()?));
    // one of two that cannot say it leaves nothing to compare with
    [source, replica].into_iter().map(question).collect::<Option<Vec<_>>>().unwrap_or_default()
}

/// Reports accounts that accept anyone on `replica` but not on `source`: a `GRANT` for a missing account has created
/// them, silently and without a password.
///
/// # Errors
/// When a server cannot be asked.
pub async fn tell_open(cx: &Ctx<'_>, source: &str, replica: &str) -> Result<()> {
    let accounts = async |server: &str| -> Result<Vec<String>> {
        let Some(question) = dialect(cx.world, server).open_accounts() else { return Ok(Vec::new()) };
        let rows = cx.fx.sql(server).await?.query(question, LOOK).await?;
        let name = |user: Option<&str>, host: Option<&str>| {
            format!("{}@{}", user.unwrap_or_default(), host.unwrap_or_default())
        };
        Ok(rows.iter().map(|row| name(row.get("user"), row.get("host"))).collect())
    };
    if open_actions(cx.world, source, replica).is_empty() {
        return Ok(());
    }
    let there = accounts(source).await?;
    for account in accounts(replica).await?.into_iter().filter(|account| !there.contains(account)) {
        cx.progress.note(format!(
            "{account} on `{replica}` accepts anyone without a password: a GRANT on `{source}` created it there; set \
             its password, or drop it there"
        ));
    }
    Ok(())
}

/// Whether `replica` has applied its source's log up to `position`, asked again and again for at most `limit`.
///
/// # Errors
/// When replication does not run, or the server cannot be asked.
pub async fn wait_until_applied(
    cx: &Ctx<'_>,
    replica: &str,
    session: &Session,
    position: &Position,
    limit: Duration,
) -> Result<Option<Position>> {
    let (begin, attempted) = (Instant::now(), "wait until the replica has applied everything");
    loop {
        let status = status(cx, replica, session).await?;
        let status =
            status.ok_or_else(|| Failure::permanent(attempted, "it does not replicate from any server").at(replica))?;
        if status.applied.order(position) != Ordering::Less {
            return Ok(Some(status.applied));
        }
        status.alive(replica, attempted)?; // a lost line comes back, or the deadline ends it
        if begin.elapsed() >= limit {
            return Ok(None);
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

/// Takes `replica` past a statement about accounts that has stopped it. Whether it has done so.
///
/// # Errors
/// When one was met that must not be passed over, or the server does not let it.
pub async fn go_past(cx: &Ctx<'_>, replica: &str) -> Result<bool> {
    let session = cx.fx.sql(replica).await?;
    match stopped_or_well(&session, dialect(cx.world, replica)).await? {
        Some(status) if status.apply_error.is_some() => pass(cx, replica, &session, &status).await,
        _ => Ok(false),
    }
}

/// An applier shows its error a moment before it has stopped.
async fn stopped_or_well(session: &Session, dialect: Dialect) -> Result<Option<ReplicaStatus>> {
    let begin = Instant::now();
    loop {
        let status = ReplicaStatus::read(session, dialect).await?;
        let stops = status.as_ref().is_some_and(|status| status.apply_error.is_some() && status.applying);
        if !stops || begin.elapsed() > STOPS {
            return Ok(status);
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn pass(cx: &Ctx<'_>, replica: &str, session: &Session, status: &ReplicaStatus) -> Result<bool> {
    let dialect = dialect(cx.world, replica);
    if status.applying {
        return Ok(false);
    }
    let error = status.apply_error.as_deref().unwrap_or_default();
    let events = match events(session, dialect, status).await {
        Ok(events) => events,
        Err(failure) => {
            cx.progress.note(format!("could not read what stopped `{replica}`: {}", failure.answer));
            return Ok(false);
        }
    };
    let Some(met) = met(&events, error) else { return Ok(false) };
    let number = error.strip_prefix("error ").and_then(|rest| rest.split(':').next()).unwrap_or_default();
    let is_needed = met.statement.is_about(needed(cx.world));
    let harmless = NO_OBJECT.contains(&number) || (number == EXISTENCE && met.statement.is_of_existence());
    if is_needed && !harmless {
        return Err(refused(replica, dialect, &met.statement, error));
    }
    tell(cx, replica, &met.statement, error).await?;
    cx.memo.set(AT_WORK, true.into()).await?;
    if met.gtid.is_none()
        && let Some(close) = dialect.close_gaps()
    {
        stand_before(session, dialect, &close, &met).await?;
    }
    skip(cx, replica, dialect, met.gtid.as_deref()).await?;
    cx.memo.set(AT_WORK, false.into()).await.map(|()| true)
}

async fn events(session: &Session, dialect: Dialect, status: &ReplicaStatus) -> Result<Rows> {
    let column = |name: &str| status.all.iter().find(|(column, _)| column == name).map_or("", |(_, value)| value);
    session.query(&dialect.relay_log_events(column("Relay_Log_File"), column("Relay_Log_Pos")), LOOK).await
}

/// Parallel workers may have applied transactions after the position in the status: brings the applier to the exact
/// transaction.
async fn stand_before(session: &Session, dialect: Dialect, close: &Sql, met: &Met) -> Result<()> {
    session.query(close, LOOK).await?;
    let begin = Instant::now();
    loop {
        let status = ReplicaStatus::read(session, dialect).await?;
        let Some(status) = status.filter(|status| status.applying && begin.elapsed() < LOOK) else { break };
        drop(status);
        tokio::time::sleep(PAUSE).await;
    }
    let attempted = "skip a statement about accounts";
    let status = ReplicaStatus::read(session, dialect).await?;
    let status = status
        .ok_or_else(|| Failure::transient(attempted, "it does not replicate from any server").at(session.server()))?;
    if !status.applying && first(&events(session, dialect, &status).await?).as_ref() == Some(met) {
        return Ok(());
    }
    Err(Failure::transient(attempted, format!("the applier is not at {}", met.statement)).at(session.server()))
}

/// Accounts that the migration itself or an application logs in with: what they may do must not fall behind.
fn needed(world: &World) -> Vec<&str> {
    let applications = world.inventory.applications.values().flat_map(|application| &application.accounts);
    let servers = world.inventory.servers.values();
    let own = servers.flat_map(|server| {
        let replication = server.replication.iter().map(|account| account.user.as_str());
        replication.chain([server.user.as_str()])
    });
    applications.map(|account| account.user.as_str()).chain(own).collect()
}

fn refused(replica: &str, dialect: Dialect, statement: &AccountStatement, error: &str) -> Failure {
    Failure::permanent("replicate", format!("the replica stopped at {statement}, which must not be skipped: {error}"))
        .at(replica)
        .now("no statement was skipped")
        .help(format!(
            "with sql_log_bin = 0, create there what the statement needs (the account, the role, the plugin), then \
             run {} there, and run `cutover resume`",
            dialect.start_applier()
        ))
}

async fn tell(cx: &Ctx<'_>, replica: &str, statement: &AccountStatement, error: &str) -> Result<()> {
    let mut passed: Vec<String> = cx.memo.read(PASSED)?.unwrap_or_default();
    let text = statement.to_string();
    if passed.last() != Some(&text) {
        passed.push(text);
        cx.memo.set(PASSED, passed.into()).await?;
    }
    let why = error.split(" on query.").next().unwrap_or(error);
    cx.progress.note(format!("not applied on `{replica}`: {statement} ({why}); everything else was applied"));
    Ok(())
}

async fn skip(cx: &Ctx<'_>, replica: &str, dialect: Dialect, gtid: Option<&str>) -> Result<()> {
    let session = cx.fx.session(replica, SESSION).await?;
    let mut done = Ok(());
    for text in dialect.pass_transaction(gtid.map(Words::from)) {
        done = session.query(&text, LOOK).await.map(drop);
        if done.is_err() {
            break;
        }
    }
    if done.is_err()
        && let Some(text) = dialect.pass_nothing(gtid)
    {
        session.query(&text, LOOK).await.map(drop)?; // a counter that is left would pass over another one
    }
    cx.fx.close_session(replica, SESSION).await;
    done
}
