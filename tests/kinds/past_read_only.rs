//! Accounts that `read_only` does not stop: locked by the fence for as long as the server is closed, on that server alone,
//! and given back exactly.

use crate::bench::{Bench, LOOK};
use cutover::domain::product::Family;
use cutover::effects::{Cover, Login, Secrets, Session};
use cutover::error::Class;
use cutover::kinds::{Finding, Mark, Probe};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

/// Everyone with a password of no letters. `earlier` was locked by somebody else; `caller` has no privilege of the kind,
/// and may call code that runs as the administrator `migrate`.
const PEOPLE: &[&str] = &[
    "CREATE DATABASE d",
    "CREATE TABLE d.t (a INT)",
    "CREATE PROCEDURE d.p() SQL SECURITY DEFINER INSERT INTO d.t VALUES (99)",
    "CREATE USER app@'%', batch@'127.0.0.1', earlier@'%', caller@'%', plain@'%', member@'%', boss@localhost",
    "GRANT ALL ON *.* TO app@'%'",
    "GRANT READ_ONLY ADMIN ON *.* TO batch@'127.0.0.1', earlier@'%', boss@localhost",
    "GRANT ALL ON d.* TO batch@'127.0.0.1', plain@'%', member@'%'",
    "REVOKE EXECUTE ON d.* FROM batch@'127.0.0.1', plain@'%', member@'%'",
    "GRANT EXECUTE ON PROCEDURE d.p TO caller@'%'",
    "CREATE ROLE pass",
    "GRANT READ_ONLY ADMIN ON *.* TO pass",
    "GRANT pass TO member@'%'",
    "ALTER USER earlier@'%' ACCOUNT LOCK",
];
/// Those that must not get in behind the fence.
const SHUT_OUT: [&str; 4] = ["app", "batch", "caller", "member"];
const LOCKS: &str = "SELECT GROUP_CONCAT(User ORDER BY User) FROM mysql.global_priv \
     WHERE JSON_VALUE(Priv, '$.account_locked') = 1 AND User <> 'mariadb.sys'";
const RECORD: &str = "SELECT COUNT(*) FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = 'cutover_fence'";

fn with() -> Value {
    json!({ "server": "source", "replica": "target" })
}

async fn named(people: &[&str]) -> Bench {
    let bench = Bench::with(|inventory| inventory["servers"]["source"]["past_read_only"] = json!(["batch"])).await;
    for statement in people {
        bench.exec("source", statement).await;
    }
    bench
}

async fn login(bench: &Bench, server: &str, user: &str) -> Result<Session, String> {
    let address = if server == "source" { bench.source.address() } else { bench.target.address() };
    let login = Login { server: server.into(), address, user: user.into(), password: None, cover: Cover::Loopback };
    Session::open(login, Arc::new(Secrets::default())).await.map_err(|failure| failure.answer)
}

