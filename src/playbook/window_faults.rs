//! What can be wrong with a window beyond its shape.

use super::fault::Fault;
use super::node::{Key, Node};
use super::window::Window;
use crate::domain::units::Span;

/// Faults of a block's window.
pub(super) fn of_block(node: &Node, id: &str, deadline: Option<Span>, window: Option<&Window>) -> Vec<Fault> {
    let Some((key, _)) = node.entry("window") else { return Vec::new() };
    let mut faults = of_any(key, window);
    if deadline.is_none() && node.entry("deadline").is_none() {
        let message = format!("the block `{id}` has a window and no `deadline`");
        let fault = Fault::new(key.span, message).label("unknown whether the block fits into the window");
        faults.push(fault.help("give the block a deadline: `deadline: 10s`"));
    }
    faults
}

/// Faults of a step's window. `limited` states whether an attempt of it has a time limit.
pub(super) fn of_step(node: &Node, id: &str, in_block: bool, limited: bool, window: Option<&Window>) -> Vec<Fault> {
    let Some((key, _)) = node.entry("window") else { return Vec::new() };
    if in_block {
        let message = format!("the step `{id}` is in a block and cannot have its own window");
        let help = "set the window on the block: a block that has started is finished, so only its start can wait";
        return vec![Fault::new(key.span, message).help(help)];
    }
    let mut faults = of_any(key, window);
    if !limited && node.entry("timeout").is_none() {
        let message = format!("the step `{id}` has a window and no `timeout`");
        let fault = Fault::new(key.span, message).label("unknown whether the step fits into the window");
        faults.push(fault.help("give the step a time limit: `timeout: 10m`"));
    }
    faults
}

fn of_any(key: &Key, window: Option<&Window>) -> Vec<Fault> {
    let never = window.filter(|window| window.length().is_zero());
    let fault = never.map(|window| {
        let message = format!("this window never opens: it closes at {}, when it opens", window.to);
        Fault::new(key.span, message).help("set `to` to another time; a whole day is from \"00:00\" to \"24:00\"")
    });
    fault.into_iter().collect()
}
