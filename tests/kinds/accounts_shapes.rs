//! `accounts`: shapes of grants as people have them, brought by the documented account, tried before, taken back.

use crate::bench::{Bench, Work, mysql};
use crate::readme;
use cutover::domain::product::Family;
use cutover::kinds::Update;
use serde_json::{Value, json};

/// Servers, the new one worked on by the documented account alone.
async fn bench(family: Family) -> Bench {
    let mut bench = Bench::of(family).await;
    for statement in readme::account(family, "target", "neu\"wort", false) {
        bench.exec("target", &statement.replace("'migrate'@", "'runner'@")).await;
    }
    bench.world.inventory.servers.get_mut("target").unwrap().user = "runner".into();
    bench.anew().await;
    for server in ["source", "target"] {
        bench.root(server, "CREATE DATABASE shop").await;
        bench.root(server, "CREATE TABLE shop.t (a INT, b INT)").await;
    }
    bench
}

async fn grants(bench: &Bench, server: &str, account: &str) -> String {
    let mut lines = bench.grants(server, account).await;
    lines.sort();
    lines.join("\n")
}

async fn names(bench: &Bench) -> String {
    bench.ask("target", "SELECT GROUP_CONCAT(CONCAT(User, '@', Host) ORDER BY User, Host) FROM mysql.user").await
}

fn notes(step: &Work<'_>) -> String {
    let notes = step.told().into_iter().filter_map(|update| match update {
        Update::Note { text } => Some(text),
        _ => None,
    });
    notes.collect::<Vec<_>>().join("\n")
}

fn with() -> Value {
    json!({ "application": "shop", "from": "source", "to": "target" })
}

fn common() -> Vec<&'static str> {
    vec![
        "CREATE USER shop@'127.0.0.1' IDENTIFIED BY 'laden' WITH MAX_QUERIES_PER_HOUR 50000",
        "GRANT ALL ON shop.* TO shop@'127.0.0.1'",
        "CREATE TABLE shop.gone (id INT)",
        "GRANT SELECT ON shop.gone TO shop@'127.0.0.1'",
        "GRANT SELECT (a), UPDATE (b) ON shop.t TO shop@'127.0.0.1'",
        "GRANT SELECT ON `sh\\_%`.* TO shop@'127.0.0.1'",
        "DROP TABLE shop.gone",
        "CREATE ROLE inner_r",
        "CREATE ROLE app_rw",
        "GRANT SELECT ON shop.* TO inner_r",
        "GRANT INSERT ON shop.* TO app_rw",
        "GRANT inner_r TO app_rw",
        "GRANT app_rw TO shop@'127.0.0.1'",
    ]
}

async fn shapes(family: Family) {
    let bench = bench(family).await;
    for statement in common() {
        bench.exec("source", statement).await;
    }
    if family == Family::MariaDb {
        bench.exec("source", "GRANT SELECT ON shop.* TO PUBLIC").await;
    }
    let word = if family == Family::MariaDb { "FOR" } else { "TO" };
    bench.exec("source", &format!("SET DEFAULT ROLE app_rw {word} shop@'127.0.0.1'")).await;
    let before = names(&bench).await;
    let step = bench.step("accounts", &with());
    assert_eq!(step.inspect().await, vec![]);
    assert_eq!(names(&bench).await, before, "what was tried is gone again");
    assert_eq!(step.execute().await.unwrap()["proved"], "shop@127.0.0.1");
    let told = notes(&step);
    assert!(told.contains("shop@127.0.0.1 is created without `GRANT SELECT ON `shop`.`gone`"), "{told}");
    if family == Family::MariaDb {
        assert!(told.contains("on `target` PUBLIC lacks: GRANT SELECT ON `shop`.* TO PUBLIC"), "{told}");
    }
    let source = grants(&bench, "source", "shop@'127.0.0.1'").await;
    let left: Vec<&str> = source.lines().filter(|line| !line.contains("gone")).collect();
    assert_eq!(grants(&bench, "target", "shop@'127.0.0.1'").await, left.join("\n"));
    for role in ["app_rw", "inner_r"] {
        assert_eq!(grants(&bench, "target", role).await, grants(&bench, "source", role).await);
    }
    step.execute().await.unwrap();
    bench.die().await;
    for _ in 0..2 {
        step.undo().await.unwrap();
        assert_eq!(names(&bench).await, before);
    }
}