async fn assert_shut(bench: &Bench) {
    for user in SHUT_OUT {
        let answer = login(bench, "source", user).await.err();
        assert!(answer.as_ref().is_some_and(|answer| answer.contains("locked")), "{user}: {answer:?}");
    }
    let plain = login(bench, "source", "plain").await.unwrap();
    assert!(plain.exec("INSERT INTO d.t VALUES (7)", LOOK).await.is_err(), "read_only stops the others");
    assert_eq!(bench.ask("source", LOCKS).await, "app,batch,caller,earlier,member");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_gets_past_a_fence_whose_runner_is_gone_and_all_is_given_back() {
    let bench = named(PEOPLE).await;
    bench.exec("target", "CREATE DATABASE d").await;
    bench.exec("target", "CREATE TABLE d.t (a INT)").await;
    bench.replicate().await;
    let before = bench.ask("source", LOCKS).await;
    assert_eq!(before, "earlier");
    let (app, batch) = (login(&bench, "source", "app").await.unwrap(), login(&bench, "source", "batch").await.unwrap());
    app.exec("INSERT INTO d.t VALUES (1)", LOOK).await.unwrap();
    let step = bench.step("fence", &with());
    let refused = step.inspect().await;
    let words = refused.iter().map(|failure| failure.answer.as_str()).collect::<Vec<_>>().join("; ");
    assert_eq!(
        words,
        "read_only does not stop writes by app@%, caller@% (by code that runs as migrate@127.0.0.1), \
         member@% (by the role pass)",
        "whoever is not named is told before anything begins"
    );
    step.prepare().await.unwrap(); // they may have come since: the fence shuts them out all the same
    assert_eq!(bench.ask("source", RECORD).await, "0", "nothing is noted before it falls");
    let outputs = step.execute().await.unwrap();
    assert_eq!(outputs["ended"], json!(["1 session of app@127.0.0.1", "1 session of batch@127.0.0.1"]));
    assert!(app.query("SELECT 1", LOOK).await.is_err() && batch.query("SELECT 1", LOOK).await.is_err());

    bench.die().await; // and with the runner the strongest lock
    assert_shut(&bench).await;
    assert_eq!(
        bench.position().await,
        outputs["position"],
        "nothing after the last place, the locks themselves included"
    );
    bench.caught_up().await;
    assert_eq!(bench.ask("target", RECORD).await, "0", "it is this server's own");
    bench.source.restart().await.unwrap();
    bench.die().await;
    assert_shut(&bench).await;

    // whoever goes on shuts it anew, and still knows whom it has locked
    step.prepare().await.unwrap();
    let again = step.execute().await.unwrap();
    assert_eq!((&again["ended"], &again["position"]), (&json!([]), &bench.position().await));
    bench.die().await;
    assert_shut(&bench).await;
    for _ in 0..2 {
        step.undo().await.unwrap();
        assert_eq!((bench.ask("source", LOCKS).await, bench.ask("source", RECORD).await), (before.clone(), "0".into()));
        let app = login(&bench, "source", "app").await.unwrap();
        app.exec("INSERT INTO d.t VALUES (2)", LOOK).await.unwrap();
    }
}

/// The way back: another run, with another journal, opens what the fence of the switch has closed.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_opens_the_server_for_good_gives_accounts_back() {
    let bench = named(&[]).await;
    bench.exec("target", "SET GLOBAL read_only = OFF").await;
    bench.replicate().await;
    bench.exec("source", "CREATE DATABASE d").await;
    bench.exec("source", "CREATE USER old@'%', shop@'127.0.0.1' IDENTIFIED BY 'laden'").await;
    bench.exec("source", "GRANT ALL ON *.* TO old@'%', shop@'127.0.0.1'").await;
    bench.caught_up().await;
    bench.exec("target", "SET GLOBAL read_only = ON").await;
    // the target as one that was fenced earlier: locked there, and noted by another run
    for statement in [
        "SET SESSION sql_log_bin = 0",
        "CREATE DATABASE cutover_fence",
        "CREATE TABLE cutover_fence.locked_account (run VARCHAR(64), user VARCHAR(128), host VARCHAR(255))",
        "INSERT INTO cutover_fence.locked_account VALUES ('r0', 'old', '%'), ('r0', 'shop', '127.0.0.1')",
        "ALTER USER old@'%', shop@'127.0.0.1' ACCOUNT LOCK",
        "SET SESSION sql_log_bin = 1",
    ] {
        bench.exec("target", statement).await;
    }
    let accounts = bench.step("accounts", &json!({ "application": "shop", "from": "source", "to": "target" }));
    accounts.execute().await.unwrap(); // locked, and its password proved all the same
    bench.exec("target", "SET SESSION sql_log_bin = 0").await;
    bench.exec("target", "ALTER USER shop@'127.0.0.1' IDENTIFIED BY 'falsch'").await;
    assert!(accounts.execute().await.unwrap_err().answer.contains("1045"));
    bench.exec("target", "ALTER USER shop@'127.0.0.1' IDENTIFIED BY 'laden'").await;
    bench.exec("target", "SET SESSION sql_log_bin = 1").await;

    let fence = bench.step("fence", &with());
    fence.prepare().await.unwrap();
    let position = fence.execute().await.unwrap()["position"].clone();
    bench.caught_up().await;
    let promote = bench.step("promote", &json!({ "server": "target", "source": "source", "position": position }));
    assert_eq!(promote.inspect().await, []);
    promote.prepare().await.unwrap();
    assert_eq!(bench.ask("target", LOCKS).await, "old,shop", "nothing before it is open");
    let outputs = promote.execute().await.unwrap();
    assert_eq!((bench.ask("target", LOCKS).await, bench.ask("target", RECORD).await), ("nothing".into(), "0".into()));
    assert!(login(&bench, "target", "old").await.is_ok());
    assert_eq!(promote.probe().await, Probe::Done(outputs.clone()));

    // the runner died between the opening and the rest
    bench.exec("target", "CREATE DATABASE cutover_fence").await;
    bench
        .exec("target", "CREATE TABLE cutover_fence.locked_account (run INT, user VARCHAR(128), host VARCHAR(255))")
        .await;
    bench.exec("target", "INSERT INTO cutover_fence.locked_account VALUES (1, 'old', '%'), (1, 'gone', '%')").await;
    bench.exec("target", "ALTER USER old@'%' ACCOUNT LOCK").await;
    assert_eq!(promote.probe().await, Probe::NotDone);
    assert_eq!(promote.execute().await.unwrap(), outputs, "its own place before the first write stays what it was");
    assert_eq!((bench.ask("target", LOCKS).await, bench.ask("target", RECORD).await), ("nothing".into(), "0".into()));
}

