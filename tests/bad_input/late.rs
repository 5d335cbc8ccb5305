//! A run that fails late, with everything in place but the switch: the copy stands, and rolled back by a person, both
//! servers are what they were.

use crate::stage::{SWAP, Stage};

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_fails_before_the_switch_leaves_both_servers_as_they_were() {
    let stage = Stage::make(5000).await;
    let before = stage.fingerprints().await;
    let end = SWAP.find("  - id: go\n").unwrap();
    let failing = "  - { id: last, needs: [keeps_up], uses: command, with: { host: new, run: [sh, -c, 'echo no >&2; exit 7'] } }\n";
    let playbook = format!("{}{failing}", &SWAP[..end]);
    let ended = stage.run(&playbook, &stage.inventory, "late").end();
    let complaint = ended.judge("late", 3, &["it exited with code 7: no", "on new"]);
    assert_eq!(complaint, "");
    assert_eq!(ended.summary["outcome"], "kept");
    let ended = stage.program("rollback").state("late").arg("--format").arg("json").end();
    assert_eq!(ended.judge("late, rolled back", 3, &[]) + &stage.changes(&before).await, "");
    let steps = ended.summary["steps"].as_array().unwrap();
    assert!(steps.iter().filter(|step| step["status"] == "undone").count() > 5, "{steps:#?}");
}
