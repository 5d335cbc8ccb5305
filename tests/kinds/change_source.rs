//! `change_source`, `wait_for_position` and `forget_source`: a channel made, proved, gone on with, taken back.

use crate::bench::{Bench, LOOK, until};
use cutover::domain::product::Family;
use cutover::error::Class;
use cutover::kinds::Probe;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const STATUS: &str = "SHOW SLAVE STATUS";

async fn with(bench: &Bench) -> Value {
    json!({ "replica": "target", "source": "source", "position": bench.position().await,
            "through": { "step": "tunnel", "listen": bench.source.address() } })
}

async fn ready() -> Bench {
    let bench = Bench::new().await;
    bench.exec("source", "GRANT REPLICATION SLAVE ON *.* TO repl@'127.0.0.1' IDENTIFIED BY 'folge'").await;
    bench.exec("source", "CREATE DATABASE d").await;
    bench.exec("source", "CREATE TABLE d.t (id INT PRIMARY KEY AUTO_INCREMENT, a INT)").await;
    bench
}

#[tokio::test]
async fn follows_from_its_place_and_goes_on_from_where_it_is() {
    let bench = ready().await;
    let early = with(&bench).await;
    let step = bench.step("change_source", &early);
    bench.exec("target", "CREATE DATABASE d").await;
    bench.exec("target", "CREATE TABLE d.t (id INT PRIMARY KEY AUTO_INCREMENT, a INT)").await;
    assert_eq!((step.inspect().await, step.probe().await), (vec![], Probe::NotDone));
    step.execute().await.unwrap();
    bench.exec("source", "INSERT INTO d.t (a) VALUES (1), (2)").await;
    bench.caught_up().await;
    assert_eq!(bench.ask("target", "SELECT COUNT(*) FROM d.t").await, "2");
    assert!(matches!(step.probe().await, Probe::Done(_)));
    let heartbeat: f64 =
        bench.column("target", "SHOW STATUS LIKE 'Slave_heartbeat_period'", "Value").await.parse().unwrap();
    assert!(heartbeat > 0.0 && heartbeat <= 5.0, "{heartbeat}");

    // a runner that died here: its successor must not apply these rows a second time
    bench.die().await;
    bench.exec("target", "STOP SLAVE").await;
    bench.exec("source", "INSERT INTO d.t (a) VALUES (3)").await;
    assert_eq!(step.probe().await, Probe::NotDone);
    step.execute().await.unwrap();
    bench.caught_up().await;
    assert_eq!(bench.ask("target", "SELECT COUNT(*) FROM d.t").await, "3");

    // nor may a failure to apply send it back to the beginning
    bench.exec("target", "SET SESSION sql_log_bin = 0").await;
    bench.exec("target", "INSERT INTO d.t (id, a) VALUES (4, 0)").await;
    bench.exec("source", "INSERT INTO d.t (id, a) VALUES (4, 4)").await;
    until("it stops", async || bench.column("target", STATUS, "Last_SQL_Errno").await == "1062").await;
    until("it has stopped", async || bench.column("target", STATUS, "Slave_SQL_Running").await == "No").await;
    let stopped = bench.column("target", STATUS, "Exec_Master_Log_Pos").await;
    let failure = step.execute().await.unwrap_err();
    assert_eq!(failure.class, Class::Permanent);
    assert!(failure.answer.contains("error 1062") && failure.answer.contains("Duplicate entry '4'"), "{failure}");
    assert_eq!(bench.column("target", STATUS, "Exec_Master_Log_Pos").await, stopped);
    bench.exec("target", "DELETE FROM d.t WHERE id = 4").await;
    step.execute().await.unwrap();
    bench.exec("source", "CREATE DATABASE cutover").await;
    bench.caught_up().await;
    assert_eq!(bench.ask("target", "SHOW DATABASES LIKE 'cutover'").await, "cutover");
    for _ in 0..2 {
        step.undo().await.unwrap();
        assert_eq!(bench.ask("target", "SHOW DATABASES LIKE 'cutover'").await, "nothing", "it came with the channel");
        assert_eq!(bench.ask("target", "SHOW DATABASES LIKE 'd'").await, "d");
        assert_eq!(bench.column("target", STATUS, "Master_Host").await, "nothing");
    }
}

