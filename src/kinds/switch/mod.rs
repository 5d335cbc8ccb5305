//! Kinds that close one server and open the other, and send applications there.

pub(in crate::kinds) mod events;
pub(in crate::kinds) mod fence;
pub(in crate::kinds) mod promote;
pub(in crate::kinds) mod repoint;