async fn what_cannot_be_passed_on_is_named_before(family: Family) {
    let bench = bench(family).await;
    bench.exec("source", "CREATE USER shop@'127.0.0.1' IDENTIFIED BY 'laden'").await;
    bench.exec("source", "GRANT FILE ON *.* TO shop@'127.0.0.1'").await;
    bench.exec("source", "CREATE USER other@'%' IDENTIFIED BY 'x'").await;
    // as an administrator may, and the tests' own account may not, grant it
    let columns = "(Host, User, Proxied_host, Proxied_user, With_grant, Grantor)";
    let proxy = format!("INSERT INTO mysql.proxies_priv {columns} VALUES ('127.0.0.1', 'shop', '%', 'other', 0, '')");
    bench.exec("source", &proxy).await;
    bench.exec("source", "FLUSH PRIVILEGES").await;
    let before = names(&bench).await;
    let step = bench.step("accounts", &with());
    let failures = step.inspect().await;
    assert_eq!(failures.len(), 2, "{failures:?}");
    let all = format!("{failures:?}");
    assert!(all.contains("GRANT PROXY ON ''@'' TO runner WITH GRANT OPTION"), "{all}");
    assert!(all.contains("the privileges in `GRANT FILE ON *.* TO `shop`@`127.0.0.1`"), "{all}");
    assert_eq!(names(&bench).await, before);
    step.execute().await.unwrap_err();
    step.undo().await.unwrap();
    assert_eq!(names(&bench).await, before);
}

async fn all_others_come_on_demand(family: Family) {
    let bench = bench(family).await;
    let odd = "'a@b''c\"d\\\\e ü%_'@'192.168.%'";
    for statement in [
        "CREATE USER shop@'127.0.0.1' IDENTIFIED BY 'laden'",
        "CREATE USER report@'%' IDENTIFIED BY 'x' REQUIRE SSL ACCOUNT LOCK",
        "CREATE USER '10'@'10.0.0.0/255.0.0.0' IDENTIFIED BY ''",
        "CREATE ROLE lonely",
        "GRANT SELECT ON shop.* TO lonely",
        "CREATE USER root@'10.%' IDENTIFIED BY 'x'",
        "CREATE USER repl@'%' IDENTIFIED BY 'folge'",
    ] {
        bench.exec("source", statement).await;
    }
    bench.exec("source", &format!("CREATE USER {odd} IDENTIFIED BY 'y'")).await;
    bench.exec("source", &format!("GRANT SELECT ON *.* TO {odd}")).await;
    let before = names(&bench).await;
    let step = bench.step("accounts", &json!({ "from": "source", "to": "target", "others": true }));
    assert_eq!(step.inspect().await, vec![]);
    step.execute().await.unwrap();
    let after = names(&bench).await;
    for name in
        ["shop@127.0.0.1", "report@%", "10@10.0.0.0/255.0.0.0", "lonely@", "root@10.%", "a@b'c\"d\\e ü%_@192.168.%"]
    {
        assert!(after.contains(name), "{name} in {after}");
    }
    assert!(!after.contains("repl@"), "{after}");
    assert_eq!(grants(&bench, "target", odd).await, grants(&bench, "source", odd).await);
    let made = format!("SHOW CREATE USER {odd}");
    if family == Family::MariaDb {
        assert_eq!(bench.ask("target", &made).await, bench.ask("source", &made).await);
    }
    bench.die().await;
    for _ in 0..2 {
        step.undo().await.unwrap();
        assert_eq!(names(&bench).await, before);
    }
}

#[tokio::test]
async fn mariadb_shapes_of_grants() {
    shapes(Family::MariaDb).await;
    what_cannot_be_passed_on_is_named_before(Family::MariaDb).await;
}

#[tokio::test]
async fn mysql_shapes_of_grants() {
    if mysql().await {
        shapes(Family::MySql).await;
        what_cannot_be_passed_on_is_named_before(Family::MySql).await;
    }
}

#[tokio::test]
async fn all_others_of_mariadb_come_on_demand() {
    all_others_come_on_demand(Family::MariaDb).await;
}

#[tokio::test]
async fn all_others_of_mysql_come_on_demand() {
    if mysql().await {
        all_others_come_on_demand(Family::MySql).await;
    }
}

