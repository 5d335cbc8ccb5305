//! `verify`: equal servers under live writers, and every kind of difference found and named.

use crate::bench::{Bench, LOOK};
use cutover::error::{Class, Failure};
use cutover::steps::Update;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::task::JoinHandle;

/// Tables that no writer touches, so that a row changed on the replica does not stop its applier.
const STILL: [&str; 9] = [
    "CREATE DATABASE kept CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci",
    "CREATE TABLE kept.plain (id INT NOT NULL PRIMARY KEY, a VARCHAR(20) NOT NULL, b VARCHAR(20) NULL, KEY by_a (a))",
    "INSERT INTO kept.plain SELECT seq, CONCAT('a', seq), IF(seq % 3, CONCAT('b', seq), NULL) FROM kept.seq_1_to_5000",
    "CREATE TABLE kept.pairs (who VARCHAR(20) CHARACTER SET latin1 NOT NULL, line SMALLINT NOT NULL, at DATE NOT NULL, \
     text TEXT, PRIMARY KEY (who, line, at))",
    "INSERT INTO kept.pairs SELECT CONCAT('w', seq % 40), seq DIV 40, '2026-01-01' + INTERVAL seq DAY, REPEAT('x', seq % 50) \
     FROM kept.seq_1_to_3000",
    "CREATE TABLE kept.keyless (a INT NULL, b VARCHAR(9) NULL)",
    "INSERT INTO kept.keyless VALUES (1, 'one'), (1, 'one'), (2, NULL)",
    "CREATE TABLE kept.sparse (id BIGINT UNSIGNED NOT NULL PRIMARY KEY, v INT)",
    "INSERT INTO kept.sparse VALUES (0, 1), (7, 2), (9223372036854775808, 3), (18446744073709551615, 4)",
];

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
                    session.exec(&statement, LOOK).await.unwrap();
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

async fn followed() -> Bench {
    let bench = Bench::new().await;
    bench.replicate().await;
    cutover::rehearsal::shop::prepare(&*bench.sql("source").await, 20_000).await.unwrap();
    for statement in STILL {
        bench.exec("source", statement).await;
    }
    bench.caught_up().await;
    bench
}

fn with(more: &Value) -> Value {
    let mut with = json!({ "replica": "target", "threads": 3, "chunk": "20ms" });
    with.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    with
}

async fn applier(bench: &Bench) -> String {
    bench.column("target", "SHOW SLAVE STATUS", "Slave_SQL_Running").await
}

/// What the gate says about a difference.
async fn refusal(bench: &Bench) -> Failure {
    let failure = bench.step("verify", &with(&json!({}))).execute().await.unwrap_err();
    assert_eq!(failure.class, Class::Refused, "{failure}");
    assert_eq!(applier(bench).await, "Yes", "the applier goes on after a refusal");
    failure
}

/// A change on the replica alone.
async fn stray(bench: &Bench, statements: &[&str]) {
    let session = bench.stranger("target").await;
    session.exec("SET SESSION sql_log_bin = 0", LOOK).await.unwrap();
    for statement in statements {
        session.exec(statement, LOOK).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn equal_servers_are_proved_equal_under_a_live_writer() {
    let bench = followed().await;
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
            assert_eq!(outputs["tables"], 7, "{outputs:?}");
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
    let bench = followed().await;
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
            &["kept.pairs: 1 row", "who = 'w7', line = 3, at = 2026-05-08 differs"],
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
    let bench = followed().await;
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
    assert!(none.class == Class::Refused && none.answer.contains("no table fits `kept.plan`"), "{none}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_halted_applier_runs_again_whatever_happens() {
    let bench = followed().await;
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
