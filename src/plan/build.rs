//! From a validated playbook and an inventory to a plan, or to all faults of the playbook at once.

use super::gaps::Gaps;
use super::graph::Graph;
use super::names::NO_INVENTORY;
use super::steps::{self, Surroundings};
use super::{FORMAT, Plan, PlannedBlock, opening};
use crate::playbook::document::Document;
use crate::playbook::fault::{Fault, Faults};
use crate::playbook::model::{Playbook, Step as Written};
use crate::playbook::node::Span;
use crate::playbook::suggest;
use crate::playbook::world::World;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

/// Makes the plan.
///
/// # Errors
/// Every fault of the playbook, those found when it was read (`faults`) included.
pub fn plan(
    document: &Document,
    playbook: &Playbook,
    mut faults: Vec<Fault>,
    world: World,
    mut inputs: Map<String, Value>,
    gaps: &Gaps,
) -> Result<Plan, Faults> {
    inputs.sort_keys(); // the same inputs are the same plan, wherever each value came from
    let needs = expand_needs(playbook, gaps, &mut faults);
    let graph = Graph::new(
        playbook.steps.iter().zip(&needs).map(|(step, n)| (step.id.as_str(), n.iter().map(String::as_str).collect())),
    );
    for members in graph.cycles() {
        let first = playbook.steps.iter().find(|step| step.id == members[0]);
        let place = first.map_or_else(Default::default, |step| step.id_place);
        let chain = members.join(", ");
        let fault = Fault::new(place, format!("these steps need each other in a cycle: {chain}"));
        faults.push(fault.label("in the cycle").help("remove one of the `needs` between them"));
    }
    faults.extend(unknown_webhooks(playbook, &world, gaps));
    let places = playbook.steps.iter().enumerate().map(|(place, step)| (step.id.as_str(), place)).collect();
    let surroundings = Surroundings { document, graph: &graph, places: &places, playbook, world: &world, gaps };
    let (steps, questions) = steps::all(surroundings, &inputs, &needs, &mut faults);
    if !faults.is_empty() {
        return Err(document.faults(said_once(faults)));
    }
    let blocks = blocks(playbook);
    let mut plan = Plan {
        format: FORMAT,
        name: playbook.name.clone(),
        description: playbook.description.clone(),
        hash: String::new(),
        inputs,
        opening: Vec::new(),
        scripts: BTreeMap::new(),
        steps,
        blocks,
        on: playbook.on.clone(),
        world,
    };
    plan.opening = opening::actions(&plan, &questions);
    plan.scripts = plan.named_scripts();
    plan.hash = plan.digest();
    Ok(plan)
}

/// Webhooks under `on` that the inventory does not have.
fn unknown_webhooks(playbook: &Playbook, world: &World, gaps: &Gaps) -> Vec<Fault> {
    if gaps.inventory || gaps.webhooks {
        return Vec::new();
    }
    let known = &world.inventory.webhooks;
    let unknown = playbook.webhook_places.iter().filter(|(name, _)| !known.contains_key(name));
    let fault = |(name, place): &(String, Span)| {
        if gaps.no_inventory {
            return Fault::new(*place, format!("this playbook needs an inventory that describes the webhook `{name}`"))
                .help(NO_INVENTORY);
        }
        let fault = Fault::new(*place, format!("there is no webhook `{name}` in the inventory"));
        fault.help(suggest::help(name, known.keys().map(String::as_str)))
    };
    unknown.map(fault).collect()
}

/// A missing inventory is one fault, however many names stand in it.
fn said_once(mut faults: Vec<Fault>) -> Vec<Fault> {
    let is_same = |fault: &Fault| fault.help.as_deref() == Some(NO_INVENTORY);
    let more = faults.iter().filter(|fault| is_same(fault)).count().saturating_sub(1);
    let mut first = true;
    faults.retain(|fault| !is_same(fault) || std::mem::take(&mut first));
    if let Some(fault) = faults.iter_mut().find(|fault| is_same(fault)).filter(|_| more > 0) {
        let places = if more == 1 { "place" } else { "places" };
        fault.message = format!("{} and the names in {more} more {places}", fault.message);
    }
    faults
}

fn blocks(playbook: &Playbook) -> Vec<PlannedBlock> {
    let mut blocks: Vec<PlannedBlock> = playbook
        .blocks
        .iter()
        .map(|block| PlannedBlock {
            id: block.id.clone(),
            deadline_ms: block.deadline.map(|deadline| millis(deadline.0)),
            steps: Vec::new(),
            window: block.window.clone(),
        })
        .collect();
    for step in &playbook.steps {
        if let Some(block) = step.block.and_then(|index| blocks.get_mut(index)) {
            block.steps.push(step.id.clone());
        }
    }
    blocks
}

/// The steps that each step needs: blocks become their last step, a block's steps follow one another.
fn expand_needs(playbook: &Playbook, gaps: &Gaps, faults: &mut Vec<Fault>) -> Vec<Vec<String>> {
    let mut places: HashSet<&str> = HashSet::new();
    let ids = playbook.steps.iter().map(|step| (step.id.as_str(), step.id_place));
    let ids = ids.chain(playbook.blocks.iter().map(|block| (block.id.as_str(), block.id_place)));
    for (id, place) in ids {
        if !places.insert(id) {
            let fault = Fault::new(place, format!("the id `{id}` is used twice")).label("again here");
            faults.push(fault.help("ids name steps and blocks in `needs`, `steps.ID.output` and reports: rename one"));
        }
    }
    let mut last_of_block = HashMap::new();
    for step in &playbook.steps {
        if let Some(block) = step.block {
            last_of_block.insert(playbook.blocks[block].id.as_str(), step.id.as_str());
        }
    }
    let mut previous: Option<&Written> = None;
    let mut all = Vec::with_capacity(playbook.steps.len());
    for step in &playbook.steps {
        let mut needs: Vec<String> = Vec::new();
        if let Some(before) = previous.filter(|before| step.block.is_some() && before.block == step.block) {
            needs.push(before.id.clone());
        }
        for (need, place) in &step.needs {
            let target = last_of_block.get(need.as_str()).copied().unwrap_or(need);
            if gaps.steps.contains(need) {
                continue;
            }
            if !places.contains(need.as_str()) {
                let fault = Fault::new(*place, format!("`{}` needs `{need}`, which is not a step", step.id));
                let known: Vec<&str> = places.iter().copied().collect();
                faults.push(fault.label("no such step").help(suggest::help(need, known)));
            } else if !needs.iter().any(|known| known == target) {
                needs.push(target.to_owned());
            }
        }
        all.push(needs);
        previous = Some(step);
    }
    all
}

/// Whole milliseconds.
pub(super) fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
