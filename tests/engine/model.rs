//! A model of the world around the pure scheduler: random plans, random ends of everything, runners that die at any
//! moment, work that is given up and goes on. Every run ends, nothing runs before its needs or after a failure, rollbacks
//! go backwards, a failure leaves what its checkpoints keep, nothing is taken back once a point of no return is really passed, nothing of a step begins while older
//! work of it is still at it, and nothing at all once such work does not end. Each runner has a larger epoch than the one
//! before.
//!
//! `CUTOVER_MODEL_CASES=100000` runs more than the usual 500 cases; `make quick` runs a quarter of them.

use crate::engine::shapes::{InBlock, Shape, graph, shape};
use cutover::engine::graph::Graph;
use cutover::engine::results::{Ended, events};
use cutover::engine::schedule::{Decision, Stop, Task, Wish, decide};
use cutover::engine::state::RunState;
use cutover::engine::status::{Proof, Status};
use cutover::error::{Failure, Result};
use cutover::kinds::{Outputs, Probe, Reversibility};
use cutover::playbook::model::OnFailure;
use cutover::store::{Entry, Event, Outcome};
use proptest::collection::vec;
use proptest::prelude::{ProptestConfig, any};
use proptest::test_runner::TestRunner;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Choices of the world; when they run out, everything goes well.
struct Dice<'a>(std::slice::Iter<'a, u8>);

impl Dice<'_> {
    fn roll(&mut self, sides: u8) -> u8 {
        self.0.next().map_or(0, |byte| byte % sides)
    }
}

struct Sim<'a> {
    graph: Arc<Graph>,
    state: RunState,
    journal: Vec<Entry>,
    open: BTreeMap<Task, Decision>,
    asked: BTreeSet<Task>,
    /// Work that was given up and is still at it; for that of a step, what becomes of its effect.
    lingering: BTreeMap<Task, Option<(usize, bool)>>,
    /// Whether the effect of each step is there.
    world: Vec<bool>,
    now: i64,
    made: u64,
    wish: Wish,
    dice: Dice<'a>,
}

impl<'a> Sim<'a> {
    fn new(graph: Arc<Graph>, dice: &'a [u8]) -> Self {
        let mut sim = Self {
            state: RunState::new(graph.clone()),
            world: vec![false; graph.len()],
            graph,
            journal: Vec::new(),
            open: BTreeMap::new(),
            asked: BTreeSet::new(),
            lingering: BTreeMap::new(),
            now: 1_000,
            made: 0,
            wish: Wish::default(),
            dice: Dice(dice.iter()),
        };
        sim.take_in(Event::RunStarted {
            epoch: 1,
            runner: "sim".into(),
            by: None,
            folder: String::new(),
            sources: None,
            revision: None,
        });
        sim.take_in(Event::RunAdmitted);
        sim
    }

    fn take_in(&mut self, event: Event) {
        self.check(&event);
        self.state.apply(self.now, &event).unwrap();
        let seq = u32::try_from(self.journal.len()).unwrap() + 1;
        self.journal.push(Entry { seq, at: self.now, hash: String::new(), event });
    }

    /// What waits for a window and was never begun before begins only where it fits in.
    fn check_window(&self, ix: usize) {
        let Some(gate) = self.graph.gate(ix) else { return };
        let members = (0..self.graph.len()).filter(|&other| self.graph.gate(other) == Some(gate));
        if members.map(|ix| &self.state.steps[ix]).any(|step| step.begun) {
            return;
        }
        let gate = &self.graph.gates()[gate];
        let opening = gate.calendar.opening(self.now).unwrap();
        let end = self.now + i64::try_from(gate.forecast_ms).unwrap();
        assert!(opening.opens <= self.now && end <= opening.closes, "{ix} at {} in {opening:?}", self.now);
    }

