//! The rules: when a sentence is true of a journal.

use cutover::error::Class;
use cutover::kinds::Reversibility;
use cutover::plan::Plan;
use cutover::report::decision::Known;
use cutover::report::fold::{StepSummary, Summary};
use cutover::report::html::{Material, page};
use cutover::report::sentence::Sentence;
use cutover::report::standstill::Standstill;
use cutover::store::{Entry, Event, Outcome};

pub(super) struct Judge<'a> {
    pub plan: &'a Plan,
    pub entries: &'a [Entry],
    pub summary: &'a Summary,
    pub alive: bool,
}

type Held = Result<(), String>;

fn see(holds: bool, what: impl Into<String>) -> Held {
    if holds { Ok(()) } else { Err(what.into()) }
}

impl Judge<'_> {
    pub fn journal(&self) -> String {
        let lines = self.entries.iter().map(|entry| format!("{} {} {:?}", entry.seq, entry.at, entry.event));
        lines.collect::<Vec<_>>().join("\n")
    }
    fn of<'b>(&'b self, step: &'b str) -> impl DoubleEndedIterator<Item = &'b Entry> {
        self.entries.iter().filter(move |entry| entry.event.step() == Some(step))
    }
    /// The last event that moved a step; notes, questions and looks do not, nor a look that was stopped.
    fn last_of<'b>(&'b self, step: &str) -> Option<&'b Event> {
        self.moves_of(step).pop()
    }
    /// The same, without what a look has found missing.
    fn last_attempt_of<'b>(&'b self, step: &str) -> Option<&'b Event> {
        self.moves_of(step).into_iter().rfind(|event| !matches!(event, Event::StepAbsent { .. }))
    }
    fn moves_of<'b>(&'b self, step: &str) -> Vec<&'b Event> {
        let (mut moves, mut looking) = (Vec::new(), false);
        for entry in self.entries {
            match &entry.event {
                Event::RunResumed { .. } => looking = false,
                event if event.step() != Some(step) => {}
                Event::StepProbing { .. } => looking = true,
                Event::StepConfirmed { .. } => looking = false,
                Event::StepNoted { .. } | Event::StepWaiting { .. } | Event::Decided { .. } => {}
                Event::StepStopped { .. } if looking => looking = false,
                event => {
                    moves.push(event);
                    looking = false;
                }
            }
        }
        moves
    }
    fn entry(&self, seq: u32) -> &Event {
        &self.entries.iter().find(|entry| entry.seq == seq).unwrap().event
    }
    fn is_after(&self, seq: u32, wanted: impl Fn(&Event) -> bool) -> bool {
        self.entries.iter().any(|entry| entry.seq > seq && wanted(&entry.event))
    }
    /// What ended the run, unless it was taken up again.
    fn outcome(&self) -> Option<Outcome> {
        let of_run = |event: &&Event| matches!(event, Event::RunFinished { .. } | Event::RunResumed { .. });
        match self.entries.iter().rev().map(|entry| &entry.event).find(of_run) {
            Some(Event::RunFinished { outcome }) => Some(*outcome),
            _ => None,
        }
    }
    fn finals(&self) -> impl Iterator<Item = &str> {
        let finals = self.plan.steps.iter().filter(|step| step.reversibility == Reversibility::PointOfNoReturn);
        finals.map(|step| step.id.as_str())
    }
    fn is_done(&self, step: &str) -> bool {
        matches!(self.last_of(step), Some(Event::StepDone { .. }))
    }

    /// Whether its last attempt failed and another one is due; a look that found nothing of it changes nothing about that.
    fn is_tried_again(&self, step: &str) -> bool {
        matches!(self.last_attempt_of(step), Some(Event::StepFailed { retry_at: Some(_), .. }))
    }

    pub fn hold(&self, sentence: Sentence<'_>) -> Held {
        match sentence {
            Sentence::Head { summary, alive } => self.head(summary, alive, &sentence.to_string()),
            Sentence::Step { step, idle, .. } => {
                see(idle != self.alive, "somebody works on it, or nobody")?;
                self.step(step, &sentence.to_string())
            }
            Sentence::Failed { step, failure } => {
                let failed = |event: &Event| match event {
                    Event::StepFailed { failure, .. } | Event::StepRefused { failure, .. } => Some(failure.clone()),
                    Event::StepStopped { failure, .. } => failure.clone(),
                    _ => None,
                };
                let since_success = self.of(step).rev().take_while(|e| !matches!(e.event, Event::StepDone { .. }));
                see(since_success.into_iter().any(|e| failed(&e.event).as_ref() == Some(failure)), "it did not fail so")
            }
            Sentence::UndoFailed { step, failure } => {
                let found = self.of(step).any(|entry| match &entry.event {
                    Event::UndoFailed { failure: said, .. } | Event::HookFailed { failure: said, .. } => {
                        said == failure
                    }
                    _ => false,
                });
                see(found, "its undo did not fail so")
            }
            Sentence::Vouched { step, vouched } => {
                let found = self.of(step).any(|entry| {
                    matches!(&entry.event, Event::MarkedUndone { why, by, .. } if (why, by) == (&vouched.why, &vouched.by))
                });
                see(found, "nobody said so")
            }
            Sentence::PutOff { of, failure } => {
                let last = self
                    .entries
                    .iter()
                    .rev()
                    .map(|entry| &entry.event)
                    .find(|event| matches!(event, Event::RunPutOff { .. } | Event::RunResumed { .. }));
                let so =
                    matches!(last, Some(Event::RunPutOff { of: who, failure: why }) if who == of && why == failure);
                see(so, "it was not put off so")
            }
            Sentence::Deadline { block, at } => {
                see(matches!(self.entry(at.entry), Event::DeadlineReached { block: of } if of == block), "no deadline")
            }
            Sentence::RolledBack { reason, outcome } => self.rolled_back(reason, outcome, &sentence.to_string()),
            Sentence::PutBack { moments } => {
                let count = self.entries.iter().filter(|e| matches!(e.event, Event::BlockPutBack { .. })).count();
                see(moments.len() == count, format!("put back {count} times"))?;
                see(moments.iter().all(|at| self.touched_nothing(at.entry)), "something was closed for it")
            }
            Sentence::Standstill(standstill) => self.standstill(standstill, &sentence.to_string()),
            Sentence::ByHand(step) => {
                let failed = matches!(
                    self.last_of(&step.id),
                    Some(Event::UndoFailed { retry_at: None, .. } | Event::HookFailed { retry_at: None, .. })
                );
                see(failed, "its undo has not failed for good")
            }
            Sentence::AfterFence(after) => {
                let last = self.entries.iter().rev().find_map(|entry| match &entry.event {
                    Event::AfterFence { servers } => Some(servers),
                    _ => None,
                });
                see(last == Some(&after.servers), "that is not what the last look found")
            }
            Sentence::PointOfNoReturn { certain } => {
                let begun = |step: &str| self.of(step).any(|entry| matches!(entry.event, Event::StepIntent { .. }));
                see(self.finals().any(begun), "no point of no return was begun")?;
                see(!certain || self.finals().any(|step| self.is_done(step)), "none is proved to be passed")
            }
            Sentence::Decision(table) => {
                let known = |place: &cutover::report::decision::Place| self.place(place.known, &place.because);
                table.places.iter().try_for_each(known)
            }
            Sentence::Next(next) => self.next(next),
        }
    }

    fn head(&self, summary: &Summary, alive: Option<&str>, said: &str) -> Held {
        let marked = self
            .entries
            .iter()
            .any(|entry| matches!(&entry.event, Event::RunStarted { sources: Some(sources), .. } if sources.rehearsal));
        see(marked == said.starts_with("rehearsal run "), "a rehearsal is marked, and nothing else")?;
        see(summary.outcome == self.outcome(), "it did not end so")?;
        let word = match (self.outcome(), alive) {
            (_, Some(_)) => "running".to_owned(),
            (Some(outcome), None) => outcome.to_string(),
            (None, None) => "not finished".to_owned(),
        };
        see(said.contains(&format!(": {word}")), format!("it is {word}"))
    }

    fn step(&self, step: &StepSummary, said: &str) -> Held {
        let last = self.last_of(&step.id);
        let word = said.split_whitespace().nth(1).unwrap();
        let so = match word {
            "succeeded" => matches!(last, Some(Event::StepDone { .. })),
            "undone" => {
                matches!(last, Some(Event::UndoDone { .. } | Event::HookDone { .. } | Event::MarkedUndone { .. }))
            }
            "undoing" => self.alive,
            "undo" => true, // failed, or interrupted: both are asked below
            "failed" => match last {
                Some(Event::StepAbsent { .. }) => {
                    self.of(&step.id).any(|e| matches!(e.event, Event::StepFailed { .. }))
                }
                last => matches!(last, Some(Event::StepFailed { .. } | Event::StepRefused { .. })),
            },
            "skipped" => matches!(last, Some(Event::StepSkipped { .. } | Event::SkippedByHand { .. })),
            "running" | "waiting" => self.alive && matches!(last, Some(Event::StepIntent { .. })),
            "retrying" => self.alive && self.is_tried_again(&step.id),
            "pending" => !self.is_done(&step.id),
            "stopped" | "interrupted" => self.of(&step.id).any(|e| matches!(e.event, Event::StepIntent { .. })),
            other => return Err(format!("no rule for `{other}`")),
        };
        see(so, format!("its last event is {last:?}"))?;
        if said.contains("undo failed") {
            let failed = matches!(last, Some(Event::UndoFailed { .. } | Event::HookFailed { .. }));
            see(failed, "no undo failed")?;
        }
        let attempts = self.of(&step.id).filter_map(|entry| match &entry.event {
            Event::StepIntent { attempt, .. } | Event::StepFailed { attempt, .. } => Some(*attempt),
            _ => None,
        });
        let attempts = attempts.max().unwrap_or(0); // one that could not even be prepared counts
        see(step.attempts == attempts, format!("{attempts} attempts"))?;
        let (Some(started), Some(ended)) = (step.started, step.ended) else { return Ok(()) };
        let times: Vec<i64> = self.of(&step.id).map(|entry| entry.at).collect();
        see(times.contains(&started) && times.contains(&ended), "no entry is of that time")?;
        see(step.duration == Some((ended - started).max(0)), "that is not how long it took")
    }

    fn rolled_back(&self, reason: &str, outcome: Option<Outcome>, said: &str) -> Held {
        let found = self
            .entries
            .iter()
            .any(|e| matches!(&e.event, Event::RollbackStarted { reason: why, .. } if why == reason));
        see(found, "that was not the reason")?;
        see(outcome == self.outcome(), "it did not end so")?;
        if said.starts_with("rolled back because") {
            let left = self
                .plan
                .steps
                .iter()
                .find(|step| self.is_done(&step.id) && step.reversibility == Reversibility::Reversible);
            see(left.is_none(), format!("{:?} stands", left.map(|step| &step.id)))?;
        }
        let all = matches!(outcome, Some(Outcome::RolledBack | Outcome::Refused));
        see(said.starts_with("rolled back because") == all, "tense")
    }

    /// Of a put-back block nothing was left closed.
    fn touched_nothing(&self, seq: u32) -> bool {
        let before = self.entries.iter().take_while(|entry| entry.seq < seq);
        let closed = before.filter(|entry| self.uses(&entry.event) == Some("fence")).fold(false, |closed, entry| {
            match &entry.event {
                Event::StepDone { .. } => true,
                Event::UndoDone { .. } | Event::MarkedUndone { .. } => false,
                _ => closed,
            }
        });
        !closed && matches!(self.entry(seq), Event::BlockPutBack { .. })
    }
    fn uses(&self, event: &Event) -> Option<&str> {
        Some(self.plan.step(event.step()?)?.uses.as_str())
    }

    fn standstill(&self, standstill: &Standstill, said: &str) -> Held {
        let Standstill { from, closed, caught_up, open, arrived, reopened, .. } = standstill;
        let is = |seq: u32, uses: &str| self.uses(self.entry(seq)) == Some(uses);
        let done = |seq: u32| matches!(self.entry(seq), Event::StepDone { .. });
        see(is(from.entry, "fence"), "the fence did not begin it")?;
        for (moment, uses) in
            [(closed, "fence"), (caught_up, "wait_for_position"), (open, "promote"), (arrived, "repoint")]
        {
            let Some(moment) = moment else { continue };
            see(is(moment.entry, uses) && done(moment.entry), format!("{uses} was not done at {}", moment.entry))?;
            see(moment.entry >= from.entry && moment.at >= from.at, "the order of time")?;
        }
        if let Some(end) = reopened {
            let so = matches!(self.entry(end.entry), Event::UndoDone { .. } | Event::MarkedUndone { .. });
            see(so && is(end.entry, "fence"), "it was not opened again")?;
        }
        let end = arrived.or(*open).or(*reopened);
        let stands = said.starts_with("write pause of");
        if standstill.was_closed_before {
            return see(!stands && !said.contains("open again"), "it was closed before");
        }
        see(stands == end.is_some(), "it says that it ended, or not")?;
        if let Some(end) = end.filter(|_| stands) {
            let millis = end.at - from.at;
            see(standstill.millis() == Some(millis), format!("it was {millis} ms"))?;
            let figure = cutover::report::time::span(millis);
            see(said.contains(&format!(" {figure}: ")), format!("it was {figure}"))?;
        } else {
            let reopened = |event: &Event| {
                matches!(event, Event::UndoDone { .. } | Event::MarkedUndone { .. })
                    && self.uses(event) == Some("fence")
            };
            see(!self.is_after(from.entry, reopened), "it was opened again")?;
        }
        see(arrived.is_some() || !said.contains("was sent to"), "nothing was sent over")
    }

    fn place(&self, known: Known, because: &str) -> Held {
        let step = because.split('`').nth(1).unwrap();
        let (last, uses) = (self.last_of(step), self.plan.step(step).unwrap().uses.as_str());
        let begun = self.of(step).any(|entry| matches!(entry.event, Event::StepIntent { .. }));
        let absent = matches!(last, Some(Event::StepAbsent { .. }));
        let undone = matches!(last, Some(Event::UndoDone { .. } | Event::HookDone { .. } | Event::MarkedUndone { .. }));
        let not_yet =
            |event: &Event| matches!(event, Event::StepFailed { failure, .. } if failure.class == Class::NotYet);
        let so = match (known, uses) {
            (Known::Closed, "fence") | (Known::Open, "promote") | (Known::Sent, "repoint") => self.is_done(step),
            (Known::Open, "fence") => undone,
            (Known::Closed, "promote") => absent || undone || !self.is_done(step),
            (Known::Untouched, _) => !begun || absent || undone || last.is_some_and(not_yet),
            (Known::Unknown, _) => begun && !self.is_done(step),
            _ => false,
        };
        see(so, format!("`{step}`: {known:?}, its last event is {last:?}"))
    }

    fn next(&self, next: &str) -> Held {
        let outcome = self.outcome();
        let resumable = outcome.is_none_or(Outcome::is_resumable);
        let can_approve = |next: &str| {
            let step = next.split_whitespace().last().unwrap();
            self.alive && self.of(step).any(|entry| matches!(entry.event, Event::StepWaiting { .. }))
        };
        see(!next.contains("cutover approve") || can_approve(next), "nothing waits")?;
        see(!next.contains("cutover resume") || (resumable && !self.alive), "it cannot be resumed")?;
        let passed = self.finals().any(|step| self.is_done(step));
        see(!next.contains("cutover rollback") || !passed, "it can no longer be rolled back")?;
        let failed =
            |step: &&str| matches!(self.last_of(step), Some(Event::UndoFailed { .. } | Event::HookFailed { .. }));
        let named = next.split("mark-undone r1 ").nth(1).and_then(|rest| rest.split(' ').next());
        see(named.is_none_or(|step| failed(&step)), "its undo has not failed")
    }

    /// The page says the same as the text, and of moments nothing but what came.
    pub fn page(&self) {
        let alive = self.alive.then_some("run r1 (me@here)");
        let page = page(&Material { summary: self.summary, entries: self.entries, alive, lag: &[] });
        for standstill in &self.summary.standstills {
            let said = standstill.to_string().replace('<', "&lt;");
            assert!(page.contains(&said), "{said} is not in {page}");
        }
        for (words, uses) in [
            ("the old server was closed", "fence"),
            ("the new server had applied everything", "wait_for_position"),
            ("the new server accepted writes", "promote"),
            ("the application was sent there", "repoint"),
        ] {
            let rows = page.matches(&format!("<td>{words}</td><td>2")).count();
            let done =
                |entry: &&Entry| matches!(entry.event, Event::StepDone { .. }) && self.uses(&entry.event) == Some(uses);
            assert!(rows <= self.entries.iter().filter(done).count(), "{words}: {rows}\n{}", self.journal());
        }
        assert!(!page.contains("The point of no return was passed") || self.finals().any(|step| self.is_done(step)));
    }
}
