//! A piece of work of one step: the name of its programs on a host, and the way to end them.

use crate::domain::Permits;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio_util::sync::CancellationToken;

/// Numbers pieces of work within this process.
static NUMBERS: AtomicU64 = AtomicU64::new(1);

/// A piece of work: an attempt, a probe, an undo or a hook of a step.
///
/// Two pieces of work of one step never run at the same time, and a host enforces that too: it ends the programs of an
/// earlier one before it starts any of a later one.
#[derive(Debug, Clone)]
pub struct Activity {
    /// The step it belongs to; empty if none.
    pub step: Arc<str>,
    /// Number of this piece of work in this process.
    pub number: u64,
    /// Cancelled when the work was given up: its programs and statements are ended then, and waited for.
    pub end: CancellationToken,
    /// Receives a message when a server was found down and is started for this work; `None` when none may be started.
    pub(super) starts: Option<Told>,
    /// What may be sent for it; `None` if it belongs to no step.
    pub(super) permits: Option<Arc<Permits>>,
}

/// Where a sentence for people goes.
#[derive(Clone)]
pub(super) struct Told(Arc<dyn Fn(String) + Send + Sync>);

impl Told {
    pub(super) fn tell(&self, text: String) {
        (self.0)(text);
    }
}

impl fmt::Debug for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Told")
    }
}

impl Activity {
    /// A new piece of work of `step`, given up when `end` is cancelled.
    #[must_use]
    pub fn new(step: &str, end: CancellationToken) -> Self {
        Self { step: step.into(), number: NUMBERS.fetch_add(1, Ordering::Relaxed), end, starts: None, permits: None }
    }

    /// Work that belongs to no step and is never given up.
    #[must_use]
    pub fn apart() -> Self {
        Self::new("", CancellationToken::new())
    }

    /// Allows only what is in `permits` to be sent for this work.
    #[must_use]
    pub fn permitted(self, permits: Arc<Permits>) -> Self {
        Self { permits: Some(permits), ..self }
    }

    /// Lets this work start a server that is down, by the `start` command of the inventory; `tell` receives a message
    /// then.
    #[must_use]
    pub fn starting(self, tell: impl Fn(String) + Send + Sync + 'static) -> Self {
        Self { starts: Some(Told(Arc::new(tell))), ..self }
    }
}
