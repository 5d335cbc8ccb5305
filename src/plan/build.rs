//! From a validated playbook and an inventory to a plan, or to all faults of the playbook at once.

use super::gaps::Gaps;
use super::graph::Graph;
use super::names::{KnownNames, NO_INVENTORY};
use super::resolve::Resolver;
use super::{FORMAT, Plan, PlannedBlock, PlannedHook, PlannedStep, opening, schema};
use crate::playbook::document::Document;
use crate::playbook::fault::{Fault, Faults};
use crate::playbook::model::{Playbook, Step as Written};
use crate::playbook::node::Node;
use crate::playbook::shape;
use crate::playbook::suggest;
use crate::playbook::world::World;
use crate::steps::{self, Action, Complaint, KINDS, Step};
use serde_json::{Map, Value};
use std::collections::{HashMap, HashSet};
use std::time::Duration;

/// Longest time for one attempt of a step, where neither it nor the defaults say.
const TIMEOUT: Duration = Duration::from_hours(24);

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
        let fault = Fault::new(place, format!("these steps need each other in a circle: {chain}"));
        faults.push(fault.label("in the circle").help("drop one of the `needs` among them"));
    }
    let mut builder = Builder {
        places: playbook.steps.iter().enumerate().map(|(place, step)| (step.id.as_str(), place)).collect(),
        resolver: Resolver::new(document, playbook, &world.inventory, &inputs, &graph, gaps),
        document,
        graph: &graph,
        playbook,
        world: &world,
        gaps,
        schemas: HashMap::new(),
        faults,
        withs: Vec::new(),
        questions: Vec::new(),
        broken: Vec::new(),
    };
    for step in &playbook.steps {
        builder.resolver.broken = false;
        let with = builder.resolver.node(&step.with, &step.id, &mut builder.faults);
        builder.broken.push(builder.resolver.broken);
        builder.withs.push(with);
    }
    let mut steps: Vec<PlannedStep> = Vec::with_capacity(playbook.steps.len());
    for (index, step) in playbook.steps.iter().enumerate() {
        steps.extend(builder.step(index, step, &needs[index]));
    }
    let (faults, questions) = (builder.faults, builder.questions);
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
        steps,
        blocks,
        world,
    };
    plan.opening = opening::actions(&plan, &questions);
    plan.hash = plan.digest();
    Ok(plan)
}

