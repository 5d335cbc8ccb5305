//! SIGKILL at every kind of moment, then `resume` or `rollback`.

use crate::stage::{SHIPPED, Stage, config_of, steps};
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

/// Makes a program of a host take its time before it begins.
fn slow(stage: &Stage, host: &str, program: &str) {
    let folder = stage.sandbox.dir().join(format!("ssh/{host}/home/bin"));
    std::fs::create_dir_all(&folder).unwrap();
    let script = format!("#!/bin/sh\ncase $1 in --no-defaults) ;; *) sleep 2;; esac\nexec /usr/bin/{program} \"$@\"\n");
    // made beside it and moved: a link that stands there leads to a program of the machine, which is not ours to write
    let (made, place) = (folder.join(format!(".{program}")), folder.join(program));
    std::fs::write(&made, script).unwrap();
    std::fs::set_permissions(&made, std::fs::Permissions::from_mode(0o755)).unwrap();
    std::fs::rename(made, place).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn in_the_dump_and_in_the_import_and_at_the_question() {
    let mut stage = Stage::new(SHIPPED).await;
    slow(&stage, "new", "mariadb-dump");
    slow(&stage, "new", "mariadb");
    let runner = stage.run(&[]);
    stage.until("dump", "running").await;
    tokio::time::sleep(Duration::from_millis(700)).await;
    runner.kill();
    let (code, said) = stage.say(&["status"]);
    assert!(code == 0 && said.contains("not finished, and no process is working on it"), "{said}");
    assert!(said.contains("cutover resume") && said.contains("cutover rollback"), "{said}");

    let runner = stage.start(&["resume"]);
    stage.until_resumed(1).await;
    stage.until("import", "running").await;
    tokio::time::sleep(Duration::from_millis(700)).await;
    runner.kill();
    let runner = stage.start(&["resume"]);
    stage.until_resumed(2).await;
    stage.until("go", "waiting").await;
    runner.kill();
    let begun = (stage.begun("dump"), stage.begun("import"));
    let (code, said) = stage.start(&["resume", "--yes"]).end().await;
    assert_eq!(code, 0, "{said}");
    assert_eq!(stage.status()["resumed"], 3);
    assert_eq!((stage.begun("dump"), stage.begun("import")), begun, "what had ended well is not begun again");
    stage.assert_done().await;
    assert_eq!(stage.value(false, "SHOW SLAVE STATUS").await, "nothing");
    let (code, said) = stage.say(&["resume"]);
    assert!(code == 5 && said.contains("the run is over: done"), "{code} {said}");
    let (code, said) = stage.say(&["rollback"]);
    assert!(code == 5 && said.contains("point of no return"), "{code} {said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn before_the_switch_and_then_taken_back() {
    let mut stage = Stage::new(SHIPPED).await;
    let config = config_of(&stage.sandbox.target);
    let runner = stage.run(&[]);
    stage.until("keeps_up", "running").await;
    stage.value(true, "CREATE USER late@'%' IDENTIFIED BY 'spaet'").await;
    stage.value(true, "GRANT SELECT ON shop.* TO late@'%'").await;
    let arrived = "SELECT COUNT(*) FROM mysql.user WHERE User = 'late'";
    while stage.value(false, arrived).await != "1" {}
    runner.kill();
    let (code, said) = stage.start(&["rollback", "--why", "second thoughts"]).end().await;
    assert_eq!(code, 3, "{said}");
    assert!(said.contains("rolled back because: second thoughts"), "{said}");
    stage.assert_taken_back(&config).await;
    let (code, said) = stage.say(&["resume"]);
    assert!(code == 5 && said.contains("rolled back"), "{code} {said}");
}

/// Nobody is there to start it: the inventory says how.
#[tokio::test(flavor = "multi_thread")]
async fn a_rollback_starts_a_server_that_died_and_goes_on() {
    let mut stage = Stage::new(SHIPPED).await;
    stage.give_start("target");
    let config = config_of(&stage.sandbox.target);
    let runner = stage.run(&[]);
    stage.until("go", "waiting").await;
    runner.kill();
    stage.sandbox.target.kill();
    let (code, said) = stage.start(&["rollback", "--why", "it died"]).end().await;
    assert_eq!(code, 3, "{said}");
    assert!(said.contains("target is down: starting it with `sh ") && said.contains("target answers again"), "{said}");
    stage.assert_taken_back(&config).await;
}

/// However it was hit: after `resume` the switch is done, or all is taken back; and never are both servers open.
async fn at(moments: &[(&str, u64)]) {
    for &(step, delay) in moments {
        let mut stage = Stage::new(SHIPPED).await;
        let config = config_of(&stage.sandbox.target);
        let runner = stage.run(&["--yes"]);
        stage.until_begun(step).await;
        tokio::time::sleep(Duration::from_millis(delay)).await;
        runner.kill();
        let (old, new) = stage.open().await;
        let summary = stage.status();
        let under_way = steps(&summary).filter(|step| step["status"] == "running");
        let stood: Vec<_> = under_way.map(|step| step["id"].to_string()).collect();
        let moment = format!("{delay} ms after {step} began: old {old}, new {new}, under way {stood:?}");
        assert!(!(old && new), "both take writes {moment}");
        let (code, said) = stage.start(&["resume", "--yes"]).end().await;
        println!("{moment}: {code}");
        match code {
            0 => stage.assert_done().await,
            3 => stage.assert_taken_back(&config).await,
            _ => panic!("{moment}: {code} {said}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_fence_falls() {
    at(&[("fence", 0), ("fence", 60), ("final", 0)]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_new_server_is_opened_and_after() {
    at(&[("promote", 0), ("promote", 12), ("app", 0)]).await;
}
