//! `verify` resumed: what an attempt before has compared is not read again, as long as only the source's log changed it.

use crate::bench::{Bench, Work};
use crate::verify::{followed, stray, with};
use cutover::domain::product::Family;
use cutover::kinds::{Outputs, Update};
use serde_json::{Value, json};

fn notes(step: &Work<'_>) -> Vec<String> {
    let text = |update: &Update| if let Update::Note { text } = update { Some(text.clone()) } else { None };
    step.told().iter().filter_map(text).collect()
}

/// The outputs of another attempt, and what it said.
async fn again(step: &Work<'_>) -> (Outputs, String) {
    step.told();
    let outputs = step.execute().await.unwrap();
    (outputs, notes(step).join("\n"))
}

fn moment(outputs: &Outputs) -> jiff::Timestamp {
    outputs["finished"].as_str().unwrap().parse().unwrap()
}

async fn goes_on_where_it_stopped(family: Family) {
    let bench = followed(family).await;
    let step = bench.step("verify", &with(&json!({})));
    let begun = jiff::Timestamp::now();
    let first = step.execute().await.unwrap();
    let done = jiff::Timestamp::now();
    assert!(moment(&first) > begun);

    // the log has gone on, which is what keeps two servers the same
    bench.exec("source", "UPDATE kept.plain SET a = 'new' WHERE id < 100").await;
    bench.caught_up().await;
    let (second, said) = again(&step).await;
    assert!(said.contains("not read again: "), "{said}");
    assert_eq!((&second["rows"], &second["tables"]), (&first["rows"], &first["tables"]));
    assert!(second["chunks"].as_u64() < first["chunks"].as_u64(), "{first:?} {second:?}");
    assert!(moment(&second) < done, "the proof is as old as its oldest part: {second:?}");

    // a table of another form is read again, and so is everything that is too old
    bench.exec("source", "ALTER TABLE kept.plain ADD COLUMN c INT NULL").await;
    bench.caught_up().await;
    let (third, _) = again(&step).await;
    assert!(third["chunks"].as_u64() > second["chunks"].as_u64(), "{second:?} {third:?}");
    let (fourth, said) = again(&step).await;
    assert!(said.contains("not read again: ") && fourth["chunks"] == second["chunks"], "{said} {fourth:?}");

    // a write of the replica's own shakes all of it, and what differs is found
    let own = bench.stranger("target").await;
    own.exec("UPDATE kept.plain SET a = 'stray' WHERE id = 4000", crate::bench::LOOK).await.unwrap();
    let failure = step.execute().await.unwrap_err();
    assert!(failure.answer.contains("id = 4000 differs"), "{failure}");
    let said = notes(&step).join("\n");
    assert!(said.contains("are read again: `target` has written transactions of its own"), "{said}");

    // after a difference nothing counts: somebody has written past replication
    own.exec("SET SESSION sql_log_bin = 0", crate::bench::LOOK).await.unwrap();
    own.exec("UPDATE kept.plain SET a = 'a4000' WHERE id = 4000", crate::bench::LOOK).await.unwrap();
    let (last, said) = again(&step).await;
    assert!(!said.contains("not read again: ") && last["tables"] == first["tables"], "{said} {first:?} {last:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn goes_on_where_it_stopped_on_mariadb() {
    goes_on_where_it_stopped(Family::MariaDb).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn goes_on_where_it_stopped_on_mysql() {
    if crate::bench::mysql().await {
        goes_on_where_it_stopped(Family::MySql).await;
    }
}

/// Only the rest of a table is read: a difference below the place that was reached is not looked for, one above it is.
#[tokio::test(flavor = "multi_thread")]
async fn half_a_table_is_not_read_again() {
    let bench: Bench = followed(Family::MariaDb).await;
    let step = bench.step("verify", &with(&json!({ "tables": ["kept.plain", "kept.pairs"] })));
    step.execute().await.unwrap();
    let half = |at: &[(&str, Value)]| {
        let mut notes = step.notes.0.lock().unwrap();
        for batch in notes.iter_mut().filter(|(key, _)| key.starts_with("compared ")).map(|(_, batch)| batch) {
            for entry in batch.as_array_mut().unwrap() {
                let (_, up_to) = at.iter().find(|(table, _)| entry["table"] == *table).unwrap();
                (entry["up_to"], entry["whole"]) = (up_to.clone(), false.into());
            }
        }
    };
    let places = [("kept.plain", json!(["2500"])), ("kept.pairs", json!(["773230", "40", "2026-05-01"]))];
    half(&places);
    stray(&bench, &["UPDATE kept.plain SET a = 'low' WHERE id = 42", "DELETE FROM kept.pairs WHERE who = 'w19'"]).await;
    let (outputs, said) = again(&step).await;
    assert!(said.contains("complete tables: 0"), "{said}: {outputs:?}");
    half(&places);
    stray(&bench, &["UPDATE kept.plain SET a = 'high' WHERE id = 4900", "DELETE FROM kept.pairs WHERE who = 'w30'"])
        .await;
    let failure = step.execute().await.unwrap_err();
    assert!(failure.answer.contains("id = 4900 differs") && !failure.answer.contains("id = 42"), "{failure}");
    assert!(failure.answer.contains("who = 'w30'") && !failure.answer.contains("who = 'w19'"), "{failure}");
}