    fn check(&self, event: &Event) {
        let number = |id: &str| self.graph.number(id).unwrap();
        let state = &self.state;
        let begins = matches!(
            event,
            Event::StepIntent { .. }
                | Event::StepProbing { .. }
                | Event::UndoIntent { .. }
                | Event::HookIntent { .. }
                | Event::BlockPreparing { .. }
                | Event::RollbackStarted { .. }
        );
        assert!(!(begins && state.is_held), "{event:?} beside work that does not end");
        match event {
            Event::RunResumed { epoch, .. } => assert!(*epoch > state.epoch),
            Event::StepIntent { step, .. } => {
                assert!(state.rollback.is_none());
                self.check_window(number(step));
                for need in self.graph.before(number(step)) {
                    let before = &state.steps[need];
                    let borne = self.graph.step(need).on_failure == OnFailure::Continue;
                    let stands = matches!(before.status, Status::Succeeded | Status::Skipped)
                        || (before.status == Status::Failed && borne);
                    assert!(stands && before.proof == Proof::Good, "{step} before {}", self.graph.id(need));
                }
                for (ix, other) in state.steps.iter().enumerate() {
                    let borne = self.graph.step(ix).on_failure == OnFailure::Continue;
                    assert!(other.status != Status::Failed || borne, "{step} after {} failed", self.graph.id(ix));
                }
            }
            Event::UndoIntent { step, .. } => {
                for later in self.graph.after(number(step)) {
                    let after = &state.steps[later];
                    assert!(!after.is_touched() || after.status == Status::Undone, "{step} is not the last");
                }
                assert!(!state.kept.get(number(step)).is_some_and(|&kept| kept), "{step} is kept by a checkpoint");
                let passed = (0..self.graph.len()).find(|&ix| self.graph.is_final(ix) && self.world[ix]);
                assert_eq!(passed, None, "taken back after the point of no return");
            }
            Event::RollbackStarted { keep, .. } => {
                let reached = (0..self.graph.len()).any(|ix| self.is_checkpoint(ix));
                assert_eq!(*keep, reached && self.wish.rollback.is_none(), "{event:?}");
            }
            Event::BlockPutBack { block } => {
                let members = &self.graph.blocks()[self.graph.block_number(block).unwrap()];
                assert!(members.iter().filter(|&&ix| state.steps[ix].begun).count() <= 1, "{event:?}");
            }
            _ => {}
        }
    }

    /// Whether `ix` is a checkpoint that was reached.
    fn is_checkpoint(&self, ix: usize) -> bool {
        let fits = |ix: usize| self.state.steps[ix].stale.is_none() && !self.state.steps[ix].misfit;
        let done = self.graph.step(ix).keep && self.state.steps[ix].status == Status::Succeeded;
        done && fits(ix) && self.graph.before(ix).into_iter().all(fits)
    }

    /// Carries out what is decided until nothing more is; `false` once the run has ended.
    fn settle(&mut self) -> (bool, Option<i64>) {
        loop {
            let (mut changed, mut wake) = (false, None::<i64>);
            for decision in decide(&self.state, self.now.into(), &self.wish) {
                match &decision {
                    Decision::Wake { at } => wake = Some(wake.map_or(*at, |wake| wake.min(*at))),
                    Decision::Cancel(task) => {
                        assert!(self.open.contains_key(task), "{task:?} is not under way");
                        self.asked.insert(*task);
                    }
                    _ => {}
                }
                let Some(event) = decision.event(&self.graph) else { continue };
                self.take_in(event);
                changed = true;
                let task = match decision {
                    Decision::Start { step, .. }
                    | Decision::Probe { step }
                    | Decision::Undo { step, .. }
                    | Decision::Hook { step, .. } => Task::Step(step),
                    Decision::Prepare { block } => Task::Block(block),
                    _ => continue,
                };
                assert!(self.open.insert(task, decision).is_none(), "two at once for {task:?}");
            }
            if !changed {
                return (self.state.outcome.is_none(), wake);
            }
        }
    }

    fn failure(&mut self, asked: bool) -> Failure {
        match self.dice.roll(4) {
            _ if asked => Failure::cancelled("work"),
            3 => Failure::not_yet("work", "its moment has not come"),
            0 => Failure::transient("work", "busy"),
            1 => Failure::permanent("work", "broken"),
            _ => Failure::refused("work", "no"),
        }
    }

