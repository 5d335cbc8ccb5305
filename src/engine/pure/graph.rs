//! The plan as the scheduler walks it: numbers instead of names, edges in both directions. Pure.

use crate::domain::marker;
use crate::engine::schedule::Task;
use crate::engine::windows;
use crate::error::{Failure, Result};
use crate::kinds::Reversibility;
use crate::plan::{Plan, PlannedStep};
use crate::playbook::template;
use crate::playbook::window::Calendar;
use serde_json::Value;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// A plan with its edges. Steps are numbered in file order.
#[derive(Debug)]
pub struct Graph {
    plan: Arc<Plan>,
    numbers: HashMap<String, usize>,
    nodes: Vec<Node>,
    order: Vec<usize>,
    blocks: Vec<Vec<usize>>,
    gates: Vec<Gate>,
}

/// A step or a block that starts only within its window.
#[derive(Debug)]
pub struct Gate {
    /// Its name.
    pub id: String,
    /// What waits for the window.
    pub place: Task,
    /// When it may start.
    pub calendar: Calendar,
    /// How long it may take from start to end, rollback or retries included, in milliseconds.
    pub forecast_ms: u64,
}

/// The edges of one step.
#[derive(Debug, Default, Clone)]
struct Node {
    needs: Vec<usize>,
    dependents: Vec<usize>,
    reads: Vec<usize>,
    when_reads: Vec<usize>,
    readers: Vec<usize>,
    block: Option<usize>,
    gate: Option<usize>,
}

impl Graph {
    /// The graph of `plan`.
    ///
    /// # Errors
    /// When the plan is damaged: two steps with the same name, an unknown name, a cycle.
    pub fn new(plan: Arc<Plan>) -> Result<Self> {
        let numbers: HashMap<_, _> = plan.steps.iter().enumerate().map(|(ix, step)| (step.id.clone(), ix)).collect();
        if numbers.len() != plan.steps.len() {
            return Err(damaged("two steps have the same id"));
        }
        let number = |id: &String| numbers.get(id).copied().ok_or_else(|| damaged(&format!("it has no step `{id}`")));
        let mut nodes = vec![Node::default(); plan.steps.len()];
        for (ix, step) in plan.steps.iter().enumerate() {
            for need in &step.needs {
                let need = number(need)?;
                nodes[ix].needs.push(need);
                nodes[need].dependents.push(ix);
            }
            nodes[ix].reads = numbers_of(&numbers, &references(&step.with));
            nodes[ix].when_reads = numbers_of(&numbers, &condition_references(step));
            for read in nodes[ix].reads.clone() {
                nodes[read].readers.push(ix);
            }
        }
        let mut blocks = Vec::with_capacity(plan.blocks.len());
        for (block, planned) in plan.blocks.iter().enumerate() {
            let steps = planned.steps.iter().map(number).collect::<Result<Vec<_>>>()?;
            for &ix in &steps {
                nodes[ix].block = Some(block);
            }
            blocks.push(steps);
        }
        let gates = windows::gates(&plan)?;
        for (number, gate) in gates.iter().enumerate() {
            let steps = match gate.place {
                Task::Step(ix) => vec![ix],
                Task::Block(block) => blocks[block].clone(),
            };
            for ix in steps {
                nodes[ix].gate = Some(number);
            }
        }
        let order = topological(&nodes).ok_or_else(|| damaged("its steps need each other in a cycle"))?;
        Ok(Self { plan, numbers, nodes, order, blocks, gates })
    }

