//! Connections to servers, by purpose. Each has its own lock: a server that does not answer does not delay work on
//! another one.

use super::Session;
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex as Plain, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Mutex, OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock};

/// How long to wait for a connection that is being opened, if all of them must be known.
const OPENING: Duration = Duration::from_secs(2);

/// Where one connection is kept.
pub(super) type Slot = Arc<Mutex<Option<Arc<Session>>>>;

/// All connections of this process.
#[derive(Default)]
pub(super) struct Sessions {
    slots: Plain<HashMap<(String, String), Slot>>,
    known: Plain<HashMap<String, Vec<Arc<Session>>>>,
    /// Held for reading while a connection to a server is made, until it is known.
    gates: Plain<HashMap<String, Arc<RwLock<()>>>>,
    /// Connections that were given up in the middle of a statement, which may still run there.
    left: Plain<HashMap<String, Vec<u64>>>,
    /// Whether a server that was down has been started; held while that is found out.
    starts: Plain<HashMap<String, Arc<Mutex<bool>>>>,
}

/// Every connection of ours to a server; none is made while this is held.
pub struct Connections {
    /// Their numbers on the server.
    pub ids: Vec<u64>,
    _gate: Option<OwnedRwLockWriteGuard<()>>,
}

impl Sessions {
    /// The slot of the connection for `purpose`.
    pub(super) fn slot(&self, server: &str, purpose: &str) -> Slot {
        lock(&self.slots).entry((server.to_owned(), purpose.to_owned())).or_default().clone()
    }

    /// Permission to make a connection; it is known before that is given back.
    pub(super) async fn opening(&self, server: &str) -> OwnedRwLockReadGuard<()> {
        let gate = self.gate(server);
        gate.read_owned().await
    }

    /// Makes a connection known.
    pub(super) fn know(&self, session: &Arc<Session>) {
        let mut known = lock(&self.known);
        let of_server = entry(&mut known, session.server());
        of_server.retain(|session| session.is_alive());
        of_server.push(session.clone());
    }

    /// Numbers of the connections that are open.
    pub(super) fn ids(&self, server: &str) -> Vec<u64> {
        let known = lock(&self.known);
        let open = known.get(server).into_iter().flatten().filter(|session| session.is_alive());
        open.map(|session| session.id()).collect()
    }

    /// All of them, and the promise that no other is made meanwhile.
    pub(super) async fn all(&self, server: &str) -> Connections {
        let gate = tokio::time::timeout(OPENING, self.gate(server).write_owned()).await.ok();
        Connections { ids: self.ids(server), _gate: gate }
    }

    /// Notes a connection that was given up in the middle of a statement.
    pub(super) fn leave(&self, session: &Session) {
        entry(&mut lock(&self.left), session.server()).push(session.id());
    }

    /// Connections that are not proved to be gone.
    pub(super) fn left(&self, server: &str) -> Vec<u64> {
        lock(&self.left).get(server).cloned().unwrap_or_default()
    }

    /// Notes that one of them is gone.
    pub(super) fn gone(&self, server: &str, id: u64) {
        entry(&mut lock(&self.left), server).retain(|left| *left != id);
    }

    /// The turn to start a server, and whether that was done before.
    pub(super) fn start_turn(&self, server: &str) -> Arc<Mutex<bool>> {
        entry(&mut lock(&self.starts), server).clone()
    }

    /// Removes and returns all of them.
    pub(super) fn drain(&self) -> Vec<Slot> {
        lock(&self.slots).drain().map(|(_, slot)| slot).collect()
    }

    fn gate(&self, server: &str) -> Arc<RwLock<()>> {
        entry(&mut lock(&self.gates), server).clone()
    }
}

fn entry<'a, T: Default>(map: &'a mut HashMap<String, T>, server: &str) -> &'a mut T {
    map.entry(server.to_owned()).or_default()
}

fn lock<K: Eq + Hash, V>(map: &Plain<HashMap<K, V>>) -> MutexGuard<'_, HashMap<K, V>> {
    map.lock().unwrap_or_else(PoisonError::into_inner)
}
