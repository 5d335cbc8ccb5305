//! A journal that is away while the application waits behind a fence. In real time: what waits for a disk waits for no
//! paused clock.

use crate::engine::fakes::{Act, Lab, RUN, block, step};
use cutover::domain::units::Span;
use cutover::error::Result;
use cutover::kinds::{Probe, Reversibility};
use cutover::store::{Dated, Entry, Event, Journal, Outcome, RunHead, RunRecord};
use serde_json::json;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

/// A journal that goes away at the first append with such an event, until it is called back.
struct Away {
    inner: Arc<dyn Journal>,
    at: fn(&Event) -> bool,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    There,
    Away,
    Back,
}

impl Away {
    fn call_back(&self) {
        *self.state.lock().unwrap() = State::Back;
        self.changed.notify_all();
    }
    fn is_away(&self) -> bool {
        *self.state.lock().unwrap() == State::Away
    }
}

impl Journal for Away {
    fn create_run(&self, record: &RunRecord) -> Result<()> {
        self.inner.create_run(record)
    }
    fn append_as(&self, run: &str, epoch: Option<u32>, news: &[Dated]) -> Result<Vec<Entry>> {
        let mut state = self.state.lock().unwrap();
        if *state == State::There && news.iter().any(|(_, event)| (self.at)(event)) {
            *state = State::Away;
        }
        drop(self.changed.wait_while(state, |state| *state == State::Away).unwrap());
        self.inner.append_as(run, epoch, news)
    }
    fn entries_after(&self, run: &str, seq: u32) -> Result<Vec<Entry>> {
        self.inner.entries_after(run, seq)
    }
    fn run(&self, run: &str) -> Result<RunRecord> {
        self.inner.run(run)
    }
    fn runs(&self) -> Result<Vec<RunHead>> {
        self.inner.runs()
    }
}

/// A switch as playbooks have it, and a step after it; the journal goes away at `at`.
fn switch(at: fn(&Event) -> bool) -> (Lab, Arc<Away>) {
    let mut steps = [step("fence", &[]), step("final", &[]), step("promote", &[]), step("app", &[])];
    for (step, uses) in steps.iter_mut().zip(["fence", "wait_for_position", "promote", "repoint"]) {
        step.uses = uses.into();
        step.retry.time = Some(Span(Duration::from_mins(10)));
        step.retry.delay = Span(Duration::from_millis(300));
    }
    steps[2].reversibility = Reversibility::PointOfNoReturn;
    let blocks = vec![block("switch", &mut steps, Some(8_000))];
    let after = step("after", &["app"]);
    let mut lab = Lab::with_blocks(steps.into_iter().chain([after]).collect(), blocks);
    let away = Away { inner: lab.journal.clone(), at, state: Mutex::new(State::There), changed: Condvar::new() };
    let away = Arc::new(away);
    lab.journal = away.clone();
    lab.stage.act("promote", &[Act::Note("proved", json!(1))]);
    (lab, away)
}

async fn until(what: &str, is_so: impl Fn() -> bool) {
    let begin = Instant::now();
    while !is_so() {
        assert!(begin.elapsed() < Duration::from_secs(6), "waited for: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

fn is_done(step: &str, event: &Event) -> bool {
    matches!(event, Event::StepDone { step: done, .. } if done == step)
}

#[tokio::test(flavor = "multi_thread")]
async fn before_the_point_of_no_return_it_is_taken_back_and_told_later() {
    let (lab, away) = switch(|event| is_done("fence", event));
    lab.stage.probe("promote", Probe::NotDone);
    let run = tokio::spawn(lab.runner().run());
    until("the fence is taken back", || lab.stage.did("undo fence")).await;
    assert!(away.is_away());
    assert!(lab.stage.did("end final"), "it only looks: {:?}", lab.stage.log());
    assert!(!lab.stage.did("end promote") && !lab.stage.did("start app"), "{:?}", lab.stage.log());
    assert!(!lab.journal.entries(RUN).unwrap().iter().any(|entry| is_done("fence", &entry.event)));
    away.call_back();
    assert_eq!(run.await.unwrap().unwrap(), Outcome::RolledBack);
    assert_eq!((lab.status("fence"), lab.status("promote")), ("undone".into(), "undone".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn after_the_point_of_no_return_the_block_is_finished_and_nothing_beyond_it() {
    let (lab, away) = switch(|event| is_done("promote", event));
    let run = tokio::spawn(lab.runner().run());
    until("the application is moved", || lab.stage.did("end app")).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(away.is_away() && !lab.stage.did("start after"), "{:?}", lab.stage.log());
    away.call_back();
    assert_eq!(run.await.unwrap().unwrap(), Outcome::Done);
    assert!(lab.stage.did("end after"));
    let seqs: Vec<u32> = lab.entries().iter().map(|entry| entry.seq).collect();
    assert!(seqs.iter().copied().eq(1..=u32::try_from(seqs.len()).unwrap()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_switch_that_cannot_be_noted_is_put_back_and_begins_later() {
    let is_fence = |event: &Event| matches!(event, Event::StepIntent { step, .. } if step == "fence");
    let (lab, away) = switch(is_fence);
    let run = tokio::spawn(lab.runner().run());
    until("it is away", || away.is_away()).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert!(!lab.stage.did("start fence") && !lab.stage.did("undo fence"), "{:?}", lab.stage.log());
    away.call_back();
    assert_eq!(run.await.unwrap().unwrap(), Outcome::Done);
    let put_back = lab.entries().iter().any(|entry| matches!(entry.event, Event::BlockPutBack { .. }));
    assert!(put_back, "{:?}", lab.stage.log());
    assert_eq!(lab.stage.log().iter().filter(|line| *line == "start fence").count(), 1);
}