async fn verdict(bench: &Bench) -> (Mark, String) {
    let step = bench.step("preflight", &json!({ "source": "source", "target": "target", "application": "shop" }));
    let found = step.survey().await.unwrap().into_iter().find_map(|finding| match finding {
        Finding::Check(check) if check.name == "read_only_bypass" => Some((check.result, check.evidence)),
        _ => None,
    });
    found.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn preflight_stops_at_whoever_is_not_named() {
    let bench = named(&[]).await;
    let (mark, evidence) = verdict(&bench).await;
    assert_eq!(mark, Mark::Pass, "{evidence}");
    assert!(evidence.contains("from its own machine only: root@localhost"), "{evidence}");
    for statement in PEOPLE {
        bench.exec("source", statement).await;
    }
    let (mark, evidence) = verdict(&bench).await;
    assert_eq!(mark, Mark::Block, "{evidence}");
    for words in ["app@%", "caller@% (by code that runs as migrate@127.0.0.1)", "member@% (by the role pass)"] {
        assert!(evidence.contains(words), "{words}: {evidence}");
    }
    assert!(evidence.contains("locked on `source` from the fence on: batch@127.0.0.1"), "{evidence}");
    assert!(!evidence.contains("earlier@%") && !evidence.contains("plain@%"), "{evidence}");

    // an administrator of the machine is told to leave while he is there, by the fence too
    for account in ["app@'%'", "caller@'%'", "member@'%'"] {
        bench.exec("source", &format!("DROP USER {account}")).await;
    }
    assert_eq!(verdict(&bench).await.0, Mark::Pass);
    bench.exec("source", "CREATE USER dba@'127.0.0.1'").await;
    bench.exec("source", "GRANT ALL ON *.* TO dba@'127.0.0.1'").await;
    let dba = login(&bench, "source", "dba").await.unwrap();
    let (mark, evidence) = verdict(&bench).await;
    assert_eq!(mark, Mark::Block);
    assert!(evidence.contains("dba@127.0.0.1, 1 session") && evidence.contains("end 1 session of dba@"), "{evidence}");
    let failure = bench.step("fence", &json!({ "server": "source" })).prepare().await.unwrap_err();
    assert_eq!(failure.class, Class::NotYet);
    assert!(failure.answer.contains("dba@127.0.0.1"), "{failure}");
    dba.close().await;
    assert_eq!(verdict(&bench).await.0, Mark::Pass);
}

/// The fence does not fall while the replica is behind, and nothing is touched then.
#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_is_behind_puts_the_fence_off() {
    let bench = named(&[]).await;
    let file = std::fs::read_to_string(bench.source.config_file()).unwrap();
    bench.exec("source", "CREATE DATABASE d").await;
    bench.exec("target", "CREATE DATABASE d").await;
    bench.replicate().await;
    bench.exec("source", "CREATE TABLE d.t (a INT)").await;
    bench.caught_up().await;
    let mut hasty = with();
    (hasty["patience"], hasty["lag_at_fence"]) = (json!("300ms"), json!("50ms"));
    let step = bench.step("fence", &hasty);
    step.prepare().await.unwrap();
    let reader = bench.stranger("target").await;
    reader.exec("LOCK TABLES d.t READ", LOOK).await.unwrap();
    bench.exec("source", "INSERT INTO d.t VALUES (1)").await;
    for failure in [step.prepare().await.unwrap_err(), step.execute().await.unwrap_err()] {
        assert_eq!(failure.class, Class::NotYet, "{failure}");
        assert!(failure.answer.contains("behind, allowed is 50ms"), "{failure}");
        assert_eq!(bench.ask("source", "SELECT @@GLOBAL.read_only").await, "0");
        assert_eq!(std::fs::read_to_string(bench.source.config_file()).unwrap(), file);
        assert!(step.notes.0.lock().unwrap().is_empty());
    }
    reader.exec("UNLOCK TABLES", LOOK).await.unwrap();
    bench.caught_up().await;
    step.execute().await.unwrap();
    step.undo().await.unwrap();
    bench.exec("target", "STOP SLAVE").await;
    let failure = step.prepare().await.unwrap_err();
    assert_eq!(failure.class, Class::NotYet);
    assert!(failure.answer.contains("replication is not running"), "{failure}");
}

