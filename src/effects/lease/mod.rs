//! Who may act: one runner of one run, proved where harm would be done.
//!
//! Each runner of a run has an epoch, larger than that of every runner before it. On a server the lease is a named lock
//! (`server.rs`); on a host it is a record that every program, file and job is started past (`host.rs`). Taking it ends
//! what the runner before had open and running (`take.rs`); a runner that finds another one's name is displaced, and
//! stops.

mod host;
mod keep;
#[cfg(test)]
mod model;
mod record;
mod server;
mod take;
mod watch;

pub use record::Stamp;
pub use take::{Claim, Taken};

use super::Activity;
use crate::error::Failure;
use record::{Card, Record};
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch as signal;

pub(super) use host::{Ends, Guard, HostLease};
pub(super) use keep::ensure;
pub(super) use server::{PURPOSE, end_own, register};

/// Answers whether the journal holds this entry. A journal that does not is an older copy of the one that the run went on
/// with.
pub type Knows = Arc<dyn Fn(&Stamp) -> crate::error::Result<bool> + Send + Sync>;

/// The lease of one runner.
pub(super) struct Lease {
    run: String,
    epoch: u32,
    nonce: String,
    card: Card,
    knows: Knows,
    stamp: Mutex<Stamp>,
    calls: AtomicU64,
    displaced: signal::Sender<Option<Failure>>,
    /// The connection that holds the lease on each server that was taken, and whether nobody else had it meanwhile.
    servers: Mutex<HashMap<String, (u64, bool)>>,
}

impl Lease {
    fn new(run: &str, epoch: u32, nonce: String, card: Card, knows: Knows, stamp: Stamp) -> Self {
        Self {
            run: run.to_owned(),
            epoch,
            nonce,
            card,
            knows,
            stamp: Mutex::new(stamp),
            calls: AtomicU64::new(1),
            displaced: signal::channel(None).0,
            servers: Mutex::default(),
        }
    }

    /// The record that it leaves on hosts.
    fn record(&self) -> Record {
        let stamp = self.stamp.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Record { epoch: self.epoch, nonce: self.nonce.clone(), stamp }
    }

    /// Records that the journal has come further.
    fn advance(&self, stamp: Stamp) {
        let mut known = self.stamp.lock().unwrap_or_else(PoisonError::into_inner);
        if known.seq < stamp.seq {
            *known = stamp;
        }
    }

    /// A name for one program on a host.
    fn call(&self) -> String {
        format!("{}.{}", self.nonce, self.calls.fetch_add(1, Ordering::Relaxed))
    }

    /// Another runner has the run: reported once.
    fn displace(&self, place: &str, by: impl std::fmt::Display) -> Failure {
        let failure = Failure::locked(format!("continue run {}", self.run), format!("another runner has it: {by}"))
            .at(place)
            .now("this runner starts nothing more")
            .help("run `cutover status` where the other runner works");
        self.displaced.send_if_modified(|known| {
            let first = known.is_none();
            known.get_or_insert_with(|| failure.clone());
            first
        });
        failure
    }

    fn servers(&self) -> MutexGuard<'_, HashMap<String, (u64, bool)>> {
        self.servers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Servers that were taken.
    fn taken(&self) -> Vec<String> {
        self.servers().keys().cloned().collect()
    }

    /// Notes the connection that holds a server, and whether it is proved that nobody else had it meanwhile.
    fn note(&self, server: &str, connection: u64, is_proved: bool) {
        self.servers().insert(server.to_owned(), (connection, is_proved));
    }

    /// The connection that holds the lease on `server`, if that was taken, and whether that is proved.
    pub(super) fn connection(&self, server: &str) -> Option<(u64, bool)> {
        self.servers().get(server).copied()
    }
}

/// What a host must know before it starts a program.
fn words(lease: &Lease, dir: &str, activity: &Activity, call: &str, ends: &str) -> Vec<String> {
    let [epoch, nonce, seq, hash] = lease.record().words();
    let step = if activity.step.is_empty() { "-" } else { &activity.step };
    let (step, work) = (step.to_owned(), activity.number.to_string());
    vec![dir.to_owned(), epoch, nonce, seq, hash, step, work, call.to_owned(), ends.to_owned()]
}
