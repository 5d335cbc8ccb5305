//! A run on its way forward.

use crate::engine::fakes::{Act, Asking, Lab, RUN, block, retry, step};
use cutover::error::{Class, Failure};
use cutover::kinds::{Probe, Reversibility};
use cutover::playbook::model::OnFailure;
use cutover::store::{Dated, Event, Journal, Outcome};
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::time::{Duration, Instant, sleep};

#[tokio::test(start_paused = true)]
async fn steps_run_after_their_needs_and_beside_each_other() {
    let lab = Lab::new(vec![step("a", &[]), step("b", &["a"]), step("c", &["a"]), step("d", &["b", "c"])]);
    lab.stage.act("b", &[Act::Take(Duration::from_secs(2))]);
    lab.stage.act("c", &[Act::Take(Duration::from_secs(1))]);
    assert_eq!(lab.run().await, Outcome::Done);
    let log: Vec<_> = lab.stage.log().into_iter().filter(|line| !line.starts_with("prepare")).collect();
    assert_eq!(log, ["start a", "end a", "start b", "start c", "end c", "end b", "start d", "end d"]);
}

#[tokio::test(start_paused = true)]
async fn outputs_fill_parameters_of_later_steps_with_their_types() {
    let mut reader = step("b", &["a"]);
    reader.with = json!({ "name": "b", "x": "‹steps.a.position.offset›" });
    let lab = Lab::new(vec![step("a", &[]), reader]);
    lab.stage.act("a", &[Act::Put(json!({ "position": { "offset": 4 } }))]);
    assert_eq!(lab.run().await, Outcome::Done);
    assert!(lab.stage.did("b got 4"), "{:?}", lab.stage.log());
}

#[tokio::test(start_paused = true)]
async fn a_parameter_that_stays_open_is_never_executed() {
    let mut reader = step("b", &["a"]);
    reader.with = json!({ "name": "b", "x": "‹steps.a.nothing›" });
    let lab = Lab::new(vec![step("a", &[]), reader]);
    assert_eq!(lab.run().await, Outcome::RolledBack);
    assert!(!lab.stage.did("start b"));
}

#[tokio::test(start_paused = true)]
async fn what_may_go_away_is_retried_after_growing_pauses() {
    let mut a = step("a", &[]);
    a.retry = retry(3);
    let lab = Lab::new(vec![a]);
    let failure = Failure::transient("connect", "refused");
    lab.stage.act("a", &[Act::Fail(failure.clone()), Act::Fail(failure)]);
    let begin = Instant::now();
    assert_eq!(lab.run().await, Outcome::Done);
    assert_eq!(begin.elapsed().as_secs(), 15);
    assert_eq!(lab.summary().step("a").unwrap().attempts, 3);
}

#[tokio::test(start_paused = true)]
async fn a_gate_is_not_retried_and_leaves_nothing_to_take_back() {
    let mut gate = step("gate", &[]);
    gate.retry = retry(3);
    gate.reversibility = Reversibility::NothingToUndo;
    let lab = Lab::new(vec![gate, step("b", &["gate"])]);
    lab.stage.act("gate", &[Act::Fail(Failure::refused("measure", "too slow"))]);
    assert_eq!(lab.run().await, Outcome::Refused);
    assert_eq!(lab.summary().step("gate").unwrap().attempts, 1);
    assert!(!lab.stage.did("start b"));
    assert_eq!(lab.runner().resume().await.unwrap_err().class, Class::Refused);
}

