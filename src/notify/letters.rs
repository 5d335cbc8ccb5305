//! Makes the messages for the journal entries of a run. An entry gives the same messages whenever it is read.

use super::message::{Message, Target, rfc3339};
use crate::domain::marker;
use crate::error::Result;
use crate::kinds::role::Tells;
use crate::plan::Plan;
use crate::playbook::window::Calendar;
use crate::report::moments::is_rehearsal;
use crate::store::{Entry, Event, Journal, Letter, Outcome, Store};
use serde_json::{Map, Value};

/// Whether a run of `plan` sends any notification.
#[must_use]
pub fn concerns(plan: &Plan) -> bool {
    let steps = plan
        .steps
        .iter()
        .any(|step| step.role::<Tells>().is_some() || step.rollback.iter().any(|hook| hook.role::<Tells>().is_some()));
    !plan.world.inventory.webhooks.is_empty() && (steps || !plan.on.is_empty())
}

/// Puts the messages for the entries of `run` after `told` into the outbox. Returns the last entry read. Writes nothing when
/// there is no message: a switch that is running needs the disk.
///
/// # Errors
/// When the journal cannot be read or written, or is damaged.
pub fn collect(journal: &Store, run: &str, told: u32) -> Result<u32> {
    let new = journal.entries_after(run, told)?;
    if !new.iter().any(|entry| may_be_told(&entry.event)) {
        return Ok(new.last().map_or(told, |entry| entry.seq));
    }
    let plan = journal.run(run)?.plan_to_read()?;
    let entries = journal.entries(run)?;
    let story = Story { run, plan: &plan, entries: &entries };
    let letters: Vec<Letter> = entries.iter().filter(|entry| entry.seq > told).flat_map(|e| story.letters(e)).collect();
    let last = entries.last().map_or(told, |entry| entry.seq);
    let over = new.iter().any(|entry| matches!(entry.event, Event::RunFinished { .. }));
    if over || !letters.is_empty() {
        journal.post(Some((run, last)), &letters)?;
    }
    Ok(last)
}

fn may_be_told(event: &Event) -> bool {
    matches!(
        event,
        Event::StepWaiting { .. }
            | Event::WindowAwaited { .. }
            | Event::RunFinished { .. }
            | Event::StepDone { .. }
            | Event::HookDone { .. }
    )
}

/// A run, and the entries read so far.
struct Story<'a> {
    run: &'a str,
    plan: &'a Plan,
    entries: &'a [Entry],
}

/// A notification.
struct News<'a> {
    on: &'static str,
    to: Vec<&'a str>,
    step: Option<&'a str>,
    text: String,
}