    fn outputs(&mut self) -> Outputs {
        self.made += u64::from(self.dice.roll(4) == 1);
        Outputs::from_iter([("out".to_owned(), self.made.into())])
    }

    /// Something that is under way ends.
    fn end_one(&mut self) {
        let nth = usize::from(self.dice.roll(7)) % self.open.len();
        let task = *self.open.keys().nth(nth).unwrap();
        let decision = self.open.remove(&task).unwrap();
        let asked = self.asked.remove(&task);
        if let Some(effect) = self.lingering.remove(&task) {
            if self.dice.roll(3) == 1 {
                self.lingering.insert(task, effect); // so this one never began
                return self.tell(task, &decision, &Failure::still_running("begin", "older work does not end"));
            }
            self.land(effect);
        }
        if self.dice.roll(9) == 8 {
            return self.give_up(task, &decision, asked);
        }
        let well = self.dice.roll(3) != 1;
        let simple = |sim: &mut Self| if well { Ok(()) } else { Err(sim.failure(asked)) };
        let ended = match decision {
            Decision::Start { step, .. } => {
                self.world[step] = well || self.dice.roll(2) == 1;
                Ended::Executed(if well { Ok(self.outputs()) } else { Err(self.failure(asked)) })
            }
            Decision::Probe { step } => Ended::Probed(self.look(step, well, asked)),
            Decision::Undo { step, .. } => {
                self.world[step] &= !well;
                Ended::Undone(simple(self))
            }
            Decision::Hook { index, .. } => Ended::Hooked(index, simple(self)),
            _ => Ended::Prepared(simple(self)),
        };
        for event in events(&self.state, self.now, task, ended) {
            self.take_in(event);
        }
    }

    /// Work is given up: in a hurry it fails as what it was asked, otherwise as what does not end. It goes on.
    fn give_up(&mut self, task: Task, decision: &Decision, asked: bool) {
        let lands = self.dice.roll(2) == 1;
        let effect = match decision {
            Decision::Start { step, .. } => lands.then_some((*step, true)),
            Decision::Undo { step, .. } => lands.then_some((*step, false)),
            _ => None,
        };
        self.lingering.insert(task, effect);
        let failure = match self.dice.roll(2) {
            0 => Failure::still_running("work", "it does not end"),
            _ => self.failure(asked),
        };
        self.tell(task, decision, &failure);
    }

    fn tell(&mut self, task: Task, decision: &Decision, failure: &Failure) {
        let failure = failure.clone();
        let ended = match decision {
            Decision::Start { .. } => Ended::Executed(Err(failure)),
            Decision::Probe { .. } => Ended::Probed(Err(failure)),
            Decision::Undo { .. } => Ended::Undone(Err(failure)),
            Decision::Hook { index, .. } => Ended::Hooked(*index, Err(failure)),
            _ => Ended::Prepared(Err(failure)),
        };
        for event in events(&self.state, self.now, task, ended) {
            self.take_in(event);
        }
    }

    fn land(&mut self, effect: Option<(usize, bool)>) {
        if let Some((step, there)) = effect {
            self.world[step] = there;
        }
    }

    fn look(&mut self, step: usize, well: bool, asked: bool) -> Result<Probe> {
        match (well, self.world[step]) {
            (true, true) => {
                let old = self.state.steps[step].outputs.clone();
                Ok(Probe::Done(if old.is_empty() { self.outputs() } else { old }))
            }
            (true, false) => Ok(Probe::NotDone),
            _ if self.dice.roll(2) == 0 => Ok(Probe::Conflict(self.failure(false))),
            _ => Err(self.failure(asked)),
        }
    }

