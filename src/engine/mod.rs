//! The engine: a pure scheduler decides, a thin runner acts, and the journal is written before and after every
//! effect.
//!
//! May know the plan, the step trait, the store and the effects bundle; no step kind, no display.

mod pure;
mod run;

use pure::{checkpoint, condition, trailing, unwind};
pub use pure::{clock, fenced, graph, recover, results, retry, schedule, state, status, vouch, windows};
use run::{admission, after_fence, attempt, bench, drive, held, hold, notes, runner, scribe, tasks};
pub use run::{approvals, home, lock, run_id};

pub use approvals::JournalApprovals;
pub use bench::{Decode, registered};
pub use home::{Home, RunLock};
pub use lock::StateLock;
pub use runner::{Runner, Setup};
