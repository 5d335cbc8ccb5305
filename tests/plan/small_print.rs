//! The small print of the design: what may be left out.

use crate::plan::{SAMPLE, cutover, file, printed};
use serde_json::Value;

const COMMAND: &str =
    "version: 1\nname: small\nsteps:\n  - { id: a, uses: command, with: { host: local, run: [echo, hi] } }\n";

#[test]
fn a_host_without_ssh_is_this_machine() {
    let folder = tempfile::tempdir().unwrap();
    let playbook = file(&folder, "p.yaml", COMMAND);
    for text in ["hosts: { local: {} }\n", "hosts:\n  local:\n"] {
        let inventory = file(&folder, "i.yaml", text);
        let plan = printed(&["plan", playbook.to_str().unwrap(), "-i", inventory.to_str().unwrap()]);
        assert!(plan.contains("local$ echo hi"), "{plan}");
    }
}

#[test]
fn an_inventory_may_be_left_out_where_nothing_names_a_host() {
    let folder = tempfile::tempdir().unwrap();
    let playbook = "version: 1\nname: n\nsteps:\n  - { id: go, uses: approve }\n  - { id: w, needs: [go], uses: approve, with: {} }\n";
    let playbook = file(&folder, "p.yaml", playbook);
    let plan = printed(&["plan", playbook.to_str().unwrap()]);
    assert!(plan.contains("1. go  (approve)") && plan.contains("2. w  (approve)  after go"), "{plan}");

    let playbook = file(&folder, "p.yaml", COMMAND);
    let output = cutover(&["plan", playbook.to_str().unwrap()]).output().unwrap();
    let complaint = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(complaint.contains("add `-i inventory.yaml`") && output.stdout.is_empty(), "{complaint}");
}

/// An application may live where the inventory lists no machine: ssh knows the name. A slip is still a slip.
#[test]
fn an_applications_host_may_be_a_name_of_ssh() {
    let folder = tempfile::tempdir().unwrap();
    let listed = std::fs::read_to_string(crate::plan::INVENTORY).unwrap();
    let inventory = file(&folder, "i.yaml", &listed);
    let plan = printed(&["plan", SAMPLE, "-i", inventory.to_str().unwrap(), "--format", "json"]);
    let plan: Value = serde_json::from_str(&plan).unwrap();
    assert_eq!(plan["world"]["inventory"]["hosts"]["app1"]["ssh"], "app1");

    let inventory = file(&folder, "i.yaml", &listed.replace("host: app1", "host: nev"));
    let output = cutover(&["plan", SAMPLE, "-i", inventory.to_str().unwrap()]).output().unwrap();
    let complaint = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(2) && complaint.contains("did you mean `new`?"), "{complaint}");
}

#[test]
fn inputs_come_from_a_file_and_from_the_command_line() {
    let folder = tempfile::tempdir().unwrap();
    let inputs = file(&folder, "inputs.yaml", "databases: [shop]\nmin_write_iops: 7\n");
    let plan = |more: &[&str]| {
        let mut args = vec!["plan", SAMPLE, "-i", crate::plan::INVENTORY, "--inputs", inputs.to_str().unwrap()];
        args.extend(more);
        printed(&args)
    };
    let plain = plan(&[]);
    assert!(plain.contains("input databases = [\"shop\"]") && plain.contains("input min_write_iops = 7"), "{plain}");
    assert!(plan(&["--set", "databases=[crm]"]).contains("input databases = [\"crm\"]"));
}