    /// The runner dies and another one takes up what the journal holds.
    fn take_up(&mut self) {
        for decision in std::mem::take(&mut self.open).into_values() {
            match decision {
                Decision::Start { step, .. } if self.dice.roll(2) == 1 => self.world[step] = true,
                Decision::Undo { step, .. } if self.dice.roll(2) == 1 => self.world[step] = false,
                _ => {}
            }
        }
        // whoever takes over ends what is still at work, and has seen it gone before anything else is done
        for effect in std::mem::take(&mut self.lingering).into_values() {
            self.land(effect);
        }
        for ix in 0..self.graph.len() {
            // tunnels and held sessions die with their runner, an opened server does not
            if self.graph.step(ix).reversibility == Reversibility::Reversible && self.dice.roll(5) == 1 {
                self.world[ix] = false;
            }
        }
        self.asked.clear();
        self.wish = Wish::default();
        let text = serde_json::to_string(&self.journal).unwrap();
        let entries: Vec<Entry> = serde_json::from_str(&text).unwrap();
        self.state = RunState::fold(self.graph.clone(), &entries).unwrap();
        let epoch = self.state.epoch + 1;
        self.take_in(Event::RunResumed { epoch, runner: "sim".into(), by: None });
    }

    fn run(mut self) -> (Outcome, Vec<Entry>) {
        let mut lives = 4;
        for _ in 0..5_000 {
            let (live, wake) = self.settle();
            if !live {
                let outcome = self.state.outcome.unwrap();
                if !outcome.is_resumable() || lives == 0 {
                    self.verify(outcome);
                    return (outcome, self.journal);
                }
                lives -= 1;
                self.verify(outcome);
                self.take_up();
                if self.dice.roll(4) == 1 && !self.state.is_point_reached() {
                    self.wish.rollback = Some("a person took it back".into());
                }
                continue;
            }
            match self.dice.roll(20) {
                13 if lives > 0 => {
                    lives -= 1;
                    self.take_up();
                }
                14 => self.wish.stop = Stop::SafePoint,
                15 => self.wish.stop = Stop::Now,
                16 if !self.state.is_point_reached() => self.wish.rollback = Some("told to".into()),
                17 => self.now += 40_000,
                _ if !self.open.is_empty() => self.end_one(),
                _ => self.now = wake.expect("nothing under way, nothing due, and no end"),
            }
            self.now += 10;
        }
        panic!("the run does not end");
    }

    fn verify(&mut self, outcome: Outcome) {
        for effect in std::mem::take(&mut self.lingering).into_values() {
            self.land(effect); // the servers stay taken until it has ended
        }
        let steps = || self.state.steps.iter().enumerate();
        let reversible = |ix: usize| self.graph.step(ix).reversibility == Reversibility::Reversible;
        match outcome {
            Outcome::RolledBack | Outcome::Refused => {
                let check = |ix: usize| self.graph.step(ix).reversibility == Reversibility::NothingToUndo;
                let left = |ix, undone: bool| !undone && (outcome == Outcome::RolledBack || !check(ix));
                assert!(!steps().any(|(ix, step)| step.is_touched() && left(ix, step.status == Status::Undone)));
                assert!(steps().all(|(ix, _)| !self.world[ix] || !reversible(ix)));
            }
            Outcome::Kept => {
                assert!((0..self.graph.len()).any(|ix| self.is_checkpoint(ix)));
                // what stands rests on nothing that was taken back
                let gone = |ix: usize| self.state.steps[ix].status == Status::Undone;
                let stands = |ix: usize| self.state.steps[ix].is_touched() && !gone(ix);
                for ix in (0..self.graph.len()).filter(|&ix| stands(ix)) {
                    assert!(self.graph.before(ix).into_iter().all(|need| !gone(need)));
                }
                for ix in (0..self.graph.len()).filter(|&ix| self.is_checkpoint(ix)) {
                    assert!(self.graph.before(ix).into_iter().all(|need| !gone(need)), "{ix} lost its ground");
                }
                assert!(steps().all(|(ix, step)| !(gone(ix) && reversible(ix) && self.world[ix] && step.is_touched())));
            }
            Outcome::Done => {
                assert!(self.state.rollback.is_none());
                let lost = |ix, status| status == Status::Succeeded && reversible(ix) && !self.world[ix];
                let passed = self.state.is_point_reached();
                assert!(passed || steps().all(|(ix, step)| !lost(ix, step.status)));
            }
            Outcome::Nothing => assert!(steps().all(|(_, step)| step.status != Status::Succeeded)),
            Outcome::Stopped if self.state.is_held => {}
            Outcome::Stuck => assert!(steps().any(|(_, step)| step.status == Status::UndoFailed)),
            Outcome::Stopped | Outcome::Interrupted | Outcome::PutOff => {}
        }
        RunState::fold(self.graph.clone(), &self.journal).unwrap();
        crate::engine::sentences::all_are_true(self.graph.plan(), &self.journal);
    }
}

