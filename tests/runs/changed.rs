//! A run whose files have changed since it was begun.

use crate::desk::{Desk, Ended};
use serde_json::Value;

/// Stops at its second step until `mended` is there.
const PLAYBOOK: &str = "\
version: 1
name: small
inputs: { word: { type: string, default: slow, rehearsal: quick }, many: { type: list, default: [] } }
steps:
  - id: first
    uses: command
    with: { host: local, run: [sh, -c, 'echo \"$0\" >\"$DESK/first\"', \"{{ inputs.word }}\"],
            undo: [sh, -c, 'rm \"$DESK/first\"'] }
  - id: second
    needs: [first]
    uses: command
    on_failure: stop
    with: { host: local, run: [sh, -c, 'test -e \"$DESK/mended\"'] }
  - id: third
    needs: [second]
    uses: command
    with: { host: local, run: [sh, -c, 'echo third >\"$DESK/third\"'] }
";

fn stopped(more: &[&str]) -> Desk {
    let desk = Desk::new(PLAYBOOK);
    desk.write("inputs.yaml", "word: from a file\n");
    let end = desk.run(more);
    assert_eq!(end.code, 4, "{end:?}");
    desk.write("mended", "");
    desk
}

fn entries(desk: &Desk) -> usize {
    let report: Value = serde_json::from_str(&desk.say(&["report", "--format", "json"]).out).unwrap();
    report["entries"].as_array().unwrap().len()
}

fn assert_said(end: &Ended, texts: &[&str]) {
    for text in texts {
        assert!(end.said.contains(text) || end.words().contains(text), "{text} is missing in\n{}", end.said);
    }
}

#[test]
fn the_same_files_and_inputs_are_the_same_plan_from_any_folder() {
    for more in [
        &[][..],
        &["--rehearsal"],
        &["--inputs", "inputs.yaml"],
        &["--inputs", "inputs.yaml", "--set", "many=[a, b]", "--set", "word=typed"],
    ] {
        let desk = stopped(more);
        let end = desk.say(&["resume"]);
        assert_eq!((end.code, end.said.contains("changed")), (0, false), "{more:?}: {end:?}");
        assert!(desk.exists("third"));
    }
}

#[test]
fn a_changed_playbook_is_shown_and_refused_until_told_otherwise() {
    let desk = stopped(&[]);
    let (run, before) = (desk.id(), entries(&desk));
    desk.edit("echo third", "echo else");
    let end = desk.say(&["resume", &run]);
    assert_eq!(end.code, 5, "{end:?}");
    assert_said(
        &end,
        &[
            "was started:\nstep `third`:\n",
            "\n  -      \"echo third >\\\"$DESK/third\\\"\"\n  +      \"echo else >\\\"$DESK/third\\\"\"\n",
            "has changed since it was started",
            "now: nothing was changed",
            &format!("cutover resume {run} --as-planned"),
        ],
    );
    assert!(!end.said.contains("step `first`"), "only what changed is shown: {}", end.said);
    assert!(end.out.contains("stopped"), "the summary follows: {}", end.out);
    assert_eq!(entries(&desk), before, "nothing was written");
    assert!(!desk.exists("third"));

    let end = desk.say(&["resume", &run, "--as-planned"]);
    assert_eq!(end.code, 0, "{end:?}");
    assert_eq!(std::fs::read_to_string(desk.path("third")).unwrap(), "third\n");
}

#[test]
fn a_changed_inventory_or_inputs_file_counts_as_well() {
    let desk = stopped(&["--inputs", "inputs.yaml"]);
    desk.write("inputs.yaml", "word: another\n");
    let end = desk.say(&["resume"]);
    assert_eq!(end.code, 5, "{end:?}");
    assert_said(&end, &["inputs:\n", "-  \"word\": \"from a file\"", "step `first`:"]);
    desk.write("inputs.yaml", "word: from a file\n");
    desk.write("inventory.yaml", "hosts: { local: { pass_env: [DESK] }, other: {} }\n");
    let end = desk.say(&["resume"]);
    assert_eq!(end.code, 5, "{end:?}");
    assert_said(&end, &["host `other` (new):\n"]);
    desk.write("inventory.yaml", "hosts: { local: { pass_env: [DESK] } }\n");
    assert_eq!(desk.say(&["resume"]).code, 0, "put back, it is the same plan again");
}

#[test]
fn a_file_that_is_gone_is_no_hindrance_and_an_invalid_one_is() {
    let desk = stopped(&[]);
    desk.write("playbook.yaml", "version: 1\nname: small\nsteps: nonsense\n");
    let end = desk.say(&["resume"]);
    assert_eq!(end.code, 5, "{end:?}");
    assert_said(&end, &["nonsense", "are no longer valid", "--as-planned"]);
    std::fs::remove_file(desk.path("playbook.yaml")).unwrap();
    let end = desk.say(&["resume"]);
    assert_eq!(end.code, 0, "{end:?}");
    assert_said(&end, &["playbook.yaml is gone; the run continues with its original plan"]);
    assert!(desk.exists("third"));
}

#[test]
fn a_rollback_takes_back_what_was_done_whatever_the_files_say() {
    let desk = stopped(&[]);
    desk.edit("undo: [sh, -c, 'rm \"$DESK/first\"']", "undo: [\"false\"]");
    let end = desk.say(&["rollback"]);
    assert_eq!(end.code, 3, "{end:?}");
    assert!(!desk.exists("first"));
    let end = desk.say(&["resume"]);
    assert_eq!(end.code, 5, "{end:?}");
    assert_said(&end, &["the run is over: rolled back"]);
}
