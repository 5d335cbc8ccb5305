//! Keeping a lease: renewed every two seconds on every server and host, taken anew where a server was restarted, given
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
/// Longest time for a lost lease to be looked at.
const ENSURE_LIMIT: Duration = Duration::from_secs(40);
const GIVE_BACK: &str = include_str!("give_back.sh");

/// Renews until it is stopped.
pub(super) async fn keep(fx: Arc<Effects>, lease: Arc<Lease>, stop: CancellationToken) {
    let servers: Vec<String> = lease.servers().keys().cloned().collect();
    let mut rounds = JoinSet::new();
    for server in servers {
        // each on its own: a frozen server keeps no other one's lease from being renewed
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

/// Has every host that was claimed note how far the journal has come; those that do not answer are left out.
pub(super) async fn stamp(fx: &Arc<Effects>) {
    let mut stamps = JoinSet::new();
    for (name, lease) in fx.claimed() {
        let fx = fx.clone();
        stamps.spawn(async move { timeout(STAMP_LIMIT, stamp_one(&fx, &name, &lease)).await });
    }
    while stamps.join_next().await.is_some() {}
}

async fn stamp_one(fx: &Effects, name: &str, lease: &HostLease) -> Result<()> {
    fx.pulse(name).await?.renew(&lease.stamp()).await
}

/// Sees that this runner holds the server, and takes it again when its connection was lost.
///
/// # Errors
/// `Locked` when another runner has it; otherwise when the server cannot be asked.
pub(in crate::effects) async fn ensure(fx: &Effects, lease: &Lease, server: &str) -> Result<()> {
    if let Some(failure) = lease.displaced.borrow().clone() {
        return Err(failure);
    }
    if let Some(session) = fx.open_session(server, PURPOSE)
        && server::is_held(&session, &lease.run, lease.epoch).await
    {
        return Ok(());
    }
    let lost = lease.connection(server);
    fx.close_session(server, PURPOSE).await;
    let session = fx.session(server, PURPOSE).await?;
    match server::look(&session, &lease.run).await?.runner {
        // our own, of which the server does not know that it is gone
        Some(holder) if lost.is_some_and(|lost| lost.to_string() == holder.connection) => {
            server::end(&session, &holder.connection).await?;
        }
        Some(holder) => return Err(lease.displace(server, holder.about())),
        None => {}
    }
    if !server::take(&session, &lease.run, lease.epoch, &fx.session_ids(server)).await? {
        return Err(lease.displace(server, "it was faster to take the server"));
    }
    // while the lock was free another runner may have come and gone: the record on the server's host says so
    fx.prove_lease(&fx.host_of(server)).await?;
    lease.servers().insert(server.to_owned(), session.id());
    Ok(())
}

/// Says on every host that the lease is free; or leaves no trace of it there, when the run has done nothing and never will.
pub(super) async fn give_back(fx: &Arc<Effects>, lease: &Arc<Lease>, forget: bool) {
    let [epoch, nonce, ..] = lease.record().words();
    let how = if forget { "forget" } else { "keep" };
    let mut all = JoinSet::new();
    for (name, host) in fx.claimed() {
        let (fx, args) = (fx.clone(), [host.dir().to_owned(), epoch.clone(), nonce.clone(), how.to_owned()]);
        all.spawn(async move {
            let back = async {
                let args = args.each_ref().map(String::as_str);
                fx.machine(&name).await?.look_after(GIVE_BACK, &args, STAMP_LIMIT).await.map(drop)
            };
            // a host that is out of reach finds out by itself that the lease has run out
            let _ = timeout(STAMP_LIMIT, back).await;
        });
    }
    while all.join_next().await.is_some() {}
}
