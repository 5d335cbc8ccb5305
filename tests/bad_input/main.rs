//! Bad input gets a clear error and changes nothing: documents first, then real servers and hosts.

mod check;
mod documents;
mod graph;
mod inputs;
mod inventory;
mod names;
mod secrets;
mod templates;
mod values;