    /// The plan.
    #[must_use]
    pub fn plan(&self) -> &Arc<Plan> {
        &self.plan
    }
    /// How many steps there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.nodes.len()
    }
    /// Whether there are no steps at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }
    /// The number of the step called `id`.
    #[must_use]
    pub fn number(&self, id: &str) -> Option<usize> {
        self.numbers.get(id).copied()
    }
    /// The number of the block called `id`.
    #[must_use]
    pub fn block_number(&self, id: &str) -> Option<usize> {
        self.plan.blocks.iter().position(|block| block.id == id)
    }
    /// The step of that number.
    #[must_use]
    pub fn step(&self, ix: usize) -> &PlannedStep {
        &self.plan.steps[ix]
    }
    /// The values of the plan's inputs.
    #[must_use]
    pub fn inputs(&self) -> &serde_json::Map<String, serde_json::Value> {
        &self.plan.inputs
    }
    /// Its name.
    #[must_use]
    pub fn id(&self, ix: usize) -> &str {
        &self.plan.steps[ix].id
    }
    /// Steps that come directly before.
    #[must_use]
    pub fn needs(&self, ix: usize) -> &[usize] {
        &self.nodes[ix].needs
    }
    /// Steps that come directly after.
    #[must_use]
    pub fn dependents(&self, ix: usize) -> &[usize] {
        &self.nodes[ix].dependents
    }
    /// Steps whose outputs its parameters use.
    #[must_use]
    pub fn reads(&self, ix: usize) -> &[usize] {
        &self.nodes[ix].reads
    }
    /// Steps whose parameters use its outputs.
    #[must_use]
    pub fn readers(&self, ix: usize) -> &[usize] {
        &self.nodes[ix].readers
    }
    /// Steps whose outputs its condition uses.
    #[must_use]
    pub fn when_reads(&self, ix: usize) -> &[usize] {
        &self.nodes[ix].when_reads
    }
    /// Its block.
    #[must_use]
    pub fn block(&self, ix: usize) -> Option<usize> {
        self.nodes[ix].block
    }
    /// Steps of every block, in order.
    #[must_use]
    pub fn blocks(&self) -> &[Vec<usize>] {
        &self.blocks
    }
    /// Steps and blocks that start only within a window.
    #[must_use]
    pub fn gates(&self) -> &[Gate] {
        &self.gates
    }
    /// The window it waits for, or its block does, by number.
    #[must_use]
    pub fn gate(&self, ix: usize) -> Option<usize> {
        self.nodes[ix].gate
    }
    /// The number of the window that the step or block called `id` waits for.
    #[must_use]
    pub fn gate_number(&self, id: &str) -> Option<usize> {
        self.gates.iter().position(|gate| gate.id == id)
    }
    /// All steps, each after those it needs.
    #[must_use]
    pub fn order(&self) -> &[usize] {
        &self.order
    }
    /// Whether it is the point of no return.
    #[must_use]
    pub fn is_final(&self, ix: usize) -> bool {
        self.step(ix).reversibility == Reversibility::PointOfNoReturn
    }
    /// Every step that comes after `ix`, directly or not.
    #[must_use]
    pub fn after(&self, ix: usize) -> BTreeSet<usize> {
        self.reach(ix, |node| &node.dependents)
    }
    /// Every step that comes before `ix`, directly or not.
    #[must_use]
    pub fn before(&self, ix: usize) -> BTreeSet<usize> {
        self.reach(ix, |node| &node.needs)
    }

    fn reach(&self, from: usize, edges: impl Fn(&Node) -> &Vec<usize>) -> BTreeSet<usize> {
        let mut found = BTreeSet::new();
        let mut open = vec![from];
        while let Some(ix) = open.pop() {
            open.extend(edges(&self.nodes[ix]).iter().filter(|&&next| found.insert(next)));
        }
        found
    }
}

/// Names of steps whose outputs are in `value` as markers.
#[must_use]
pub fn references(value: &Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    collect(value, &mut found);
    found
}

fn collect(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::String(text) => found.extend(marker::find(text).filter_map(|(_, inside)| step_of(inside))),
        Value::Array(items) => items.iter().for_each(|item| collect(item, found)),
        Value::Object(map) => map.values().for_each(|item| collect(item, found)),
        _ => {}
    }
}

fn condition_references(step: &PlannedStep) -> BTreeSet<String> {
    let Some(when) = &step.when else { return BTreeSet::new() };
    // an expression that does not parse fails when it is evaluated
    let names = template::names_used(&template::environment(), &format!("{{{{ {when} }}}}")).unwrap_or_default();
    names.iter().filter_map(|name| step_of(name)).collect()
}

/// The step that a reference such as `steps.dump.position` names.
pub(in crate::engine) fn step_of(reference: &str) -> Option<String> {
    reference.strip_prefix("steps.")?.split('.').next().map(str::to_owned)
}

fn numbers_of(numbers: &HashMap<String, usize>, ids: &BTreeSet<String>) -> Vec<usize> {
    ids.iter().filter_map(|id| numbers.get(id).copied()).collect()
}

fn topological(nodes: &[Node]) -> Option<Vec<usize>> {
    let mut missing: Vec<usize> = nodes.iter().map(|node| node.needs.len()).collect();
    let mut free: BTreeSet<usize> = (0..nodes.len()).filter(|&ix| missing[ix] == 0).collect();
    let mut order = Vec::with_capacity(nodes.len());
    while let Some(ix) = free.pop_first() {
        order.push(ix);
        for &next in &nodes[ix].dependents {
            missing[next] -= 1;
            if missing[next] == 0 {
                free.insert(next);
            }
        }
    }
    (order.len() == nodes.len()).then_some(order)
}

pub(in crate::engine) fn damaged(answer: &str) -> Failure {
    Failure::permanent("read the plan", answer)
}
