//! Kinds that make one server follow another, and wait for it.

pub(in crate::kinds) mod change_source;
pub(in crate::kinds) mod forget_source;
pub(in crate::kinds) mod replication_account;
pub(in crate::kinds) mod reverse_replication;
pub(in crate::kinds) mod tunnel;
pub(in crate::kinds) mod wait_for_lag;
pub(in crate::kinds) mod wait_for_position;
