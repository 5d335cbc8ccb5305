//! What a rehearsal leaves out of a playbook: whatever waits for a night, for further people, for a network that comes
//! back, or notifies others.
//!
//! A rehearsal is held by one person at any time of the day, and its sandbox has no webhooks.

use crate::domain::units::Span;
use crate::kinds;
use crate::playbook::model::{Occasions, Playbook, Retry};
use crate::playbook::node::Value;
use std::time::Duration;

/// On one machine nothing is away for longer.
const PATIENCE: Span = Span(Duration::from_secs(40));

/// Removes notifications, the parameters that kinds leave out in a rehearsal and, unless they are to be kept, windows.
pub(super) fn ease(playbook: &mut Playbook, keep_windows: bool) {
    playbook.on = Occasions::default();
    playbook.webhook_places.clear();
    playbook.defaults.retry.iter_mut().for_each(hurry);
    for block in playbook.blocks.iter_mut().filter(|_| !keep_windows) {
        block.window = None;
    }
    for step in &mut playbook.steps {
        step.retry.iter_mut().for_each(hurry);
        step.window = step.window.take().filter(|_| keep_windows);
        if let Value::Map(entries) = &mut step.with.value
            && let Some(kind) = kinds::find(&step.uses)
        {
            entries.retain(|(key, _)| !kind.eased.contains(&key.text.as_str()));
        }
    }
}

fn hurry(retry: &mut Retry) {
    retry.time = retry.time.map(|time| time.min(PATIENCE));
}
