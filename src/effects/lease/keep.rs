//! Keeping a lease: renewed every two seconds on every server and host, taken again where a server was restarted, given
//! up where another runner has it.

use super::Lease;
use super::host::HostLease;
use super::server::{self, PURPOSE};
use crate::effects::Effects;
use crate::error::Result;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

const RENEW_EVERY: Duration = Duration::from_secs(2);
/// Longest time to have a host note a stamp.
const STAMP_LIMIT: Duration = Duration::from_secs(2);
/// Longest time for a server to be asked whether it is still held.
const PROVE_LIMIT: Duration = Duration::from_secs(5);
/// Longest time to check a lost lease.
const ENSURE_LIMIT: Duration = Duration::from_secs(40);
const GIVE_BACK: &str = concat!(include_str!("../job/session.sh"), include_str!("give_back.sh"));

/// Renews until it is stopped.
pub(super) async fn keep(fx: Arc<Effects>, lease: Arc<Lease>, stop: CancellationToken) {
    let servers = lease.taken();
    let mut rounds = JoinSet::new();
    for server in servers {
        // each on its own: a frozen server does not delay the renewal for another one
        let (fx, lease) = (fx.clone(), lease.clone());
        rounds.spawn(async move {
            loop {
                sleep(RENEW_EVERY).await;
                let _ = timeout(ENSURE_LIMIT, fx.ensure_lease(&lease, &server)).await;
            }
        });
    }
    rounds.spawn(async move {
        loop {
            sleep(RENEW_EVERY).await;
            stamp(&fx).await;
        }
    });
    stop.cancelled().await;
}

/// Checks on every host and server that this runner still has the run; those that do not answer are left out.
pub(super) async fn prove(fx: &Arc<Effects>, lease: &Arc<Lease>) {
    let mut looks = JoinSet::new();
    for server in lease.taken() {
        let (fx, lease) = (fx.clone(), lease.clone());
        looks.spawn(async move {
            let _ = timeout(PROVE_LIMIT, fx.ensure_lease(&lease, &server)).await;
        });
    }
    stamp(fx).await;
    while looks.join_next().await.is_some() {}
}

/// Has every host that was claimed note how far the journal has come; those that do not answer are left out.
pub(super) async fn stamp(fx: &Arc<Effects>) {
    let mut stamps = JoinSet::new();
    for (name, lease) in fx.claimed() {
        let fx = fx.clone();
        // not cut off, but not waited for either: a shell whose call is cut off is lost
        let stamp = tokio::spawn(async move { stamp_one(&fx, &name, &lease).await });
        stamps.spawn(timeout(STAMP_LIMIT, stamp));
    }
    while stamps.join_next().await.is_some() {}
}

async fn stamp_one(fx: &Effects, name: &str, lease: &HostLease) -> Result<()> {
    let Some(_turn) = lease.turn() else { return Ok(()) }; // one that is under way is not joined by another
    let renewed = fx.pulse(name).await?.renew(&lease.stamp()).await;
    renewed.map_err(|failure| lease.displaced(name, &failure.answer).unwrap_or(failure))
}

/// Checks that this runner holds the server, and takes it again when its connection was lost.
///
/// # Errors
/// `Locked` when another runner has it; otherwise when the server cannot be asked.
pub(in crate::effects) async fn ensure(fx: &Effects, lease: &Lease, server: &str) -> Result<()> {
    if let Some(failure) = lease.displaced.borrow().clone() {
        return Err(failure);
    }
    if let Some(session) = fx.open_session(server, PURPOSE) {
        match server::is_held(&session, &lease.run, lease.epoch).await {
            Ok(true) if lease.connection(server) == Some((session.id(), true)) => return Ok(()),
            // no answer is no loss: the lock goes with the connection
            Err(failure) if session.is_alive() => return Err(failure),
            _ => {}
        }
    }
    fx.close_session(server, PURPOSE).await;
    let session = fx.session(server, PURPOSE).await?;
    if let Some(holder) = server::look(&session, &lease.run).await?.runner {
        if !server::holds_epoch(&session, &lease.run, lease.epoch, &holder.connection).await? {
            return Err(lease.displace(server, holder.about()));
        }
        server::end(&session, &holder.connection).await?; // our own, of which the server does not know that it is gone
    }
    lease.note(server, session.id(), false);
    if !server::take(&session, &lease.run, lease.epoch, &fx.session_ids(server)).await? {
        return Err(lease.displace(server, "it took the server first"));
    }
    prove_server(fx, lease, server, session.id()).await
}

/// While the lock was free another runner may have come and gone: the record on the server's host shows it.
async fn prove_server(fx: &Effects, lease: &Lease, server: &str, connection: u64) -> Result<()> {
    lease.note(server, connection, false);
    fx.prove_lease(&fx.host_of(server)).await?;
    lease.note(server, connection, true);
    Ok(())
}

/// Marks the lease as free on every host; or removes every trace of it there, when the run has done nothing and never
/// will.
pub(super) async fn give_back(fx: &Arc<Effects>, lease: &Arc<Lease>, forget: bool) {
    let [epoch, nonce, seq, hash] = lease.record().words();
    let how = if forget { "forget" } else { "keep" };
    let mut all = JoinSet::new();
    for (name, host) in fx.claimed() {
        let (fx, args) = (fx.clone(), [host.dir(), &epoch, &nonce, &seq, &hash, how].map(str::to_owned));
        all.spawn(async move {
            let back = async {
                let args = args.each_ref().map(String::as_str);
                fx.machine(&name).await?.look_after(GIVE_BACK, &args, STAMP_LIMIT).await.map(drop)
            };
            // an unreachable host notices by itself that the lease has expired
            let _ = timeout(STAMP_LIMIT, back).await;
        });
    }
    while all.join_next().await.is_some() {}
}
