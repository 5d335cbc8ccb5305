//! Two runs on the same servers: the second is told who is first, and touches nothing.

use crate::stage::{Ended, Stage, until};

const LOCKED: i32 = 6;

/// Names both servers, then waits for a person.
const PLAYBOOK: &str = "\
version: 1
name: patient
inputs: { tunnel: { type: string }, way_back_tunnel: { type: string } }
steps:
  - { id: old, uses: sql, with: { server: source, statements: [SELECT 1] } }
  - { id: new, uses: sql, with: { server: target, statements: [SELECT 1] } }
  - { id: go, needs: [old, new], uses: approve }
";

#[tokio::test(flavor = "multi_thread")]
async fn the_second_run_is_refused_and_says_who_is_first() {
    let stage = Stage::make(100).await;
    let before = stage.fingerprints().await;
    let first = stage.run(PLAYBOOK, &stage.inventory, "first").begin();
    let status = || stage.program("status").state("first").arg("--format").arg("json").end().summary;
    until("the first run waits", || {
        status()["steps"].as_array().is_some_and(|steps| steps.iter().any(|step| step["status"] == "waiting"))
    });
    let id = status()["run"].as_str().unwrap().to_owned();

    let elsewhere = stage.run(PLAYBOOK, &stage.inventory, "elsewhere").end();
    let texts = ["another run holds it", "migrate@127.0.0.1", "nothing was changed"];
    let mut complaints = elsewhere.judge("another state directory", LOCKED, &texts);
    let same = stage.run(PLAYBOOK, &stage.inventory, "first").end();
    let holder = format!("it is held by run {id}");
    complaints += &same.judge("the same state directory", LOCKED, &[&holder, "nothing was touched", "--state"]);
    let list = stage.program("list").state("elsewhere").arg("--format").arg("json").end();
    assert_eq!(list.summary, serde_json::json!([]), "no run may be recorded: {}", list.said);

    let refused = stage.program("approve").arg(&id).arg("--refuse").state("first").end();
    assert_eq!(refused.code, Some(0), "{}", refused.said);
    let ended = Ended::from(first.wait_with_output().unwrap());
    assert_ne!(ended.code, Some(0));
    complaints += &stage.changes(&before).await;
    assert_eq!(complaints, "");
    // both are free again
    let third = stage.run(PLAYBOOK, &stage.inventory, "elsewhere").arg("--yes").end();
    assert_eq!(third.code, Some(0), "{}", third.said);
}
