//! Journals that cannot be true, plans that cannot be walked, and the small things around a run.

use crate::engine::fakes::{Lab, RUN, done, intent, plan, step};
use cutover::effects::{Answer, Approvals, Decision, Rule};
use cutover::engine::JournalApprovals;
use cutover::engine::graph::Graph;
use cutover::engine::state::RunState;
use cutover::store::{Event, Tee};
use serde_json::json;
use std::sync::Arc;
use tokio::sync::mpsc::unbounded_channel;

#[test]
fn an_event_that_cannot_follow_is_an_error_that_names_both_sides() {
    let lab = Lab::new(vec![step("a", &[])]);
    for (events, said) in [
        (vec![done("a", &json!({}))], "`step_done` cannot follow, because step `a` is pending and the run is running"),
        (vec![intent("a"), intent("a")], "`step_intent` cannot follow, because step `a` is running"),
        (vec![intent("b")], "the plan has no step `b`"),
        (vec![Event::UndoIntent { step: "a".into(), attempt: 1 }], "`undo_intent` cannot follow"),
        (
            vec![Event::RunStarted {
                epoch: 1,
                runner: "x".into(),
                by: None,
                folder: String::new(),
                sources: None,
                revision: None,
            }],
            "`run_started` cannot follow, because the run is running",
        ),
        (vec![Event::BlockPrepared { block: "b".into() }], "the plan has no block `b`"),
    ] {
        let lab = Lab { plan: lab.plan.clone(), ..Lab::new(vec![step("a", &[])]) };
        lab.died_after(&events);
        let graph = Arc::new(Graph::new(lab.plan.clone()).unwrap());
        let error = RunState::fold(graph, &lab.entries()).unwrap_err();
        assert!(error.to_string().contains(said), "{error}");
        assert!(error.to_string().contains(&format!("read entry {}", 2 + events.len())), "{error}");
    }
}

#[test]
fn a_damaged_plan_is_an_error() {
    let circle = vec![step("a", &["b"]), step("b", &["a"])];
    for (steps, said) in [
        (circle, "cycle"),
        (vec![step("a", &["x"])], "no step `x`"),
        (vec![step("a", &[]), step("a", &[])], "the same id"),
    ] {
        let error = Graph::new(Arc::new(plan(steps, Vec::new()))).unwrap_err();
        assert!(error.to_string().contains(said), "{error}");
    }
}

#[tokio::test]
async fn decisions_come_from_the_journal_and_the_question_goes_there_once() {
    let lab = Lab::new(vec![step("go", &[])]);
    lab.died_after(&[intent("go")]);
    let approvals = JournalApprovals::new(lab.journal.clone(), RUN);
    let ask = async || approvals.answer("go", "Cut over?", &Rule::default()).await.unwrap();
    assert_eq!(ask().await, Answer::Open);
    assert_eq!(ask().await, Answer::Open);
    assert_eq!(lab.summary().step("go").unwrap().waits_for.as_deref(), Some("Cut over?"));
    assert_eq!(lab.entries().len(), 4);
    let decision = Decision { approved: true, by: "anna".into(), reason: None, plan: None, people: None };
    lab.journal.append(RUN, 9, &[Event::Decided { step: "go".into(), decision }]).unwrap();
    assert_eq!(ask().await, Answer::Approved(vec!["anna".into()]));
}

#[tokio::test(start_paused = true)]
async fn a_listener_hears_every_entry_in_order() {
    let mut lab = Lab::new(vec![step("a", &[]), step("b", &[])]);
    let (listener, mut heard) = unbounded_channel();
    lab.journal = Arc::new(Tee::new(lab.journal.clone(), listener));
    lab.run().await;
    let mut entries = Vec::new();
    while let Ok(entry) = heard.try_recv() {
        entries.push(entry);
    }
    assert_eq!(entries, lab.entries());
    assert_eq!(lab.journal.runs().unwrap().len(), 1);
}
