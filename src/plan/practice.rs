//! What a rehearsal leaves out of a playbook: whatever waits for a night, for further people, or tells others.
//!
//! A rehearsal is held by one person at any time of the day, and its sandbox has no webhooks.

use crate::playbook::model::{Occasions, Playbook};
use crate::playbook::node::Value;

/// Takes notifications, the conditions of approvals and, unless they are to be kept, windows out.
pub(super) fn ease(playbook: &mut Playbook, keep_windows: bool) {
    playbook.on = Occasions::default();
    playbook.webhook_places.clear();
    for block in playbook.blocks.iter_mut().filter(|_| !keep_windows) {
        block.window = None;
    }
    for step in &mut playbook.steps {
        step.window = step.window.take().filter(|_| keep_windows);
        if let Value::Map(entries) = &mut step.with.value
            && step.uses == "approve"
        {
            entries.retain(|(key, _)| !["by", "expires"].contains(&key.text.as_str()));
        }
    }
}
