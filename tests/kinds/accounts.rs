//! `replication_account` and `accounts`: made, proved by a login, taken back.

use crate::bench::Bench;
use cutover::error::Class;
use cutover::kinds::Probe;
use serde_json::{Value, json};

async fn grants(bench: &Bench, server: &str, account: &str) -> String {
    bench.grants(server, account).await.join("\n")
}

async fn exists(bench: &Bench, server: &str, user: &str) -> bool {
    bench.ask(server, &format!("SELECT COUNT(*) FROM mysql.user WHERE User = '{user}'")).await != "0"
}

fn direct() -> Value {
    json!({ "server": "source", "replica": "target" })
}

#[tokio::test]
async fn the_replication_account_may_do_nothing_else_and_is_proved_on_its_way() {
    let bench = Bench::new().await;
    let tunnel = json!({ "from": "new", "to": "old", "listen": bench.tunnel, "forward": bench.source.address() });
    bench.step("tunnel", &tunnel).execute().await.unwrap();
    let mut through = direct();
    through["through"] = json!({ "step": "tunnel", "listen": bench.tunnel });
    for (with, account) in [(&through, "repl@127.0.0.1"), (&direct(), "repl@%")] {
        let mut step = bench.step("replication_account", with);
        assert_eq!(step.probe().await, Probe::NotDone);
        let outputs = step.execute().await.unwrap();
        assert_eq!(outputs["account"], account);
        let quoted = account.replace("repl@", "repl@'") + "'";
        let grants = grants(&bench, "source", &quoted).await;
        assert!(grants.starts_with("GRANT REPLICATION SLAVE ON *.* TO") && grants.lines().count() == 1, "{grants}");
        assert_eq!(step.probe().await, Probe::NotDone, "it may lack its privilege still");
        bench.exec("source", &format!("REVOKE REPLICATION SLAVE ON *.* FROM {quoted}")).await;
        assert_eq!(step.execute().await.unwrap(), outputs);
        assert!(self::grants(&bench, "source", &quoted).await.starts_with("GRANT REPLICATION SLAVE ON *.* TO"));
        step.outputs.clone_from(&outputs);
        assert_eq!(step.probe().await, Probe::Done(outputs.clone()));
        for _ in 0..2 {
            step.undo().await.unwrap();
            assert!(!exists(&bench, "source", "repl").await);
        }
    }
}

#[tokio::test]
async fn accounts_in_the_way_are_named_and_those_that_were_there_stay() {
    let bench = Bench::new().await;
    bench.exec("source", "CREATE USER ''@'127.0.0.1'").await;
    let step = bench.step("replication_account", &direct());
    let failure = step.execute().await.unwrap_err();
    assert!(failure.to_string().contains("''@'127.0.0.1'"), "{failure}");
    assert!(failure.help.clone().unwrap().contains("DROP USER ''@'127.0.0.1'"), "{:?}", failure.help);
    step.undo().await.unwrap();
    assert!(!exists(&bench, "source", "repl").await);
    bench.exec("source", "DROP USER ''@'127.0.0.1'").await;

    bench.exec("source", "CREATE USER repl@'%' IDENTIFIED BY 'another'").await;
    let step = bench.step("replication_account", &direct());
    let failure = step.execute().await.unwrap_err();
    assert!(failure.answer.contains("Access denied"), "{failure}");
    assert!(!failure.to_string().contains("folge"));
    step.undo().await.unwrap();
    assert!(exists(&bench, "source", "repl").await);
    bench.exec("source", "ALTER USER repl@'%' IDENTIFIED BY 'folge'").await;
    step.execute().await.unwrap();
    step.undo().await.unwrap();
    assert!(exists(&bench, "source", "repl").await, "it was there before");
}

#[tokio::test]
async fn application_accounts_come_with_password_and_privileges() {
    let bench = Bench::with_shop(5).await;
    let with = json!({ "application": "shop", "from": "source", "to": "target" });
    let step = bench.step("accounts", &with);
    let failure = step.execute().await.unwrap_err();
    assert_eq!(failure.class, Class::Permanent);
    assert!(failure.help.clone().unwrap().contains("user and host as on the old server"), "{failure:?}");
    step.undo().await.unwrap();
    assert!(!exists(&bench, "target", "shop").await);

    bench.exec("source", "CREATE USER shop@'127.0.0.1' IDENTIFIED BY 'laden' WITH MAX_USER_CONNECTIONS 7").await;
    bench.exec("source", "GRANT SELECT, INSERT ON shop.* TO shop@'127.0.0.1'").await;
    bench.exec("source", "GRANT UPDATE (note) ON shop.accounts TO shop@'127.0.0.1'").await;
    bench.exec("target", "CREATE DATABASE shop").await;
    bench.exec("target", "CREATE TABLE shop.accounts LIKE mysql.time_zone_name").await;
    bench.exec("target", "ALTER TABLE shop.accounts ADD note INT").await;
    let place = bench.column("target", "SHOW MASTER STATUS", "Position").await;
    assert_eq!(step.execute().await.unwrap()["proved"], "shop@127.0.0.1");
    let account = "shop@'127.0.0.1'";
    assert_eq!(grants(&bench, "target", account).await, grants(&bench, "source", account).await);
    let made = format!("SHOW CREATE USER {account}");
    assert_eq!(bench.ask("target", &made).await, bench.ask("source", &made).await);
    assert_eq!(bench.column("target", "SHOW MASTER STATUS", "Position").await, place, "not in the binary log");
    step.execute().await.unwrap();

    // an attempt that died between the account and its privileges
    bench.exec("target", "REVOKE ALL PRIVILEGES, GRANT OPTION FROM shop@'127.0.0.1'").await;
    step.notes.0.lock().unwrap().insert("made shop@127.0.0.1".into(), "begun".into());
    step.execute().await.unwrap();
    assert_eq!(grants(&bench, "target", account).await, grants(&bench, "source", account).await);

    let other = bench.step("accounts", &with);
    other.execute().await.unwrap();
    other.undo().await.unwrap();
    assert!(exists(&bench, "target", "shop").await, "it was there before that step");
    bench.exec("target", "ALTER USER shop@'127.0.0.1' IDENTIFIED BY 'wrong'").await;
    let failure = other.execute().await.unwrap_err();
    assert!(failure.answer.contains("Access denied") && failure.help.clone().unwrap().contains("before the switch"));
    for _ in 0..2 {
        step.undo().await.unwrap();
        assert!(!exists(&bench, "target", "shop").await);
    }
}
