//! A run that nobody works on and that has not ended well: the page says what a person does, and asks nothing.

use super::call::get;
use super::served::Served;
use std::process::{Command, Stdio};

const PLAYBOOK: &str = "\
version: 1
name: small
steps:
  - id: first
    uses: command
    with: { host: local, run: [\"true\"], undo: [sh, -c, 'exit 3 # <b>'] }
  - { id: second, needs: [first], uses: command, with: { host: local, run: [\"false\"] } }
";

#[test]
fn a_stuck_run_says_what_to_do_by_hand() {
    let served = Served::new(&[], |before| {
        let folder = before.state.parent().unwrap();
        std::fs::write(folder.join("playbook.yaml"), PLAYBOOK).unwrap();
        std::fs::write(folder.join("inventory.yaml"), "hosts: { local: {} }\n").unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_cutover"));
        command.args(["run", "playbook.yaml", "-i", "inventory.yaml", "--state"]).arg(&before.state);
        let output = command.current_dir(folder).stdin(Stdio::null()).output().unwrap();
        assert_eq!(output.status.code(), Some(4), "{}", String::from_utf8_lossy(&output.stderr));
    });
    let list = get(served.address, "/?outcome=stuck").body;
    let run = list.split("href=\"/runs/").nth(1).and_then(|after| after.split('"').next()).unwrap();
    let page = get(served.address, &format!("/runs/{run}")).body;
    for text in [
        "What to do next",
        &format!("cutover mark-undone {run} first --why TEXT"),
        "To undo first by hand",
        "exit 3 # &lt;b&gt;",
        "undo failed",
        "live servers",
    ] {
        assert!(page.contains(text), "{text}: {page}");
    }
    assert!(!page.contains("exit 3 # <b>") && !page.contains("class=\"ask\""), "{page}");
}
