//! What every kind is written against: the step itself, what it may use, what it notes and reports.

mod complaint;
mod ctx;
mod memo;
mod need;
mod progress;
pub mod role;
mod step;

pub use complaint::Complaint;
pub use ctx::Ctx;
pub use memo::Memo;
pub use need::{Condition, Need, Needs, Scope};
pub use progress::{Progress, Update};
pub use role::{Role, RoleName};
pub use step::{Outputs, Probe, Reversibility, Step};
