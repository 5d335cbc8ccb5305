//! What must hold for any bytes at all: no panic, no endless loop, and what is accepted is consistent. Used by the
//! fuzz targets here and by `tests/mutated`, which goes the same ways with mutations of valid documents.

use cutover::engine::graph::Graph;
use cutover::engine::schedule::{Stop, Wish, decide};
use cutover::engine::state::RunState;
use cutover::plan::{Plan, display, load};
use cutover::playbook::fault::Faults;
use cutover::report::fold::Summary;
use cutover::report::text;
use cutover::store::{Entry, Event, RunRecord};
use miette::{GraphicalReportHandler, GraphicalTheme};
use std::sync::{Arc, OnceLock};

/// The shipped playbook.
pub const PLAYBOOK: &str = include_str!("../../playbooks/replication_swap.yaml");
/// An inventory that fits it.
pub const INVENTORY: &str = include_str!("../../tests/plan/inventory.yaml");

/// A plan for the journals.
const SMALL: &str = "
version: 1
name: small
steps:
  - id: a
    uses: command
    with: { host: local, run: [make], undo: [unmake] }
    rollback:
      - { uses: command, with: { host: local, run: [hook] } }
  - { id: b, needs: [a], uses: command, on_failure: continue, with: { host: local, run: [look] } }
  - { id: c, needs: [a], uses: command, on_failure: stop, with: { host: local, run: [put, '{{ steps.a.stdout }}'], undo: [take] } }
  - id: s
    needs: [b, c]
    deadline: 10s
    block:
      - { id: f, uses: fence, with: { server: source } }
      - { id: p, uses: promote, with: { server: target, verified: none } }
      - { id: e, uses: command, with: { host: local, run: [tell] } }
";
const SERVERS: &str = "
hosts: { local: {} }
servers:
  source: { host: local, address: '127.0.0.1:1', user: u }
  target: { host: local, address: '127.0.0.1:2', user: u }
";

/// Any bytes as a playbook: a plan that stays the same through the journal and can be shown, or faults that can.
pub fn playbook(bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes) {
        judge(load::plan_of_texts(text, Some(INVENTORY)));
        judge(load::plan_of_texts(text, None));
    }
}

/// Any bytes as the inventory of the shipped playbook.
pub fn inventory(bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes) {
        judge(load::plan_of_texts(PLAYBOOK, Some(text)));
    }
}

fn judge(made: Result<Plan, Vec<Faults>>) {
    match made {
        Ok(plan) => {
            assert_eq!(plan.hash, plan.digest());
            let stored = RunRecord::new("r", &plan, 0).and_then(|record| record.plan()).expect("a plan can be stored");
            assert!(stored == plan, "what is read back is the plan that was made");
            let _ = display::markdown(&plan, display::Beside::default());
            for show in [display::text, display::mermaid, display::dot, display::html] {
                let _ = show(&plan);
            }
            Graph::new(Arc::new(plan)).expect("a plan can be walked");
        }
        Err(reports) => {
            assert!(reports.iter().any(|report| !report.faults.is_empty()), "a refusal says why");
            let handler = GraphicalReportHandler::new_themed(GraphicalTheme::unicode_nocolor()).with_width(110);
            for mut report in reports {
                report.faults.truncate(20);
                handler.render_report(&mut String::new(), &report).expect("a fault can be shown");
            }
        }
    }
}

/// The plan that journals are about.
pub fn small() -> Arc<Plan> {
    static PLAN: OnceLock<Arc<Plan>> = OnceLock::new();
    PLAN.get_or_init(|| Arc::new(load::plan_of_texts(SMALL, Some(SERVERS)).expect("a valid plan"))).clone()
}

/// Any bytes as a journal, one event a line. Events that cannot follow are errors; with those left out, every state
/// on the way can be shown and decided from.
pub fn journal(bytes: &[u8]) {
    let lines = bytes.split(|&byte| byte == b'\n').filter_map(|line| serde_json::from_slice::<Event>(line).ok());
    let entries: Vec<Entry> = (1..)
        .zip(lines.take(200))
        .map(|(seq, event)| Entry { seq, at: i64::from(seq), hash: String::new(), event })
        .collect();
    let graph = Arc::new(Graph::new(small()).expect("a plan can be walked"));
    let _ = RunState::fold(graph.clone(), &entries);
    let mut state = RunState::new(graph);
    let mut kept = Vec::new();
    for entry in entries {
        if state.apply(entry.at, &entry.event).is_ok() {
            kept.push(entry);
            for wish in wishes() {
                let _ = decide(&state, 1_000.into(), &wish);
            }
        }
    }
    let summary = Summary::new("r", &small(), &kept).expect("what was taken in one by one is taken in at once");
    let _ = (text::text(&summary, None), serde_json::to_string(&summary).expect("a summary is JSON"));
}

fn wishes() -> [Wish; 4] {
    let stop = |stop| Wish { stop, rollback: None };
    [stop(Stop::No), stop(Stop::SafePoint), stop(Stop::Now), Wish { stop: Stop::No, rollback: Some("x".into()) }]
}
