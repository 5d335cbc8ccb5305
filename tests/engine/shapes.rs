//! Random plans for the model.

use crate::engine::fakes::{block, hook, plan, retry, step};
use cutover::engine::graph::Graph;
use cutover::kinds::Reversibility;
use cutover::playbook::model::OnFailure;
use cutover::playbook::window::Window;
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use std::sync::Arc;

#[derive(Debug, Clone)]
pub struct Shape {
    pub needs: u8,
    pub reversibility: Reversibility,
    pub on_failure: OnFailure,
    pub attempts: u32,
    pub hooks: usize,
    pub reads: bool,
    pub skip: bool,
    pub keep: bool,
}

pub fn shape() -> impl Strategy<Value = Shape> {
    let reversibility = prop_oneof![
        4 => Just(Reversibility::Reversible),
        2 => Just(Reversibility::NothingToUndo),
        1 => Just(Reversibility::PointOfNoReturn),
    ];
    let on_failure =
        prop_oneof![6 => Just(OnFailure::Rollback), 1 => Just(OnFailure::Stop), 1 => Just(OnFailure::Continue)];
    let numbers = (any::<u8>(), 1..4_u32, 0..2_usize);
    let marks = (any::<bool>(), proptest::bool::weighted(0.1), proptest::bool::weighted(0.2));
    (numbers, reversibility, on_failure, marks).prop_map(
        |((needs, attempts, hooks), reversibility, on_failure, (reads, skip, keep))| Shape {
            needs,
            reversibility,
            on_failure,
            attempts,
            hooks,
            reads,
            skip,
            keep,
        },
    )
}

/// What stands in one block, and whether that has a window.
pub type InBlock = Option<(usize, usize, bool)>;

/// Open for a minute and a half every day, a quarter of a minute after the simulation begins.
fn window() -> Window {
    serde_json::from_str(r#"{"from":"00:00:15","to":"00:01:45","time_zone":"UTC"}"#).unwrap()
}

pub fn graph(shapes: &[Shape], in_block: InBlock) -> Arc<Graph> {
    let id = |ix: usize| format!("s{ix}");
    let mut steps = Vec::new();
    for (ix, shape) in shapes.iter().enumerate() {
        let needs: Vec<String> = (0..ix.min(8)).filter(|bit| shape.needs & (1 << bit) != 0).map(id).collect();
        let mut planned = step(&id(ix), &[]);
        if let Some(read) = needs.first().filter(|_| shape.reads) {
            planned.with = serde_json::json!({ "name": id(ix), "x": format!("‹steps.{read}.out›") });
        }
        planned.needs = needs;
        planned.reversibility = shape.reversibility;
        planned.on_failure = shape.on_failure;
        planned.retry = retry(shape.attempts);
        planned.rollback = (0..shape.hooks).map(|hook_ix| hook(&format!("hook {hook_ix}"))).collect();
        planned.keep = shape.keep;
        planned.skip = shape.skip.then(|| "left out".to_owned());
        steps.push(planned);
    }
    let mut blocks = Vec::new();
    if let Some((from, len, windowed)) = in_block.filter(|(from, ..)| *from < steps.len()) {
        let to = (from + len).min(steps.len());
        let first = steps[from].needs.clone();
        blocks.push(block("b", &mut steps[from..to], Some(30_000)));
        blocks[0].window = windowed.then(window);
        steps[from].needs = first;
        steps[from..to].iter_mut().for_each(|step| step.keep = false);
        // what a chain no longer needs it must not read either
        steps[from + 1..to].iter_mut().for_each(|step| step.with = serde_json::json!({ "name": step.id }));
    }
    Arc::new(Graph::new(Arc::new(plan(steps, blocks))).unwrap())
}
