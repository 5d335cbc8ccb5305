//! Kinds for whatever else a playbook wants.

pub(in crate::kinds) mod approve;
pub(in crate::kinds) mod command;
pub(in crate::kinds) mod notify;
pub(in crate::kinds) mod sql;
