//! Checkpoints: a failure takes back what came after them, a resume goes on from there, a person takes back everything.

use crate::engine::fakes::{Act, Lab, RUN, block, step};
use cutover::domain::units::Span;
use cutover::error::{Class, Failure};
use cutover::kinds::{Probe, Reversibility};
use cutover::playbook::model::OnFailure;
use cutover::store::{Event, Outcome};
use serde_json::json;
use tokio::time::{Duration, Instant};

fn no() -> Act {
    Act::Fail(Failure::permanent("work", "it broke"))
}

fn lines(lab: &Lab, verb: &str) -> Vec<String> {
    lab.stage.log().into_iter().filter(|line| line.starts_with(verb)).collect()
}

/// copy ── follow (checkpoint) ── go ── switch; `beside` needs nothing, and `go` needs it.
fn swap() -> Lab {
    let mut follow = step("follow", &["copy"]);
    follow.keep = true;
    Lab::new(vec![
        step("copy", &[]),
        follow,
        step("beside", &[]),
        step("go", &["follow", "beside"]),
        step("switch", &["go"]),
    ])
}

#[tokio::test(start_paused = true)]
async fn a_failure_leaves_what_a_checkpoint_keeps_and_a_resume_goes_on_from_there() {
    let lab = swap();
    lab.stage.act("go", &[Act::Note("old", json!(7))]);
    lab.stage.act("switch", &[no()]);
    assert_eq!(lab.run().await, Outcome::Kept);
    assert_eq!(lines(&lab, "undo"), ["undo switch", "undo go 7"]);
    assert_eq!(lab.status("follow"), "succeeded");
    lab.stage.log.lock().unwrap().clear();
    assert_eq!(lab.resume().await, Outcome::Done);
    assert_eq!(lines(&lab, "start"), ["start go", "start switch"], "nothing that stands is done again");
    assert!(lines(&lab, "probe").contains(&"probe copy".to_owned()), "what stands is looked at");
}

#[tokio::test(start_paused = true)]
async fn what_was_taken_back_begins_with_empty_notes() {
    let lab = swap();
    lab.stage.act("go", &[Act::Note("old", json!(7))]);
    lab.stage.act("switch", &[no()]);
    assert_eq!(lab.run().await, Outcome::Kept);
    lab.stage.act("switch", &[no()]);
    assert_eq!(lab.resume().await, Outcome::Kept, "and it is kept again");
    assert_eq!(lines(&lab, "undo"), ["undo switch", "undo go 7", "undo switch", "undo go"]);
}

#[tokio::test(start_paused = true)]
async fn a_person_takes_back_everything() {
    let lab = swap();
    lab.stage.act("switch", &[no()]);
    assert_eq!(lab.run().await, Outcome::Kept);
    assert_eq!(lab.runner().rollback("told to").await.unwrap(), Outcome::RolledBack);
    assert_eq!(lines(&lab, "undo").len(), 5, "{:?}", lab.stage.log());
    assert_eq!(lab.runner().resume().await.unwrap_err().class, Class::Refused);
}

#[tokio::test(start_paused = true)]
async fn a_person_widens_a_rollback_that_is_stuck_on_its_way_to_a_checkpoint() {
    let lab = swap();
    lab.stage.act("switch", &[no()]);
    let stuck = Failure::permanent("put it back", "it is stuck");
    lab.stage.undos.lock().unwrap().insert("go".into(), vec![stuck; 4].into());
    assert_eq!(lab.run().await, Outcome::Stuck);
    assert_eq!(lab.status("follow"), "succeeded");
    assert_eq!(lab.runner().rollback("told to").await.unwrap(), Outcome::RolledBack);
    assert_eq!(lab.status("copy"), "undone");
}

#[tokio::test(start_paused = true)]
async fn what_fails_beside_a_checkpoint_is_taken_back_alone() {
    let lab = swap();
    lab.stage.act("beside", &[Act::Take(Duration::from_secs(5)), no()]);
    assert_eq!(lab.run().await, Outcome::Kept);
    assert_eq!(lines(&lab, "undo"), ["undo beside"]);
    assert_eq!(lab.resume().await, Outcome::Done);
}

/// A replica that has begun to apply cannot go back to where its copy was: it goes on from where it is.
#[tokio::test(start_paused = true)]
async fn a_checkpoint_that_fails_on_an_earlier_one_is_left_as_it_is() {
    let mut steps = vec![step("copy", &[]), step("follow", &["copy"]), step("switch", &["follow"])];
    steps[0].keep = true;
    steps[1].keep = true;
    let lab = Lab::new(steps);
    lab.stage.act("follow", &[Act::Note("old", json!(7)), no()]);
    assert_eq!(lab.run().await, Outcome::Kept);
    assert!(lines(&lab, "undo").is_empty());
    lab.stage.probe("follow", Probe::NotDone);
    assert_eq!(lab.resume().await, Outcome::Done);
    assert_eq!(lines(&lab, "start copy").len(), 1);
    assert_eq!(lines(&lab, "start follow").len(), 2);
    assert!(lab.entries().iter().any(|entry| matches!(&entry.event, Event::StepNoted { key, .. } if key == "old")));
}

