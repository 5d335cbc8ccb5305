//! Resolves the templates in a step's parameters: values known now are put in, run-time values become markers.

use super::gaps::Gaps;
use super::graph::Graph;
use super::outputs::Outputs;
use crate::domain::marker;
use crate::kinds::{self, OutputType};
use crate::playbook::document::Document;
use crate::playbook::fault::Fault;
use crate::playbook::inventory::Inventory;
use crate::playbook::model::Playbook;
use crate::playbook::node::{Key, Node, Span, Value};
use crate::playbook::{suggest, template};
use minijinja::Environment;
use minijinja::value::{Serde, Value as Tv};
use serde_json::{Map, Value as Json, json};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

/// What templates may use, and what has been used.
pub struct Resolver<'a> {
    document: &'a Document,
    graph: &'a Graph,
    kinds: HashMap<&'a str, &'a str>,
    env: Environment<'static>,
    base: Json,
    /// The parts of `base` as templates take them.
    parts: BTreeMap<&'static str, Tv>,
    /// Values of texts that depend on no step: ten thousand steps name the same host.
    known: HashMap<String, Json>,
    gaps: &'a Gaps,
    /// Set when a template could not be resolved, whether or not that is a new fault.
    pub broken: bool,
    holes: HashSet<usize>,
    /// Inputs that some template uses.
    pub used_inputs: BTreeSet<String>,
}

impl<'a> Resolver<'a> {
    /// For the templates of `playbook` in `document`.
    #[must_use]
    pub fn new(
        document: &'a Document,
        playbook: &'a Playbook,
        inventory: &Inventory,
        inputs: &Map<String, Json>,
        graph: &'a Graph,
        gaps: &'a Gaps,
    ) -> Self {
        let mut inventory = serde_json::to_value(inventory).unwrap_or_default();
        mark_secrets(&mut inventory);
        let mut base = json!({ "inputs": inputs });
        for part in ["hosts", "servers", "applications", "policy"] {
            base[part] = inventory[part].take();
        }
        let parts = ["inputs", "hosts", "servers", "applications", "policy"];
        let parts = parts.map(|part| (part, Tv::from(Serde(&base[part])))).into();
        let kinds = playbook.steps.iter().map(|step| (step.id.as_str(), step.uses.as_str())).collect();
        Self {
            document,
            graph,
            kinds,
            env: template::environment(),
            base,
            parts,
            known: HashMap::new(),
            gaps,
            broken: false,
            holes: HashSet::new(),
            used_inputs: BTreeSet::new(),
        }
    }

    /// Whether a template that could not be resolved stands here: its value is no use for further checks.
    #[must_use]
    pub fn is_broken(&self, place: Span) -> bool {
        self.holes.contains(&place.start)
    }

    /// Resolves every template in `node`, for the step `at`.
    pub fn node(&mut self, node: &Node, at: &str, faults: &mut Vec<Fault>) -> Node {
        let value = match &node.value {
            Value::Str(text) if template::is_template(text) => {
                return if let Some(json) = self.text(node, text, at, faults) {
                    Node::from_json(&json, node.span)
                } else {
                    self.broken = true;
                    self.holes.insert(node.span.start);
                    Node { value: Value::Null, span: node.span }
                };
            }
            Value::Seq(items) => Value::Seq(items.iter().map(|item| self.node(item, at, faults)).collect()),
            Value::Map(entries) => Value::Map(
                entries
                    .iter()
                    .map(|(key, value)| {
                        let key = Key { text: key.text.clone(), span: key.span };
                        (key, self.node(value, at, faults))
                    })
                    .collect(),
            ),
            other => other.clone(),
        };
        Node { value, span: node.span }
    }

