//! How the data is copied is an input of the playbook for every pair: what is not chosen is skipped, and the replica follows
//! from the place that the other one knows.

use super::program::{INVENTORY, PLAYBOOK, printed};
use serde_json::Value;

fn plan(engine: &str) -> Value {
    let input = format!("engine={engine}");
    let plan = printed(&["plan", PLAYBOOK, "-i", INVENTORY, "--set", &input, "--format", "json"]);
    serde_json::from_str(&plan).unwrap()
}

fn step<'a>(plan: &'a Value, id: &str) -> &'a Value {
    plan["steps"].as_array().unwrap().iter().find(|step| step["id"] == id).unwrap()
}

#[test]
fn one_of_two_ways_is_planned() {
    for (engine, chosen, left_out) in [
        ("dump_file", ["dump", "import"].as_slice(), ["copy"].as_slice()),
        ("mydumper", &["copy"], &["dump", "import"]),
    ] {
        let plan = plan(engine);
        let skipped = |id: &&str| step(&plan, id)["skip"].is_string();
        assert!(!chosen.iter().any(skipped) && left_out.iter().all(skipped), "{engine}");
        let position = format!("‹steps.{}.position›", chosen[0]);
        assert_eq!(step(&plan, "replicate")["with"]["position"], position);
        let old_data = if engine == "dump_file" { "" } else { "‹steps.copy.old_data›" };
        assert_eq!(step(&plan, "tidy")["with"]["old_data"], old_data);
    }
}
