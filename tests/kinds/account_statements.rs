//! Statements about accounts that a replica cannot apply: it goes on past exactly those, tells them, and holds to the
//! accounts that the migration and its applications need.

use crate::bench::{Bench, LOOK, mysql, until};
use cutover::domain::product::Family;
use cutover::effects::replica::ReplicaStatus;
use cutover::error::Class;
use cutover::kinds::Update;
use serde_json::json;

/// Accounts of the source alone: nothing of it is in the binary log.
async fn beside(bench: &Bench, server: &str, statements: &[&str]) {
    let session = bench.fx().session(server, "beside").await.unwrap();
    session.query("SET SESSION sql_log_bin = 0", LOOK).await.unwrap();
    for statement in statements {
        session.query(cutover::domain::Sql::verbatim(*statement), LOOK).await.unwrap();
    }
    bench.fx().close_session(server, "beside").await;
}

async fn one_statement_after_the_other(family: Family, options: &[&str]) {
    let bench = Bench::with_options(family, family, options, |_| {}).await;
    for server in ["source", "target"] {
        beside(&bench, server, &["CREATE USER moved@'%' IDENTIFIED BY 'a'"]).await;
    }
    bench.replicate().await;
    bench.exec("source", "CREATE DATABASE d").await;
    bench.exec("source", "CREATE TABLE d.t (id INT PRIMARY KEY AUTO_INCREMENT)").await;
    let here = ["CREATE USER report@'%' IDENTIFIED BY 'geheim'", "CREATE ROLE reader"];
    beside(&bench, "source", &here).await;
    beside(
        &bench,
        "target",
        &["CREATE USER shop@'127.0.0.1' IDENTIFIED BY 'laden'", "CREATE USER there@'%' IDENTIFIED BY 'p'"],
    )
    .await;
    let (for_word, password) = match family {
        Family::MariaDb => ("FOR", "PASSWORD('geheim2')"),
        Family::MySql => ("TO", "'geheim2'"),
    };
    if family == Family::MariaDb {
        bench.exec("source", "SET SESSION sql_mode = 'NO_AUTO_CREATE_USER'").await; // as a server has it by default
    }
    let texts = [
        "ALTER USER report@'%' IDENTIFIED BY 'geheim1'".to_owned(),
        format!("SET PASSWORD FOR report@'%' = {password}"),
        "GRANT SELECT ON d.* TO report@'%'".to_owned(),
        "GRANT reader TO report@'%'".to_owned(),
        format!("SET DEFAULT ROLE reader {for_word} report@'%'"),
        "REVOKE SELECT ON d.* FROM report@'%'".to_owned(),
        "RENAME USER report@'%' TO 're''port'@'%'".to_owned(),
        "DROP USER 're''port'@'%'".to_owned(),
        "DROP ROLE reader".to_owned(),
        "CREATE USER there@'%' IDENTIFIED BY 'geheim3'".to_owned(),
        "CREATE USER shop@'127.0.0.1' IDENTIFIED BY 'laden'".to_owned(),
        "ALTER USER moved@'%' IDENTIFIED BY 'b'".to_owned(),
        "GRANT SELECT ON d.* TO moved@'%'".to_owned(),
    ];
    let step = bench.step("wait_for_lag", &json!({ "replica": "target", "max_lag": "1s", "for": "2s" }));
    let statements = async {
        for text in &texts {
            bench.exec("source", text).await;
            bench.exec("source", "INSERT INTO d.t VALUES ()").await;
        }
    };
    let (ended, ()) = tokio::join!(step.execute(), statements);
    ended.unwrap();
    // on a busy machine a statement may come after the replica has kept up for a second
    step.execute().await.unwrap();
    bench.caught_up().await;
    assert_eq!(bench.ask("target", "SELECT COUNT(*) FROM d.t").await, texts.len().to_string(), "and nothing else");
    let hash = "SELECT authentication_string FROM mysql.user WHERE User = 'moved'";
    assert_eq!(bench.ask("target", hash).await, bench.ask("source", hash).await, "what can be carried over is");
    let told: Vec<String> = step
        .told()
        .into_iter()
        .filter_map(|update| match update {
            Update::Note { text } => Some(text),
            _ => None,
        })
        .collect();
    assert_eq!(told.len(), 11, "{told:#?}");
    assert!(told[0].contains("ALTER USER of report@%") && told[6].contains("RENAME USER of report@%, re'port@%"));
    let notes = serde_json::to_string(&*step.notes.0.lock().unwrap()).unwrap();
    assert!(notes.contains("CREATE USER of shop@127.0.0.1") && !notes.contains("moved"), "{notes}");
    for secret in ["geheim", "laden"] {
        assert!(!told.concat().contains(secret) && !notes.contains(secret));
    }
    let planned = step.planned("target");
    for statement in bench.target.dialect().pass_transaction(None).iter().map(ToString::to_string) {
        assert!(planned.contains(&statement), "{statement}");
    }
    needed_accounts_are_not_left_behind(&bench).await;
}

