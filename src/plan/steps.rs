//! From the written steps to the planned ones: templates filled in, parameters checked and decoded, actions written out.

use super::build::millis;
use super::gaps::Gaps;
use super::graph::Graph;
use super::names::KnownNames;
use super::resolve::Resolver;
use super::{PlannedHook, PlannedStep, schema};
use crate::kinds::{self, Action, Complaint, KINDS, Step};
use crate::playbook::document::Document;
use crate::playbook::fault::Fault;
use crate::playbook::model::{Playbook, Step as Written};
use crate::playbook::node::{Node, Span};
use crate::playbook::shape;
use crate::playbook::suggest;
use crate::playbook::world::World;
use serde_json::{Map, Value};
use std::collections::HashMap;
use std::time::Duration;

/// Longest time for one attempt of a step, if neither the step nor the defaults state one.
const TIMEOUT: Duration = Duration::from_hours(24);
/// Fewer steps than this are not worth a thread of their own.
const SHARE: usize = 500;

/// What every step may look at.
#[derive(Clone, Copy)]
pub(super) struct Surroundings<'a> {
    pub document: &'a Document,
    pub graph: &'a Graph,
    /// Places of the steps, by id.
    pub places: &'a HashMap<&'a str, usize>,
    pub playbook: &'a Playbook,
    pub world: &'a World,
    pub gaps: &'a Gaps,
}

/// What a step asks before anything is touched, with its name.
pub(super) type Question = (String, Vec<Action>);

/// Every step planned, in file order, and what they ask; a long playbook is shared out among the processors.
pub(super) fn all(
    around: Surroundings<'_>,
    inputs: &Map<String, Value>,
    needs: &[Vec<String>],
    faults: &mut Vec<Fault>,
) -> (Vec<PlannedStep>, Vec<Question>) {
    let written = &around.playbook.steps;
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let size = written.len().div_ceil(processors).max(SHARE);
    let shares = written.chunks(size).zip(needs.chunks(size)).enumerate();
    let mut builders: Vec<Builder<'_>> =
        shares.map(|(number, share)| Builder::new(around, inputs, number * size, share)).collect();
    // a step may look at the parameters of any other, so all are filled in first
    let withs = each(&mut builders, Builder::resolve).concat();
    each(&mut builders, |builder| builder.plan(&withs));
    let (mut steps, mut questions) = (Vec::with_capacity(written.len()), Vec::new());
    for builder in builders {
        steps.extend(builder.steps);
        questions.extend(builder.questions);
        faults.extend(builder.faults);
    }
    (steps, questions)
}

/// Runs `work` for every builder at once; what each gives comes in their order.
fn each<'a, T: Send>(builders: &mut [Builder<'a>], work: impl Fn(&mut Builder<'a>) -> T + Sync) -> Vec<T> {
    if let [only] = builders {
        return vec![work(only)];
    }
    std::thread::scope(|scope| {
        let threads: Vec<_> = builders.iter_mut().map(|builder| scope.spawn(|| work(builder))).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    })
}

/// Some steps that stand together, and what each needs.
type Share<'a> = (&'a [Written], &'a [Vec<String>]);

/// A kind as a step or a hook uses it.
struct Use<'a> {
    uses: &'a str,
    /// Where the kind's name is written.
    place: Span,
    /// Parameters as written.
    written: &'a Node,
    /// The step.
    at: &'a str,
}

/// Plans one share of the steps.
struct Builder<'a> {
    around: Surroundings<'a>,
    resolver: Resolver<'a>,
    schemas: HashMap<&'static str, Value>,
    /// Place of the share's first step among all.
    first: usize,
    share: &'a [Written],
    needs: &'a [Vec<String>],
    /// Steps whose templates are at fault: their values are no use for further checks.
    broken: Vec<bool>,
    steps: Vec<PlannedStep>,
    questions: Vec<Question>,
    faults: Vec<Fault>,
}

impl<'a> Builder<'a> {
    fn new(around: Surroundings<'a>, inputs: &Map<String, Value>, first: usize, all: Share<'a>) -> Self {
        let Surroundings { document, graph, playbook, world, gaps, .. } = around;
        Self {
            around,
            resolver: Resolver::new(document, playbook, &world.inventory, inputs, graph, gaps),
            schemas: HashMap::new(),
            first,
            share: all.0,
            needs: all.1,
            broken: Vec::with_capacity(all.0.len()),
            steps: Vec::with_capacity(all.0.len()),
            questions: Vec::new(),
            faults: Vec::new(),
        }
    }

