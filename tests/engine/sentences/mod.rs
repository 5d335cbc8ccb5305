//! Every sentence of a report, held against the journal by rules of its own: none of them uses the fold that the report
//! is made with. A sentence without a rule does not compile.

mod judge;

use crate::engine::decision::switch;
use crate::engine::fakes::{Act, Lab, intent, pose};
use cutover::error::Failure;
use cutover::kinds::Probe;
use cutover::plan::Plan;
use cutover::report::fold::Summary;
use cutover::report::html::{Material, page};
use cutover::report::text::{next, sentences, text};
use cutover::store::{Entry, Event, Outcome};
use judge::Judge;
use serde_json::json;
use std::sync::Arc;

/// Holds everything that is told of `entries`, as of each of them, against them: a runner may die at any moment.
fn told_at_every_moment(lab: &Lab) {
    let entries = lab.entries();
    for length in 1..=entries.len() {
        all_are_true(&lab.plan, &entries[..length]);
    }
}

/// Holds every sentence of the report of a journal against that journal.
pub fn all_are_true(plan: &Arc<Plan>, entries: &[Entry]) {
    let summary = Summary::new("r1", plan, entries).unwrap();
    for alive in [None, Some("run r1 (me@here)")] {
        let next = next(&summary, alive);
        let said = sentences(&summary, alive, next.as_deref());
        let whole: String = said.iter().map(ToString::to_string).collect();
        assert_eq!(whole, text(&summary, alive), "the text holds nothing but its sentences");
        let judge = Judge { plan, entries, summary: &summary, alive: alive.is_some() };
        for sentence in said {
            judge.hold(sentence).unwrap_or_else(|why| panic!("untrue: {sentence}{why}\n{}", judge.journal()));
        }
        judge.page();
    }
}

fn no() -> Act {
    Act::Fail(Failure::permanent("work", "it broke"))
}

fn closing() -> [Act; 2] {
    let before = json!({ "read_only": "OFF", "event_scheduler": "OFF" });
    [Act::Note("before", before), Act::Put(json!({ "fence_ms": 12.5, "position": { "file": "b.1", "offset": "4" } }))]
}

/// A switch with a kind for each of its steps, as a real one has them.
fn real() -> Lab {
    let mut lab = switch();
    let mut plan = (*lab.plan).clone();
    pose(
        &mut plan.steps[1],
        "wait_for_position",
        &json!({ "replica": "target", "position": { "file": "b.1", "offset": 4 } }),
    );
    plan.hash = String::new();
    plan.hash = plan.digest();
    lab.plan = Arc::new(plan);
    lab.stage.act("fence", &closing());
    lab
}

#[tokio::test(start_paused = true)]
async fn a_switch_that_is_done() {
    let lab = real();
    assert_eq!(lab.run().await, Outcome::Done);
    told_at_every_moment(&lab);
    let told = text(&lab.summary(), None);
    assert!(told.contains("and the application was sent to `target` by"), "{told}");
}

#[tokio::test(start_paused = true)]
async fn a_promotion_that_fails_opens_nothing() {
    let lab = real();
    lab.stage.act("promote", &[no()]);
    lab.stage.probe("promote", Probe::Conflict(Failure::transient("look", "unreachable")));
    assert_eq!(lab.run().await, Outcome::Stopped);
    told_at_every_moment(&lab);
    let summary = lab.summary();
    let told = text(&summary, None);
    assert!(told.contains("this run has opened no server since"), "{told}");
    let page = page(&Material { summary: &summary, entries: &lab.entries(), alive: None, lag: &[] });
    assert!(page.contains("<td>the new server accepted writes</td><td>did not happen</td>"), "{page}");
}

