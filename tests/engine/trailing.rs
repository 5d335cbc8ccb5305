//! A journal that is away while the application waits behind a fence. In real time: what waits for a disk waits for no
//! paused clock.

use crate::engine::fakes::{Act, Asking, Lab, RUN, block, step};
use cutover::domain::units::Span;
use cutover::kinds::{Probe, Reversibility};
use cutover::store::{Dated, Event, Outcome};
use serde_json::json;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

/// Whether a journal is there: it goes away once, until it is called back.
struct Presence {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    There,
    Away,
    Back,
}

impl Presence {
    fn go_away(&self) {
        let mut state = self.state.lock().unwrap();
        if *state == State::There {
            *state = State::Away;
        }
    }
    fn wait(&self) {
        let state = self.state.lock().unwrap();
        drop(self.changed.wait_while(state, |state| *state == State::Away).unwrap());
    }
    fn call_back(&self) {
        *self.state.lock().unwrap() = State::Back;
        self.changed.notify_all();
    }
    fn is_away(&self) -> bool {
        *self.state.lock().unwrap() == State::Away
    }
}

/// A switch as playbooks have it, and a step after it; the journal goes away at `at`.
fn switch(at: fn(&Event) -> bool) -> (Lab, Arc<Presence>) {
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
    let away = Arc::new(Presence { state: Mutex::new(State::There), changed: Condvar::new() });
    let presence = away.clone();
    let before = move |news: &[Dated]| {
        if news.iter().any(|(_, event)| at(event)) {
            presence.go_away();
        }
        presence.wait();
        Ok(())
    };
    lab.journal = Arc::new(Asking { inner: lab.journal.clone(), before: Box::new(before) });
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
