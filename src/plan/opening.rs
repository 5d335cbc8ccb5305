//! What happens before the first step, on every server that a step names: connect, check the product, take the lock.

use super::Plan;
use crate::steps::Action;
use std::collections::BTreeSet;

/// The servers that the plan's actions name, in order of name.
#[must_use]
pub fn servers(plan: &Plan) -> Vec<&str> {
    let actions = plan.steps.iter().filter(|step| step.skip.is_none()).flat_map(|step| &step.actions);
    let named = actions.filter_map(|action| match action {
        Action::Sql { server, .. } => Some(server.as_str()),
        _ => None,
    });
    named.collect::<BTreeSet<_>>().into_iter().collect()
}

/// The statements, in order.
#[must_use]
pub fn actions(plan: &Plan) -> Vec<Action> {
    let mut actions = Vec::new();
    for server in servers(plan) {
        actions.push(Action::sql(server, "SELECT VERSION()"));
    }
    actions
}