    /// Fills in the templates of the parameters.
    fn resolve(&mut self) -> Vec<Node> {
        let mut withs = Vec::with_capacity(self.share.len());
        for step in self.share {
            self.resolver.broken = false;
            withs.push(self.resolver.node(&step.with, &step.id, &mut self.faults));
            self.broken.push(self.resolver.broken);
        }
        withs
    }

    fn plan(&mut self, withs: &[Node]) {
        for index in 0..self.share.len() {
            let planned = self.step(index, withs);
            self.steps.extend(planned);
        }
    }

    fn step(&mut self, index: usize, withs: &[Node]) -> Option<PlannedStep> {
        let step = &self.share[index];
        let mut with = withs[self.first + index].clone();
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
        let kind = Use { uses: &step.uses, place: step.uses_place, written: &step.with, at: &step.id };
        let decoded = self.decode(kind, &mut with, broken, withs);
        let decoded = decoded.and_then(|decoded| Some((self.preview(&*decoded, &with, &step.with)?, decoded)));
        let rollback = step.rollback.iter().filter_map(|hook| {
            self.resolver.broken = false;
            let mut with = self.resolver.node(&hook.with, &step.id, &mut self.faults);
            let broken = self.resolver.broken;
            let kind = Use { uses: &hook.uses, place: hook.uses_place, written: &hook.with, at: &step.id };
            let decoded = self.decode(kind, &mut with, broken, withs)?;
            let actions = self.preview(&*decoded, &with, &hook.with)?;
            Some(PlannedHook { uses: hook.uses.clone(), with: with.to_json(), roles: decoded.roles(), actions })
        });
        let rollback = rollback.collect();
        let (actions, decoded) = decoded?;
        let questions = decoded.questions(self.around.world);
        if skip.is_none() && !questions.is_empty() {
            self.questions.push((step.id.clone(), questions));
        }
        let defaults = &self.around.playbook.defaults;
        let mut planned = PlannedStep {
            id: step.id.clone(),
            uses: step.uses.clone(),
            needs: self.needs[index].clone(),
            block: step.block.map(|index| self.around.playbook.blocks[index].id.clone()),
            when,
            skip,
            timeout_ms: millis(step.timeout.or(defaults.timeout).map_or(TIMEOUT, |span| span.0)),
            retry: step.retry.or(defaults.retry).unwrap_or_default(),
            on_failure: step.on_failure,
            keep: step.keep,
            reversibility: decoded.reversibility(),
            roles: decoded.roles(),
            actions,
            undo: decoded.preview_undo(self.around.world),
            rollback,
            unproved: decoded.unproved(self.around.world),
            settles: decoded.settles(self.around.world),
            window: step.window.clone(),
            with: with.to_json(),
        };
        planned.state_nothing_when_skipped();
        Some(planned)
    }

    /// The step of the kind used, when its parameters are right.
    fn decode(
        &mut self,
        Use { uses, place, written, at }: Use<'_>,
        with: &mut Node,
        broken: bool,
        withs: &[Node],
    ) -> Option<Box<dyn Step>> {
        let Some(kind) = kinds::find(uses) else {
            let fault = Fault::new(place, format!("there is no step kind `{uses}`")).label("not a step kind");
            let names: Vec<&str> = KINDS.iter().map(|kind| kind.name).collect();
            self.faults.push(fault.help(suggest::help(uses, names)));
            return None;
        };
        let schema = self.schemas.entry(kind.name).or_insert_with(|| schema::of_kind(kind));
        let (world, playbook, graph, places) =
            (self.around.world, self.around.playbook, self.around.graph, self.around.places);
        let names = KnownNames { world, playbook, graph, places, gaps: self.around.gaps, at };
        let mut found = shape::check(with, schema, &names, &format!("`{uses}`"));
        found.retain(|fault| !broken || fault.span.is_none_or(|span| !self.resolver.is_broken(span)));
        if !found.is_empty() || broken {
            self.faults.extend(found);
            return None;
        }
        names.fill_tunnels(with, schema, withs);
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
        if self.around.gaps.inventory {
            return None;
        }
        match step.preview(self.around.world) {
            Ok(actions) => Some(actions),
            Err(complaints) => {
                let faults =
                    complaints.into_iter().map(|complaint| place(self.around.document, with, written, complaint));
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
