//! What people are told of a switch that did not end well.

use crate::engine::fakes::{Act, Lab, block, pose, step};
use cutover::error::Failure;
use cutover::kinds::{Probe, Reversibility};
use cutover::report::text::text;
use cutover::store::{Event, Outcome};
use serde_json::{Value, json};
use std::sync::Arc;

pub fn switch() -> Lab {
    let mut steps = vec![step("fence", &[]), step("final", &[]), step("promote", &[]), step("app", &[])];
    let blocks = vec![block("switch", &mut steps, None)];
    for (step, uses, with) in [
        (0, "fence", json!({ "server": "source" })),
        (2, "promote", json!({ "server": "target" })),
        (3, "repoint", json!({ "application": "shop", "to": "target" })),
    ] {
        pose(&mut steps[step], uses, &with);
    }
    steps[1].reversibility = Reversibility::NothingToUndo;
    steps[2].reversibility = Reversibility::PointOfNoReturn;
    let mut lab = Lab::with_blocks(steps, blocks);
    let mut plan = (*lab.plan).clone();
    let server = |host: &str, port: u16| json!({ "host": host, "address": format!("127.0.0.1:{port}"), "user": "m" });
    plan.world.inventory = serde_json::from_value(json!({
        "hosts": { "old": {}, "new": {} },
        "servers": { "source": server("old", 3306), "target": server("new", 3307) },
    }))
    .unwrap();
    plan.hash = String::new();
    plan.hash = plan.digest();
    lab.plan = Arc::new(plan);
    lab
}

fn no() -> Act {
    Act::Fail(Failure::permanent("work", "it broke"))
}

fn told(lab: &Lab) -> String {
    let told = text(&lab.summary(), None);
    told[told.find("The point of no return").or(told.find("state of the switch")).unwrap()..].to_owned()
}

fn known(lab: &Lab) -> Value {
    let summary = serde_json::to_value(lab.summary()).unwrap();
    let places = summary["decision"]["places"].as_array().unwrap();
    places.iter().map(|place| place["known"].clone()).collect()
}

#[tokio::test(start_paused = true)]
async fn a_promotion_that_nobody_could_look_at() {
    let lab = switch();
    lab.stage.act("promote", &[no()]);
    lab.stage.probe("promote", Probe::Conflict(Failure::transient("look", "unreachable")));
    assert_eq!(lab.run().await, Outcome::Stopped);
    assert_eq!(known(&lab), json!(["closed", "unknown", "untouched"]));
    insta::assert_snapshot!(told(&lab));
}

#[tokio::test(start_paused = true)]
async fn kinds_of_other_names_that_play_the_same_roles() {
    let mut lab = switch();
    let mut plan = (*lab.plan).clone();
    plan.steps.iter_mut().for_each(|step| step.uses = format!("other_{}", step.id));
    plan.hash = String::new();
    plan.hash = plan.digest();
    lab.plan = Arc::new(plan);
    lab.stage.act("app", &[no()]);
    assert_eq!(lab.run().await, Outcome::Stopped);
    assert_eq!(known(&lab), json!(["closed", "open", "unknown"]));
}

#[tokio::test(start_paused = true)]
async fn an_application_that_could_not_be_sent_over() {
    let lab = switch();
    lab.stage.act("app", &[no()]);
    assert_eq!(lab.run().await, Outcome::Stopped);
    assert_eq!(known(&lab), json!(["closed", "open", "unknown"]));
    insta::assert_snapshot!(told(&lab));
}

#[tokio::test(start_paused = true)]
async fn a_runner_that_died_behind_the_fence() {
    let lab = switch();
    let intent = |id: &str| Event::StepIntent { step: id.into(), attempt: 1 };
    let done = |id: &str| Event::StepDone { step: id.into(), outputs: serde_json::Map::new() };
    lab.died_after(&[intent("fence"), done("fence"), intent("final")]);
    assert_eq!(known(&lab), json!(["closed", "untouched", "untouched"]));
    insta::assert_snapshot!(told(&lab));
    let shown = text(&lab.summary(), Some("run r1 (me@here)"));
    assert!(!shown.contains("state of the switch"), "while someone works on it there is nothing to decide: {shown}");
}

#[tokio::test(start_paused = true)]
async fn a_fence_that_could_not_be_taken_back() {
    let lab = switch();
    lab.stage.act("final", &[no()]);
    let failures = vec![Failure::permanent("open it again", "gone away"); 4];
    lab.stage.undos.lock().unwrap().insert("fence".into(), failures.into());
    assert_eq!(lab.run().await, Outcome::Stuck);
    assert_eq!(known(&lab), json!(["unknown", "untouched", "untouched"]));
    insta::assert_snapshot!(told(&lab));
    let (step, why, by) = ("fence".into(), "opened it by hand".into(), "me".into());
    lab.journal.append(crate::engine::fakes::RUN, 9, &[Event::MarkedUndone { step, why, by }]).unwrap();
    assert_eq!(lab.summary().decision, None);
}

#[tokio::test(start_paused = true)]
async fn there_is_no_table_where_nothing_is_left_open() {
    let lab = switch();
    lab.died_after(&[]);
    assert_eq!(lab.summary().decision, None, "not begun");
    let lab = switch();
    assert_eq!(lab.run().await, Outcome::Done);
    assert_eq!(lab.summary().decision, None);
    let lab = switch();
    lab.stage.act("final", &[no()]);
    assert_eq!(lab.run().await, Outcome::RolledBack);
    assert_eq!(lab.summary().decision, None);
}