/// A `GRANT` that makes an account without a password stops nothing, and must not pass unseen.
#[tokio::test]
async fn an_account_that_a_grant_has_opened_to_anybody_is_told() {
    let bench = Bench::new().await;
    bench.replicate().await;
    beside(&bench, "source", &["CREATE USER report@'%' IDENTIFIED BY 'x'"]).await;
    beside(&bench, "source", &["CREATE USER known@'%'"]).await;
    beside(&bench, "target", &["CREATE USER known@'%'"]).await;
    bench.exec("source", "SET SESSION sql_mode = ''").await;
    bench.exec("source", "GRANT SELECT ON d.* TO report@'%'").await;
    let step = bench.step("wait_for_lag", &json!({ "replica": "target", "max_lag": "1s", "for": "1s" }));
    step.execute().await.unwrap();
    let told: Vec<Update> = step.told().into_iter().filter(|update| matches!(update, Update::Note { .. })).collect();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(format!("{told:?}").contains("report@% on `target` accepts anyone"));
}

/// What an application's account is to be able to do is not passed over.
async fn needed_accounts_are_not_left_behind(bench: &Bench) {
    beside(bench, "source", &["CREATE ROLE writer"]).await;
    bench.exec("source", "GRANT writer TO shop@'127.0.0.1'").await;
    bench.exec("source", "INSERT INTO d.t VALUES ()").await;
    let dialect = bench.target.dialect();
    until("it stops", async || {
        let status = ReplicaStatus::read(&*bench.sql("target").await, dialect).await.unwrap().unwrap();
        status.apply_error.is_some() && !status.applying
    })
    .await;
    let wait = json!({ "replica": "target", "position": bench.position().await });
    let step = bench.step("wait_for_position", &wait);
    let failure = step.execute().await.unwrap_err();
    assert_eq!(failure.class, Class::Permanent);
    assert!(failure.answer.contains("GRANT of shop@127.0.0.1, which must not be skipped"), "{failure}");
    beside(bench, "target", &["CREATE ROLE writer"]).await;
    bench.exec("target", &dialect.start_applier().to_string()).await;
    step.execute().await.unwrap();
    let grants = bench.sql("target").await.query("SHOW GRANTS FOR shop@'127.0.0.1'", LOOK).await.unwrap();
    assert!(grants.iter().any(|row| row.at(0).is_some_and(|text| text.contains("writer"))), "it was not lost");
}

#[tokio::test]
async fn a_mariadb_replica_goes_on_past_accounts_it_does_not_have() {
    one_statement_after_the_other(Family::MariaDb, &[]).await;
}

#[tokio::test]
async fn a_mysql_replica_goes_on_past_accounts_it_does_not_have() {
    if mysql().await {
        one_statement_after_the_other(Family::MySql, &[]).await;
    }
}

/// Without GTIDs, and with parallel workers that have done what follows the place in the status.
#[tokio::test]
async fn a_mysql_replica_without_gtids_goes_on_past_accounts_it_does_not_have() {
    if mysql().await {
        one_statement_after_the_other(Family::MySql, &["gtid_mode = OFF"]).await;
    }
}

/// With parallel workers, too.
#[tokio::test]
async fn a_mariadb_replica_with_workers_goes_on_past_accounts_it_does_not_have() {
    one_statement_after_the_other(Family::MariaDb, &["slave_parallel_threads = 4"]).await;
}
