//! What people write: playbook and inventory, from YAML text to validated data, with the position of every fault.
//!
//! Knows YAML, the model and nothing else: no server, no file but the ones it is handed, no other room.

pub mod document;
pub mod fault;
pub mod file;
pub mod forecast;
pub mod inventory;
pub mod learned;
pub mod mask;
pub mod model;
pub mod node;
pub mod position;
pub mod shape;
pub mod sizing;
pub mod suggest;
pub mod template;
pub mod through;
mod unreadable;
pub mod window;
mod window_faults;
pub mod world;
