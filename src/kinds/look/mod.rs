//! Kinds that look before anything is touched, or compare what was copied.

pub(in crate::kinds) mod benchmark;
pub(in crate::kinds) mod latency;
pub(in crate::kinds) mod preflight;
pub(in crate::kinds) mod verify;
