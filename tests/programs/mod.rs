//! Every kind against servers and hosts that are not there: whatever they answer, what is asked of them stands in the plan.

mod answers;
mod every_kind;
mod play;
mod steps;
