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
    assert!(code == 5 && said.contains("these steps wait for approval: go"), "{code} {said}");
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
    assert!(
        said.contains("rejected by ")
            && said.contains(": not today")
            && said.contains(&format!("cutover resume {run}")),
        "{said}"
    );
    assert_eq!(stage.status()["outcome"], "kept");
    let follows = stage.value(false, "SHOW SLAVE STATUS").await;
    let at_work = ["Waiting for master to send event", "Queueing master event to the relay log"];
    assert!(at_work.contains(&follows.as_str()), "it goes on following: {follows}");
    let (code, said) = stage.say(&["rollback", &run]);
    assert_eq!(code, 3, "{said}");
    stage.assert_taken_back(&config).await;
}

/// How servers are reached and restarted may be corrected, what is done may not, and an address may not lead elsewhere.
#[tokio::test(flavor = "multi_thread")]
async fn an_inventory_corrects_how_servers_are_reached_and_nothing_else() {
    let mut stage = Stage::new(SHIPPED).await;
    let runner = stage.run(&[]);
    stage.until("go", "waiting").await;
    let run = stage.status()["run"].as_str().unwrap().to_owned();
    runner.interrupt();
    assert_eq!(runner.end().await.0, 130);
    let inventory = std::fs::read_to_string(stage.sandbox.inventory()).unwrap();
    let file = stage.sandbox.dir().join("corrected.yaml");
    let resume = |text: &str| {
        std::fs::write(&file, text).unwrap();
        stage.say(&["resume", &run, "--yes", "--inventory", file.to_str().unwrap()])
    };
    let data = stage.sandbox.target.data_dir().display().to_string();
    let (code, said) = resume(&inventory.replace(&format!("data_dir: {data}"), "data_dir: /elsewhere"));
    assert!(code == 5 && said.contains("servers.target.data_dir"), "{code} {said}");
    let (old, new) = (stage.sandbox.source.address(), stage.sandbox.target.address());
    let elsewhere = inventory.replace(&format!("address: {new}"), &format!("address: {old}"));
    let (code, said) = resume(&elsewhere.replace("TARGET_PASSWORD", "SOURCE_PASSWORD"));
    assert!(code != 0 && said.contains("leads to another server"), "{code} {said}");
    let (code, said) = resume(&inventory.replace("restart: [", "restart: [env, "));
    assert_eq!(code, 0, "{said}");
    assert!(
        said.contains("- servers.target.restart: ") && said.contains("+ servers.target.restart: [\"env\""),
        "{said}"
    );
    let (_, report) = stage.say(&["report", &run, "--format", "json"]);
    assert!(report.contains("inventory_corrected"), "it stands in the journal");
    stage.assert_done().await;
}