/// Only a value that was read says that the replica is open: whatever else it answers, the application gets its server.
#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_refuses_to_answer_does_not_keep_the_server_shut() {
    let bench = named(&[]).await;
    bench.replicate().await;
    let password = bench.text("target");
    for before in ["0", "1"] {
        bench.exec("source", &format!("SET GLOBAL read_only = {before}")).await; // one that was closed stays so
        let step = bench.step("fence", &with());
        step.prepare().await.unwrap();
        step.execute().await.unwrap();
        std::fs::write(bench.path("target"), "nobody's").unwrap();
        bench.die().await;
        step.undo().await.unwrap();
        std::fs::write(bench.path("target"), &password).unwrap();
        bench.die().await;
        assert_eq!(bench.ask("source", "SELECT @@GLOBAL.read_only").await, before);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn mysql_keeps_administrators_out_through_restarts_with_and_without_a_file() {
    if !crate::bench::mysql().await {
        return;
    }
    let mut bench = Bench::of(Family::MySql).await;
    bench.exec("source", "CREATE DATABASE d").await;
    bench.exec("source", "CREATE TABLE d.t (a INT PRIMARY KEY)").await;
    let file = std::fs::read_to_string(bench.source.config_file()).unwrap();
    let path = bench.world.inventory.servers.get_mut("source").unwrap().config_file.clone();
    for with_file in [true, false] {
        bench.world.inventory.servers.get_mut("source").unwrap().config_file = path.clone().filter(|_| with_file);
        let step = bench.step("fence", &json!({ "server": "source" }));
        assert_eq!(step.inspect().await, [], "{with_file}");
        step.prepare().await.unwrap();
        step.execute().await.unwrap();
        bench.source.restart().await.unwrap();
        bench.die().await;
        let both = "SELECT CONCAT(@@GLOBAL.read_only, @@GLOBAL.super_read_only, @@GLOBAL.event_scheduler)";
        assert_eq!(bench.ask("source", both).await, "11OFF", "{with_file}");
        let admin = bench.stranger("source").await;
        assert!(admin.exec("INSERT INTO d.t VALUES (1)", Duration::from_secs(2)).await.is_err());
        step.undo().await.unwrap();
        assert_eq!(bench.ask("source", both).await, "00ON", "{with_file}");
        let kept = "SELECT COUNT(*) FROM performance_schema.persisted_variables";
        assert_eq!(bench.ask("source", kept).await, "0");
        assert_eq!(std::fs::read_to_string(bench.source.config_file()).unwrap(), file);
    }
    bench.exec("source", "CREATE USER job@'%'").await;
    bench.exec("source", "CREATE ROLE pass").await;
    bench.exec("source", "GRANT CONNECTION_ADMIN ON *.* TO pass").await;
    assert_eq!(verdict(&bench).await.0, Mark::Pass);
    bench.exec("source", "GRANT pass TO job@'%'").await;
    let (mark, evidence) = verdict(&bench).await;
    assert!(mark == Mark::Block && evidence.contains("job@% (by the role pass)"), "{evidence}");
}