/// Everything that makes accounts, as the server itself sums it up.
async fn grants(bench: &Bench) -> Vec<String> {
    let mut sums = Vec::new();
    for table in bench.target.dialect().grant_tables() {
        let sum = format!("CHECKSUM TABLE mysql.{}", table.name);
        sums.push(format!("{} {}", table.name, bench.column("target", &sum, "Checksum").await));
    }
    sums
}

/// Statements about accounts, on the source while the replica follows: made, changed, dropped, given roles.
const ACCOUNT_STATEMENTS: [&str; 9] = [
    "CREATE USER late@'%' IDENTIFIED BY 'spaet'",
    "GRANT ALL PRIVILEGES ON *.* TO late@'%' WITH GRANT OPTION",
    "CREATE ROLE writer",
    "GRANT INSERT, UPDATE ON d.* TO writer",
    "GRANT writer TO late@'%'",
    "SET DEFAULT ROLE writer FOR late@'%'",
    "ALTER USER early@'%' IDENTIFIED BY 'anders'",
    "GRANT DELETE ON d.t TO early@'%'",
    "DROP USER going@'%'",
];

async fn accounts_that_come_through_the_channel_go_with_it(family: Family) {
    let bench = Bench::of(family).await;
    for server in ["source", "target"] {
        bench.exec(server, "CREATE DATABASE d").await;
        bench.exec(server, "CREATE TABLE d.t (id INT PRIMARY KEY AUTO_INCREMENT, a INT)").await;
        for (name, privilege) in [("early", "SELECT (id), UPDATE (a)"), ("going", "INSERT")] {
            bench.exec(server, &format!("CREATE USER {name}@'%' IDENTIFIED BY 'frueh'")).await;
            bench.exec(server, &format!("GRANT {privilege} ON d.t TO {name}@'%'")).await;
        }
    }
    for statement in bench.source.dialect().create_replication_account("repl", "127.0.0.1", "folge", false) {
        bench.exec("source", &statement.to_string()).await;
    }
    let before = grants(&bench).await;
    bench.exec("target", "CREATE USER ours@'127.0.0.1' IDENTIFIED BY 'eigen'").await;
    let mut step = bench.step("change_source", &with(&bench).await);
    step.foreseen = ["target.account ours@127.0.0.1", "target.account shop@%"].map(String::from).into();
    step.execute().await.unwrap();
    for statement in ACCOUNT_STATEMENTS {
        let statement = match family {
            Family::MySql => statement.replace("writer FOR", "writer TO"),
            Family::MariaDb => statement.to_owned(),
        };
        bench.exec("source", &statement).await;
    }
    bench.exec("source", "CREATE USER shop@'%' IDENTIFIED BY 'laden'").await;
    bench.caught_up().await;
    assert_ne!(grants(&bench).await, before);
    bench.exec("target", "DROP USER ours@'127.0.0.1'").await; // by the undo of the step that made it
    bench.die().await;
    for _ in 0..2 {
        step.undo().await.unwrap();
        assert_eq!(grants(&bench).await, before);
        assert_eq!(bench.ask("target", "SHOW DATABASES LIKE 'cutover_before'").await, "nothing");
    }
    let held =
        "SELECT GROUP_CONCAT(USER ORDER BY 1) FROM mysql.user WHERE USER IN ('early', 'going', 'late', 'ours', 'shop')";
    assert_eq!(bench.ask("target", held).await, "early,going");
    assert!(bench.ask("target", "SHOW GRANTS FOR going@'%'").await.contains("going"), "the server knows it again");
}

