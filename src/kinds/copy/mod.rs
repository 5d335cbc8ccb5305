//! Kinds that bring the data.

pub(in crate::kinds) mod copy_server;
pub(in crate::kinds) mod dump;
pub(in crate::kinds) mod import;
