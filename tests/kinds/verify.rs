//! `verify`: equal servers under live writers, and every kind of difference found and named.

use crate::bench::{Bench, LOOK, until};
use cutover::domain::product::Family;
use cutover::error::{Class, Failure};
use cutover::kinds::Update;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::task::JoinHandle;

/// Rows for an `INSERT`.
fn values(count: u32, row: impl Fn(u32) -> String) -> String {
    (1..=count).map(row).collect::<Vec<_>>().join(", ")
}

/// Tables that no writer touches, so that a row changed on the replica does not stop its applier.
fn still() -> Vec<String> {
    let plain = values(5000, |n| {
        let b = if n.is_multiple_of(3) { "NULL".to_owned() } else { format!("'b{n}'") };
        format!("({n}, 'a{n}', {b})")
    });
    let pairs = values(3000, |n| {
        let (who, line, day, text) = (n % 40, n / 40, n % 28 + 1, "x".repeat(n as usize % 50));
        format!("('w{who}', {line}, '2026-05-{day:02}', '{text}')")
    });
    vec![
        "CREATE DATABASE kept CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci".into(),
        "CREATE TABLE kept.plain (id INT NOT NULL PRIMARY KEY, a VARCHAR(20) NOT NULL, b VARCHAR(20) NULL, KEY by_a (a))"
            .into(),
        format!("INSERT INTO kept.plain VALUES {plain}"),
        "CREATE TABLE kept.pairs (who VARCHAR(20) CHARACTER SET latin1 NOT NULL, line SMALLINT NOT NULL, \
         at DATE NOT NULL, text TEXT, PRIMARY KEY (who, line, at))"
            .into(),
        format!("INSERT INTO kept.pairs VALUES {pairs}"),
        "CREATE TABLE kept.keyless (a INT NULL, b VARCHAR(9) NULL)".into(),
        "INSERT INTO kept.keyless VALUES (1, 'one'), (1, 'one'), (2, NULL)".into(),
        "CREATE TABLE kept.sparse (id BIGINT UNSIGNED NOT NULL PRIMARY KEY, v INT)".into(),
        "INSERT INTO kept.sparse VALUES (0, 1), (7, 2), (9223372036854775808, 3), (18446744073709551615, 4)".into(),
    ]
}

/// Somebody who writes to the shop all the time, until told to stop.
struct Writer(Arc<AtomicBool>, JoinHandle<u64>);

impl Writer {
    async fn start(bench: &Bench) -> Self {
        let session = bench.stranger("source").await;
        let stop = Arc::new(AtomicBool::new(false));
        let asked = stop.clone();
        let work = tokio::spawn(async move {
            let mut seq = 0;
            while !asked.load(Ordering::Relaxed) {
                seq += 1;
                for statement in [
                    format!("INSERT INTO shop.ledger VALUES (9, {seq}, 'x', NOW(6))"),
                    format!("UPDATE shop.accounts SET balance = balance + 1 WHERE id = {}", seq % 500 + 1),
                    format!("DELETE FROM shop.ledger WHERE writer = 9 AND seq = {}", seq / 2),
                ] {
                    session.exec(cutover::domain::Sql::verbatim(&statement), LOOK).await.unwrap();
                }
            }
            seq
        });
        Self(stop, work)
    }
    async fn stop(self) -> u64 {
        self.0.store(true, Ordering::Relaxed);
        self.1.await.unwrap()
    }
}

pub async fn followed(family: Family) -> Bench {
    let bench = Bench::of(family).await;
    bench.replicate().await;
    cutover::rehearsal::shop::prepare(&*bench.sql("source").await, 20_000).await.unwrap();
    for statement in still() {
        bench.exec("source", &statement).await;
    }
    bench.caught_up().await;
    bench
}

pub fn with(more: &Value) -> Value {
    let mut with = json!({ "replica": "target", "threads": 3, "chunk": "20ms" });
    with.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    with
}

async fn applier(bench: &Bench) -> String {
    let dialect = bench.target.dialect();
    bench.column("target", &dialect.replica_status().to_string(), dialect.status_columns().sql_running).await
}

/// What the gate says about a difference.
pub async fn refusal(bench: &Bench) -> Failure {
    let failure = bench.step("verify", &with(&json!({}))).execute().await.unwrap_err();
    assert_eq!(failure.class, Class::Refused, "{failure}");
    assert_eq!(applier(bench).await, "Yes", "the applier goes on after a refusal");
    failure
}

