//! `verify` on what is easily lost: digits, types inside documents, histories, sequences; and on what an account may not see.

use crate::bench::Bench;
use crate::verify::{followed, refusal, stray, with};
use cutover::domain::product::Family;
use cutover::error::Class;
use serde_json::json;

async fn passes(bench: &Bench, more: &serde_json::Value) {
    let outcome = bench.step("verify", &with(more)).execute().await;
    assert!(outcome.is_ok(), "{more}: {outcome:?}");
}

async fn floats(family: Family) {
    let bench = followed(family).await;
    bench.exec("source", "CREATE TABLE kept.f (id INT PRIMARY KEY, f FLOAT)").await;
    bench.exec("source", "CREATE TABLE kept.k (f FLOAT NOT NULL PRIMARY KEY, v INT)").await;
    bench.exec("source", "INSERT INTO kept.f VALUES (1, 1.2345678), (2, 16777217), (3, 1/3)").await;
    bench.exec("source", "INSERT INTO kept.k VALUES (1.2345678, 1), (16777217, 2), (1/3, 3)").await;
    bench.caught_up().await;
    passes(&bench, &json!({})).await;
    stray(&bench, &["UPDATE kept.f SET f = 1.23457 WHERE id = 1"]).await; // what a dump carried
    let failure = refusal(&bench).await;
    assert!(failure.answer.contains("kept.f: 1 row") && failure.answer.contains("id = 1 differs"), "{failure}");
    passes(&bench, &json!({ "floats": "shown" })).await;
    stray(&bench, &["UPDATE kept.f SET f = 1.2345678 WHERE id = 1", "UPDATE kept.k SET f = 0.333333 WHERE v = 3"])
        .await;
    let failure = refusal(&bench).await;
    assert!(failure.answer.contains("kept.k") && !failure.answer.contains("kept.f"), "{failure}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_digit_of_a_float_counts() {
    floats(Family::MariaDb).await;
    if crate::bench::mysql().await {
        floats(Family::MySql).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn types_inside_a_document_count() {
    if !crate::bench::mysql().await {
        return;
    }
    let bench = followed(Family::MySql).await;
    bench.exec("source", "CREATE TABLE kept.d (id INT PRIMARY KEY, d JSON)").await;
    bench
        .exec(
            "source",
            "INSERT INTO kept.d VALUES (1, JSON_OBJECT('a', CAST(1.5 AS DECIMAL(2, 1)))), (2, NULL), \
             (3, JSON_ARRAY(1, JSON_ARRAY(CAST('2026-01-02' AS DATE)))), (4, CAST(1 AS JSON)), (5, 'null')",
        )
        .await;
    bench.caught_up().await;
    passes(&bench, &json!({})).await;
    for (change, back) in [
        ("d = '{\"a\": 1.5}' WHERE id = 1", "d = JSON_OBJECT('a', CAST(1.5 AS DECIMAL(2, 1))) WHERE id = 1"),
        (
            "d = '[1, [\"2026-01-02\"]]' WHERE id = 3",
            "d = JSON_ARRAY(1, JSON_ARRAY(CAST('2026-01-02' AS DATE))) WHERE id = 3",
        ),
        ("d = CAST(CAST(1 AS UNSIGNED) AS JSON) WHERE id = 4", "d = CAST(1 AS JSON) WHERE id = 4"),
    ] {
        // a value that compares as equal is not written: the server must forget the old one first
        let emptied = "UPDATE kept.d SET d = NULL WHERE id IN (1, 3, 4) AND";
        let emptied = change.rsplit_once(" WHERE ").map(|(_, one)| format!("{emptied} {one}")).unwrap();
        stray(&bench, &[&emptied, &format!("UPDATE kept.d SET {change}")]).await;
        let failure = refusal(&bench).await;
        assert!(failure.answer.contains("kept.d: 1 row"), "{change}: {failure}");
        passes(&bench, &json!({ "documents": "text" })).await;
        stray(&bench, &[&emptied, &format!("UPDATE kept.d SET {back}")]).await;
    }
    stray(&bench, &["UPDATE kept.d SET d = NULL WHERE id = 5"]).await;
    assert!(refusal(&bench).await.answer.contains("id = 5 differs"));
}

#[tokio::test(flavor = "multi_thread")]
async fn histories_and_sequences_count() {
    let bench = followed(Family::MariaDb).await;
    for statement in [
        "CREATE TABLE kept.sv (id INT PRIMARY KEY, x INT) WITH SYSTEM VERSIONING",
        "CREATE TABLE kept.own (id INT PRIMARY KEY, s TIMESTAMP(6) GENERATED ALWAYS AS ROW START, \
         e TIMESTAMP(6) GENERATED ALWAYS AS ROW END, PERIOD FOR SYSTEM_TIME (s, e)) WITH SYSTEM VERSIONING",
        "INSERT INTO kept.sv VALUES (1, 1), (2, 2)",
        "UPDATE kept.sv SET x = x + 1",
        "DELETE FROM kept.sv WHERE id = 2",
        "INSERT INTO kept.own (id) VALUES (1), (2)",
        "DELETE FROM kept.own WHERE id = 2",
        "CREATE SEQUENCE kept.numbers",
        "CREATE SEQUENCE kept.down START WITH -1 INCREMENT BY -1",
    ] {
        bench.exec("source", statement).await;
    }
    for sequence in ["numbers", "down"] {
        bench.ask("source", &format!("SELECT NEXTVAL(kept.{sequence})")).await;
    }
    bench.caught_up().await;
    passes(&bench, &json!({})).await;

    stray(&bench, &["ALTER SEQUENCE kept.numbers RESTART 1", "ALTER SEQUENCE kept.down RESTART -1"]).await;
    let failure = refusal(&bench).await;
    for words in
        ["sequence kept.numbers continues at 1001 on source and at 1 on", "sequence kept.down continues at -1001"]
    {
        assert!(failure.answer.contains(words), "{failure}");
    }
    stray(&bench, &["ALTER SEQUENCE kept.numbers RESTART 5000", "ALTER SEQUENCE kept.down RESTART -5000"]).await;
    passes(&bench, &json!({})).await; // further on is no harm
    stray(&bench, &["ALTER SEQUENCE kept.numbers INCREMENT BY 2"]).await;
    assert!(refusal(&bench).await.answer.contains("sequence kept.numbers is `"));
    stray(&bench, &["ALTER SEQUENCE kept.numbers INCREMENT BY 1"]).await;

    stray(&bench, &["DELETE HISTORY FROM kept.sv"]).await;
    let failure = refusal(&bench).await;
    assert!(failure.answer.contains("kept.sv\n  the history of its rows differs (rows: 4 on"), "{failure}");
    passes(&bench, &json!({ "history": "ignored" })).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_account_may_not_see_is_no_difference() {
    let bench = followed(Family::MariaDb).await;
    // whoever defined a view sees it in any case
    bench.exec("source", "CREATE DEFINER = someone@localhost VIEW shop.other AS SELECT id FROM shop.accounts").await;
    bench.caught_up().await;
    let admin = bench.stranger("target").await;
    admin.exec("SET SESSION sql_log_bin = 0", crate::bench::LOOK).await.unwrap();
    for (privilege, object) in [("SHOW VIEW", "view shop.other"), ("TRIGGER", "trigger shop.accounts_touched")] {
        let revoke = format!("REVOKE {privilege} ON *.* FROM migrate@'127.0.0.1'");
        admin.exec(cutover::domain::Sql::verbatim(&revoke), crate::bench::LOOK).await.unwrap();
        bench.die().await; // privileges count from the next login on
        let failure = bench.step("verify", &with(&json!({}))).execute().await.unwrap_err();
        assert_eq!(failure.class, Class::Refused);
        let expected = format!("the account lacks {privilege}, so it cannot see {object}");
        assert!(failure.answer.contains(&expected), "{failure}");
        let grant = format!("GRANT {privilege} ON *.* TO migrate@'127.0.0.1'");
        admin.exec(cutover::domain::Sql::verbatim(&grant), crate::bench::LOOK).await.unwrap();
        bench.die().await;
    }
    passes(&bench, &json!({})).await;
}
