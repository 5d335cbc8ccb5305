//! Inputs that are missing, of the wrong type, or not asked for.

use crate::check::{Desk, refused};

const PLAYBOOK: &str = "\
version: 1
name: trial
inputs:
  message: { type: string }
  size: { type: integer, default: 3 }
  names: { type: list, default: [] }
steps:
  - { id: go, uses: approve, with: { message: '{{ inputs.message }}' } }
";

#[test]
fn on_the_command_line() {
    let desk = Desk::new(PLAYBOOK);
    assert_eq!(desk.check(&["--set", "message=a=b"]).code, Some(0));
    refused("input-missing", desk.check(&[]), &["message"]);
    refused("set-unknown", desk.check(&["--set", "message=a", "--set", "sise=4"]), &[""]);
    refused("set-without-value", desk.check(&["--set", "message=a", "--set", "size"]), &[""]);
    refused("set-of-the-wrong-type", desk.check(&["--set", "message=a", "--set", "size=large"]), &[""]);
    refused("set-that-is-no-list", desk.check(&["--set", "message=a", "--set", "names=shop"]), &[""]);
}

#[test]
fn in_a_file() {
    let desk = Desk::new(PLAYBOOK);
    let arguments = ["--inputs", "inputs.yaml"];
    refused("inputs-file-missing", desk.check(&arguments), &[""]);
    desk.write("inputs.yaml", b"message: now\nsise: 4\nnmaes: [a]\n");
    refused("inputs-unknown", desk.check(&arguments), &["sise", "nmaes"]);
    desk.write("inputs.yaml", b"message: now\nsize: large\n");
    refused("inputs-of-the-wrong-type", desk.check(&arguments), &["large"]);
    desk.write("inputs.yaml", b"- message\n");
    refused("inputs-no-mapping", desk.check(&arguments), &["message"]);
}
