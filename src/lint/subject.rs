//! What rules check: the written steps beside the planned ones, and who comes before whom.

use crate::kinds::role::{Opens, RoleData};
use crate::kinds::{Role, RoleName};
use crate::plan::graph::Graph;
use crate::plan::load::Reading;
use crate::plan::{Plan, PlannedStep};
use crate::playbook::document::Document;
use crate::playbook::model::{Block, Playbook, Step};
use crate::playbook::node::{Node, Span, Value};
use std::collections::{HashMap, HashSet};

/// A step as written and as planned.
#[derive(Debug, Clone, Copy)]
pub struct Pair<'a> {
    /// As written.
    pub written: &'a Step,
    /// As planned: parameters resolved.
    pub planned: &'a PlannedStep,
}

impl<'a> Pair<'a> {
    /// Where a parameter is written; where the kind is named, when it is not.
    #[must_use]
    pub fn place_of(&self, parameter: &str) -> Span {
        self.written.with.get(parameter).map_or(self.written.uses_place, |node| node.span)
    }
    /// The data of the step for the role `R`; `None` when it does not play it, or is certain to be skipped.
    #[must_use]
    pub fn role<R: RoleData>(&self) -> Option<&'a R> {
        self.planned.role().filter(|_| self.planned.skip.is_none())
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
    /// Steps that are not certain to be skipped, by role: a long playbook asks for each role once a step.
    roles: HashMap<RoleName, Vec<Pair<'a>>>,
}

impl<'a> Subject<'a> {
    /// For one playbook and its plan.
    #[must_use]
    pub fn new(reading: &'a Reading) -> Self {
        let steps = reading.plan.steps.iter();
        let mut nodes = HashMap::new();
        gather(reading.document.root.get("steps"), &mut nodes);
        let mut roles: HashMap<RoleName, Vec<Pair<'_>>> = HashMap::new();
        for (written, planned) in reading.playbook.steps.iter().zip(&reading.plan.steps) {
            let names: HashSet<RoleName> = planned.roles.iter().map(Role::name).collect();
            for name in names.into_iter().filter(|_| planned.skip.is_none()) {
                roles.entry(name).or_default().push(Pair { written, planned });
            }
        }
        Self {
            document: &reading.document,
            inventory: reading.inventory.as_ref(),
            playbook: &reading.playbook,
            plan: &reading.plan,
            graph: Graph::new(steps.map(|step| (step.id.as_str(), step.needs.iter().map(String::as_str).collect()))),
            nodes,
            roles,
        }
    }
    /// Every step, in file order.
    pub fn steps(&self) -> impl Iterator<Item = Pair<'a>> + use<'a> {
        self.playbook.steps.iter().zip(&self.plan.steps).map(|(written, planned)| Pair { written, planned })
    }
    /// Steps that play a role and are not certain to be skipped, in file order, with their data for it.
    pub fn playing<R: RoleData>(&self) -> impl DoubleEndedIterator<Item = (Pair<'a>, &'a R)> {
        let steps = self.roles.get(&R::NAME).map_or(&[][..], Vec::as_slice).iter();
        steps.flat_map(|step| step.planned.roles.iter().filter_map(R::of).map(|role| (*step, role)))
    }
    /// Whether `earlier` is certain to be finished before `later` begins.
    #[must_use]
    pub fn is_before(&self, earlier: Pair<'_>, later: Pair<'_>) -> bool {
        self.graph.comes_before(&earlier.written.id, &later.written.id)
    }
    /// Whether a promotion is certain to have been done before `step`: nothing is undone from there on.
    #[must_use]
    pub fn is_after_promotion(&self, step: Pair<'_>) -> bool {
        self.playing::<Opens>().any(|(promote, _)| self.is_before(promote, step))
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
