//! The sandbox that a playbook is rehearsed in.

pub mod sshd;