    /// The value of one templated text; nothing when it is at fault.
    fn text(&mut self, node: &Node, text: &str, at: &str, faults: &mut Vec<Fault>) -> Option<Json> {
        if let Some(known) = self.known.get(text) {
            return Some(known.clone());
        }
        let names = self.names(node, text, at, faults)?;
        let outputs = Outputs::new(&names);
        let value = template::evaluate(&self.env, text, &self.context(&outputs))
            .map_err(|fault| faults.push(self.template_fault(node, &fault)))
            .ok()?;
        if outputs.names().is_empty() {
            self.known.insert(text.to_owned(), value.clone());
            return Some(value);
        }
        let shown = value.to_string();
        for reference in outputs.used() {
            if !shown.contains(&marker::late(&reference)) {
                let message = format!("`{reference}` is known only at run time, so it can only be passed on unchanged");
                let place = self.place(node, text, &reference);
                faults.push(Fault::new(place, message).help("remove the filter or calculation around it"));
                return None;
            }
        }
        Some(value)
    }

    /// A condition: `Ok(Some(bool))` when it is known now, `Ok(None)` when only at run time.
    pub fn condition(&mut self, node: &Node, at: &str, faults: &mut Vec<Fault>) -> Option<Result<bool, String>> {
        let text = match &node.value {
            Value::Bool(known) => return Some(Ok(*known)),
            Value::Str(text) => template::single_expression(text).map_or(text.as_str(), |range| &text[range]).trim(),
            _ => return None,
        };
        let wrapped = format!("{{{{{text}}}}}");
        let names = self.names(node, &wrapped, at, faults)?;
        if names.iter().any(|name| name.starts_with("steps.")) {
            if let Some(other) = names.iter().find(|name| !name.starts_with("steps.") && !name.starts_with("inputs.")) {
                let message = format!("`{other}` cannot be combined with a run-time value in `when`");
                faults.push(Fault::new(node.span, message).help("use only `steps` and `inputs` here"));
                return None;
            }
            return Some(Err(text.to_owned()));
        }
        match template::evaluate_expression(&self.env, text, &self.context(&Outputs::new(&names))) {
            Ok(Json::Bool(known)) => Some(Ok(known)),
            Ok(other) => {
                let message = format!("`when` must be true or false, but this is {other}");
                faults.push(Fault::new(node.span, message).help("compare it: `inputs.n > 0`"));
                None
            }
            Err(fault) => {
                faults.push(self.template_fault(node, &fault));
                None
            }
        }
    }

    /// Names that a template uses; faults when one of them is wrong.
    fn names(&mut self, node: &Node, text: &str, at: &str, faults: &mut Vec<Fault>) -> Option<Vec<String>> {
        let names = match template::names_used(&self.env, text) {
            Ok(names) => names,
            Err(fault) => {
                faults.push(self.template_fault(node, &fault));
                return None;
            }
        };
        let before = faults.len();
        let mut unknowable = false;
        for name in &names {
            if self.gaps.cover(name) {
                unknowable = true;
                continue;
            }
            if let Some(input) = name.strip_prefix("inputs.") {
                self.used_inputs.insert(input.split('.').next().unwrap_or_default().to_owned());
            }
            if let Some((message, help)) = self.wrong(name, at) {
                faults.push(Fault::new(self.place(node, text, name), message).help(help));
            }
        }
        (faults.len() == before && !unknowable).then_some(names)
    }

    /// What is wrong with a name, and what to write instead.
    fn wrong(&self, name: &str, at: &str) -> Option<(String, String)> {
        let mut parts = name.split('.');
        let first = parts.next().unwrap_or_default();
        if first == "steps" {
            return self.wrong_reference(name, at);
        }
        let Some(mut known) = self.base.get(first) else {
            let names = ["inputs", "servers", "hosts", "applications", "policy", "steps"];
            return Some((format!("templates have no variable `{first}`"), suggest::help(first, names)));
        };
        let mut path = first.to_owned();
        for part in parts {
            let object = known.as_object()?;
            let Some(next) = object.get(part) else {
                let mut names: Vec<&str> = object.keys().map(String::as_str).collect();
                if path == "inputs" {
                    names.extend(self.gaps.inputs.iter().map(String::as_str));
                }
                return Some(match path.as_str() {
                    "inputs" if suggest::nearest(part, names.iter().copied()).is_none() => {
                        let help = format!("declare it: `inputs: {{ {part}: {{ type: string }} }}`");
                        (format!("the playbook has no input `{part}`"), help)
                    }
                    "servers" | "hosts" | "applications" if self.gaps.no_inventory => (
                        format!("this playbook needs an inventory that describes `{name}`"),
                        super::names::NO_INVENTORY.to_owned(),
                    ),
                    _ => (format!("`{path}` has no `{part}`"), suggest::help(part, names)),
                });
            };
            (known, path) = (next, format!("{path}.{part}"));
        }
        None
    }

