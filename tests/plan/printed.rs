//! The same input gives the same plan, without a network and without a secret.

use crate::plan::{INVENTORY, PLAYBOOK, SAMPLE, cutover, printed, text};
use crate::skip::{Why, skip};
use serde_json::Value;
use std::process::Command;

fn json(playbook: &str) -> Value {
    serde_json::from_str(&printed(&["plan", playbook, "-i", INVENTORY, "--format", "json"])).unwrap()
}

#[test]
fn the_same_input_gives_the_same_bytes_and_another_gives_another_hash() {
    for format in ["text", "json", "html"] {
        let plan = |set: &str| printed(&["plan", PLAYBOOK, "-i", INVENTORY, "--format", format, "--set", set]);
        let first = plan("quiet_for=10s");
        assert_eq!(first, plan("quiet_for=10s"));
        assert_eq!(first, printed(&["plan", PLAYBOOK, "-i", INVENTORY, "--format", format]));
        assert_ne!(first, plan("quiet_for=11s"));
    }
    let (one, other) = (json(PLAYBOOK), json(SAMPLE));
    assert_eq!(one["hash"].as_str().unwrap().len(), 64);
    assert_ne!(one["hash"], other["hash"]);
}

/// In a network namespace of its own there is not even a loopback device that is up.
#[test]
fn no_network_is_needed() {
    let isolated = ["--net", "--map-root-user"];
    let possible = Command::new("unshare").args(isolated).arg("true").status().is_ok_and(|status| status.success());
    if !possible {
        // the other tests name hosts that do not exist at all
        return skip("a plain user without user namespaces cannot leave the network", Why::Other);
    }
    let program = env!("CARGO_BIN_EXE_cutover");
    let mut command = Command::new("unshare");
    command.args(isolated).args([program, "plan", PLAYBOOK, "-i", INVENTORY]).current_dir(env!("CARGO_MANIFEST_DIR"));
    assert_eq!(text(&command.output().unwrap()), printed(&["plan", PLAYBOOK, "-i", INVENTORY]));
}

/// The secrets' values are there to be found, and the plan does not look.
#[test]
fn no_secret_is_read() {
    let values = ["s3cret-source", "s3cret-repl", "s3cret-shop"];
    let mut command = cutover(&["plan", PLAYBOOK, "-i", INVENTORY, "--format", "json"]);
    command.envs(["SOURCE_PASSWORD", "REPL_PASSWORD", "SHOP_PASSWORD"].into_iter().zip(values));
    let plan = text(&command.output().unwrap());
    assert!(values.iter().all(|value| !plan.contains(value)));
    for label in ["SOURCE_PASSWORD", "REPL_PASSWORD", "secrets/target"] {
        let named = [format!("‹secret {label}›"), format!("\"secret\": \"{label}\"")];
        assert!(named.iter().any(|named| plan.contains(named)), "{label}");
    }
    assert!(plan.contains("steps.dump.position.file"), "run-time values are named");
}
