//! The sandbox: real servers, an application that writes all the time, and the judgement over what it was promised.
//!
//! May know everything a user's own scripts could know: effects, inventory, plans, reports. Nothing depends on it.

pub mod application;
mod certificates;
pub mod disk;
pub mod faults;
pub mod fingerprint;
pub mod judge;
pub mod ledger;
pub mod moves;
pub mod own_folder;
pub mod rehearse;
pub mod sandbox;
pub mod server;
pub mod shop;
pub mod sshd;
pub mod stage;
pub mod ticks;
pub mod work_folder;
