//! A run that is taken back.

use crate::engine::fakes::{Act, Lab, block, hook, step};
use cutover::domain::Script;
use cutover::engine::graph::Graph;
use cutover::engine::state::RunState;
use cutover::engine::vouch::{mark_undone, unmade};
use cutover::error::{Class, Failure};
use cutover::kinds::{Action, Probe, Reversibility};
use cutover::playbook::model::OnFailure;
use cutover::store::{Event, Outcome};
use serde_json::json;
use std::sync::Arc;
use tokio::time::{Duration, Instant};

fn no() -> Act {
    Act::Fail(Failure::permanent("work", "it broke"))
}

fn taken_back(lab: &Lab) -> Vec<String> {
    let back = |line: &String| line.starts_with("undo") || line.starts_with("start hook");
    lab.stage.log().into_iter().filter(back).collect()
}

#[tokio::test(start_paused = true)]
async fn steps_are_taken_back_in_reverse_with_their_hooks_and_from_their_memo() {
    let mut b = step("b", &["a"]);
    b.rollback = vec![hook("hook 1"), hook("hook 2")];
    let lab = Lab::new(vec![step("a", &[]), b, step("c", &["b"]), step("d", &["c"])]);
    lab.stage.act("a", &[Act::Note("old", json!(7))]);
    lab.stage.act("c", &[no()]);
    assert_eq!(lab.run().await, Outcome::RolledBack);
    assert_eq!(taken_back(&lab), ["undo c", "undo b", "start hook 1", "start hook 2", "undo a 7"]);
    assert_eq!(lab.summary().rollback.unwrap(), "step `c` failed: could not work: it broke");
    assert_eq!((lab.status("c"), lab.status("d")), ("undone".into(), "pending".into()));
}

#[tokio::test(start_paused = true)]
async fn what_runs_beside_a_failure_reaches_a_safe_point_first() {
    let lab = Lab::new(vec![step("a", &[]), step("b", &[])]);
    lab.stage.act("a", &[Act::UntilCancelled]);
    lab.stage.act("b", &[Act::Take(Duration::from_secs(1)), no()]);
    assert_eq!(lab.run().await, Outcome::RolledBack);
    assert_eq!(taken_back(&lab), ["undo b", "undo a"]);
}

#[tokio::test(start_paused = true)]
async fn an_undo_is_retried_and_then_keeps_only_those_before_it() {
    let lab = Lab::new(vec![step("a", &[]), step("b", &["a"]), step("c", &[]), step("d", &["b", "c"])]);
    lab.stage.act("d", &[no()]);
    let failure = Failure::permanent("put it back", "it is stuck");
    lab.stage.undos.lock().unwrap().insert("b".into(), vec![failure.clone(); 4].into());
    assert_eq!(lab.run().await, Outcome::Stuck);
    assert_eq!(lab.stage.log().iter().filter(|line| *line == "undo b").count(), 4);
    assert!(lab.stage.did("undo c") && !lab.stage.did("undo a"));
    let summary = lab.summary();
    assert_eq!(summary.step("b").unwrap().by_hand, [Action::command("here", Script::words(["undo", "b"]))]);
    assert_eq!(summary.step("b").unwrap().undo_failure, Some(failure));

    let (why, by) = ("by hand".into(), "me".into());
    lab.journal.append(crate::engine::fakes::RUN, 9, &[Event::MarkedUndone { step: "b".into(), why, by }]).unwrap();
    assert_eq!(lab.runner().rollback("go on").await.unwrap(), Outcome::RolledBack);
    assert!(lab.stage.did("undo a"));
}

#[tokio::test(start_paused = true)]
async fn an_undo_that_fails_for_a_while_is_no_matter() {
    let lab = Lab::new(vec![step("a", &[])]);
    lab.stage.act("a", &[no()]);
    lab.stage.undos.lock().unwrap().insert("a".into(), vec![Failure::transient("x", "y"); 3].into());
    assert_eq!(lab.run().await, Outcome::RolledBack);
}

#[tokio::test(start_paused = true)]
async fn a_playbook_may_ask_to_stop_instead_and_a_person_to_take_back() {
    let mut b = step("b", &["a"]);
    b.on_failure = OnFailure::Stop;
    let lab = Lab::new(vec![step("a", &[]), b]);
    lab.stage.act("b", &[no()]);
    assert_eq!(lab.run().await, Outcome::Stopped);
    assert!(taken_back(&lab).is_empty());
    assert_eq!(lab.runner().rollback("told to").await.unwrap(), Outcome::RolledBack);
    assert_eq!(taken_back(&lab), ["undo b", "undo a"]);
    assert_eq!(lab.runner().rollback("again").await.unwrap_err().class, Class::Refused);
}

fn switch(deadline: u64) -> Lab {
    let mut steps = vec![step("fence", &[]), step("final", &[]), step("promote", &[]), step("app", &[])];
    let blocks = vec![block("switch", &mut steps, Some(deadline))];
    steps[2].reversibility = Reversibility::PointOfNoReturn;
    steps.insert(0, step("before", &[]));
    steps[1].needs = vec!["before".into()];
    Lab::with_blocks(steps, blocks)
}

