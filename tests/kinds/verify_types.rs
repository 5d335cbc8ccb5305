//! `verify` on every type of column: the same is the same, and the smallest change of each is seen.

use crate::bench::{Bench, LOOK};
use crate::verify::{followed, refusal, stray, with};
use cutover::domain::product::Family;
use serde_json::json;

/// Type, a value, and another that is nearly the same.
const COMMON: &[(&str, &str, &str)] = &[
    ("TINYINT", "-128", "127"),
    ("BIGINT UNSIGNED", "18446744073709551615", "18446744073709551614"),
    ("INT ZEROFILL", "7", "8"),
    ("DECIMAL(65,30)", "1.000000000000000000000000000001", "1.000000000000000000000000000002"),
    ("FLOAT", "1.5", "1.25"),
    ("DOUBLE", "0.1", "0.10000000000000002"),
    ("BIT(64)", "18446744073709551615", "18446744073709551614"),
    ("CHAR(5)", "'a'", "'A'"),
    ("VARCHAR(20)", "'e'", "'é'"),
    ("VARCHAR(20) CHARACTER SET latin1", "'x#1'", "'x#2'"),
    ("VARCHAR(20) CHARACTER SET cp1251", "'я'", "'ю'"),
    ("VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin", "'😀'", "'😁'"),
    ("TEXT", "'a'", "'a '"),
    ("LONGTEXT", "'~'", "''"),
    ("BINARY(3)", "X'000102'", "X'000103'"),
    ("VARBINARY(5)", "X'00'", "X'0000'"),
    ("BLOB", "X'FF'", "X'FE'"),
    ("LONGBLOB", "X'C328'", "X'C329'"),
    ("DATE", "'0000-00-00'", "'1000-01-01'"),
    ("DATETIME(6)", "'2026-01-02 03:04:05.000006'", "'2026-01-02 03:04:05.000007'"),
    ("TIMESTAMP(3) NULL", "'2026-10-25 00:30:00.001'", "'2026-10-25 01:30:00.001'"),
    ("TIME(6)", "'-838:59:59'", "'838:59:59'"),
    ("YEAR", "1901", "2155"),
    ("ENUM('a', 'b', '#')", "'a'", "'#'"),
    ("SET('a', 'b', 'c')", "'a,b'", "'a,c'"),
    ("JSON", "'{\"a\": 1}'", "'{\"a\": 2}'"),
    ("POINT", "ST_GeomFromText('POINT(1 2)')", "ST_GeomFromText('POINT(1 3)')"),
    ("INT INVISIBLE", "1", "2"),
];

async fn every_type_is_compared(family: Family, own: &[(&str, &str, &str)]) {
    let bench: Bench = followed(family).await;
    let types: Vec<_> = COMMON.iter().chain(own).collect();
    let columns: Vec<String> = types.iter().enumerate().map(|(n, (kind, ..))| format!("c{n} {kind}")).collect();
    let names: Vec<String> = (0..types.len()).map(|n| format!("c{n}")).collect();
    bench
        .exec(
            "source",
            &format!(
                "CREATE TABLE kept.types (id INT NOT NULL PRIMARY KEY, v INT AS (id + 1) VIRTUAL, \
                 s INT AS (id + 2) STORED, {}) CHARACTER SET utf8mb4",
                columns.join(", ")
            ),
        )
        .await;
    let values: Vec<&str> = types.iter().map(|(_, value, _)| *value).collect();
    for id in 0..types.len() {
        let row = format!("INSERT INTO kept.types (id, {}) VALUES ({id}, {})", names.join(", "), values.join(", "));
        bench.exec("source", &row).await;
    }
    bench.exec("source", "INSERT INTO kept.types (id) VALUES (-1)").await;
    bench.caught_up().await;
    for floats in ["shown", "exact"] {
        let outputs = bench.step("verify", &with(&json!({ "floats": floats }))).execute().await.unwrap();
        assert_eq!(outputs["tables"], 9);
    }
    for (id, (kind, _, other)) in types.iter().enumerate() {
        stray(&bench, &[&format!("UPDATE kept.types SET c{id} = {other} WHERE id = {id}")]).await;
        let changed = format!("SELECT COUNT(*) FROM kept.types a JOIN kept.types b ON a.id = {id} AND b.id = -1");
        assert_eq!(bench.ask("target", &changed).await, "1", "{kind}");
    }
    let failure = refusal(&bench).await;
    assert!(failure.answer.contains(&format!("kept.types: {} rows", types.len())), "{failure}");
    // NULL is no value that a column can have
    let all: Vec<String> = names.iter().map(|name| format!("{name} = NULL")).collect();
    let count = types.len();
    stray(&bench, &[&format!("DELETE FROM kept.types WHERE id BETWEEN 0 AND {count}")]).await;
    assert!(refusal(&bench).await.answer.contains("id = 0 is missing on target"));
    bench
        .sql("source")
        .await
        .exec(cutover::domain::Sql::verbatim(format!("UPDATE kept.types SET {} WHERE id = -1", all.join(", "))), LOOK)
        .await
        .unwrap();
    stray(&bench, &["UPDATE kept.types SET c12 = '', c13 = '~' WHERE id = -1"]).await;
    assert!(refusal(&bench).await.answer.contains("id = -1 differs"));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_type_of_mariadb() {
    let own = [
        ("UUID", "'123e4567-e89b-12d3-a456-426655440000'", "'123e4567-e89b-12d3-a456-426655440001'"),
        ("INET6", "'::1'", "'::2'"),
        ("VARCHAR(200) COMPRESSED", "'aaa'", "'aab'"),
    ];
    every_type_is_compared(Family::MariaDb, &own).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_type_of_mysql() {
    if !crate::bench::mysql().await {
        return;
    }
    let own = [("VECTOR(2)", "STRING_TO_VECTOR('[1,2]')", "STRING_TO_VECTOR('[1,3]')")];
    every_type_is_compared(Family::MySql, &own).await;
}