#[tokio::test]
async fn a_server_that_refuses_hashes_takes_them_for_a_moment() {
    let bench = bench(Family::MariaDb).await;
    bench.root("target", "INSTALL SONAME 'simple_password_check'").await;
    bench.exec("source", "CREATE USER shop@'127.0.0.1' IDENTIFIED BY 'laden'").await;
    bench.exec("source", "GRANT SELECT ON shop.* TO shop@'127.0.0.1'").await;
    let step = bench.step("accounts", &with());
    assert_eq!(step.inspect().await, vec![]);
    step.execute().await.unwrap();
    assert!(notes(&step).contains("strict_password_validation is off on `target`"));
    let strict = "SELECT @@GLOBAL.strict_password_validation";
    assert_eq!(bench.ask("target", strict).await, "1");
    // a runner that died in between
    bench.root("target", "SET GLOBAL strict_password_validation = OFF").await;
    step.notes.0.lock().unwrap().insert("strict_passwords".into(), true.into());
    for _ in 0..2 {
        step.undo().await.unwrap();
        assert_eq!(bench.ask("target", strict).await, "1");
    }
}

const ODD: &str = "a@b'c\"d\\e ü%_#";
const ODD_PASSWORD: &str = " p\"a'ss\\n#ü;$(x)` ";

/// Names and passwords as nobody should choose them, in the inventory itself.
async fn odd_names(family: Family) {
    let mut bench = Bench::of(family).await;
    for name in ["shop", "repl"] {
        std::fs::write(bench.path(name), ODD_PASSWORD).unwrap();
    }
    bench.world.inventory.applications.get_mut("shop").unwrap().accounts[0].user = ODD.into();
    for server in ["source", "target"] {
        let account = bench.world.inventory.servers.get_mut(server).unwrap().replication.as_mut().unwrap();
        account.user = format!("r{ODD}");
    }
    bench.anew().await;
    if family == Family::MariaDb {
        let follow = json!({ "replica": "target", "source": "source", "position": bench.position().await,
                             "through": { "step": "tunnel", "listen": bench.source.address() } });
        let complaints = bench.step("change_source", &follow).complaints();
        assert!(complaints[0].contains("a replica of MariaDB cannot log in as `ra@b"), "{complaints:?}");
        for server in ["source", "target"] {
            let account = bench.world.inventory.servers.get_mut(server).unwrap().replication.as_mut().unwrap();
            account.user = account.user.replace('ü', "u");
        }
        bench.anew().await;
    }
    let replication = bench.world.inventory.servers["target"].replication.as_ref().unwrap().user.clone();
    let quoted = |text: &str| format!("'{}'", text.replace('\\', "\\\\").replace('\'', "''"));
    let account = format!("{}@'127.0.0.1'", quoted(ODD));
    bench.exec("source", &format!("CREATE USER {account} IDENTIFIED BY {}", quoted(ODD_PASSWORD))).await;
    bench.exec("source", "CREATE DATABASE shop").await;
    bench.exec("source", &format!("GRANT ALL ON shop.* TO {account}")).await;
    let step = bench.step("accounts", &with());
    assert_eq!(step.inspect().await, vec![]);
    assert_eq!(step.execute().await.unwrap()["proved"], format!("{ODD}@127.0.0.1"));
    assert_eq!(grants(&bench, "target", &account).await, grants(&bench, "source", &account).await);

    let direct = json!({ "server": "source", "replica": "target" });
    let made = bench.step("replication_account", &direct);
    assert_eq!(made.execute().await.unwrap()["account"], format!("{replication}@%"));
    let follow = json!({ "replica": "target", "source": "source", "position": bench.position().await,
                         "through": { "step": "tunnel", "listen": bench.source.address() } });
    bench.step("change_source", &follow).execute().await.unwrap();
    bench.exec("source", &format!("ALTER USER {account} IDENTIFIED BY 'neu'")).await;
    bench.caught_up().await;
    made.undo().await.unwrap();
    let left = format!("SELECT COUNT(*) FROM mysql.user WHERE User = {}", quoted(&replication));
    assert_eq!(bench.ask("source", &left).await, "0");
}

#[tokio::test]
async fn odd_names_and_passwords_of_mariadb() {
    odd_names(Family::MariaDb).await;
}

#[tokio::test]
async fn odd_names_and_passwords_of_mysql() {
    if mysql().await {
        odd_names(Family::MySql).await;
    }
}
