//! The names that parameters may use: of the inventory, of templates, of earlier tunnels and earlier outputs.

use super::gaps::Gaps;
use super::graph::Graph;
use crate::domain::marker;
use crate::kinds::{self, Output, OutputType, RoleName};
use crate::playbook::model::{Playbook, Step};
use crate::playbook::node::{Key, Node, Value};
use crate::playbook::shape::Names;
use crate::playbook::suggest;
use crate::playbook::world::World;
use serde_json::Value as Json;
use std::collections::HashMap;

/// What to do about names that nothing describes.
pub(super) const NO_INVENTORY: &str = "add `-i inventory.yaml`";

/// Names as seen from the step `at`.
pub struct KnownNames<'a> {
    /// Inventory and templates.
    pub world: &'a World,
    /// For the ids of steps.
    pub playbook: &'a Playbook,
    /// For who comes before whom.
    pub graph: &'a Graph,
    /// What cannot be checked.
    pub gaps: &'a Gaps,
    /// Indexes of the steps, by id.
    pub places: &'a HashMap<&'a str, usize>,
    /// The step that uses the names.
    pub at: &'a str,
}

impl Names for KnownNames<'_> {
    fn unknown(&self, format: &str, text: &str) -> Option<(String, String)> {
        if self.gaps.inventory && ["host", "server", "host-or-server", "application"].contains(&format) {
            return None;
        }
        let inventory = &self.world.inventory;
        let hosts = inventory.hosts.keys().map(String::as_str);
        let servers = inventory.servers.keys().map(String::as_str);
        let (what, known): (&str, Vec<&str>) = match format {
            "host" => ("host", hosts.collect()),
            "server" => ("server", servers.collect()),
            "host-or-server" => ("host or server", hosts.chain(servers).collect()),
            "application" => ("application", inventory.applications.keys().map(String::as_str).collect()),
            "template" => ("template", self.world.templates.0.keys().map(String::as_str).collect()),
            "webhook" if self.gaps.webhooks || self.gaps.inventory => return None,
            "webhook" => ("webhook", inventory.webhooks.keys().map(String::as_str).collect()),
            "tunnel" => return self.wrong_tunnel(text),
            _ => return None,
        };
        (!known.contains(&text)).then(|| {
            if format != "template" && self.gaps.no_inventory {
                return (
                    format!("this playbook needs an inventory that describes the {what} `{text}`"),
                    NO_INVENTORY.to_owned(),
                );
            }
            let place = if format == "template" { "in the folder `templates`" } else { "in the inventory" };
            (format!("there is no {what} `{text}` {place}"), suggest::help(text, known))
        })
    }

    fn fits(&self, reference: &str, schema: &Json) -> Result<(), (String, String)> {
        let Some(actual) = self.output_type(reference) else { return Ok(()) };
        let format = schema.get("format").and_then(Json::as_str).unwrap_or_default();
        let types: Vec<&str> = match schema.get("type") {
            Some(Json::String(one)) => vec![one],
            Some(Json::Array(many)) => many.iter().filter_map(Json::as_str).collect(),
            _ => return Ok(()),
        };
        let fits = |kind: OutputType| match kind {
            OutputType::Position => format == "position",
            OutputType::Text => types.contains(&"string") && format != "position",
            OutputType::Boolean => types.contains(&"boolean"),
            OutputType::Integer => types.iter().any(|t| ["integer", "number"].contains(t)),
            OutputType::Number => types.contains(&"number"),
            OutputType::List => false,
        };
        if fits(actual) {
            return Ok(());
        }
        let name = match actual {
            OutputType::Position => "a binlog position",
            OutputType::Text => "text",
            OutputType::Boolean => "true or false",
            OutputType::Integer => "a whole number",
            OutputType::Number => "a number",
            OutputType::List => "a list",
        };
        let id = reference.split('.').nth(1).unwrap_or_default();
        let others = self.outputs(id).iter().filter(|output| fits(output.kind));
        let others: Vec<String> = others.map(|output| format!("`steps.{id}.{}`", output.name)).collect();
        let help = match others.as_slice() {
            [] => format!("`{id}` has no output that fits here"),
            some => format!("this would fit: {}", some.join(", ")),
        };
        Err((format!("`{reference}` is {name}, which does not fit here"), help))
    }
}

impl KnownNames<'_> {
    fn outputs(&self, id: &str) -> &'static [Output] {
        self.step(id).and_then(|step| kinds::find(&step.uses)).map_or(&[], |kind| kind.outputs)
    }

    fn output_type(&self, reference: &str) -> Option<OutputType> {
        let mut parts = reference.split('.').skip(1);
        let (id, output) = (parts.next()?, parts.next()?);
        let kind = self.outputs(id).iter().find(|known| known.name == output)?.kind;
        match parts.next() {
            Some("file") => Some(OutputType::Text),
            Some("offset") => Some(OutputType::Integer),
            _ => Some(kind),
        }
    }

    fn step(&self, id: &str) -> Option<&Step> {
        self.places.get(id).and_then(|&place| self.playbook.steps.get(place))
    }

    fn wrong_tunnel(&self, id: &str) -> Option<(String, String)> {
        let is_tunnel = |step: &Step| kinds::plays(&step.uses, RoleName::Tunnels);
        if !self.step(id).is_some_and(is_tunnel) {
            let tunnels = self.playbook.steps.iter().filter(|step| is_tunnel(step)).map(|step| step.id.as_str());
            let tunnels: Vec<&str> = tunnels.collect();
            let help = match tunnels.len() {
                0 => "add a step that `uses: tunnel`, and name it here".to_owned(),
                _ => suggest::help(id, tunnels),
            };
            return Some((format!("`{id}` is not a tunnel step"), help));
        }
        (!self.graph.comes_before(id, self.at)).then(|| {
            let message = format!("the tunnel `{id}` may not be open yet when `{}` starts", self.at);
            (message, format!("add `{id}` to the `needs` of `{}`", self.at))
        })
    }

    /// Puts the address a tunnel listens on beside its name: statements are written out with it, and no step may look
    /// at another one.
    pub fn fill_tunnels(&self, with: &mut Node, schema: &Json, withs: &[Node]) {
        let Value::Map(entries) = &mut with.value else { return };
        let properties = schema.get("properties");
        for (key, node) in entries {
            let format = properties.and_then(|all| all.get(&key.text)?.get("format")?.as_str());
            let Some(id) = node.as_str().filter(|_| format == Some("tunnel")).map(str::to_owned) else { continue };
            let tunnel = self.places.get(id.as_str()).and_then(|&place| withs.get(place));
            let listen = tunnel.and_then(|with| with.get("listen")).and_then(Node::as_str);
            let listen = listen.map_or_else(|| marker::late(&format!("steps.{id}.address")), str::to_owned);
            let entry = |name: &str, text: String| {
                let key = Key { text: name.to_owned(), span: node.span };
                (key, Node { value: Value::Str(text), span: node.span })
            };
            node.value = Value::Map(vec![entry("step", id), entry("listen", listen)]);
        }
    }
}
