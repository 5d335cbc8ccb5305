//! After a switch: is the old server still closed, has it written anything itself, does it still replicate from the new one?
//! Checked once by `status --live`, at intervals by `watch`. All statements are read-only, no run is locked, and each
//! server has one connection.
//!
//! `choose` finds the switch, `look` asks the servers, `verdict` judges (pure), `memory` keeps the state that survives a
//! restart, `metrics` writes for Prometheus. May know the journal, the pure half of the engine, effects, and the parts of
//! a check after the fence; no display.

pub mod choose;
pub mod look;
pub mod memory;
pub mod metrics;
pub mod verdict;

pub use choose::{Chosen, Switch, choose};
pub use look::Watcher;
pub use memory::Memory;
pub use verdict::{Look, Verdict, WayBack};
