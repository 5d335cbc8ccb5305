//! After a switch: is the old server still closed, has it written anything itself, does it still follow the new one? Asked
//! once by `status --live`, again and again by `watch`. Every statement only reads, no run is taken, and each server has
//! one connection.
//!
//! `choose` finds the switch, `look` asks the servers, `verdict` judges (pure), `memory` keeps what must survive a restart,
//! `metrics` writes for Prometheus. May know the journal, the pure half of the engine, effects, and what a look after the
//! fence is made of; no display.

pub mod choose;
pub mod look;
pub mod memory;
pub mod metrics;
pub mod verdict;

pub use choose::{Chosen, Switch, choose};
pub use look::Watcher;
pub use memory::Memory;
pub use verdict::{Look, Verdict, WayBack};
