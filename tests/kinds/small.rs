//! `command`, `sql` and `approve`.

use crate::bench::Bench;
use cutover::effects::Decision;
use cutover::error::Class;
use cutover::kinds::Probe;
use serde_json::json;
use std::time::Duration;

#[tokio::test]
async fn commands_end_with_their_code_and_their_words() {
    let bench = Bench::new().await;
    for host in ["local", "new"] {
        let said = bench.step("command", &json!({ "host": host, "run": ["printf", "a b\\n%s\\n\\n", "it's $HOME"] }));
        let outputs = said.execute().await.unwrap();
        assert_eq!((&outputs["stdout"], &outputs["code"]), (&json!("a b\nit's $HOME"), &json!(0)));
        assert_eq!(said.probe().await, Probe::NotDone);
        let failing = ["sh", "-c", "echo no luck with neu\\\"wort >&2; exit 7"];
        let failure = bench.step("command", &json!({ "host": host, "run": failing })).execute().await.unwrap_err();
        assert_eq!(failure.class, Class::Permanent);
        assert!(failure.answer.contains("it exited with code 7: no luck with ‹secret target›"), "{failure}");
        let missing = bench.step("command", &json!({ "host": host, "run": ["no-such-program"] })).execute().await;
        assert!(missing.unwrap_err().answer.contains("code 127"));
    }
    let file = bench.path("made");
    let count = ["sh", "-c", &format!("echo x >> {}", file.display())];
    let with = json!({ "host": "new", "run": count, "creates": file, "undo": ["rm", "-f", file], "repeatable": false });
    let step = bench.step("command", &with);
    assert!(matches!(step.probe().await, Probe::Unknown(failure) if failure.answer.contains("may already have run")));
    step.execute().await.unwrap();
    step.execute().await.unwrap();
    assert_eq!(bench.text("made"), "x\n");
    assert!(matches!(step.probe().await, Probe::Done(_)));
    for _ in 0..2 {
        step.undo().await.unwrap();
        assert!(!file.exists());
    }
}

#[tokio::test]
async fn statements_run_in_order_are_taken_back_and_can_stay_out_of_the_log() {
    let bench = Bench::new().await;
    let place = || bench.column("source", "SHOW MASTER STATUS", "Position");
    let statements = [
        "CREATE DATABASE IF NOT EXISTS d",
        "CREATE TABLE IF NOT EXISTS d.t (a INT)",
        "REPLACE d.t VALUES (4)",
        "SELECT a, 'x' FROM d.t",
    ];
    let with = |binlog: bool| json!({ "server": "source", "statements": statements, "undo": ["DROP DATABASE IF EXISTS d"], "binlog": binlog });
    let quiet = bench.step("sql", &with(false));
    let before = place().await;
    assert_eq!(quiet.execute().await.unwrap()["value"], "4");
    quiet.undo().await.unwrap();
    quiet.undo().await.unwrap();
    assert_eq!(
        (place().await, bench.ask("source", "SHOW DATABASES LIKE 'd'").await),
        (before.clone(), "nothing".into())
    );
    let loud = bench.step("sql", &with(true));
    loud.execute().await.unwrap();
    assert_ne!(place().await, before);
    loud.undo().await.unwrap();

    let failing = json!({ "server": "source", "statements": ["CREATE DATABASE first", "SELECT * FROM no.where"] });
    let failure = bench.step("sql", &failing).execute().await.unwrap_err();
    assert!(failure.class == Class::Permanent && failure.answer.contains("no.where"), "{failure}");
    let slow = bench.step("sql", &json!({ "server": "source", "statements": ["SELECT SLEEP(60)"], "limit": "300ms" }));
    let begin = std::time::Instant::now();
    assert_eq!(slow.execute().await.unwrap_err().class, Class::Transient);
    assert!(begin.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn statements_run_with_the_servers_own_settings_and_begin_with_a_clean_connection() {
    let bench = Bench::new().await;
    for setting in ["sql_mode = 'STRICT_ALL_TABLES'", "time_zone = '+05:00'", "autocommit = 0", "sql_select_limit = 2"]
    {
        bench.exec("source", &format!("SET GLOBAL {setting}")).await;
    }
    bench.exec("source", "CREATE DATABASE d").await;
    bench.exec("source", "CREATE TABLE d.t (id INT PRIMARY KEY, n TINYINT) ENGINE = InnoDB").await;
    let run = async |statements: &[&str]| {
        bench.step("sql", &json!({ "server": "source", "statements": statements })).execute().await
    };
    let failure = run(&["INSERT INTO d.t VALUES (1, 300)"]).await.unwrap_err();
    assert!(failure.class == Class::Permanent && failure.answer.contains("1264"), "{failure}");
    let seen = run(&["SELECT CONCAT(@@time_zone, ' ', @@sql_mode, ' ', @@sql_select_limit)"]).await.unwrap();
    assert_eq!(seen["value"], "+05:00 STRICT_ALL_TABLES 2");
    run(&["INSERT INTO d.t VALUES (1, 3)"]).await.unwrap();
    assert_eq!(bench.ask("source", "SELECT COUNT(*) FROM d.t").await, "1", "what a step has done is committed");

    // What a failed attempt has begun is not finished by the next one.
    run(&["START TRANSACTION", "INSERT INTO d.t VALUES (2, 3)", "INSERT INTO d.t VALUES (3, 300)"]).await.unwrap_err();
    assert_eq!(run(&["COMMIT", "SELECT COUNT(*) FROM d.t"]).await.unwrap()["value"], "1");
    let failure = run(&["SELECT REPEAT('x', 70000)"]).await.unwrap_err();
    assert!(failure.class == Class::Permanent && failure.help.is_some(), "{failure}");
    assert_eq!(run(&["SELECT REPEAT('x', 70000)", "SELECT 5"]).await.unwrap()["value"], "5");
}

#[tokio::test]
async fn a_person_decides() {
    let bench = Bench::new().await;
    let step = bench.step("approve", &json!({ "message": "Now?" }));
    let decide = |approved: bool, reason: Option<&str>| {
        let decision =
            Decision { approved, by: "ada".into(), reason: reason.map(Into::into), plan: None, people: None };
        *bench.answer.0.lock().unwrap() = Some(decision);
    };
    let waiting = tokio::time::timeout(Duration::from_millis(500), step.execute());
    assert!(waiting.await.is_err(), "nobody has answered yet");
    decide(true, None);
    assert_eq!(step.execute().await.unwrap()["by"], "ada");
    decide(false, Some("not on a Friday"));
    let failure = step.execute().await.unwrap_err();
    assert_eq!((failure.class, failure.answer.as_str()), (Class::Refused, "rejected by ada: not on a Friday"));
    *bench.answer.0.lock().unwrap() = None;
    let later = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        step.cancel.cancel();
    };
    assert_eq!(tokio::join!(step.execute(), later).0.unwrap_err().class, Class::Cancelled);
}
