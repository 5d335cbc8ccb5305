//! The slot of one connection.

use super::{Caller, Connections, Stage};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// A connection's slot; released when the last copy is dropped.
#[derive(Clone)]
pub(in crate::web) struct Seat(Arc<Place>);

struct Place {
    all: Arc<Connections>,
    number: u64,
    leave: CancellationToken,
}

impl Seat {
    pub(super) fn new(all: Arc<Connections>, number: u64, leave: CancellationToken) -> Self {
        Self(Arc::new(Place { all, number, leave }))
    }
    /// Returns when another connection has taken the slot.
    pub(in crate::web) async fn taken(&self) {
        self.0.leave.cancelled().await;
    }
    /// A complete request has arrived.
    pub(in crate::web) fn asked(&self) {
        self.0.all.is_at(self.0.number, Stage::Answered);
    }
    /// Its answer is complete.
    pub(super) fn answered(&self) {
        self.0.all.is_at(self.0.number, Stage::Idle);
    }
    /// Sets the owner that its request has shown; `None` makes it anonymous.
    pub(in crate::web) fn is_of(&self, person: Option<Caller>) {
        self.0.all.is_of(self.0.number, person);
    }
    #[cfg(test)]
    pub(super) fn must_leave(&self) -> bool {
        self.0.leave.is_cancelled()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.all.leave(self.number);
    }
}