/// A change on the replica alone.
pub async fn stray(bench: &Bench, statements: &[&str]) {
    let session = bench.stranger("target").await;
    session.exec("SET SESSION sql_log_bin = 0", LOOK).await.unwrap();
    for statement in statements {
        session.exec(cutover::domain::Sql::verbatim(*statement), LOOK).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn equal_servers_are_proved_equal_under_a_live_writer() {
    let bench = followed(Family::MariaDb).await;
    bench.exec("target", "STOP SLAVE").await;
    bench.exec("target", "SET GLOBAL slave_parallel_mode = optimistic").await;
    bench.exec("target", "SET GLOBAL slave_parallel_threads = 4").await;
    bench.exec("target", "START SLAVE").await;
    let writer = Writer::start(&bench).await;
    for gtid in [false, true] {
        if gtid {
            bench.exec("target", "STOP SLAVE").await;
            bench.exec("target", "CHANGE MASTER TO MASTER_USE_GTID = slave_pos").await;
            bench.exec("target", "START SLAVE").await;
        }
        for _ in 0..3 {
            let step = bench.step("verify", &with(&json!({})));
            let outputs = step.execute().await.unwrap();
            assert_eq!(outputs["tables"], 8, "{outputs:?}");
            assert!(
                outputs["rows"].as_u64().unwrap() > 30_000 && outputs["chunks"].as_u64().unwrap() > 7,
                "{outputs:?}"
            );
            assert!(outputs["at"]["offset"].as_u64().unwrap() > 4, "{outputs:?}");
            assert_eq!(applier(&bench).await, "Yes");
            assert!(step.told().iter().any(|update| matches!(update, Update::Rows { done, .. } if *done > 30_000)));
        }
    }
    assert_eq!(bench.column("target", "SHOW SLAVE STATUS", "Using_Gtid").await, "Slave_Pos");
    assert!(writer.stop().await > 100, "nobody was kept from writing");
    let left = "SELECT COUNT(*) FROM information_schema.INNODB_TRX";
    assert_eq!((bench.ask("source", left).await, bench.ask("target", left).await), ("0".into(), "0".into()));
    bench.caught_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_difference_is_named_with_its_row() {
    let bench = followed(Family::MariaDb).await;
    let writer = Writer::start(&bench).await;
    for (change, back, expected) in [
        (
            &["UPDATE kept.plain SET a = 'a42x' WHERE id = 42"][..],
            &["UPDATE kept.plain SET a = 'a42' WHERE id = 42"][..],
            &["kept.plain: 1 row, in chunk ", "id = 42 differs"][..],
        ),
        (
            // equal lengths: what an exclusive or of CRC32 does not see
            &["UPDATE kept.plain SET a = 'a1001' WHERE id = 1000", "UPDATE kept.plain SET a = 'a1000' WHERE id = 1001"],
            &["UPDATE kept.plain SET a = CONCAT('a', id) WHERE id IN (1000, 1001)"],
            &["kept.plain: 2 rows", "id = 1000 differs", "id = 1001 differs"],
        ),
        (
            &["UPDATE kept.plain SET b = '' WHERE id = 3"],
            &["UPDATE kept.plain SET b = NULL WHERE id = 3"],
            &["kept.plain: 1 row", "id = 3 differs"],
        ),
        (
            // what moves from one column to the next is another row
            &["UPDATE kept.plain SET a = 'a', b = '7b7' WHERE id = 7"],
            &["UPDATE kept.plain SET a = 'a7', b = 'b7' WHERE id = 7"],
            &["id = 7 differs"],
        ),
        (
            &[
                "DELETE FROM kept.plain WHERE id = 5000",
                "INSERT INTO kept.plain VALUES (0, 'x', NULL), (6000, 'y', NULL)",
            ],
            &["DELETE FROM kept.plain WHERE id IN (0, 6000)", "INSERT INTO kept.plain VALUES (5000, 'a5000', 'b5000')"],
            &[
                "kept.plain: 3 rows",
                "id = 5000 is missing on target",
                "id = 0 is extra on target",
                "id = 6000 is extra",
            ],
        ),
        (
            &["UPDATE kept.pairs SET text = 'other' WHERE who = 'w7' AND line = 3"],
            &["UPDATE kept.pairs SET text = REPEAT('x', 127 % 50) WHERE who = 'w7' AND line = 3"],
            &["kept.pairs: 1 row", "who = 'w7', line = 3, at = 2026-05-16 differs"],
        ),
        (
            // two equal rows that become two other equal rows cancel out in an exclusive or
            &["UPDATE kept.keyless SET a = 5 WHERE a = 1"],
            &["UPDATE kept.keyless SET a = 1 WHERE a = 5"],
            &["kept.keyless\n", "3 on the source, 3 on the replica", "no unique key"],
        ),
        (
            &["UPDATE kept.sparse SET v = 9 WHERE id > 9223372036854775808"],
            &["UPDATE kept.sparse SET v = 4 WHERE id > 9223372036854775808"],
            &["id = 18446744073709551615 differs"],
        ),
    ] {
        stray(&bench, change).await;
        let failure = refusal(&bench).await;
        for words in expected {
            assert!(failure.answer.contains(words), "{words}: {failure}");
        }
        let named = failure.answer.lines().filter(|line| line.starts_with("  ")).count();
        assert!(named <= 3 && failure.answer.contains("in 1 table\n"), "nothing else: {failure}");
        stray(&bench, back).await;
    }
    bench.step("verify", &with(&json!({}))).execute().await.unwrap();
    writer.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn definitions_are_compared_too() {
    let bench = followed(Family::MariaDb).await;
    for (change, back, expected) in [
        (
            "ALTER TABLE kept.plain MODIFY a VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL",
            "ALTER TABLE kept.plain MODIFY a VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci NOT NULL",
            "column kept.plain.a is `2 varchar(20) utf8mb4_general_ci NOT NULL` on source and `2 varchar(20) utf8mb4_bin",
        ),
        (
            "ALTER TABLE kept.plain MODIFY a VARCHAR(20) CHARACTER SET latin1 NOT NULL",
            "ALTER TABLE kept.plain MODIFY a VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci NOT NULL",
            "column kept.plain.a is ",
        ),
        (
            "ALTER TABLE kept.plain DROP KEY by_a",
            "ALTER TABLE kept.plain ADD KEY by_a (a)",
            "index kept.plain.by_a is missing on target",
        ),
        ("CREATE TABLE kept.more (i INT)", "DROP TABLE kept.more", "table kept.more is extra on target"),
        (
            "ALTER TABLE kept.plain ALTER b SET DEFAULT 'z'",
            "ALTER TABLE kept.plain ALTER b SET DEFAULT NULL",
            "default of column kept.plain.b is ",
        ),
        (
            "ALTER VIEW shop.overdrawn AS SELECT id, name, balance FROM shop.accounts WHERE balance <= 0",
            "ALTER VIEW shop.overdrawn AS SELECT id, name, balance FROM shop.accounts WHERE balance < 0",
            "view shop.overdrawn is ",
        ),
        ("DROP TRIGGER shop.accounts_touched", "", "trigger shop.accounts_touched is missing on target"),
    ] {
        stray(&bench, &[change]).await;
        let failure = refusal(&bench).await;
        assert!(failure.answer.contains(expected), "{expected}: {failure}");
        // a character set that differs is no difference of rows that say the same
        assert!(failure.answer.starts_with("they differ at ") && !failure.answer.contains(" row"), "{failure}");
        if !back.is_empty() {
            stray(&bench, &[back]).await;
        }
    }
    stray(&bench, &["DROP TABLE kept.sparse"]).await;
    let failure = refusal(&bench).await;
    assert!(failure.answer.contains("kept.sparse\n  its rows were not compared: it is missing"), "{failure}");
    let without = json!({ "exclude": ["kept.sparse", "*.accounts"] });
    bench.step("verify", &with(&without)).execute().await.unwrap();
    let some = bench.step("verify", &with(&json!({ "tables": ["kept.p*"] }))).execute().await.unwrap();
    assert_eq!(some["tables"], 2);
    let none = bench.step("verify", &with(&json!({ "tables": ["kept.plan"] }))).execute().await.unwrap_err();
    assert!(none.class == Class::Refused && none.answer.contains("no table matches `kept.plan`"), "{none}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_halted_applier_runs_again_whatever_happens() {
    let bench = followed(Family::MariaDb).await;
    // a dead runner's memo: the applier was halted, and nobody started it again
    let step = bench.step("verify", &with(&json!({})));
    step.notes.0.lock().unwrap().insert("applier_halted".into(), true.into());
    bench.exec("target", "STOP SLAVE SQL_THREAD").await;
    step.undo().await.unwrap();
    assert_eq!(applier(&bench).await, "Yes");
    bench.exec("target", "STOP SLAVE SQL_THREAD").await;
    step.undo().await.unwrap();
    assert_eq!(applier(&bench).await, "No", "an applier that somebody else stopped is none of its business");
    step.notes.0.lock().unwrap().insert("applier_halted".into(), true.into());
    step.execute().await.unwrap();
    assert_eq!(applier(&bench).await, "Yes");

    // somebody holds commits back for longer than writers may wait
    let holder = bench.stranger("source").await;
    for stage in ["BACKUP STAGE START", "BACKUP STAGE BLOCK_COMMIT"] {
        holder.exec(stage, LOOK).await.unwrap();
    }
    let step = bench.step("verify", &with(&json!({})));
    let (ended, ()) = tokio::join!(step.execute(), async {
        tokio::time::sleep(Duration::from_secs(2)).await;
        step.cancel.cancel();
    });
    assert_eq!(ended.unwrap_err().class, Class::Cancelled);
    assert_eq!(applier(&bench).await, "Yes");
    holder.exec("BACKUP STAGE END", LOOK).await.unwrap();
    bench.step("verify", &with(&json!({}))).execute().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn mysql_servers_are_compared_too() {
    if !crate::bench::mysql().await {
        return;
    }
    let bench = followed(Family::MySql).await;
    let writer = Writer::start(&bench).await;
    for _ in 0..2 {
        let outputs = bench.step("verify", &with(&json!({}))).execute().await.unwrap();
        assert_eq!((outputs["tables"].clone(), applier(&bench).await), (8.into(), "Yes".to_owned()));
    }
    for (change, back, expected) in [
        (
            "UPDATE kept.plain SET a = IF(id = 1000, 'a1001', 'a1000') WHERE id IN (1000, 1001)",
            "UPDATE kept.plain SET a = CONCAT('a', id) WHERE id IN (1000, 1001)",
            &["kept.plain: 2 rows", "id = 1000 differs", "id = 1001 differs"][..],
        ),
        (
            "UPDATE kept.pairs SET text = 'other' WHERE who = 'w7' AND line = 3",
            "UPDATE kept.pairs SET text = REPEAT('x', 127 % 50) WHERE who = 'w7' AND line = 3",
            &["who = 'w7', line = 3, at = 2026-05-16 differs"],
        ),
        (
            "UPDATE kept.keyless SET a = 5 WHERE a = 1",
            "UPDATE kept.keyless SET a = 1 WHERE a = 5",
            &["3 on the source, 3 on the replica"],
        ),
        (
            "ALTER TABLE kept.plain DROP KEY by_a",
            "ALTER TABLE kept.plain ADD KEY by_a (a)",
            &["index kept.plain.by_a is missing on target"],
        ),
    ] {
        stray(&bench, &[change]).await;
        let failure = refusal(&bench).await;
        for words in expected {
            assert!(failure.answer.contains(words), "{words}: {failure}");
        }
        stray(&bench, &[back]).await;
    }
    // a long statement is let finish, for commits cannot be held back beside it
    let busy = bench.stranger("source").await;
    let long = tokio::spawn(async move { busy.query("SELECT SLEEP(300) FROM kept.keyless LIMIT 1", LOOK).await });
    let long_one =
        "SELECT id FROM information_schema.PROCESSLIST WHERE info LIKE 'SELECT SLEEP(300)%' AND time BETWEEN 3 AND 999";
    until("the statement has run for long", async || bench.ask("source", long_one).await != "nothing").await;
    let id = bench.ask("source", long_one).await;
    let step = bench.step("verify", &with(&json!({})));
    let waited = |update: &Update| matches!(update, Update::Note { text } if text.contains("SELECT SLEEP(300)"));
    let (proved, ()) = tokio::join!(step.execute(), async {
        until("it says what it waits for", async || step.told().iter().any(waited)).await;
        bench.exec("source", &format!("KILL QUERY {id}")).await;
    });
    proved.unwrap();
    // a server answers a sleep that was ended with a row or with an error
    let _ended = long.await.unwrap();
    writer.stop().await;
}