#[tokio::test(start_paused = true)]
async fn an_application_that_was_not_sent_over() {
    let lab = real();
    lab.stage.act("app", &[no()]);
    assert_eq!(lab.run().await, Outcome::Stopped);
    told_at_every_moment(&lab);
    let told = text(&lab.summary(), None);
    assert!(
        told.contains("`target` accepted writes from") && told.contains("the application was not sent there"),
        "{told}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_rolled_back_switch_says_how_long_writes_stood_still() {
    let lab = real();
    lab.stage.act("final", &[Act::Take(tokio::time::Duration::from_secs(4)), no()]);
    assert_eq!(lab.run().await, Outcome::RolledBack);
    told_at_every_moment(&lab);
    let summary = lab.summary();
    assert!((4_000..6_000).contains(&summary.standstills[0].millis().unwrap()), "{:?}", summary.standstills);
    let told = text(&summary, None);
    assert!(told.contains("write pause of about 4.") && told.contains("and was open again by"), "{told}");
}

#[tokio::test(start_paused = true)]
async fn a_put_back_switch_stops_no_writes() {
    let lab = real();
    let late = || Act::Fail(Failure::not_yet("begin the fence", "it is 3s behind"));
    lab.stage.acts.lock().unwrap().clear();
    lab.stage.act("fence", &[late()]);
    let mut plan = (*lab.plan).clone();
    plan.steps[0].retry = crate::engine::fakes::retry(2);
    let lab = Lab { plan: Arc::new(plan), ..lab };
    lab.stage.act("fence", &closing());
    assert_eq!(lab.run().await, Outcome::Done);
    told_at_every_moment(&lab);
    let told = text(&lab.summary(), None);
    assert!(told.contains("postponed at") && told.contains("no writes were paused"), "{told}");
}

#[tokio::test(start_paused = true)]
async fn a_fence_that_could_not_be_taken_back_stands_still() {
    let lab = real();
    lab.stage.act("final", &[no()]);
    lab.stage.undos.lock().unwrap().insert("fence".into(), vec![Failure::permanent("open", "gone away"); 4].into());
    assert_eq!(lab.run().await, Outcome::Stuck);
    let (step, why, by) = ("fence".into(), "opened it by hand".into(), "me".into());
    lab.journal.append(crate::engine::fakes::RUN, 9_999_999_999_999, &[Event::MarkedUndone { step, why, by }]).unwrap();
    told_at_every_moment(&lab);
    let told = text(&lab.summary(), None);
    assert!(told.contains("me marked it as open again") && !told.contains("rolled back"), "{told}");
}

#[tokio::test(start_paused = true)]
async fn a_deadline_is_named_and_nobody_is_said_to_have_asked() {
    let lab = real();
    let mut plan = (*lab.plan).clone();
    plan.blocks[0].deadline_ms = Some(10_000);
    let lab = Lab { plan: Arc::new(plan), ..lab };
    lab.stage.act("final", &[Act::UntilCancelled]);
    assert_eq!(lab.run().await, Outcome::RolledBack);
    told_at_every_moment(&lab);
    let told = text(&lab.summary(), None);
    assert!(told.contains("could not work: the deadline of 10s of block `switch` passed first"), "{told}");
    assert!(told.contains("block `switch` reached its deadline at") && !told.contains("on request"), "{told}");
}

#[tokio::test(start_paused = true)]
async fn a_runner_that_died_while_it_closed_the_server() {
    let lab = real();
    let value = json!({ "read_only": "OFF", "event_scheduler": "OFF" });
    lab.died_after(&[intent("fence"), Event::StepNoted { step: "fence".into(), key: "before".into(), value }]);
    told_at_every_moment(&lab);
    let told = text(&lab.summary(), None);
    assert!(told.contains("`source` may have been closed since") && told.contains("interrupted"), "{told}");
    assert_eq!(lab.resume().await, Outcome::Done);
    told_at_every_moment(&lab);
}

#[tokio::test(start_paused = true)]
async fn what_a_checkpoint_keeps() {
    let lab = real();
    let mut plan = (*lab.plan).clone();
    let mut copy = crate::engine::fakes::step("copy", &[]);
    copy.keep = true;
    plan.steps.insert(0, copy);
    plan.steps[1].needs = vec!["copy".into()];
    let lab = Lab { plan: Arc::new(plan), ..lab };
    lab.stage.act("final", &[no()]);
    assert_eq!(lab.run().await, Outcome::Kept);
    told_at_every_moment(&lab);
    assert!(text(&lab.summary(), None).contains("rolled back to a checkpoint because"));
    lab.stage.act("fence", &closing());
    assert_eq!(lab.resume().await, Outcome::Done);
    told_at_every_moment(&lab);
    assert_eq!(lab.summary().standstills.len(), 2, "each time that writes stood still");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_was_closed_before_is_not_said_to_be_open_again() {
    let lab = real();
    lab.stage.acts.lock().unwrap().clear();
    lab.stage.act("fence", &[Act::Note("before", json!({ "read_only": "ON", "event_scheduler": "OFF" }))]);
    lab.stage.act("final", &[no()]);
    assert_eq!(lab.run().await, Outcome::RolledBack);
    told_at_every_moment(&lab);
    let told = text(&lab.summary(), None);
    assert!(told.contains("`source` was closed before this run closed it") && !told.contains("open again"), "{told}");
}