#[tokio::test(start_paused = true)]
async fn a_block_rolls_back_by_itself_before_its_deadline() {
    let lab = switch(5_000);
    lab.stage.act("final", &[Act::UntilCancelled]);
    let begin = Instant::now();
    assert_eq!(lab.run().await, Outcome::RolledBack);
    assert!((4_000..4_100).contains(&begin.elapsed().as_millis()), "{:?}", begin.elapsed());
    assert_eq!(taken_back(&lab), ["undo final", "undo fence", "undo before"]);
}

#[tokio::test(start_paused = true)]
async fn a_deadline_holds_even_when_a_check_does_not_stop() {
    let mut lab = switch(5_000);
    let mut plan = (*lab.plan).clone();
    plan.steps[2].reversibility = Reversibility::NothingToUndo;
    lab.plan = std::sync::Arc::new(plan);
    lab.stage.act("final", &[Act::Take(Duration::from_mins(10))]);
    let begin = Instant::now();
    assert_eq!(lab.run().await, Outcome::RolledBack);
    assert!(begin.elapsed() < Duration::from_secs(5), "{:?}", begin.elapsed());
}

#[tokio::test(start_paused = true)]
async fn after_the_point_of_no_return_there_is_neither_deadline_nor_rollback() {
    let lab = switch(5_000);
    lab.stage.act("app", &[Act::Take(Duration::from_secs(20)), no()]);
    assert_eq!(lab.run().await, Outcome::Stopped);
    assert!(taken_back(&lab).is_empty());
    assert!(lab.summary().past_point_of_no_return);
    assert_eq!(lab.runner().rollback("told to").await.unwrap_err().class, Class::Refused);
    assert_eq!(lab.status("app"), "failed");
    lab.stage.probe("app", Probe::NotDone);
    assert_eq!(lab.resume().await, Outcome::Done);
    assert!(!lab.stage.did("probe fence"));
}

#[tokio::test(start_paused = true)]
async fn a_point_of_no_return_that_failed_is_looked_at_before_anything_is_taken_back() {
    let conflict = Failure::transient("look", "unreachable");
    for (found, outcome) in [
        (Probe::NotDone, Outcome::RolledBack),
        (Probe::Done(serde_json::Map::new()), Outcome::Done),
        (Probe::Conflict(conflict), Outcome::Stopped),
    ] {
        let lab = switch(5_000);
        lab.stage.act("promote", &[no()]);
        lab.stage.probe("promote", found);
        assert_eq!(lab.run().await, outcome);
        assert_eq!(taken_back(&lab).is_empty(), outcome != Outcome::RolledBack);
    }
}

#[tokio::test(start_paused = true)]
async fn a_deadline_during_the_point_of_no_return_asks_whether_it_was_passed() {
    for (found, outcome) in
        [(Probe::NotDone, Outcome::RolledBack), (Probe::Done(serde_json::Map::new()), Outcome::Done)]
    {
        let lab = switch(5_000);
        lab.stage.act("promote", &[Act::UntilCancelled]);
        lab.stage.probe("promote", found);
        assert_eq!(lab.run().await, outcome);
    }
}

/// `b` could not be taken back, and keeps `a` from being taken back.
fn stuck() -> Lab {
    let lab = Lab::new(vec![step("a", &[]), step("b", &["a"]), step("c", &["b"])]);
    lab.stage.act("c", &[no()]);
    let failure = Failure::permanent("put it back", "it is stuck");
    lab.stage.undos.lock().unwrap().insert("b".into(), vec![failure; 4].into());
    lab
}

fn state(lab: &Lab) -> RunState {
    RunState::fold(Arc::new(Graph::new(lab.plan.clone()).unwrap()), &lab.entries()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_persons_word_is_taken_once_and_only_for_what_could_not_be_taken_back() {
    let lab = stuck();
    assert_eq!(lab.run().await, Outcome::Stuck);
    assert_eq!(unmade(&state(&lab)), ["b"]);
    for (id, why, said) in [("a", "x", "it is succeeded"), ("c", "x", "it is undone"), ("b", "\n", "no reason")] {
        let failure = mark_undone(&state(&lab), id, why, "me").unwrap_err();
        assert_eq!(failure.class, Class::Refused);
        assert!(failure.answer.contains(said), "{failure}");
    }
    let event = mark_undone(&state(&lab), "b", "by hand ", "me").unwrap();
    lab.journal.append(crate::engine::fakes::RUN, 9, &[event]).unwrap();
    let failure = mark_undone(&state(&lab), "b", "by hand", "me").unwrap_err();
    assert!(
        failure.help.unwrap().contains("no step of this run has to be undone by hand"),
        "a second word is not needed"
    );
    let vouched = lab.summary().step("b").unwrap().vouched.clone().unwrap();
    assert_eq!((vouched.by.as_str(), vouched.why.as_str()), ("me", "by hand"));
    assert_eq!(lab.resume().await, Outcome::RolledBack);
    assert_eq!(taken_back(&lab).iter().filter(|line| *line == "undo b").count(), 4, "and not once more");
    assert!(lab.stage.did("undo a"));
}

#[tokio::test(start_paused = true)]
async fn no_word_is_taken_for_a_run_that_has_not_ended() {
    let lab = stuck();
    assert_eq!(lab.run().await, Outcome::Stuck);
    lab.journal
        .append(crate::engine::fakes::RUN, 9, &[Event::RunResumed { epoch: 1, runner: "dead".into(), by: None }])
        .unwrap();
    let failure = mark_undone(&state(&lab), "b", "x", "me").unwrap_err();
    assert!(failure.answer.contains("has not ended"), "{failure}");
}