#[tokio::test]
async fn accounts_that_come_through_a_mariadb_channel_go_with_it() {
    accounts_that_come_through_the_channel_go_with_it(Family::MariaDb).await;
}

#[tokio::test]
async fn accounts_that_come_through_a_mysql_channel_go_with_it() {
    if crate::bench::mysql().await {
        accounts_that_come_through_the_channel_go_with_it(Family::MySql).await;
    }
}

#[tokio::test]
async fn another_channel_equal_ids_and_a_refused_login_are_told() {
    let bench = ready().await;
    bench.exec("target", "CHANGE MASTER TO MASTER_HOST='127.0.0.1', MASTER_PORT=1, MASTER_USER='x'").await;
    let step = bench.step("change_source", &with(&bench).await);
    for failure in [step.inspect().await.remove(0), step.execute().await.unwrap_err()] {
        assert_eq!(failure.class, Class::Refused);
        assert!(failure.answer.contains("already replicates from 127.0.0.1:1"), "{failure}");
    }
    step.undo().await.unwrap();
    assert_eq!(bench.column("target", STATUS, "Master_Port").await, "1", "not ours to remove");
    bench.exec("target", "RESET SLAVE ALL").await;

    bench.exec("target", "SET GLOBAL server_id = 1").await;
    let failure = step.execute().await.unwrap_err();
    assert!(failure.class == Class::Refused && failure.answer.contains("both have server_id 1"), "{failure}");
    bench.exec("target", "SET GLOBAL server_id = 2").await;

    bench.exec("source", "DROP USER repl@'127.0.0.1'").await;
    let begin = Instant::now();
    let failure = step.execute().await.unwrap_err();
    assert!(failure.class == Class::Transient && failure.answer.contains("Access denied"), "{failure}");
    assert!(begin.elapsed() < Duration::from_secs(40) && !failure.to_string().contains("folge"));
    step.undo().await.unwrap();
    assert_eq!(bench.column("target", STATUS, "Master_Host").await, "nothing");
}

#[tokio::test]
async fn a_place_is_proved_by_its_row_and_a_stopped_applier_is_noticed() {
    let bench = ready().await;
    bench.replicate().await;
    bench.exec("source", "CREATE DATABASE cutover").await;
    let table = "CREATE TABLE cutover.token (run VARCHAR(64), purpose VARCHAR(64), value BIGINT UNSIGNED, \
                 PRIMARY KEY (run, purpose))";
    bench.exec("source", table).await;
    bench.exec("source", "INSERT INTO cutover.token VALUES ('r1', 'fence', 77)").await;
    let here = bench.position().await;
    let wait = |position: &Value, token: u64| {
        bench.step("wait_for_position", &json!({ "replica": "target", "position": position, "token": token }))
    };
    assert_eq!(wait(&here, 77).execute().await.unwrap()["position"], here);
    let failure = wait(&here, 78).execute().await.unwrap_err();
    assert_eq!(failure.class, Class::Permanent);
    assert!(failure.answer.contains("expected token 78, found 77"), "{failure}");

    let mut ahead = here.clone();
    ahead["offset"] = json!(here["offset"].as_u64().unwrap() + 10_000);
    let waiting = wait(&ahead, 77);
    waiting.cancel.cancel();
    assert_eq!(waiting.execute().await.unwrap_err().class, Class::Cancelled);
    bench.exec("target", "STOP SLAVE SQL_THREAD").await;
    let begin = Instant::now();
    let failure = wait(&ahead, 77).execute().await.unwrap_err();
    assert!(begin.elapsed() < Duration::from_secs(2) && failure.answer.contains("the applier is stopped"), "{failure}");
    bench.exec("target", "SET SESSION sql_log_bin = 0").await;
    bench.exec("target", "DROP DATABASE cutover").await;
    bench.exec("target", "START SLAVE").await;
    bench.exec("source", "UPDATE cutover.token SET value = 78").await;
    let failure = wait(&ahead, 78).execute().await.unwrap_err();
    assert_eq!(failure.class, Class::Permanent);
    assert!(failure.answer.contains("cutover.token"), "{failure}");
}

