//! Ctrl-C, and people who answer from elsewhere.

use crate::stage::{SHIPPED, Stage, config_of};

#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_at_the_question_then_an_answer_from_a_second_process() {
    let mut stage = Stage::new(SHIPPED).await;
    let runner = stage.run(&[]);
    stage.until("go", "waiting").await;
    let run = stage.status()["run"].as_str().unwrap().to_owned();
    let (_, said) = stage.say(&["status"]);
    assert!(said.contains("running") && said.contains(&format!("next: cutover approve {run} go")), "{said}");
    let (code, said) = stage.say(&["resume"]);
    assert!(code == 6, "someone is working on it: {code} {said}");
    runner.interrupt();
    let (code, said) = runner.end().await;
    assert_eq!(code, 130, "{said}");
    assert!(said.contains(&format!("next: cutover resume {run}, or cutover rollback {run}")), "{said}");
    assert!(stage.say(&["status"]).1.contains(&format!("next: cutover resume {run}")));
    assert_eq!(stage.open().await, (true, false));

    let runner = stage.start(&["resume", &run]);
    stage.until("go", "waiting").await;
    let (code, said) = stage.say(&["approve", &run, "nonsense"]);
    assert!(code == 5 && said.contains("waiting are: go"), "{code} {said}");
    let (code, said) = stage.say(&["approve", &run]);
    assert!(code == 0 && said.contains("approved `go`"), "{code} {said}");
    let (code, said) = runner.end().await;
    assert_eq!(code, 0, "{said}");
    stage.assert_done().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_no_from_a_second_process_leaves_the_copy_until_a_person_takes_it_back() {
    let mut stage = Stage::new(SHIPPED).await;
    let config = config_of(&stage.sandbox.target);
    let runner = stage.run(&[]);
    stage.until("go", "waiting").await;
    let run = stage.status()["run"].as_str().unwrap().to_owned();
    let (code, said) = stage.say(&["approve", &run, "go", "--refuse", "--reason", "not today"]);
    assert_eq!(code, 0, "{said}");
    let (code, said) = runner.end().await;
    assert_eq!(code, 3, "{said}");
    assert!(said.contains("said no: not today") && said.contains(&format!("cutover resume {run}")), "{said}");
    assert_eq!(stage.status()["outcome"], "kept");
    assert_eq!(
        stage.value(false, "SHOW SLAVE STATUS").await,
        "Waiting for master to send event",
        "it goes on following"
    );
    let (code, said) = stage.say(&["rollback", &run]);
    assert_eq!(code, 3, "{said}");
    stage.assert_taken_back(&config).await;
}
