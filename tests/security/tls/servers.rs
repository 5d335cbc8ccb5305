//! Real servers of both families, as the inventory names them.

use super::certificates::Authority;
use super::recorder::Recorder;
use super::{LIMIT, PASSWORD, holds, log_in, words};
use crate::lab::skip;
use cutover::domain::product::Family;
use cutover::effects::{Answer, Approvals, Cover, Effects, Rule, Secrets, Tls};
use cutover::error::{Failure, Result};
use cutover::playbook::inventory::Inventory;
use cutover::playbook::inventory::Verify::{Chain, Name};
use cutover::rehearsal::server::{Choice, Profile, Server, Setup};
use cutover::rehearsal::sshd::Sshd;
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

const NAMES: &str = "DNS:db1.example, IP:127.0.0.1";

/// A server with a certificate, and a host that leads to it by ssh.
struct Bench {
    authority: Authority,
    server: Server,
    host: Sshd,
    family: Family,
    /// The last to go: a server is found by a file in it.
    folder: TempDir,
}

impl Bench {
    async fn new(family: Family) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let authority = Authority::new(&folder.path().join("tls"));
        Authority::new(&folder.path().join("other"));
        let mut options = authority.sign(NAMES, 2040);
        options.push("innodb_buffer_pool_size = 32M".into());
        let setup = Setup {
            name: "main".into(),
            dir: folder.path().join("main"),
            program: Choice::Family(family),
            port: None,
            profile: Profile::Bare,
            password: PASSWORD.into(),
            options,
        };
        let server = Server::start(setup).await.unwrap();
        let host = Sshd::start(&folder.path().join("ssh"), "db").await.unwrap();
        std::fs::write(folder.path().join("password"), PASSWORD).unwrap();
        Self { authority, server, host, family, folder }
    }

    /// The hands of a runner whose inventory has `tls` under the server, and how they fared.
    async fn reach(&self, address: &str, host: &Value, tls: Value) -> Result<String> {
        let mut server = json!({ "host": "db", "address": address, "user": "migrate", "password": { "file": "password" },
                                 "family": if self.family == Family::MySql { "mysql" } else { "mariadb" } });
        if !tls.is_null() {
            server["tls"] = tls;
        }
        let inventory = json!({ "hosts": { "db": host }, "servers": { "main": server } });
        let inventory: Inventory = serde_json::from_value(inventory).unwrap();
        let secrets = Arc::new(Secrets::read(inventory.secrets(), self.folder.path()).unwrap());
        let control = tempfile::tempdir().unwrap();
        let effects = Effects::new(Arc::new(inventory), secrets, Arc::new(Nobody), control.path().to_owned());
        let asked = async {
            let session = effects.sql("main").await?;
            let rows = session.query("SHOW SESSION STATUS LIKE 'Ssl_version'", LIMIT).await?;
            Ok(rows.first().and_then(|row| row.at(1).map(str::to_owned)).unwrap_or_default())
        };
        let answer = asked.await;
        effects.close().await;
        answer
    }

    /// The same straight from the runner's machine.
    async fn here(&self, tls: Value) -> Result<String> {
        self.reach(&self.server.address(), &json!({}), tls).await
    }

    /// The same by ssh.
    async fn by_ssh(&self, tls: Value) -> Result<String> {
        let host = json!({ "ssh": self.host.name(), "ssh_config": self.host.ssh_config() });
        self.reach(&self.server.address(), &host, tls).await
    }

    /// Starts the server again with another configuration.
    async fn with_config(&self, change: impl Fn(&str) -> Option<String>) {
        let file = self.folder.path().join("main/my.cnf");
        let text = std::fs::read_to_string(&file).unwrap();
        let lines: Vec<String> = text.lines().filter_map(change).collect();
        std::fs::write(&file, lines.join("\n") + "\n").unwrap();
        self.server.restart().await.unwrap();
    }
}

fn refused(answer: Result<String>, words_of_it: &[&str]) {
    let failure: Failure = answer.expect_err("it was reached");
    let said = words(&failure);
    for expected in words_of_it.iter().chain(&["no password was sent"]) {
        assert!(said.contains(expected), "`{expected}` is not said: {said}");
    }
}

struct Nobody;

#[async_trait::async_trait]
impl Approvals for Nobody {
    async fn answer(&self, _: &str, _: &str, _: &Rule) -> Result<Answer> {
        unreachable!("nobody is asked")
    }
}

