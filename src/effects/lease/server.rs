//! The lease on a server: a named lock, held by a connection that does nothing else.

use super::super::Session;
use super::Lease;
use crate::dialect::lock;
use crate::domain::Sql;
use crate::error::{Failure, Result};
use std::time::Duration;

/// Purpose of the connection that holds the lease.
pub(in crate::effects) const PURPOSE: &str = "lock";
/// Longest time for one statement about a lease.
const LIMIT: Duration = Duration::from_secs(5);
/// Longest time for a connection to be gone that was ended.
const GONE: Duration = Duration::from_secs(30);

/// Who holds the locks of a server.
pub(super) struct Look {
    /// A runner of cutover.
    pub runner: Option<Holder>,
    /// Others, each with the name of the lock.
    pub strangers: Vec<(&'static str, Holder)>,
}

/// Who holds a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Holder {
    /// Its connection.
    pub connection: String,
    /// Its account, `user@host`.
    pub account: String,
    /// Seconds since its last statement.
    pub idle: u64,
    /// Whether it is a runner of cutover, and not somebody else who uses a lock of that name.
    pub is_runner: bool,
    /// Whether it is a runner of this very run.
    pub is_same_run: bool,
}

impl Holder {
    /// For people.
    pub fn about(&self) -> String {
        let what = match (self.is_same_run, self.is_runner) {
            (true, _) => "another runner of this run",
            (false, true) => "another run",
            (false, false) => "a program that is not cutover, with a lock of the same name,",
        };
        let Self { connection, account, idle, .. } = self;
        format!("{what} holds it with connection {connection} ({account}, last active {idle} s ago)")
    }
}

/// Who holds the server of `session` now, by whichever name, this connection left out: a runner, and the strangers who use
/// a lock of ours by chance, each with the name.
pub(super) async fn look(session: &Session, run: &str) -> Result<Look> {
    let mut look = Look { runner: None, strangers: Vec::new() };
    let rows = session.query(lock::HOLDERS, LIMIT).await?;
    let Some(row) = rows.first() else { return Ok(look) };
    for (place, name) in lock::NAMES.into_iter().enumerate() {
        let Some(connection) = row.at(place).filter(|id| *id != session.id().to_string()) else { continue };
        match who(session, run, connection).await? {
            Some(holder) if holder.is_runner => look.runner = Some(holder),
            Some(stranger) => look.strangers.push((name, stranger)),
            None => {} // it went meanwhile
        }
    }
    Ok(look)
}

async fn who(session: &Session, run: &str, connection: &str) -> Result<Option<Holder>> {
    let rows = session.query(&lock::who(connection, run), LIMIT).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    let number = |name: &str| row.get(name).and_then(|value| value.parse::<i64>().ok());
    Ok(Some(Holder {
        connection: connection.to_owned(),
        account: row.get("account").unwrap_or_default().to_owned(),
        idle: number("idle").and_then(|idle| u64::try_from(idle).ok()).unwrap_or(0),
        is_runner: number("runner") == Some(1),
        is_same_run: number("same_run") == Some(1),
    }))
}

/// Takes the server for `run` where no other runner holds it: then the connection is marked, and everything that a displaced
/// runner has open is ended and gone. `ours` are this process's own connections.
pub(super) async fn take(session: &Session, run: &str, epoch: u32, ours: &[u64]) -> Result<bool> {
    let before = look(session, run).await?;
    let taken = |name: &&str| !before.strangers.iter().any(|(held, _)| held == name);
    let Some(name) = lock::NAMES.into_iter().find(taken) else {
        let who: Vec<String> = before.strangers.iter().map(|(_, stranger)| stranger.about()).collect();
        return Err(Failure::locked("take the server", who.join("; "))
            .at(session.server())
            .now("nothing was changed")
            .help("end those connections with KILL, or let them use other lock names"));
    };
    if before.runner.is_some() || first(session, &lock::take(name)).await?.as_deref() != Some("1") {
        return Ok(false);
    }
    session.query(&lock::mark(run, epoch), LIMIT).await?;
    if look(session, run).await?.runner.is_some() {
        session.query(&lock::give_back(name), LIMIT).await?; // another run took it by another name in this moment
        return Ok(false);
    }
    let rows = session.query(lock::RUNNERS, LIMIT).await?;
    for id in rows.iter().filter_map(|row| row.get("id")) {
        if !ours.iter().any(|own| own.to_string() == id) {
            end(session, id).await?;
        }
    }
    Ok(true)
}

/// Ends a connection of another runner, and proves that it is gone.
pub(super) async fn end(session: &Session, connection: &str) -> Result<()> {
    if is_gone(session, connection).await? {
        return Ok(());
    }
    let answer = format!("its connection {connection} was killed and is still there after {} s", GONE.as_secs());
    Err(Failure::locked("displace the previous runner", answer)
        .at(session.server())
        .help("check the server's process list, and try again when the connection is gone"))
}

/// The same for a connection of this runner, in the middle of whose statement the line broke.
pub(in crate::effects) async fn end_own(session: &Session, connection: &str) -> Result<()> {
    // after a restart of the server the number may be a stranger's: what is ours is marked
    if first(session, &lock::is_runner(connection)).await?.as_deref() != Some("1")
        || is_gone(session, connection).await?
    {
        return Ok(());
    }
    let answer = format!("a statement of this run has not ended on connection {connection} after {} s", GONE.as_secs());
    Err(Failure::still_running("continue", answer)
        .at(session.server())
        .help("check the server's process list; resume with `cutover resume` when the connection is gone"))
}

/// Ends a connection and waits until it is gone.
async fn is_gone(session: &Session, connection: &str) -> Result<bool> {
    // error 1094: it is gone already
    if let Err(error) = session.try_query(&lock::end(connection), LIMIT).await
        && error.code != Some(1094)
    {
        return Err(error.failure(session.server(), &lock::end(connection)));
    }
    let begin = std::time::Instant::now();
    while first(session, &lock::is_there(connection)).await?.as_deref() != Some("0") {
        if begin.elapsed() > GONE {
            return Ok(false);
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(true)
}

/// Whether `connection` holds the lease of `run` in this very epoch.
pub(super) async fn holds_epoch(session: &Session, run: &str, epoch: u32, connection: &str) -> Result<bool> {
    Ok(first(session, &lock::holds(run, epoch)).await?.as_deref() == Some(connection))
}

/// Whether the connection of `session` still holds its server.
pub(super) async fn is_held(session: &Session, run: &str, epoch: u32) -> Result<bool> {
    Ok(first(session, &lock::is_ours(run, epoch)).await?.as_deref() == Some("1"))
}

/// Marks a connection as one of the runner whose lease `connection` holds; false when that holds it no longer.
pub(in crate::effects) async fn register(session: &Session, lease: &Lease, connection: u64) -> Result<bool> {
    Ok(first(session, &lock::register(connection, &lease.run, lease.epoch)).await?.as_deref() == Some("1"))
}

async fn first(session: &Session, sql: impl Into<Sql>) -> Result<Option<String>> {
    Ok(session.query(sql, LIMIT).await?.value().map(str::to_owned))
}
