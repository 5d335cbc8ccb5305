//! A run taken up where a dead runner left it.

use crate::engine::fakes::{Act, Lab, RUN, block, done, intent, step};
use cutover::error::Failure;
use cutover::kinds::{Outputs, Probe, Reversibility};
use cutover::plan::{PlannedBlock, PlannedStep};
use cutover::store::{Event, Outcome, RunRecord};
use serde_json::json;
use tokio_util::sync::CancellationToken;

fn chain() -> Lab {
    Lab::new(vec![step("a", &[]), step("b", &["a"]), step("c", &["b"])])
}

#[tokio::test(start_paused = true)]
async fn an_intent_without_a_result_is_decided_by_reality() {
    let conflict = Probe::Conflict(Failure::permanent("look", "something else is there"));
    for (found, outcome, executed) in [
        (Probe::Done(Outputs::new()), Outcome::Done, false),
        (Probe::NotDone, Outcome::Done, true),
        (conflict, Outcome::RolledBack, false),
    ] {
        let lab = chain();
        lab.died_after(&[intent("a"), done("a", &json!({})), intent("b")]);
        lab.stage.probe("b", found);
        assert_eq!(lab.resume().await, outcome);
        assert_eq!(lab.stage.did("start b"), executed);
        assert!(!lab.stage.did("start a"));
        let attempts = lab.summary().step("b").unwrap().attempts;
        assert_eq!(attempts, if executed { 2 } else { 1 });
    }
}

#[tokio::test(start_paused = true)]
async fn where_nothing_can_be_checked_the_journal_decides() {
    let unknown = || Probe::Unknown(Failure::permanent("run again", "it may already have run"));
    let lab = chain();
    lab.died_after(&[intent("a"), done("a", &json!({})), intent("b")]);
    lab.stage.probe("a", unknown());
    lab.stage.probe("b", Probe::NotDone);
    assert_eq!(lab.resume().await, Outcome::Done);
    assert!(!lab.stage.did("start a"), "its success is recorded");
    let lab = chain();
    lab.died_after(&[intent("a"), done("a", &json!({})), intent("b")]);
    lab.stage.probe("b", unknown());
    assert_eq!(lab.resume().await, Outcome::RolledBack);
    assert!(!lab.stage.did("start b"), "nobody knows whether it ran");
}

#[tokio::test(start_paused = true)]
async fn what_died_with_the_runner_is_made_again_before_anything_that_needs_it() {
    let mut check = step("check", &["b"]);
    check.reversibility = Reversibility::NothingToUndo;
    let lab = Lab::new(vec![step("a", &[]), step("b", &["a"]), check, step("c", &["check"])]);
    let all = ["a", "b", "check"].map(|id| [intent(id), done(id, &json!({}))]).concat();
    lab.died_after(&all);
    lab.stage.probe("a", Probe::NotDone);
    lab.stage.probe("check", Probe::NotDone);
    assert_eq!(lab.resume().await, Outcome::Done);
    let log: Vec<_> =
        lab.stage.log().into_iter().filter(|l| !l.starts_with("prepare") && !l.starts_with("end")).collect();
    assert_eq!(log, ["probe a", "start a", "probe b", "probe check", "start check", "start c"]);
}

#[tokio::test(start_paused = true)]
async fn a_change_made_with_outputs_that_are_no_longer_true_is_not_kept() {
    let mut import = step("import", &["dump"]);
    import.with = json!({ "name": "import", "x": "‹steps.dump.file›" });
    let lab = Lab::new(vec![step("dump", &[]), import, step("c", &["import"])]);
    lab.died_after(&[
        intent("dump"),
        done("dump", &json!({ "file": "old" })),
        intent("import"),
        done("import", &json!({})),
    ]);
    lab.stage.probe("dump", Probe::NotDone);
    lab.stage.act("dump", &[Act::Put(json!({ "file": "new" }))]);
    assert_eq!(lab.resume().await, Outcome::RolledBack);
    assert!(lab.summary().rollback.unwrap().contains("keep the result of step `import`"));
    assert!(!lab.stage.did("start c"));
}

