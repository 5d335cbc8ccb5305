//! Values of a playbook's inputs: its defaults, then the inputs file, then `--set`.

use super::load::Sources;
use crate::playbook::document::Document;
use crate::playbook::fault::{Fault, Faults};
use crate::playbook::model::{Input, InputType, Playbook};
use crate::playbook::node::{Node, Value as Tree};
use crate::playbook::suggest;
use serde_json::{Map, Value};
use std::collections::BTreeSet;
use std::path::Path;

/// What was found.
#[derive(Default)]
pub(super) struct Found {
    /// Values of all inputs that have one.
    pub values: Map<String, Value>,
    /// Inputs without a usable value.
    pub gaps: BTreeSet<String>,
    /// Faults in the playbook and on the command line.
    pub faults: Vec<Fault>,
    /// Faults in the inputs file.
    pub report: Option<Faults>,
}

/// Every input's value, or why it has none.
pub(super) fn values(document: &Document, playbook: &Playbook, sources: &Sources) -> Found {
    let mut found = Found::default();
    let declared = document.root.get("inputs").map_or(&[][..], Node::entries);
    found.gaps = declared.iter().map(|(key, _)| key.text.clone()).collect();
    found.gaps.retain(|name| !playbook.inputs.contains_key(name)); // declared wrongly: a fault already
    if let Some(path) = &sources.inputs {
        found.take_file(path, playbook);
    }
    for set in &sources.set {
        found.take_set(set, playbook);
    }
    for (name, input) in &playbook.inputs {
        if found.values.contains_key(name) || found.gaps.contains(name) {
            continue;
        }
        let rehearsal = input.rehearsal.clone().filter(|_| sources.rehearsal);
        match rehearsal.or_else(|| input.default.clone()) {
            Some(value) if input.kind.accepts(&value) => {
                found.values.insert(name.clone(), value);
                continue;
            }
            Some(_) => {} // a fault of the declaration, reported already
            None => {
                let place = playbook.input_places.get(name).copied().unwrap_or_default();
                let fault = Fault::new(place, format!("the input `{name}` has no value")).label("has no default");
                found.faults.push(fault.help(format!("give one: --set {name}=VALUE")));
            }
        }
        found.gaps.insert(name.clone());
    }
    found
}

impl Found {
    fn take_file(&mut self, path: &Path, playbook: &Playbook) {
        let file = match Document::open(path) {
            Ok(file) => file,
            Err(report) => {
                self.gaps.extend(playbook.inputs.keys().cloned());
                self.report = Some(report);
                return;
            }
        };
        let mut faults = Vec::new();
        if !matches!(file.root.value, Tree::Map(_) | Tree::Null) {
            let message = format!("inputs are a mapping, but this is {}", file.root.describe());
            faults.push(Fault::new(file.root.span, message).help("write `NAME: VALUE`, one per line"));
            self.gaps.extend(playbook.inputs.keys().cloned());
        }
        for (key, node) in file.root.entries() {
            match playbook.inputs.get(&key.text) {
                Some(input) => self.give(&key.text, input, node.to_json(), |fault| {
                    faults.push(Fault { span: Some(node.span), ..fault });
                }),
                None if self.gaps.contains(&key.text) => {}
                None => {
                    faults.push(Fault { span: Some(key.span), ..unknown(&key.text, playbook) }.label("not an input"));
                }
            }
        }
        self.report = (!faults.is_empty()).then(|| file.faults(faults));
    }

    fn take_set(&mut self, set: &str, playbook: &Playbook) {
        let Some((name, text)) = set.split_once('=') else {
            let fault = Fault::whole(format!("`--set {set}` has no value"));
            self.faults.push(fault.help(format!("write --set {set}=VALUE")));
            return;
        };
        let Some(input) = playbook.inputs.get(name) else {
            if !self.gaps.contains(name) {
                let fault = unknown(name, playbook);
                self.faults.push(Fault { message: format!("--set {set}: {}", fault.message), ..fault });
            }
            return;
        };
        let plain = Value::String(text.to_owned());
        let value = if input.kind.accepts(&plain) {
            plain
        } else {
            Document::parse("--set", text).map(|document| document.root.to_json()).unwrap_or(plain)
        };
        let mut fault = None;
        self.give(name, input, value, |wrong| fault = Some(wrong));
        self.faults.extend(fault.map(|fault| Fault { message: format!("--set {set}: {}", fault.message), ..fault }));
    }

    fn give(&mut self, name: &str, input: &Input, value: Value, wrong: impl FnOnce(Fault)) {
        if input.kind.accepts(&value) {
            self.gaps.remove(name);
            self.values.insert(name.to_owned(), value);
            return;
        }
        let kind = format!("{:?}", input.kind).to_lowercase();
        let fault = Fault::whole(format!("the input `{name}` is of type {kind}, and {value} is not"));
        let example = match input.kind {
            InputType::List => "[a, b]",
            InputType::Integer => "20000",
            InputType::Boolean => "true",
            _ => "VALUE",
        };
        self.gaps.insert(name.to_owned());
        wrong(fault.label(format!("not of type {kind}")).help(format!("write it as {example}")));
    }
}

fn unknown(name: &str, playbook: &Playbook) -> Fault {
    let fault = Fault::whole(format!("the playbook has no input `{name}`"));
    fault.help(suggest::help(name, playbook.inputs.keys().map(String::as_str)))
}
