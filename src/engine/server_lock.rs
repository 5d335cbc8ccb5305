//! One run at a time for a *server*, whoever runs it and from which machine: a named lock on the server itself, held
//! by a session that does nothing else.
//!
//! A second lock carries the run's id. By it `resume` recognises what its own dead runner left behind on a server
//! that has not noticed the death yet, and takes that over; a lock of another run is never touched.

use crate::effects::dialect::lock::{HOLDER, IS_OURS, TAKE, end, mark, marker_of, who};
use crate::effects::{Effects, Session};
use crate::error::{Class, Failure, Result};
use crate::plan::{Plan, opening};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc::UnboundedSender;
use tokio_util::sync::{CancellationToken, DropGuard};

/// Name of the session that holds the locks.
pub const PURPOSE: &str = "lock";

const LIMIT: Duration = Duration::from_secs(5);
const CHECK_EVERY: Duration = Duration::from_secs(5);

/// The taken servers; given back by [`ServerLocks::release`].
pub(super) struct ServerLocks {
    fx: Arc<Effects>,
    servers: BTreeSet<String>,
    _keeper: DropGuard,
}

impl ServerLocks {
    /// Takes every server of the plan for `run`. With `resuming`, what a dead runner of the same run still holds is
    /// ended first. A lock lost later, because its server was restarted, is taken again; when another run was
    /// quicker, `lost` is told.
    pub(super) async fn take(
        fx: &Arc<Effects>,
        plan: &Plan,
        run: &str,
        resuming: bool,
        lost: UnboundedSender<Failure>,
    ) -> Result<Self> {
        let stop = CancellationToken::new();
        let taken = opening::taken(plan).into_iter().map(str::to_owned).collect();
        let locks = Self { fx: fx.clone(), servers: taken, _keeper: stop.clone().drop_guard() };
        for server in &locks.servers {
            if let Err(failure) = take(fx, server, run, resuming).await {
                locks.release().await;
                return Err(failure);
            }
        }
        if !locks.servers.is_empty() {
            tokio::spawn(keep(fx.clone(), locks.servers.clone(), run.to_owned(), stop, lost));
        }
        Ok(locks)
    }

    /// Gives every server back.
    pub(super) async fn release(self) {
        for server in &self.servers {
            self.fx.close_session(server, PURPOSE).await;
        }
    }
}

async fn take(fx: &Effects, server: &str, run: &str, resuming: bool) -> Result<()> {
    let session = fx.session(server, PURPOSE).await?;
    // the mark first: MySQL 5.6 holds one lock a session, and that must be the one that keeps others out
    let marked = is_one(&session, &mark(run)).await?;
    if !marked && resuming {
        take_over(&session, run).await?;
        is_one(&session, &mark(run)).await?;
    }
    if is_one(&session, TAKE).await? {
        return Ok(());
    }
    Err(Failure::locked("take the server for this run", holder(&session).await?)
        .at(server)
        .now("nothing was changed")
        .help("wait for that run to end, or find out who runs it; `cutover resume` takes over from a dead runner"))
}

/// Ends the connection that a dead runner of this very run left on the server.
async fn take_over(session: &Session, run: &str) -> Result<()> {
    let Some(left) = first(session, &marker_of(run)).await? else { return Ok(()) };
    session.exec(&end(&left), LIMIT).await?;
    for _ in 0..50 {
        if first(session, &marker_of(run)).await?.as_deref() != Some(left.as_str()) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Ok(())
}

async fn holder(session: &Session) -> Result<String> {
    let Some(connection) = first(session, HOLDER).await? else {
        return Ok("another run held it a moment ago".to_owned());
    };
    let about = first(session, &who(&connection)).await?.map(|about| format!(" ({about})")).unwrap_or_default();
    Ok(format!("another run holds it by its connection {connection}{about}"))
}

async fn first(session: &Session, sql: &str) -> Result<Option<String>> {
    Ok(session.query(sql, LIMIT).await?.value().map(str::to_owned))
}

async fn is_one(session: &Session, sql: &str) -> Result<bool> {
    Ok(first(session, sql).await?.as_deref() == Some("1"))
}

async fn is_held(fx: &Effects, server: &str) -> bool {
    match fx.open_session(server, PURPOSE).await {
        Some(session) => is_one(&session, IS_OURS).await.unwrap_or(false),
        None => false,
    }
}

/// Looks every few seconds whether the locks are still held, and takes again what was lost.
async fn keep(
    fx: Arc<Effects>,
    servers: BTreeSet<String>,
    run: String,
    stop: CancellationToken,
    lost: UnboundedSender<Failure>,
) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(CHECK_EVERY) => {}
        }
        for server in &servers {
            if is_held(&fx, server).await || stop.is_cancelled() {
                continue;
            }
            fx.close_session(server, PURPOSE).await;
            // a server that is down is tried again next time; one that is taken is not ours any more
            if let Err(failure) = take(&fx, server, &run, true).await
                && failure.class == Class::Locked
            {
                let _ = lost.send(failure);
                return;
            }
        }
    }
}
