//! Kinds that set servers and hosts right, before the switch and after it.

pub(in crate::kinds) mod accounts;
pub(in crate::kinds) mod clean_up;
pub(in crate::kinds) mod render;
pub(in crate::kinds) mod set_variables;