#[tokio::test]
async fn only_a_promoted_server_forgets_its_source() {
    let bench = ready().await;
    bench.replicate().await;
    bench.exec("source", "CREATE DATABASE cutover").await;
    bench.caught_up().await;
    let step = bench.step("forget_source", &json!({ "server": "target" }));
    let still_used = ["SET GLOBAL read_only = OFF", "STOP SLAVE", "SET GLOBAL read_only = ON"];
    for change in still_used {
        let failure = step.execute().await.unwrap_err();
        assert_eq!(failure.class, Class::Refused, "before {change}");
        if change != "STOP SLAVE" {
            bench.exec("target", change).await;
            continue;
        }
        bench.exec("target", "SET GLOBAL read_only = ON").await;
        bench.exec("target", change).await;
    }
    bench.exec("target", "SET GLOBAL read_only = OFF").await;
    for _ in 0..2 {
        step.execute().await.unwrap();
        assert_eq!(bench.column("target", STATUS, "Master_Host").await, "nothing");
        assert_eq!(bench.ask("target", "SHOW DATABASES LIKE 'cutover'").await, "nothing");
    }
}

/// A replica that leaves something out looks as well as one that does not: refused before anything is changed.
#[tokio::test]
async fn a_filter_is_refused_by_name() {
    let bench = Bench::new().await;
    bench.exec("source", "CREATE DATABASE app").await;
    bench.exec("source", "CREATE DATABASE `log`").await;
    bench.exec("target", "SET GLOBAL replicate_wild_ignore_table = 'app.%'").await;
    let with = |databases: &[&str]| json!({ "replica": "target", "source": "source", "position": { "file": "f.1", "offset": 4 }, "databases": databases });
    for databases in [&[][..], &["app"]] {
        let step = bench.step("change_source", &with(databases));
        let told = step.inspect().await;
        let failure = told.first().unwrap();
        let expected = "by replicate_wild_ignore_table (app.%) of `target`, `app` is not applied";
        assert!(told.len() == 1 && failure.answer.contains(expected), "{told:?}");
        let failure = step.execute().await.unwrap_err();
        assert!(failure.class == Class::Refused && failure.answer.contains(expected), "{failure}");
        assert!(!failure.answer.contains("`log`"), "{failure}");
    }
    assert!(bench.step("change_source", &with(&["log"])).inspect().await.is_empty());
    assert_eq!(bench.sql("target").await.query("SHOW SLAVE STATUS", LOOK).await.unwrap().iter().count(), 0);
    bench.exec("target", "SET GLOBAL replicate_wild_ignore_table = ''").await;
    bench.exec("target", "SET GLOBAL replicate_do_db = 'app'").await;
    let failure = bench.step("change_source", &with(&["app"])).execute().await.unwrap_err();
    assert!(failure.answer.contains("`cutover` is not applied"), "the runner's own rows: {failure}");
}

#[tokio::test]
async fn a_filter_of_mysql_is_refused_too() {
    if !crate::bench::mysql().await {
        return;
    }
    let bench = Bench::of(Family::MySql).await;
    bench.exec("source", "CREATE DATABASE app").await;
    let with = json!({ "replica": "target", "source": "source", "position": { "file": "f.1", "offset": 4 } });
    assert!(bench.step("change_source", &with).inspect().await.is_empty());
    bench.exec("target", "CHANGE REPLICATION FILTER REPLICATE_IGNORE_DB = (app)").await;
    let told = bench.step("change_source", &with).inspect().await;
    assert!(told.iter().any(|failure| failure.answer.contains("replicate_ignore_db (app) of `target`")), "{told:?}");
}