impl Story<'_> {
    fn letters(&self, entry: &Entry) -> Vec<Letter> {
        let Some(news) = self.news(entry) else { return Vec::new() };
        let rehearsal = is_rehearsal(self.entries);
        let message = Message {
            on: news.on.to_owned(),
            run: Some(self.run.to_owned()),
            schedule: None,
            playbook: self.plan.name.clone(),
            plan: Some(self.plan.hash.clone()),
            step: news.step.map(str::to_owned),
            at: rfc3339(entry.at),
            rehearsal,
            text: if rehearsal { format!("[rehearsal] {}", news.text) } else { news.text },
        };
        let webhooks = &self.plan.world.inventory.webhooks;
        // a rehearsal has no webhooks
        let known = news.to.into_iter().filter_map(|name| Some((name, webhooks.get(name)?)));
        let letter = |(name, webhook): (&str, &crate::playbook::inventory::Webhook)| {
            let target = Target { webhook: webhook.clone(), folder: self.folder() };
            Letter {
                message: serde_json::to_string(&message).unwrap_or_default(),
                target: serde_json::to_string(&target).unwrap_or_default(),
                ..Letter::new(self.run, entry.seq.into(), name, news.on, entry.at)
            }
        };
        known.map(letter).collect()
    }

    fn folder(&self) -> String {
        let folder = self.entries.iter().find_map(|entry| match &entry.event {
            Event::RunStarted { folder, .. } => Some(folder.clone()),
            _ => None,
        });
        folder.unwrap_or_default()
    }

    fn news<'b>(&'b self, entry: &'b Entry) -> Option<News<'b>> {
        let (run, name, on) = (self.run, &self.plan.name, &self.plan.on);
        let names = |names: &'b Vec<String>| names.iter().map(String::as_str).collect();
        match &entry.event {
            Event::StepWaiting { step, message, .. } => {
                let text = format!(
                    "{name}: run {run} waits for approval of `{step}`: {message} Answer with `cutover approve {run} {step}`."
                );
                Some(News { on: "waiting", to: names(&on.waiting), step: Some(step), text })
            }
            Event::WindowAwaited { of, opens, .. } => {
                let text = format!(
                    "{name}: run {run} waits for the window of `{of}`, which opens {}.",
                    self.shown(of, *opens)
                );
                Some(News { on: "waiting", to: names(&on.waiting), step: Some(of), text })
            }
            Event::RunFinished { outcome } => {
                let (occasion, to, text) = match outcome {
                    Outcome::Interrupted => return None,
                    Outcome::Done => ("done", &on.done, format!("{name}: run {run} is done.")),
                    Outcome::Stuck | Outcome::Stopped => {
                        let why = self.why(entry.seq);
                        let text = format!(
                            "{name}: run {run} is {outcome}, and a person must decide: `cutover status {run}`.{why}"
                        );
                        ("stuck", &on.stuck, text)
                    }
                    outcome => {
                        ("failed", &on.failed, format!("{name}: run {run} is {outcome}.{}", self.why(entry.seq)))
                    }
                };
                Some(News { on: occasion, to: names(to), step: None, text })
            }
            Event::StepDone { step, .. } => {
                let tells = self.plan.step(step)?.role()?;
                Some(self.told(step, tells, entry.seq))
            }
            Event::HookDone { step, index } => {
                let tells = self.plan.step(step)?.rollback.get(*index)?.role()?;
                Some(self.told(step, tells, entry.seq))
            }
            _ => None,
        }
    }

    /// The message of a `notify` step.
    fn told<'b>(&'b self, step: &'b str, tells: &'b Tells, seq: u32) -> News<'b> {
        let outputs = self.outputs(seq);
        let bound = marker::bind(&tells.message.as_str().into(), &mut |reference| lookup(&outputs, reference));
        let text = bound.as_str().map_or_else(|| bound.to_string(), str::to_owned);
        News { on: "step", to: vec![&tells.webhook], step: Some(step), text }
    }

    /// The outputs of the steps by then.
    fn outputs(&self, seq: u32) -> Map<String, Value> {
        let before = self.entries.iter().take_while(|entry| entry.seq < seq);
        let outputs = before.filter_map(|entry| match &entry.event {
            Event::StepDone { step, outputs } => Some((step.clone(), Value::Object(outputs.clone()))),
            _ => None,
        });
        outputs.collect()
    }

    /// The last failure by then, in words.
    fn why(&self, seq: u32) -> String {
        let before = self.entries.iter().rev().filter(|entry| entry.seq < seq);
        let mut reasons = before.filter_map(|entry| match &entry.event {
            Event::RollbackStarted { reason, .. } => Some(reason.clone()),
            Event::AfterFence { servers } => Some(servers.iter().find(|found| !found.is_well())?.to_string()),
            Event::RunPutOff { failure, .. }
            | Event::StepRefused { failure, .. }
            | Event::UndoFailed { failure, retry_at: None, .. }
            | Event::StepFailed { failure, retry_at: None, .. } => Some(failure.to_string()),
            _ => None,
        });
        let reason = reasons.next().unwrap_or_default();
        reason.lines().next().map_or(String::new(), |line| format!(" {line}"))
    }

    /// A time as the clock of a window shows it.
    fn shown(&self, of: &str, at: i64) -> String {
        let block = self.plan.blocks.iter().find(|block| block.id == of).and_then(|block| block.window.as_ref());
        let window = block.or_else(|| self.plan.step(of)?.window.as_ref());
        window.and_then(Calendar::new).map_or_else(|| rfc3339(at), |calendar| calendar.show(at))
    }
}

fn lookup(outputs: &Map<String, Value>, reference: &str) -> Option<Value> {
    let path = reference.strip_prefix("steps.")?;
    let mut parts = path.split('.');
    let step = outputs.get(parts.next()?)?;
    parts.try_fold(step, |value, part| value.get(part)).cloned()
}
