//! A point of the lag curve.

use serde::{Deserialize, Serialize};

/// Replication lag at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LagSample {
    /// When it was measured, in milliseconds since 1970.
    pub at: i64,
    /// The lag in milliseconds.
    pub millis: u64,
}