/// A missing inventory is one fault, however many names stand in it.
fn said_once(mut faults: Vec<Fault>) -> Vec<Fault> {
    let is_same = |fault: &Fault| fault.help.as_deref() == Some(NO_INVENTORY);
    let more = faults.iter().filter(|fault| is_same(fault)).count().saturating_sub(1);
    let mut first = true;
    faults.retain(|fault| !is_same(fault) || std::mem::take(&mut first));
    if let Some(fault) = faults.iter_mut().find(|fault| is_same(fault)).filter(|_| more > 0) {
        fault.message = format!("{}, nor are the names in {more} more places", fault.message);
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
                let fault = Fault::new(*place, format!("`{}` needs `{need}`, which is no step", step.id));
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

struct Builder<'a> {
    resolver: Resolver<'a>,
    /// Places of the steps, by id.
    places: HashMap<&'a str, usize>,
    document: &'a Document,
    graph: &'a Graph,
    playbook: &'a Playbook,
    world: &'a World,
    gaps: &'a Gaps,
    schemas: HashMap<&'static str, Value>,
    faults: Vec<Fault>,
    withs: Vec<Node>,
    /// What each step asks before anything is touched, with its name.
    questions: Vec<(String, Vec<Action>)>,
    /// Steps whose templates are at fault: their values are no use for further checks.
    broken: Vec<bool>,
}

impl Builder<'_> {
    fn step(&mut self, index: usize, step: &Written, needs: &[String]) -> Option<PlannedStep> {
        let mut with = self.withs[index].clone();
        let (mut when, mut skip) = (None, None);
        if let Some(node) = &step.when {
            match self.resolver.condition(node, &step.id, &mut self.faults) {
                Some(Ok(true)) | None => {}
                Some(Ok(false)) => {
                    let text = node.as_str().unwrap_or("false");
                    skip = Some(format!("`when: {text}` is false"));
                }
                Some(Err(expression)) => when = Some(expression),
            }
        }
        let broken = self.broken[index];
        let decoded = self.decode(&step.uses, step.uses_place, &mut with, &step.with, &step.id, broken);
        let decoded = decoded.and_then(|decoded| Some((self.preview(&*decoded, &with, &step.with)?, decoded)));
        let rollback = step.rollback.iter().filter_map(|hook| {
            self.resolver.broken = false;
            let mut with = self.resolver.node(&hook.with, &step.id, &mut self.faults);
            let broken = self.resolver.broken;
            let decoded = self.decode(&hook.uses, hook.uses_place, &mut with, &hook.with, &step.id, broken)?;
            let actions = self.preview(&*decoded, &with, &hook.with)?;
            Some(PlannedHook { uses: hook.uses.clone(), with: with.to_json(), actions })
        });
        let rollback = rollback.collect();
        let (actions, decoded) = decoded?;
        let questions = decoded.questions(self.world);
        if skip.is_none() && !questions.is_empty() {
            self.questions.push((step.id.clone(), questions));
        }
        let defaults = &self.playbook.defaults;
        Some(PlannedStep {
            id: step.id.clone(),
            uses: step.uses.clone(),
            needs: needs.to_vec(),
            block: step.block.map(|index| self.playbook.blocks[index].id.clone()),
            when,
            skip,
            timeout_ms: millis(step.timeout.or(defaults.timeout).map_or(TIMEOUT, |span| span.0)),
            retry: step.retry.or(defaults.retry).unwrap_or_default(),
            on_failure: step.on_failure,
            reversibility: decoded.reversibility(),
            actions,
            undo: decoded.preview_undo(self.world),
            rollback,
            settles: decoded.settles(self.world),
            with: with.to_json(),
        })
    }

    fn decode(
        &mut self,
        uses: &str,
        place: crate::playbook::node::Span,
        with: &mut Node,
        written: &Node,
        at: &str,
        broken: bool,
    ) -> Option<Box<dyn Step>> {
        let Some(kind) = steps::find(uses) else {
            let fault = Fault::new(place, format!("there is no step kind `{uses}`")).label("not a step kind");
            let names: Vec<&str> = KINDS.iter().map(|kind| kind.name).collect();
            self.faults.push(fault.help(suggest::help(uses, names)));
            return None;
        };
        let schema = self.schemas.entry(kind.name).or_insert_with(|| schema::of_kind(kind));
        let (world, playbook, graph, places) = (self.world, self.playbook, self.graph, &self.places);
        let names = KnownNames { world, playbook, graph, places, gaps: self.gaps, at };
        let mut found = shape::check(with, schema, &names, &format!("`{uses}`"));
        found.retain(|fault| !broken || fault.span.is_none_or(|span| !self.resolver.is_broken(span)));
        if !found.is_empty() || broken {
            self.faults.extend(found);
            return None;
        }
        names.fill_tunnels(with, schema, &self.withs);
        match (kind.decode)(&with.to_json()) {
            Ok(step) => Some(step),
            Err(message) => {
                let fault = Fault::new(written.span, format!("`{uses}` cannot use these parameters: {message}"));
                self.faults.push(fault.help(format!("`cutover kinds {uses}` explains them")));
                None
            }
        }
    }

    fn preview(&mut self, step: &dyn Step, with: &Node, written: &Node) -> Option<Vec<Action>> {
        if self.gaps.inventory {
            return None;
        }
        match step.preview(self.world) {
            Ok(actions) => Some(actions),
            Err(complaints) => {
                let faults = complaints.into_iter().map(|complaint| place(self.document, with, written, complaint));
                self.faults.extend(faults);
                None
            }
        }
    }
}

fn place(document: &Document, with: &Node, written: &Node, complaint: Complaint) -> Fault {
    let node = if complaint.field.is_empty() { with } else { with.at(&complaint.field) };
    let span = match &complaint.range {
        Some(range) => document.within(written.at(&complaint.field), range),
        None => node.span,
    };
    let fault = Fault::new(span, complaint.message);
    match complaint.help {
        Some(help) => fault.help(help),
        None => fault,
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