/// A copy that was loaded from one dump does not belong to the place of another, and nothing can stand on it.
#[tokio::test(start_paused = true)]
async fn what_no_longer_fits_voids_the_checkpoints_that_rest_on_it() {
    let mut steps =
        vec![step("dump", &[]), step("import", &["dump"]), step("follow", &["import"]), step("go", &["follow"])];
    steps[1].with = json!({ "name": "import", "x": "‹steps.dump.out›" });
    steps[1].keep = true;
    steps[2].keep = true;
    let lab = Lab::new(steps);
    lab.stage.act("dump", &[Act::Put(json!({ "out": 1 }))]);
    lab.stage.act("go", &[no()]);
    assert_eq!(lab.run().await, Outcome::Kept);
    lab.stage.probe("dump", Probe::NotDone);
    lab.stage.act("dump", &[Act::Put(json!({ "out": 2 }))]);
    assert_eq!(lab.resume().await, Outcome::RolledBack, "{:?}", lab.stage.log());
    assert_eq!((lab.status("import"), lab.status("follow")), ("undone".into(), "undone".into()));
}

#[tokio::test(start_paused = true)]
async fn before_the_first_checkpoint_everything_is_taken_back() {
    let lab = swap();
    lab.stage.act("follow", &[no()]);
    assert_eq!(lab.run().await, Outcome::RolledBack);
    assert_eq!(lab.status("copy"), "undone");
}

/// Somebody said no at the switch: nothing is copied again, and whoever resumes is asked anew.
#[tokio::test(start_paused = true)]
async fn a_gate_after_a_checkpoint_is_asked_again() {
    let lab = swap();
    lab.stage.act("go", &[Act::Fail(Failure::refused("go on", "not tonight"))]);
    assert_eq!(lab.run().await, Outcome::Kept);
    assert_eq!(lab.resume().await, Outcome::Done);
    assert_eq!(lines(&lab, "start go").len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_block_whose_moment_has_not_come_is_put_back_and_tried_later() {
    let mut steps = vec![step("fence", &[]), step("promote", &[])];
    let blocks = vec![block("switch", &mut steps, Some(5_000))];
    steps[0].retry.time = Some(Span(Duration::from_mins(10)));
    steps[1].reversibility = Reversibility::PointOfNoReturn;
    let lab = Lab::with_blocks(steps, blocks);
    let not_yet = || Act::Fail(Failure::not_yet("begin the fence", "the replica is 2 s behind"));
    lab.stage.act("fence", &[not_yet(), not_yet(), not_yet()]);
    let begin = Instant::now();
    assert_eq!(lab.run().await, Outcome::Done);
    // 5, 10 and 20 s: the deadline of 5 s counts from the attempt that begins
    assert_eq!(begin.elapsed().as_secs(), 35);
    let back = lab.entries().iter().filter(|entry| matches!(entry.event, Event::BlockPutBack { .. })).count();
    assert_eq!(back, 3);
    assert_eq!(lines(&lab, "prepare fence").len(), 4, "{:?}", lab.stage.log());
}

/// A server that restarts is waited for by time, while a step works and while it is taken back.
#[tokio::test(start_paused = true)]
async fn what_passes_is_waited_for_by_time() {
    let away = || Failure::transient("connect", "connection refused");
    let mut a = step("a", &[]);
    a.retry.time = Some(Span(Duration::from_mins(10)));
    let lab = Lab::new(vec![a]);
    lab.stage.act("a", &vec![Act::Fail(away()); 9]);
    lab.stage.act("a", &[no()]);
    lab.stage.undos.lock().unwrap().insert("a".into(), vec![away(); 9].into());
    assert_eq!(lab.run().await, Outcome::RolledBack);
    assert_eq!((lines(&lab, "start a").len(), lines(&lab, "undo a").len()), (10, 10));
    assert!(lab.journal.entries(RUN).is_ok());
}

/// fence ── promote (the point) ── events ── tidy, which reads what `events` puts out.
fn past_the_point() -> Lab {
    let mut steps = vec![step("promote", &[]), step("events", &["promote"]), step("tidy", &["events"])];
    steps[0].reversibility = Reversibility::PointOfNoReturn;
    steps[2].with = json!({ "name": "tidy", "x": "‹steps.events.out›" });
    steps[1].on_failure = OnFailure::Stop;
    Lab::new(steps)
}

#[tokio::test(start_paused = true)]
async fn a_step_after_the_point_is_left_out_when_a_person_says_why() {
    let mut lab = past_the_point();
    lab.stage.act("events", &[no()]);
    assert_eq!(lab.run().await, Outcome::Stopped);
    let before = lab.entries().len();
    let skip = |steps: &[&str]| steps.iter().map(|&step| (step.to_owned(), "by hand".to_owned())).collect::<Vec<_>>();
    for (left_out, why) in [
        (skip(&["events"]), "`tidy` needs its outputs"),
        (skip(&["promote"]), "succeeded"),
        (skip(&["nobody"]), "no such step"),
        (vec![("tidy".to_owned(), " ".to_owned())], "no reason"),
    ] {
        lab.left_out = left_out;
        let failure = lab.runner().resume().await.unwrap_err();
        assert!(failure.class == Class::Refused && failure.answer.contains(why), "{failure}");
    }
    assert_eq!(lab.entries().len(), before, "nothing was written");
    lab.left_out = skip(&["tidy", "events"]);
    assert_eq!(lab.resume().await, Outcome::Done);
    assert_eq!((lab.status("events"), lab.status("tidy")), ("skipped".into(), "skipped".into()));
    assert!(lab.summary().step("events").unwrap().reason.as_ref().unwrap().ends_with(": by hand"));
}

#[tokio::test(start_paused = true)]
async fn before_the_point_nothing_is_left_out() {
    let mut lab = swap();
    lab.stage.act("switch", &[no()]);
    assert_eq!(lab.run().await, Outcome::Kept);
    lab.left_out = vec![("go".into(), "in a hurry".into())];
    let failure = lab.runner().resume().await.unwrap_err();
    assert!(failure.answer.contains("has not passed its point of no return"), "{failure}");
}
