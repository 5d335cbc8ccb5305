//! What rules look at: the written steps beside the planned ones, and who comes before whom.

use crate::plan::graph::Graph;
use crate::plan::load::Reading;
use crate::plan::{Plan, PlannedStep};
use crate::playbook::document::Document;
use crate::playbook::model::{Block, Playbook, Step};
use crate::playbook::node::{Node, Value};
use std::collections::HashMap;

/// A step as written and as planned.
#[derive(Debug, Clone, Copy)]
pub struct Pair<'a> {
    /// As written.
    pub written: &'a Step,
    /// As planned: parameters resolved.
    pub planned: &'a PlannedStep,
}

impl<'a> Pair<'a> {
    /// A parameter that is text, templates filled in.
    #[must_use]
    pub fn text(&self, name: &str) -> &'a str {
        self.planned.with.get(name).and_then(serde_json::Value::as_str).unwrap_or_default()
    }
    /// A parameter that is `true` or `false`.
    #[must_use]
    pub fn flag(&self, name: &str) -> Option<bool> {
        self.planned.with.get(name).and_then(serde_json::Value::as_bool)
    }
    /// A parameter that is a list of texts.
    pub fn texts(&self, name: &str) -> impl Iterator<Item = &'a str> {
        let items = self.planned.with.get(name).and_then(serde_json::Value::as_array);
        items.into_iter().flatten().filter_map(serde_json::Value::as_str)
    }
}

/// Valid documents, ready to be judged.
#[derive(Debug)]
pub struct Subject<'a> {
    /// The playbook's text and tree.
    pub document: &'a Document,
    /// The inventory's.
    pub inventory: Option<&'a Document>,
    /// The playbook taken apart.
    pub playbook: &'a Playbook,
    /// The plan.
    pub plan: &'a Plan,
    graph: Graph,
    nodes: HashMap<&'a str, &'a Node>,
    /// Steps that are not certain to be skipped, by kind: a long playbook asks for each kind once a step.
    kinds: HashMap<&'a str, Vec<Pair<'a>>>,
}

impl<'a> Subject<'a> {
    /// For one playbook and its plan.
    #[must_use]
    pub fn new(reading: &'a Reading) -> Self {
        let steps = reading.plan.steps.iter();
        let mut nodes = HashMap::new();
        gather(reading.document.root.get("steps"), &mut nodes);
        let mut kinds: HashMap<&str, Vec<Pair<'_>>> = HashMap::new();
        for (written, planned) in reading.playbook.steps.iter().zip(&reading.plan.steps) {
            if planned.skip.is_none() {
                kinds.entry(&written.uses).or_default().push(Pair { written, planned });
            }
        }
        Self {
            document: &reading.document,
            inventory: reading.inventory.as_ref(),
            playbook: &reading.playbook,
            plan: &reading.plan,
            graph: Graph::new(steps.map(|step| (step.id.as_str(), step.needs.iter().map(String::as_str).collect()))),
            nodes,
            kinds,
        }
    }
    /// Every step, in file order.
    pub fn steps(&self) -> impl Iterator<Item = Pair<'a>> + use<'a> {
        self.playbook.steps.iter().zip(&self.plan.steps).map(|(written, planned)| Pair { written, planned })
    }
    /// Steps of a kind that are not certain to be skipped.
    pub fn of_kind<'s>(&'s self, kind: &str) -> impl DoubleEndedIterator<Item = Pair<'a>> + use<'s, 'a> {
        self.kinds.get(kind).map_or(&[][..], Vec::as_slice).iter().copied()
    }
    /// Whether `earlier` is certain to be finished before `later` begins.
    #[must_use]
    pub fn is_before(&self, earlier: Pair<'_>, later: Pair<'_>) -> bool {
        self.graph.comes_before(&earlier.written.id, &later.written.id)
    }
    /// Whether a promotion is certain to have been done before `step`: nothing is taken back from there on.
    #[must_use]
    pub fn is_after_promotion(&self, step: Pair<'_>) -> bool {
        self.of_kind("promote").any(|promote| self.is_before(promote, step))
    }
    /// The block that a step stands in.
    #[must_use]
    pub fn block(&self, step: Pair<'_>) -> Option<&'a Block> {
        step.written.block.and_then(|index| self.playbook.blocks.get(index))
    }
    /// The mapping that a step or block is written as.
    #[must_use]
    pub fn node(&self, id: &str) -> Option<&'a Node> {
        self.nodes.get(id).copied()
    }
}

fn gather<'a>(list: Option<&'a Node>, nodes: &mut HashMap<&'a str, &'a Node>) {
    let Some(Value::Seq(items)) = list.map(|list| &list.value) else { return };
    for item in items {
        if let Some(id) = item.get("id").and_then(Node::as_str) {
            nodes.insert(id, item);
        }
        gather(item.get("block"), nodes);
    }
}