async fn every_certificate(family: Family) {
    let bench = Bench::new(family).await;
    let good = |version: Result<String>| assert!(version.as_ref().unwrap().starts_with("TLSv1."), "{version:?}");
    let ca = "tls/ca.pem"; // as seen from the inventory's folder

    good(bench.here(json!({ "ca": ca })).await);
    good(bench.by_ssh(json!({ "ca": ca, "server_name": "db1.example" })).await);
    refused(
        bench.by_ssh(json!({ "ca": ca, "server_name": "db2.example" })).await,
        &["db1.example, 127.0.0.1, not for db2.example", "server_name"],
    );
    let by_name = bench.server.address().replace("127.0.0.1", "localhost");
    refused(bench.reach(&by_name, &json!({}), json!({ "ca": ca })).await, &["not for localhost"]);
    refused(bench.here(json!({ "ca": "other/ca.pem" })).await, &["no authority in", "other/ca.pem"]);
    let chain = json!({ "ca": ca, "server_name": "db2.example", "verify": "chain" });
    good(bench.here(chain.clone()).await);
    good(bench.by_ssh(chain.clone()).await);
    refused(bench.here(json!({ "ca": "other/ca.pem", "verify": "chain" })).await, &["no authority in"]);
    let missing = bench.here(json!({ "ca": "none.pem" })).await.unwrap_err();
    assert!(words(&missing).contains("none.pem"), "{missing:?}");
    assert_eq!(bench.here(Value::Null).await.unwrap(), "", "plain text on loopback");

    someone_on_the_way(&bench).await;

    bench.authority.sign(NAMES, 2021);
    bench.with_config(|line| Some(line.to_owned())).await;
    refused(bench.here(json!({ "ca": ca })).await, &["expired at 2021-12-31", "renew"]);
    refused(bench.here(json!({ "ca": ca, "verify": "chain" })).await, &["expired at 2021-12-31"]);

    let off = if family == Family::MySql { "tls_version = ''" } else { "" };
    bench
        .with_config(|line| match line.split_once('=') {
            Some((name, _)) if name.trim() == "ssl_ca" => Some(off.to_owned()),
            Some((name, _)) if name.trim().starts_with("ssl_") => None,
            _ => Some(line.to_owned()),
        })
        .await;
    for verify in ["name", "chain"] {
        refused(bench.here(json!({ "ca": ca, "verify": verify })).await, &["offers no TLS", "ssl_cert"]);
    }
}

/// What is to be seen on the way: no name, no password, and no login at all where something is wrong.
async fn someone_on_the_way(bench: &Bench) {
    let honest = Recorder::before(&bench.server.address(), false).await;
    for tls in [json!({ "ca": "tls/ca.pem" }), json!({ "ca": "tls/ca.pem", "verify": "chain", "server_name": "x" })] {
        bench.reach(&honest.address, &json!({}), tls).await.unwrap();
        let sent = honest.sent();
        assert!(sent.len() > 500 && !holds(&sent, "migrate") && !holds(&sent, "SELECT"), "a login is to be read");
    }
    let wrong = json!({ "ca": "tls/ca.pem", "server_name": "db2.example" });
    refused(bench.reach(&honest.address, &json!({}), wrong).await, &["not for db2.example"]);
    assert!(!holds(&honest.sent(), "migrate"));

    let stripping = Recorder::before(&bench.server.address(), true).await;
    for verify in ["name", "chain"] {
        let tls = json!({ "ca": "tls/ca.pem", "verify": verify });
        refused(bench.reach(&stripping.address, &json!({}), tls).await, &["removed the offer"]);
        assert_eq!(stripping.sent(), b"", "nothing is sent");
    }
}

#[tokio::test]
async fn mariadb() {
    every_certificate(Family::MariaDb).await;
}

#[tokio::test]
async fn mysql() {
    if skip::mysql().await {
        every_certificate(Family::MySql).await;
    }
}

/// A certificate that the server made by itself has no name; and a password that the server does not remember is asked for.
#[tokio::test]
async fn mysql_as_installed() {
    if !skip::mysql().await {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let setup = Setup {
        name: "main".into(),
        dir: folder.path().join("main"),
        program: Choice::Family(Family::MySql),
        port: None,
        profile: Profile::Bare,
        password: PASSWORD.into(),
        options: vec!["innodb_buffer_pool_size = 32M".into()],
    };
    let server = Server::start(setup).await.unwrap();
    let address = server.address();

    let Err(asked) = log_in(&address, Cover::Beyond).await.map(drop) else { panic!("the password was sent") };
    assert!(words(&asked).contains("asks for the password itself"), "{asked:?}");
    let session = log_in(&address, Cover::Loopback).await.unwrap(); // now the server remembers it
    let folder = session.query("SELECT @@GLOBAL.datadir", LIMIT).await.unwrap();
    let ca = Path::new(folder.value().unwrap()).join("ca.pem");
    let relayed = log_in(&address, Cover::Beyond).await.unwrap();
    let long = relayed.query("SELECT REPEAT('x', 3000000)", LIMIT).await.unwrap();
    assert_eq!(long.value().map(str::len), Some(3_000_000));
    relayed.close().await;

    session.exec("FLUSH PRIVILEGES", LIMIT).await.unwrap(); // forgets it
    if !ca.is_file() {
        return skip::skip("this build of MySQL makes no certificates of its own", skip::Why::NotThere);
    }
    let tls = |verify| Tls::by_file(&ca, "127.0.0.1".into(), verify);
    let Err(nameless) = log_in(&address, Cover::Tls(tls(Name).await.unwrap())).await.map(drop) else {
        panic!("no name")
    };
    assert!(words(&nameless).contains("verify: chain"), "{nameless:?}");
    let covered = log_in(&address, Cover::Tls(tls(Chain).await.unwrap())).await.unwrap();
    let version = covered.query("SHOW SESSION STATUS LIKE 'Ssl_version'", LIMIT).await.unwrap();
    assert!(version.first().unwrap().at(1).unwrap().starts_with("TLSv1."));
    assert!(covered.exec("KILL QUERY CONNECTION_ID()", LIMIT).await.is_err());
    let slept = covered.query("SELECT SLEEP(30)", Duration::from_millis(300)).await.unwrap_err();
    assert!(slept.answer.contains("took longer"), "ended by a second connection: {slept:?}");
}
