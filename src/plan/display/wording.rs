//! Phrases that every display for people shares, so that a plan reads the same in each of them.

use super::edges::{Edges, point_of_no_return};
use crate::domain::units::Span;
use crate::kinds::Reversibility;
use crate::plan::{Plan, PlannedBlock, PlannedStep};
use crate::playbook::model::{OnFailure, Retry};
use std::time::Duration;

/// A time in milliseconds, as people write it.
pub(super) fn time(millis: u64) -> String {
    Span(Duration::from_millis(millis)).to_string()
}

/// The part of the hash that people compare.
pub(super) fn short_hash(plan: &Plan) -> &str {
    plan.hash.get(..16).unwrap_or(&plan.hash)
}

/// Each server with its address, host, account and product.
pub(super) fn servers(plan: &Plan) -> Vec<(&str, String)> {
    let inventory = &plan.world.inventory;
    let servers = inventory.servers.iter().filter_map(|(name, server)| {
        let host = inventory.host(&server.host)?;
        let via = host.ssh.as_deref().map_or(String::new(), |ssh| format!(" over ssh {ssh}"));
        let (user, product) = (&server.user, server.wanted());
        Some((name.as_str(), format!("{} on {}{via} as {user}, {product}", server.address, server.host)))
    });
    servers.collect()
}

/// What a block promises.
pub(super) fn block(block: &PlannedBlock) -> String {
    let deadline = block.deadline_ms.map_or(String::new(), |ms| format!(" within {}, or the run rolls back", time(ms)));
    let window = block.window.as_ref().map_or(String::new(), |window| format!("; it starts only {window}"));
    format!("block {}: steps in order{deadline}{window}", block.id)
}

/// Whether and how a step is undone.
pub(super) fn reversibility(step: &PlannedStep) -> &'static str {
    match step.reversibility {
        Reversibility::Reversible => "can be undone",
        Reversibility::NothingToUndo => "needs no undo",
        Reversibility::PointOfNoReturn => "cannot be undone once it has succeeded",
    }
}

/// The same, what a failure means, and how long and how often it is tried.
pub(super) fn terms(step: &PlannedStep) -> String {
    let failure = match step.on_failure {
        OnFailure::Rollback => "",
        OnFailure::Stop => "; on failure the run stops without a rollback",
        OnFailure::Continue => "; on failure the run continues",
    };
    let keep = if step.keep { "; a checkpoint: a later failure does not undo it" } else { "" };
    let window = step.window.as_ref().map_or(String::new(), |window| format!("; it starts only {window}"));
    let (back, limit, tries) = (reversibility(step), time(step.timeout_ms), attempts(&step.retry));
    format!("{back}{failure}{keep}; at most {limit} an attempt{tries}{window}")
}

/// How often, and for how long, a step is tried.
fn attempts(retry: &Retry) -> String {
    match (retry.attempts, retry.time) {
        (0 | 1, None) => String::new(),
        (attempts, None) => format!(", {attempts} attempts"),
        (0 | 1, Some(time)) => format!(", tried for {time}"),
        (attempts, Some(time)) => format!(", {attempts} attempts, and for at least {time}"),
    }
}

/// Blocks and steps that have a window, with when they may begin.
pub(super) fn windows(plan: &Plan) -> Vec<(&str, String)> {
    let blocks = plan.blocks.iter().map(|block| (block.id.as_str(), block.window.as_ref()));
    let steps = plan.steps.iter().map(|step| (step.id.as_str(), step.window.as_ref()));
    let all = blocks.chain(steps);
    all.filter_map(|(id, window)| Some((id, format!("starts only {}", window?)))).collect()
}

/// Who is notified, by occasion.
pub(super) fn told(plan: &Plan) -> Vec<(&'static str, String)> {
    let on = &plan.on;
    let all = [
        ("waiting", &on.waiting),
        ("failed", &on.failed),
        ("stuck", &on.stuck),
        ("done", &on.done),
        ("late", &on.late),
        ("watch", &on.watch),
    ];
    all.into_iter().filter(|(_, names)| !names.is_empty()).map(|(on, names)| (on, names.join(", "))).collect()
}

/// How many steps there are, and how many of them are skipped.
pub(super) fn count(plan: &Plan) -> String {
    let skipped = plan.steps.iter().filter(|step| step.skip.is_some()).count();
    let skipped = if skipped == 0 { String::new() } else { format!(", {skipped} of them skipped") };
    format!("{}{skipped}", plan.steps.len())
}

/// What the point of no return means for the run; without one, that all is rolled back.
pub(super) struct NoReturn<'a> {
    /// The step, with its number from 1.
    pub step: Option<(usize, &'a str)>,
    /// Steps that run only after it, in file order.
    pub beyond: Vec<&'a str>,
}

impl<'a> NoReturn<'a> {
    /// Where the plan's point of no return is, and what lies behind it.
    pub fn of(plan: &'a Plan, edges: &Edges) -> Self {
        let Some(place) = point_of_no_return(plan) else { return Self { step: None, beyond: Vec::new() } };
        let after = edges.after(place);
        let beyond = plan.steps.iter().zip(after).filter(|(_, after)| *after).map(|(step, _)| step.id.as_str());
        Self { step: Some((place + 1, &plan.steps[place].id)), beyond: beyond.collect() }
    }
}