type Case = (Vec<Shape>, InBlock, Vec<u8>);

fn check(cases: u32, test: impl Fn(Case)) {
    let usual = if std::env::var_os("CUTOVER_QUICK").is_some() { cases / 4 } else { cases };
    let cases = std::env::var("CUTOVER_MODEL_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(usual);
    let config = ProptestConfig { cases, failure_persistence: None, max_shrink_iters: 20_000, ..Default::default() };
    let in_block = proptest::option::of((0..6_usize, 1..4_usize, any::<bool>()));
    TestRunner::new(config)
        .run(&(vec(shape(), 1..9), in_block, vec(any::<u8>(), 0..300)), |case| {
            test(case);
            Ok(())
        })
        .unwrap();
}

/// Every cut of the journal of one case, with runners that die again afterwards.
fn cut_everywhere(graph: &Arc<Graph>, dice: &[u8]) {
    let (_, journal) = Sim::new(graph.clone(), dice).run();
    for cut in 2..journal.len() {
        let mut sim = Sim::new(graph.clone(), dice);
        sim.journal = journal[..cut].to_vec();
        sim.state = RunState::fold(graph.clone(), &sim.journal).unwrap();
        if sim.state.outcome.is_some_and(|outcome| !outcome.is_resumable()) {
            continue;
        }
        // whatever was begun may be there; a point of no return is, if the journal says so
        for ix in 0..graph.len() {
            let step = &sim.state.steps[ix];
            sim.world[ix] = step.begun && !step.absent && !step.undo.done;
        }
        sim.now = journal[cut - 1].at;
        sim.take_up();
        sim.run();
    }
}

#[test]
fn every_run_ends_well_whatever_happens() {
    check(500, |(shapes, in_block, dice)| {
        Sim::new(graph(&shapes, in_block), &dice).run();
    });
}

#[test]
fn a_runner_may_die_after_any_event() {
    check(100, |(shapes, in_block, dice)| {
        cut_everywhere(&graph(&shapes, in_block), &dice);
    });
}

#[test]
fn a_journal_with_any_event_repeated_is_read_or_refused() {
    check(100, |(shapes, in_block, dice)| {
        let graph = graph(&shapes, in_block);
        let (_, journal) = Sim::new(graph.clone(), &dice).run();
        for ix in 0..journal.len() {
            let mut twice = journal.clone();
            twice.insert(ix, journal[ix].clone());
            let _ = RunState::fold(graph.clone(), &twice);
            twice.drain(ix..ix + 2);
            let _ = RunState::fold(graph.clone(), &twice);
        }
    });
}

/// Found by 100,000 cases: a point of no return that was passed, then failed because a step that it had read from was
/// made again; `on_failure: continue` took that for borne, and the run was called done.
#[test]
fn a_point_of_no_return_that_fails_is_never_borne() {
    let shape = |needs, reversibility, on_failure, reads| {
        let (attempts, hooks, skip, keep) = (1, 0, false, false);
        Shape { needs, reversibility, on_failure, attempts, hooks, reads, skip, keep }
    };
    let step = shape(0, Reversibility::Reversible, OnFailure::Rollback, false);
    let point = shape(1, Reversibility::PointOfNoReturn, OnFailure::Continue, true);
    let dice = [
        181, 132, 119, 201, 18, 190, 8, 0, 0, 22, 26, 58, 94, 0, 113, 0, 14, 154, 0, 0, 29, 0, 201, 0, 0, 0, 110, 42,
        0, 0, 0, 0, 0,
    ];
    cut_everywhere(&graph(&[step.clone(), step.clone(), step, point], None), &dice);
}
