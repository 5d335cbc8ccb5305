//! Notifications of a watch after a switch: once when a problem appears, once when it is solved.

use super::message::{Message, Target, rfc3339};
use crate::error::Result;
use crate::plan::Plan;
use crate::store::{Letter, Store};

/// What was seen.
#[derive(Debug, Clone, Copy)]
pub struct Watched<'a> {
    /// The run that made the switch.
    pub run: &'a str,
    /// The server that was closed.
    pub old: &'a str,
    /// When, in milliseconds since 1970.
    pub at: i64,
    /// The finding in words.
    pub text: &'a str,
    /// The run's plan, which names the webhooks under `on: { watch: ... }`.
    pub plan: &'a Plan,
    /// Folder that relative secret files are seen from.
    pub folder: &'a str,
}

/// Where messages about the switch of `run` come from, in the outbox.
#[must_use]
pub fn origin(run: &str) -> String {
    format!("watch {run}")
}

/// Puts the message into the outbox.
///
/// # Errors
/// When the journal cannot be written.
pub fn watched(journal: &Store, watched: &Watched<'_>) -> Result<()> {
    let Watched { run, old, at, text, plan, folder } = *watched;
    let message = Message {
        on: "watch".to_owned(),
        run: Some(run.to_owned()),
        schedule: None,
        playbook: plan.name.clone(),
        plan: Some(plan.hash.clone()),
        step: None,
        at: rfc3339(at),
        rehearsal: false,
        text: format!("{}: after the switch of run {run}: {text}.", plan.name),
    };
    // pairs of one switch are checked in the same millisecond
    let number = plan.world.inventory.servers.keys().position(|name| name == old).unwrap_or(0);
    let seq = at.saturating_add(i64::try_from(number).unwrap_or(0));
    let webhooks = &plan.world.inventory.webhooks;
    let known = plan.on.watch.iter().filter_map(|name| Some((name, webhooks.get(name)?)));
    let letters = known.map(|(name, webhook)| {
        let target = Target { webhook: webhook.clone(), folder: folder.to_owned() };
        Letter {
            message: serde_json::to_string(&message).unwrap_or_default(),
            target: serde_json::to_string(&target).unwrap_or_default(),
            ..Letter::new(&origin(run), seq, name, "watch", at)
        }
    });
    journal.post(None, &letters.collect::<Vec<_>>())
}
