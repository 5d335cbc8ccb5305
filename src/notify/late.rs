//! Notifications about a schedule that starts late or not at all.

use super::message::{Message, Target, rfc3339};
use crate::error::Result;
use crate::plan::Plan;
use crate::store::{Letter, Store};

/// What is late.
#[derive(Debug, Clone)]
pub struct Late<'a> {
    /// Name of the schedule.
    pub schedule: &'a str,
    /// When it was due, in milliseconds since 1970.
    pub due: i64,
    /// When that was noticed, in milliseconds since 1970.
    pub now: i64,
    /// What happens to it, in words: `it starts 20 min late`, `it will not be started`.
    pub text: &'a str,
    /// Its plan, which names the webhooks under `on: { late: ... }`.
    pub plan: &'a Plan,
    /// Folder that relative secret files are seen from.
    pub folder: &'a str,
}

/// Puts the message into the outbox, once for each due time, however often this is called.
///
/// # Errors
/// When the journal cannot be written.
pub fn late(journal: &Store, late: &Late<'_>) -> Result<()> {
    let Late { schedule, due, now, text, plan, folder } = *late;
    let message = Message {
        on: "late".to_owned(),
        run: None,
        schedule: Some(schedule.to_owned()),
        playbook: plan.name.clone(),
        plan: Some(plan.hash.clone()),
        step: None,
        at: rfc3339(now),
        rehearsal: false,
        text: format!("{}: schedule {schedule} was due at {}: {text}.", plan.name, rfc3339(due)),
    };
    let webhooks = &plan.world.inventory.webhooks;
    let known = plan.on.late.iter().filter_map(|name| Some((name, webhooks.get(name)?)));
    let letters = known.map(|(name, webhook)| {
        let target = Target { webhook: webhook.clone(), folder: folder.to_owned() };
        Letter {
            message: serde_json::to_string(&message).unwrap_or_default(),
            target: serde_json::to_string(&target).unwrap_or_default(),
            ..Letter::new(&format!("schedule {schedule}"), due, name, "late", now)
        }
    });
    journal.post(None, &letters.collect::<Vec<_>>())
}
