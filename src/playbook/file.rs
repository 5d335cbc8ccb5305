//! The playbook as a file: its shape, for the schema and the first check, and how it is taken apart into the model.

use super::document::Document;
use super::fault::Fault;
use super::model::{Block, Defaults, Hook, Input, Occasions, OnFailure, Playbook, Rehearsal, Retry, Step};
use super::node::{Node, Value};
use super::shape::{self, NoNames};
use super::window::Window;
use super::window_faults;
use crate::domain::units::Span;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;

/// A playbook: what is done, in which order, and what happens when it fails.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "cutover playbook")]
#[allow(dead_code, reason = "the schema is its use; the tree is taken apart by hand to keep every place")]
pub struct PlaybookFile {
    /// Version of this format.
    #[schemars(extend("const" = 1))]
    version: u32,
    /// Name, for lists and reports.
    name: String,
    /// What it is for.
    #[serde(default)]
    description: Option<String>,
    /// Values that a user may set for a run with `--set NAME=VALUE` or `--inputs FILE`.
    #[serde(default)]
    inputs: BTreeMap<String, Input>,
    /// Settings for rehearsals; a run ignores them.
    #[serde(default)]
    rehearsal: Option<Rehearsal>,
    /// Timeouts and retries for steps that set none.
    #[serde(default)]
    defaults: Option<Defaults>,
    /// Webhooks of the inventory that are notified about the run.
    #[serde(default)]
    #[schemars(with = "Occasions")]
    on: Option<Occasions>,
    /// The steps. Steps that do not need each other run at the same time.
    steps: Vec<StepFile>,
}

/// A step (`uses`), or a block of steps under one deadline (`block`).
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "see above")]
pub struct StepFile {
    /// Its name, unique in the playbook.
    #[schemars(extend("format" = "identifier"))]
    id: String,
    /// Its kind; `cutover kinds` lists them.
    #[serde(default)]
    uses: Option<String>,
    /// Parameters of the kind.
    #[serde(default)]
    with: Option<BTreeMap<String, serde_json::Value>>,
    /// Steps or blocks that must finish first.
    #[serde(default)]
    needs: Vec<String>,
    /// Condition under which it runs: an expression over `inputs`, `servers`, `hosts` and `steps`.
    #[serde(default)]
    #[schemars(with = "Condition")]
    when: Option<serde_json::Value>,
    /// Longest time for one attempt.
    #[serde(default)]
    timeout: Option<Span>,
    /// How failures that may go away by themselves are retried.
    #[serde(default)]
    retry: Option<Retry>,
    /// Steps that run when this step is undone, after its own undo.
    #[serde(default)]
    rollback: Vec<HookFile>,
    /// What its failure means for the run.
    #[serde(default)]
    on_failure: Option<OnFailure>,
    /// Whether it is a checkpoint: after a later failure, only the steps after it are undone, and the run can be
    /// resumed from there. A rollback by a person still undoes everything.
    #[serde(default)]
    keep: bool,
    /// Steps that run in order under one deadline, instead of `uses`.
    #[serde(default)]
    block: Option<Vec<StepFile>>,
    /// Time for the whole block, rollback included.
    #[serde(default)]
    deadline: Option<Span>,
    /// When it may start. With a window, a block needs a `deadline` and a step a `timeout`: it starts only if that fits
    /// into the window.
    #[serde(default)]
    #[schemars(with = "Window")]
    window: Option<Window>,
}

/// An expression, or a plain `true` or `false`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
#[allow(dead_code, reason = "see above")]
enum Condition {
    Plain(bool),
    Expression(String),
}

/// A step that runs when the step it belongs to is undone.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "see above")]
pub struct HookFile {
    /// Its kind.
    uses: String,
    /// Parameters of the kind.
    #[serde(default)]
    with: Option<BTreeMap<String, serde_json::Value>>,
}

/// The schema of a playbook file, kinds' parameters left open.
#[must_use]
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(PlaybookFile).to_value()
}

/// Takes a playbook apart. What can be understood is returned even when there are faults, so that later checks can
/// add theirs to the same report.
#[must_use]
pub fn read(document: &Document) -> (Playbook, Vec<Fault>) {
    let root = &document.root;
    let mut faults = match &root.value {
        Value::Map(_) => shape::check(root, &schema(), &NoNames, "the playbook"),
        other => vec![no_playbook(other, root)],
    };
    let mut playbook = Playbook {
        name: root.get("name").and_then(Node::as_str).unwrap_or_default().to_owned(),
        description: root.get("description").and_then(Node::as_str).map(str::to_owned),
        inputs: BTreeMap::new(),
        input_places: BTreeMap::new(),
        rehearsal: root.get("rehearsal").and_then(decode).unwrap_or_default(),
        defaults: root.get("defaults").and_then(decode).unwrap_or_default(),
        steps: Vec::new(),
        blocks: Vec::new(),
        unread: Vec::new(),
        on: root.get("on").and_then(decode).unwrap_or_default(),
        webhook_places: root.get("on").map(webhooks).unwrap_or_default(),
    };
    for (key, node) in root.get("inputs").map_or(&[][..], Node::entries) {
        let Some(input) = decode::<Input>(node) else { continue };
        for (field, value) in [("default", &input.default), ("rehearsal", &input.rehearsal)] {
            let Some(value) = value.as_ref().filter(|value| !input.kind.accepts(value)) else { continue };
            let kind = format!("{:?}", input.kind).to_lowercase();
            let message = format!("the {field} of `{}` is {value}, not of type {kind}", key.text);
            let place = node.get(field).map_or(node.span, |node| node.span);
            faults.push(Fault::new(place, message).help("give a value of the type, or change `type`"));
        }
        playbook.input_places.insert(key.text.clone(), key.span);
        playbook.inputs.insert(key.text.clone(), input);
    }
    for node in items(root.get("steps")) {
        read_step(node, None, &mut playbook, &mut faults);
    }
    if let Some((key, node)) = root.entry("steps")
        && matches!(&node.value, Value::Seq(items) if items.is_empty())
    {
        faults.push(Fault::new(key.span, "the playbook has no steps").help("add at least one step"));
    }
    (playbook, faults)
}

