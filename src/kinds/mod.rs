//! Step kinds, in groups by what they are for, and the registry of all of them. Adding one means its own file or folder and
//! one line in [`KINDS`].
//!
//! Other rooms know kinds by the roles that their steps play ([`role`]), never by their names.
//!
//! May know: the playbook's model (inventory, units, templates), the dialects and the effects. Never another kind, the engine
//! or the store: what a step must remember goes through [`Memo`].

mod api;
mod copy;
mod follow;
mod general;
mod look;
mod registry;
mod settle;
mod support;
mod switch;

pub use crate::domain::{Action, On};
pub use api::role;
pub use api::{
    Complaint, Condition, Ctx, Memo, Need, Needs, Outputs, Probe, Progress, Reversibility, Role, RoleName, Scope,
};
pub use api::{Step, Update};
pub use registry::{Begins, KINDS, Kind, Output, OutputType, find, plays};
pub use support::after_fence;
pub use support::finding::{CheckResult, CopyWay, FileChange, Finding, Mark, Setting, Volume};
pub use support::privileges::{Grant, grants, lacks, missing, own_account};
