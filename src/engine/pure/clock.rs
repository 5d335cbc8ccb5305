//! Time for one runner: wall clock at the start, monotonic from there on, so that a clock that is set back neither
//! delays a retry nor stretches a deadline.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::time::{Duration, Instant};

/// What the machine's clock shows, in milliseconds since 1970.
pub type Wall = Arc<dyn Fn() -> i64 + Send + Sync>;

/// A clock that never goes back.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    base: i64,
    start: Instant,
}

impl Clock {
    /// A clock that starts now, or at `at_least` (milliseconds since 1970) if the machine's clock is behind that.
    #[must_use]
    pub fn starting(at_least: i64) -> Self {
        Self { base: wall().max(at_least), start: Instant::now() }
    }
    /// Milliseconds since 1970.
    #[must_use]
    pub fn now(&self) -> i64 {
        self.base.saturating_add(i64::try_from(self.start.elapsed().as_millis()).unwrap_or(i64::MAX))
    }
    /// The moment of `at` (milliseconds since 1970), rounded up.
    #[must_use]
    pub fn instant(&self, at: i64) -> Instant {
        self.start + Duration::from_millis(u64::try_from(at.saturating_sub(self.base)).unwrap_or(0))
    }
}

/// The machine's clock, in milliseconds since 1970.
#[must_use]
pub fn wall() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