#[tokio::test(start_paused = true)]
async fn checks_before_the_first_effect_refuse_the_run_with_all_failures() {
    let mut c = step("c", &["a"]);
    c.with = json!({});
    let mut a = step("a", &[]);
    a.settles = vec!["source.log_bin".into()];
    let lab = Lab::new(vec![a, step("b", &["a"]), c]);
    lab.stage.refusals.lock().unwrap().insert("b".into(), Failure::refused("look", "no binlog"));
    assert_eq!(lab.run().await, Outcome::Refused);
    assert_eq!(lab.stage.log(), [r#"inspect b {"source.log_bin"}"#]);
    let refused: Vec<_> =
        lab.entries().into_iter().filter(|entry| matches!(entry.event, Event::StepRefused { .. })).collect();
    assert_eq!(refused.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn skipped_steps_let_their_dependents_run_but_not_those_that_use_their_outputs() {
    let mut no = step("no", &["a"]);
    no.when = Some("steps.a.n > inputs.most".into());
    let mut reader = step("reader", &["no"]);
    reader.with = json!({ "name": "reader", "x": "‹steps.no.y›" });
    let lab = Lab::new(vec![step("a", &[]), no, reader, step("after", &["reader"])]);
    lab.stage.act("a", &[Act::Put(json!({ "n": 2 }))]);
    assert_eq!(lab.run().await, Outcome::Done);
    let summary = lab.summary();
    let reason = |id| summary.step(id).unwrap().reason.clone().unwrap();
    assert_eq!(reason("no"), "`when` is false: steps.a.n > inputs.most");
    assert!(reason("reader").contains("which was skipped"));
    assert_eq!(lab.status("after"), "succeeded");
}

#[tokio::test(start_paused = true)]
async fn a_condition_that_cannot_be_decided_fails_its_step() {
    let mut b = step("b", &["a"]);
    b.when = Some("steps.a.n".into());
    let lab = Lab::new(vec![step("a", &[]), b]);
    lab.stage.act("a", &[Act::Put(json!({ "n": 2 }))]);
    assert_eq!(lab.run().await, Outcome::RolledBack);
    assert!(lab.summary().rollback.unwrap().contains("not true or false"));
}

#[tokio::test(start_paused = true)]
async fn a_run_that_skipped_everything_is_no_success() {
    let mut a = step("a", &[]);
    a.skip = Some("not wanted".into());
    let lab = Lab::new(vec![a]);
    assert_eq!(lab.run().await, Outcome::Nothing);
    assert_eq!(Outcome::Nothing.exit_code(), 5);
}

#[tokio::test(start_paused = true)]
async fn a_failure_may_be_borne() {
    let mut a = step("a", &[]);
    a.on_failure = OnFailure::Continue;
    let lab = Lab::new(vec![a, step("b", &["a"])]);
    lab.stage.act("a", &[Act::Fail(Failure::permanent("x", "y"))]);
    assert_eq!(lab.run().await, Outcome::Done);
    assert_eq!((lab.status("a"), lab.status("b")), ("failed".into(), "succeeded".into()));
}

#[tokio::test(start_paused = true)]
async fn a_step_that_takes_too_long_is_stopped_and_tried_again() {
    let mut a = step("a", &[]);
    a.retry = retry(2);
    let lab = Lab::new(vec![a]);
    lab.stage.act("a", &[Act::UntilCancelled]);
    let begin = Instant::now();
    assert_eq!(lab.run().await, Outcome::Done);
    assert_eq!(begin.elapsed().as_secs(), 65);
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_does_not_stop_is_never_joined_by_another() {
    let mut a = step("a", &[]);
    a.retry = retry(3);
    let lab = Lab::new(vec![a]);
    // longer than its minute, the second of last words and the half minute in which a host ends it
    lab.stage.act("a", &[Act::Take(Duration::from_secs(100))]);
    assert_eq!(lab.run().await, Outcome::Stopped, "neither tried again nor taken back");
    let log: Vec<_> = lab.stage.log().into_iter().filter(|line| !line.starts_with("prepare")).collect();
    assert_eq!(log, ["start a", "end a"], "and the servers stay taken until it has ended");
    let failure = lab.summary().step("a").unwrap().failure.clone().unwrap();
    assert_eq!(failure.class, Class::StillRunning, "{failure}");
    lab.stage.probe("a", Probe::NotDone);
    assert_eq!(lab.resume().await, Outcome::Done);
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_ends_after_its_time_counts_as_what_it_was() {
    let mut a = step("a", &[]);
    a.retry = retry(3);
    let lab = Lab::new(vec![a]);
    lab.stage.act("a", &[Act::Take(Duration::from_secs(84))]);
    assert_eq!(lab.run().await, Outcome::Done);
    assert_eq!(lab.stage.log().iter().filter(|line| *line == "start a").count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_block_is_prepared_before_its_clock_starts() {
    let mut steps = vec![step("a", &[]), step("b", &[])];
    steps[0].retry = retry(2);
    let blocks = vec![block("switch", &mut steps, Some(5_000))];
    let lab = Lab::with_blocks(steps, blocks);
    let failure = Failure::transient("connect", "refused");
    lab.stage.unprepared.lock().unwrap().insert("b".into(), [failure].into());
    assert_eq!(lab.run().await, Outcome::Done);
    let log = lab.stage.log();
    let first = log.iter().position(|line| line == "start a").unwrap();
    assert_eq!(log.iter().filter(|line| line.starts_with("prepare")).count(), 4);
    assert!(log[first..].iter().all(|line| !line.starts_with("prepare")), "{log:?}");
    assert_eq!(lab.summary().step("a").unwrap().attempts, 2);
}

#[tokio::test(start_paused = true)]
async fn the_first_interrupt_stops_at_a_safe_point_and_the_run_can_be_resumed() {
    let lab = Lab::new(vec![step("a", &[]), step("b", &["a"])]);
    lab.stage.act("a", &[Act::UntilCancelled]);
    let interrupt = lab.interrupt.clone();
    tokio::spawn(async move {
        sleep(Duration::from_secs(1)).await;
        interrupt.cancel();
    });
    assert_eq!(lab.run().await, Outcome::Interrupted);
    assert_eq!(lab.status("a"), "stopped");
    let lab = Lab { interrupt: tokio_util::sync::CancellationToken::new(), ..lab };
    lab.stage.probe("a", cutover::kinds::Probe::NotDone);
    assert_eq!(lab.resume().await, Outcome::Done);
}

#[tokio::test(start_paused = true)]
async fn an_interrupt_lets_a_block_that_has_begun_finish_and_a_second_does_not() {
    for (twice, outcome) in [(false, Outcome::Interrupted), (true, Outcome::Interrupted)] {
        let mut steps = vec![step("a", &[]), step("b", &[])];
        let blocks = vec![block("switch", &mut steps, None)];
        steps.push(step("c", &["b"]));
        let lab = Lab::with_blocks(steps, blocks);
        lab.stage.act("a", &[Act::Take(Duration::from_secs(5))]);
        let (interrupt, halt) = (lab.interrupt.clone(), lab.halt.clone());
        tokio::spawn(async move {
            sleep(Duration::from_secs(1)).await;
            interrupt.cancel();
            if twice {
                halt.cancel();
            }
        });
        assert_eq!(lab.run().await, outcome);
        assert_eq!(lab.stage.did("end b"), !twice);
        assert!(!lab.stage.did("start c"));
    }
}

/// A journal that fills up after so many appends.
fn full(inner: Arc<dyn Journal>, room: usize) -> Asking {
    let room = AtomicUsize::new(room);
    let before = move |_: &[Dated]| {
        let left = room.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |room| room.checked_sub(1));
        left.map(drop).map_err(|_| Failure::permanent("write the journal", "the disk is full"))
    };
    Asking { inner, before: Box::new(before) }
}

#[tokio::test(start_paused = true)]
async fn nothing_happens_that_the_journal_does_not_hold() {
    let chain = || vec![step("a", &[]), step("b", &["a"]), step("c", &["b"])];
    for room in 0..5 {
        let mut lab = Lab::new(chain());
        let whole = lab.journal.clone();
        lab.journal = Arc::new(full(whole.clone(), room));
        let failure = lab.runner().run().await.unwrap_err();
        assert_eq!(failure.exit_code(), 130, "{failure}");
        let entries = whole.entries(RUN).unwrap();
        for id in ["a", "b", "c"] {
            let known =
                entries.iter().any(|entry| matches!(&entry.event, Event::StepIntent { step, .. } if step == id));
            assert_eq!(lab.stage.did(&format!("start {id}")), known, "{id} with room for {room}");
        }
        lab.journal = whole;
        assert_eq!(lab.resume().await, Outcome::Done);
    }
}