fn no_playbook(value: &Value, root: &Node) -> Fault {
    let help = "a playbook begins with `version: 1`, `name: ...` and `steps:`; `cutover kinds` lists what steps can do";
    match value {
        Value::Null => Fault::whole("this playbook is empty").help(help),
        _ => Fault::new(root.span, format!("a playbook is a mapping, but this is {}", root.describe())).help(help),
    }
}

fn items(node: Option<&Node>) -> &[Node] {
    match node.map(|node| &node.value) {
        Some(Value::Seq(items)) => items,
        _ => &[],
    }
}

fn decode<T: DeserializeOwned>(node: &Node) -> Option<T> {
    serde_json::from_value(node.to_json()).ok()
}

fn read_step(node: &Node, block: Option<usize>, playbook: &mut Playbook, faults: &mut Vec<Fault>) {
    let Some((id, id_place)) = node.get("id").and_then(|id| Some((id.as_str()?.to_owned(), id.span))) else { return };
    if let Some((key, inner)) = node.entry("block") {
        if block.is_some() {
            faults.push(Fault::new(key.span, "a block cannot contain a block").help("move its steps to the outer one"));
            playbook.unread.push(id);
            return;
        }
        for field in ["uses", "with", "timeout", "retry", "rollback", "on_failure", "keep", "when"] {
            if let Some((key, _)) = node.entry(field) {
                let message = format!("a block has no `{field}`");
                faults.push(Fault::new(key.span, message).help("set it on the steps in the block"));
            }
        }
        let (deadline, window) = (node.get("deadline").and_then(decode), node.get("window").and_then(decode));
        faults.extend(window_faults::of_block(node, &id, deadline, window.as_ref()));
        playbook.blocks.push(Block { id, id_place, deadline, window });
        let index = playbook.blocks.len() - 1;
        let first = playbook.steps.len();
        for step in items(Some(inner)) {
            read_step(step, Some(index), playbook, faults);
        }
        match playbook.steps.get_mut(first) {
            Some(step) => step.needs.splice(0..0, needs(node)).for_each(drop),
            None if items(Some(inner)).is_empty() && matches!(inner.value, Value::Seq(_)) => {
                faults.push(Fault::new(key.span, "the block has no steps").help("add steps, or remove the block"));
            }
            None => {} // its steps have faults of their own
        }
        return;
    }
    if let Some((key, _)) = node.entry("deadline") {
        faults.push(Fault::new(key.span, "only a block has a deadline").help("a step has a `timeout` instead"));
    }
    let Some((uses, uses_place)) = node.get("uses").and_then(|uses| Some((uses.as_str()?.to_owned(), uses.span)))
    else {
        if node.get("uses").is_none() {
            let fault = Fault::new(id_place, format!("the step `{id}` has no field `uses`"));
            faults.push(fault.label("this step").help("add `uses: KIND`, or `block:` with steps under one deadline"));
        }
        playbook.unread.push(id);
        return;
    };
    if let Some((key, _)) = node.entry("keep").filter(|_| block.is_some()) {
        let message = "a step in a block cannot be a checkpoint, because a block is undone as a whole";
        faults.push(Fault::new(key.span, message).help("set `keep` on a step before the block"));
    }
    let (timeout, window) = (node.get("timeout").and_then(decode), node.get("window").and_then(decode));
    let limited = timeout.or(playbook.defaults.timeout).is_some();
    faults.extend(window_faults::of_step(node, &id, block.is_some(), limited, window.as_ref()));
    playbook.steps.push(Step {
        uses,
        uses_place,
        with: parameters(node, id_place),
        needs: needs(node),
        when: node.get("when").cloned(),
        timeout,
        retry: node.get("retry").and_then(decode),
        rollback: items(node.get("rollback")).iter().filter_map(hook).collect(),
        on_failure: node.get("on_failure").and_then(decode).unwrap_or_default(),
        keep: node.get("keep").and_then(decode).unwrap_or_default(),
        block,
        window,
        id,
        id_place,
    });
}

fn hook(node: &Node) -> Option<Hook> {
    let uses = node.get("uses")?;
    Some(Hook { uses: uses.as_str()?.to_owned(), uses_place: uses.span, with: parameters(node, uses.span) })
}

fn parameters(node: &Node, place: super::node::Span) -> Node {
    let with = node.get("with").filter(|with| matches!(with.value, Value::Map(_))); // anything else is a fault already
    with.cloned().unwrap_or(Node { value: Value::Map(Vec::new()), span: place })
}

fn webhooks(on: &Node) -> Vec<(String, super::node::Span)> {
    let names = on.entries().iter().flat_map(|(_, names)| items(Some(names)));
    names.filter_map(|name| name.as_str().map(|text| (text.to_owned(), name.span))).collect()
}

fn needs(node: &Node) -> Vec<(String, super::node::Span)> {
    let needs = items(node.get("needs")).iter();
    needs.filter_map(|need| need.as_str().map(|text| (text.to_owned(), need.span))).collect()
}