    fn wrong_reference(&self, name: &str, at: &str) -> Option<(String, String)> {
        let mut parts = name.split('.').skip(1);
        let (Some(id), Some(output)) = (parts.next(), parts.next()) else {
            let help = "write `steps.ID.OUTPUT`, with dots".to_owned();
            return Some((format!("`{name}` is not an output of a step"), help));
        };
        let Some(uses) = self.kinds.get(id) else {
            let ids: Vec<&str> = self.kinds.keys().copied().collect();
            return Some((format!("there is no step `{id}`"), suggest::help(id, ids)));
        };
        let kind = kinds::find(uses)?; // an unknown kind is a fault of its own
        let Some(found) = kind.outputs.iter().find(|known| known.name == output) else {
            let names: Vec<&str> = kind.outputs.iter().map(|output| output.name).collect();
            return Some((format!("`{id}` ({uses}) has no output `{output}`"), suggest::help(output, names)));
        };
        if let Some(part) = parts.next() {
            let known = ["file", "offset"];
            if found.kind != OutputType::Position || !known.contains(&part) {
                let what = format!("`steps.{id}.{output}` has no `{part}`");
                let none: &[&str] = if found.kind == OutputType::Position { &known } else { &[] };
                return Some((what, suggest::help(part, none.iter().copied())));
            }
        }
        if id == at {
            let help = "use an output of an earlier step, or remove it".to_owned();
            return Some((format!("`{id}` cannot use its own outputs"), help));
        }
        (!self.graph.comes_before(id, at)).then(|| {
            let message = format!("`{id}` may not have finished when `{at}` starts");
            (message, format!("add `{id}` to the `needs` of `{at}`"))
        })
    }

    fn context(&self, outputs: &Arc<Outputs>) -> Tv {
        let mut parts = self.parts.clone();
        parts.insert("steps", Tv::from_dyn_object(outputs.clone()));
        Tv::from(parts)
    }

    fn place(&self, node: &Node, text: &str, name: &str) -> Span {
        text.find(name).map_or(node.span, |start| {
            // `when` may be written without braces: look the name up in what is really written
            let written = node.as_str().unwrap_or(text);
            let start = written.find(name).unwrap_or(start);
            self.document.within(node, &(start..start + name.len()))
        })
    }

    fn template_fault(&self, node: &Node, fault: &template::TemplateFault) -> Fault {
        let place = fault.range.as_ref().map_or(node.span, |range| self.document.within(node, range));
        Fault::new(place, format!("this template does not work: {}", fault.message))
            .label("here")
            .help("templates are Jinja expressions: {{ inputs.NAME }}, {{ servers.NAME.host }}, {{ steps.ID.OUTPUT }}")
    }
}

/// Replaces every reference to a secret by its marker: a template can pass a secret on, but never see it.
fn mark_secrets(value: &mut Json) {
    let Some(object) = value.as_object_mut() else {
        if let Some(items) = value.as_array_mut() {
            items.iter_mut().for_each(mark_secrets);
        }
        return;
    };
    for (key, inner) in object.iter_mut() {
        match serde_json::from_value::<crate::domain::secret::SecretRef>(inner.clone()) {
            Ok(secret) if key == "password" => *inner = Json::String(secret.marker()),
            _ => mark_secrets(inner),
        }
    }
}