#[tokio::test(start_paused = true)]
async fn a_gate_that_failed_is_not_forgotten() {
    let mut gate = step("b", &["a"]);
    gate.on_failure = cutover::playbook::model::OnFailure::Stop;
    let lab = Lab::new(vec![step("a", &[]), gate, step("c", &["b"])]);
    lab.stage.act("b", &[Act::Fail(Failure::refused("compare", "checksums differ"))]);
    assert_eq!(lab.run().await, Outcome::Stopped);
    assert_eq!(lab.resume().await, Outcome::Stopped);
    assert_eq!(lab.stage.log().iter().filter(|line| *line == "start b").count(), 1);
    assert!(!lab.stage.did("start c"));
}

#[tokio::test(start_paused = true)]
async fn a_reality_that_cannot_be_looked_at_leaves_the_run_for_a_better_day() {
    let lab = chain();
    lab.died_after(&[intent("a")]);
    lab.stage.unreachable.lock().unwrap().insert("a".into());
    assert_eq!(lab.resume().await, Outcome::Interrupted);
    assert_eq!(lab.stage.log(), ["probe a"; 3]);
    assert_eq!(lab.summary().step("a").unwrap().failure.clone().unwrap().answer, "no route to host");
    lab.stage.unreachable.lock().unwrap().clear();
    assert_eq!(lab.resume().await, Outcome::Done);
}

#[tokio::test(start_paused = true)]
async fn a_run_interrupted_during_its_checks_is_checked_again() {
    let mut lab = chain();
    lab.interrupt.cancel();
    assert_eq!(lab.run().await, Outcome::Interrupted);
    lab.interrupt = CancellationToken::new();
    lab.stage.refusals.lock().unwrap().insert("b".into(), Failure::refused("look", "no binlog"));
    assert_eq!(lab.resume().await, Outcome::Refused);
    assert!(lab.stage.log().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_run_whose_runner_died_before_its_first_event_begins_from_the_start() {
    let lab = chain();
    lab.journal.create_run(&RunRecord::new(RUN, &lab.plan, 1).unwrap()).unwrap();
    assert_eq!(lab.resume().await, Outcome::Done);
}

#[tokio::test(start_paused = true)]
async fn a_rollback_that_died_is_finished() {
    let lab = chain();
    let failed =
        Event::StepFailed { step: "b".into(), attempt: 1, failure: Failure::permanent("x", "y"), retry_at: None };
    let rollback = Event::RollbackStarted { reason: "b failed".into(), keep: false };
    let undo = Event::UndoIntent { step: "b".into(), attempt: 1 };
    lab.died_after(&[intent("a"), done("a", &json!({})), intent("b"), failed, rollback, undo]);
    assert_eq!(lab.resume().await, Outcome::RolledBack);
    assert_eq!(lab.stage.log(), ["undo b", "undo a"]);
}

fn swap() -> (Vec<PlannedStep>, Vec<PlannedBlock>) {
    let mut steps = vec![step("fence", &[]), step("final", &[]), step("promote", &[]), step("app", &[])];
    let blocks = vec![block("switch", &mut steps, Some(60_000))];
    steps[1].reversibility = Reversibility::NothingToUndo;
    steps[2].reversibility = Reversibility::PointOfNoReturn;
    let mut all = vec![step("tunnel", &[]), step("dump", &[]), step("replicate", &["tunnel", "dump"])];
    steps[0].needs = vec!["replicate".into()];
    all.extend(steps);
    (all, blocks)
}

#[tokio::test(start_paused = true)]
async fn a_run_cut_after_any_event_is_resumed_to_its_end_whether_or_not_the_effect_was_there() {
    let (steps, blocks) = swap();
    let whole = Lab::with_blocks(steps.clone(), blocks.clone());
    assert_eq!(whole.run().await, Outcome::Done);
    let events: Vec<_> = whole.entries().into_iter().map(|entry| entry.event).collect();
    for cut in 1..events.len() {
        for there in [true, false] {
            let lab = Lab::with_blocks(steps.clone(), blocks.clone());
            lab.journal.create_run(&RunRecord::new(RUN, &lab.plan, 1).unwrap()).unwrap();
            lab.journal.append(RUN, 1, &events[..cut]).unwrap();
            let open = events[..cut].iter().rev().find_map(|event| match event {
                Event::StepIntent { step, .. } => Some(step.clone()),
                _ => None,
            });
            if let Some(open) = open.filter(|_| !there) {
                lab.stage.probe(&open, Probe::NotDone);
            }
            assert_eq!(lab.resume().await, Outcome::Done, "cut after {:?}", events[cut - 1]);
        }
    }
}
