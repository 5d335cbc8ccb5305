//! A run's summary as text: what happened, what is true, what to type next.

use super::fold::{PutOff, Summary};
pub use super::next::next;
use super::next::trouble_after_fence;
use super::sentence::Sentence;
pub use super::sentence::action;
use crate::engine::status::Status;
use crate::store::Outcome;

/// The summary for people. `alive` names the process that is working on the run now, if there is one.
#[must_use]
pub fn text(summary: &Summary, alive: Option<&str>) -> String {
    let next = next(summary, alive);
    sentences(summary, alive, next.as_deref()).iter().map(ToString::to_string).collect()
}

/// Its sentences, in order. `next` is the command to type next.
#[must_use]
pub fn sentences<'a>(summary: &'a Summary, alive: Option<&'a str>, next: Option<&'a str>) -> Vec<Sentence<'a>> {
    let mut out = vec![Sentence::Head { summary, alive }];
    push_steps(&mut out, summary, alive.is_none());
    let said = |put_off: &&PutOff| summary.steps.iter().any(|step| step.failure.as_ref() == Some(&put_off.failure));
    let put_off = summary.put_off.as_ref().filter(|put_off| alive.is_none() && !said(put_off));
    out.extend(put_off.map(|PutOff { of, failure }| Sentence::PutOff { of, failure }));
    out.extend(summary.deadlines.iter().map(|(block, at)| Sentence::Deadline { block, at: *at }));
    out.extend(summary.rollback.iter().map(|reason| Sentence::RolledBack { reason, outcome: summary.outcome }));
    if !summary.put_back.is_empty() {
        out.push(Sentence::PutBack { moments: &summary.put_back });
    }
    out.extend(summary.standstills.iter().map(Sentence::Standstill));
    out.extend(summary.steps.iter().filter(|step| !step.by_hand.is_empty()).map(Sentence::ByHand));
    out.extend(summary.after_fence.iter().map(Sentence::AfterFence));
    let over = summary.outcome == Some(Outcome::Done) || trouble_after_fence(summary).is_some();
    if summary.past_point_of_no_return && !over {
        out.push(Sentence::PointOfNoReturn { certain: summary.point_of_no_return_is_certain });
    }
    out.extend(summary.decision.iter().filter(|_| alive.is_none()).map(Sentence::Decision));
    out.extend(next.map(Sentence::Next));
    out
}

fn push_steps<'a>(out: &mut Vec<Sentence<'a>>, summary: &'a Summary, idle: bool) {
    let width = summary.steps.iter().map(|step| step.id.len()).max().unwrap_or(0);
    for step in &summary.steps {
        out.push(Sentence::Step { step, width, idle });
        let (id, troubled) = (step.id.as_str(), step.status != Status::Succeeded);
        let failures = step.failure.iter().filter(|_| troubled);
        out.extend(failures.map(|failure| Sentence::Failed { step: id, failure }));
        let failures = step.undo_failure.iter().filter(|_| troubled);
        out.extend(failures.map(|failure| Sentence::UndoFailed { step: id, failure }));
        out.extend(step.vouched.iter().map(|vouched| Sentence::Vouched { step: id, vouched }));
    }
}
