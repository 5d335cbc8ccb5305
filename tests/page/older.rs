//! Runs that an older program has left are shown, and nobody is asked to answer them here.

use super::call::get;
use super::served::Served;
use cutover::effects::Rule;
use cutover::engine::StateLock;
use cutover::store::{Event, Journal, RunHead, RunRecord, Store};

const PLAN: &str = include_str!("../quick/older/format_1.plan.json");
const RUN: &str = "20261122-153000-4f2a";

fn record() -> RunRecord {
    let plan: serde_json::Value = serde_json::from_str(PLAN).unwrap();
    let text = |key: &str| plan[key].as_str().unwrap().to_owned();
    let head = RunHead { id: RUN.into(), playbook: text("name"), hash: text("hash"), created: 1 };
    RunRecord { head, plan: PLAN.trim().into() }
}

#[test]
fn a_run_of_an_older_format_is_shown_and_not_answered() {
    let mut lock = None;
    let served = Served::new(&[], |before| {
        let journal = Store::open(&before.state).unwrap();
        journal.create_run(&record()).unwrap();
        let started = Event::RunStarted {
            runner: "anna@ops1, process 4711".into(),
            epoch: 1,
            by: None,
            folder: String::new(),
            sources: None,
            revision: None,
        };
        let waits = Event::StepWaiting { step: "go".into(), message: "Go on?".into(), rule: Rule::default() };
        let intent = Event::StepIntent { step: "go".into(), attempt: 1 };
        journal.append(RUN, 1_795_361_400_000, &[started, Event::RunAdmitted, intent, waits]).unwrap();
        lock = Some(StateLock::take(&before.state, RUN).unwrap());
    });
    for path in ["/".to_owned(), format!("/runs/{RUN}"), format!("/runs/{RUN}/plan"), format!("/runs/{RUN}/report")] {
        let answer = get(served.address, &path);
        assert_eq!((answer.status, answer.body.contains("replication-swap")), (200, true), "{path}: {}", answer.body);
    }
    let page = get(served.address, &format!("/runs/{RUN}")).body;
    assert!(page.contains("of cutover 0.1.x, which made its plan"), "{page}");
    assert!(!page.contains("/decision\""), "{page}");
}
