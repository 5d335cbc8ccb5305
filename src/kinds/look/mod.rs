//! Kinds that check before anything is changed, or compare what was copied.

pub(in crate::kinds) mod benchmark;
pub(in crate::kinds) mod latency;
pub(in crate::kinds) mod preflight;
pub(in crate::kinds) mod verify;
