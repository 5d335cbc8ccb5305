//! A run of which every step is done is no success before somebody has looked at the server that it closed.

use crate::engine::decision::switch;
use crate::engine::fakes::{Act, Lab};
use cutover::engine::fenced::fenced;
use cutover::engine::graph::Graph;
use cutover::engine::state::RunState;
use cutover::error::Class;
use cutover::report::text::text;
use cutover::store::{Event, Outcome};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

/// The record of a fence; its server is not there to be asked.
fn recorded() -> Value {
    let log = json!({
        "position": { "file": "b.000001", "offset": 4 }, "gtids": "0-1-7", "gtid_mode": "ON", "server_id": 1,
        "logs_applied": true,
    });
    json!({ "own_log": log.to_string() })
}

fn lab() -> Lab {
    let lab = switch();
    lab.stage.act("fence", &[Act::Put(recorded())]);
    lab
}

#[tokio::test(start_paused = true)]
async fn a_server_that_nobody_can_look_at_is_no_success_until_a_person_says_so() {
    let lab = lab();
    assert_eq!(lab.run().await, Outcome::Stopped);
    let summary = lab.summary();
    assert!(summary.steps.iter().all(|step| step.status.to_string() == "succeeded"));
    assert_eq!(summary.decision, None, "nothing of the switch is left open");
    let told = text(&summary, None);
    assert!(told.contains("after the fence:\n  `source` is not checked; since the fence: unknown"), "{told}");
    assert!(told.contains("cutover resume r1 --accept-writes WHY") && !told.contains("point of no return"), "{told}");

    assert_eq!(lab.resume().await, Outcome::Stopped, "a resume looks again, and accepts nothing");
    assert_eq!(lab.runner().resume_accepting("it is scrapped").await, Ok(Outcome::Done));
    let accepted = lab.summary().after_fence.unwrap().accepted;
    assert_eq!((accepted[0].why.as_str(), accepted[0].found[0].server.as_str()), ("it is scrapped", "source"));
    assert_eq!(lab.runner().resume_accepting("again").await.unwrap_err().class, Class::Refused);
}

#[tokio::test(start_paused = true)]
async fn whoever_cannot_wait_for_the_server_stops_and_looks_again_later() {
    let lab = lab();
    let stop = async {
        tokio::time::sleep(Duration::from_secs(5)).await;
        lab.interrupt.cancel();
    };
    assert_eq!(tokio::join!(lab.run(), stop).0, Outcome::Interrupted);
    let looks = lab.entries().into_iter().filter(|entry| matches!(entry.event, Event::AfterFence { .. })).count();
    assert_eq!(looks, 1);
}

#[tokio::test(start_paused = true)]
async fn what_is_accepted_is_the_new_beginning_only_where_it_was_seen() {
    let lab = lab();
    lab.run().await;
    lab.runner().resume_accepting("it is scrapped").await.unwrap();
    let state = RunState::fold(Arc::new(Graph::new(lab.plan.clone()).unwrap()), &lab.entries()).unwrap();
    let pairs = fenced(&state);
    assert_eq!((pairs[0].old.as_str(), pairs[0].new.as_str(), pairs[0].excused), ("source", "target", true));
    assert_eq!(pairs[0].before.as_ref().unwrap().marks.gtids, "0-1-7", "watch goes on from the fence");
}
