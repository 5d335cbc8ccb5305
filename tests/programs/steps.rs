//! Steps of every kind: those of the shipped playbooks, and the examples that the kinds give of themselves.

use super::play::Sample;
use crate::plan::roles::example;
use crate::plan::{INVENTORY, shipped};
use cutover::domain::marker;
use cutover::kinds::{KINDS, OutputType, find};
use cutover::plan::Plan;
use cutover::plan::load::{self, Sources};
use serde_json::{Value, json};
use std::path::Path;

/// Of the shipped playbooks, and of kinds that none of these uses.
pub fn samples() -> Vec<Sample> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut samples = Vec::new();
    let mut world = None;
    for playbook in shipped() {
        let sources = Sources { playbook, inventory: Some(root.join(INVENTORY)), ..Sources::default() };
        let plan = load::plan(&sources).unwrap();
        for step in &plan.steps {
            samples.push(sample(&step.uses, &step.with, &plan));
            samples.extend(step.rollback.iter().map(|hook| sample(&hook.uses, &hook.with, &plan)));
        }
        world.get_or_insert(plan.world);
    }
    let world = world.unwrap();
    samples.extend(others().map(|(uses, with)| Sample { kind: find(uses).unwrap(), with, world: world.clone() }));
    for kind in
        KINDS.iter().filter(|kind| samples.iter().all(|sample| sample.kind.name != kind.name)).collect::<Vec<_>>()
    {
        // what the planner would fill in stands there as a late value, which is a text like any other here
        samples.push(Sample { kind, with: example(kind), world: world.clone() });
    }
    samples
}

/// Steps as no shipped playbook has them.
fn others() -> impl Iterator<Item = (&'static str, Value)> {
    [
        ("command", json!({ "host": "new", "run": ["systemctl", "stop", "a b"], "undo": ["systemctl", "start", "a b"] })),
        ("command", json!({ "host": "new", "run": ["touch", "/x"], "creates": "/x", "repeatable": false })),
        ("sql", json!({ "server": "target", "statements": ["CREATE DATABASE audit", "SELECT 1"], "undo": ["DROP DATABASE audit"] })),
        ("latency", json!({ "application": "shop", "servers": ["source", "target"], "samples": 20 })),
        ("latency", json!({ "host": "app1", "servers": ["source", "target"], "samples": 20 })),
        ("notify", json!({ "to": "ops", "message": "hello" })),
        ("dump", json!({ "server": "source", "on": "target", "databases": ["shop", "--where=1=0"], "gtid": true })),
        ("dump", json!({ "server": "source", "tls": false })),
        ("import", json!({ "server": "target", "file": "/var/tmp/it's.zst", "binlog": true })),
        ("copy", json!({ "from": "source", "to": "target", "engine": "dump", "limit": "50MiB" })),
        ("copy", json!({ "from": "source", "to": "target", "engine": "dump", "databases": ["shop", "--where=1=0"] })),
        ("copy", json!({ "from": "source", "to": "target", "engine": "mydumper", "databases": ["shop", "a|b"] })),
        ("copy", json!({ "from": "source", "to": "target", "engine": "mydumper", "parallel": 3 })),
        ("tunnel", json!({ "from": "new", "listen": "127.0.0.1:3399", "to": "old", "forward": "127.0.0.1:3306", "via": "runner" })),
        ("wait_for_lag", json!({ "replica": "target", "source": "source", "max_lag": "250ms", "for": "1s" })),
        ("clean_up", json!({ "host": "new", "keep": ["tunnel"], "tunnels": ["127.0.0.1:3307", "[::1]:3307"] })),
        ("set_variables", json!({ "server": "target", "persist": true, "variables": { "sync_binlog": 1 } })),
        ("set_variables", json!({ "server": "target", "variables": { "read_only": "OFF" } })),
        ("accounts", json!({ "from": "source", "to": "target", "others": true })),
        ("events", json!({ "from": "source", "to": "target", "scheduler": "ON" })),
        ("render", json!({ "host": "new", "path": "/etc/x.env", "template": "app.env.j2", "values": { "values": {}, "server": { "name": "a", "host": "b", "port": 1 }, "application": { "name": "a" } } })),
        ("verify", json!({ "source": "source", "replica": "target" })),
        ("approve", json!({ "message": "go?" })),
        ("copy", json!({ "from": "source", "to": "target", "engine": "clone", "parallel": 8, "limit": 20_000_000,
            "through": { "step": "tunnel", "listen": "127.0.0.1:3307" } })),
    ]
    .into_iter()
}

fn sample(uses: &str, with: &Value, plan: &Plan) -> Sample {
    let kind = find(uses).unwrap();
    let mut lookup = |reference: &str| Some(output(plan, reference));
    let with = marker::bind_all(with, kind.read, &mut lookup);
    Sample { kind, with, world: plan.world.clone() }
}

/// A value for `steps.ID.OUTPUT`.
fn output(plan: &Plan, reference: &str) -> Value {
    let mut words = reference.split('.').skip(1);
    let (id, name) = (words.next().unwrap(), words.next().unwrap());
    let uses = plan.steps.iter().find(|step| step.id == id).map_or("", |step| &step.uses);
    let output = find(uses).and_then(|kind| kind.outputs.iter().find(|output| output.name == name));
    match output.map(|output| output.kind) {
        Some(OutputType::Position) => json!({ "file": "mysql-bin.000002", "offset": 1542 }),
        Some(OutputType::Integer | OutputType::Number) => json!(12),
        Some(OutputType::Boolean) => json!(true),
        Some(OutputType::List) => json!([]),
        Some(OutputType::Text) | None => json!("/var/tmp/it's here"),
    }
}
