//! `repoint`: a configuration file with a reload, and a real `HAProxy` over its runtime socket.

use crate::bench::{Bench, LOOK, until};
use cutover::domain::secret::SecretRef;
use cutover::effects::free_port;
use cutover::effects::{Cover, Login, Secrets, Session};
use cutover::error::Class;
use cutover::kinds::Update;
use serde_json::json;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

#[tokio::test]
async fn the_file_is_written_reloaded_and_put_back() {
    let bench = Bench::new().await;
    let old = "DB_HOST=10.0.0.1\n";
    std::fs::write(bench.path("app/db.env"), old).unwrap();
    let step = bench.step("repoint", &json!({ "application": "shop", "to": "target" }));
    assert_eq!(step.inspect().await, []);
    step.prepare().await.unwrap();
    assert_eq!(bench.text("app/db.env"), old, "only staged");
    step.execute().await.unwrap();
    let written = bench.text("app/db.env");
    assert!(written.contains("DB_HOST=127.0.0.1\n") && written.contains(&format!("DB_PORT={}\n", bench.target.port())));
    assert!(written.contains("DB_NAME=shop\n"));
    assert_eq!(bench.text("app/reloads"), written);
    bench.die().await;
    step.prepare().await.unwrap();
    step.execute().await.unwrap();
    assert_eq!(bench.text("app/reloads"), written.repeat(2), "a resumed run reloads once more");
    for _ in 0..2 {
        step.undo().await.unwrap();
        assert_eq!(bench.text("app/db.env"), old);
        assert_eq!(bench.text("app/reloads"), format!("{}{old}", written.repeat(2)));
    }
    assert_eq!(bench.leftovers(), [""; 0]);
}

/// A command that hangs costs its limit and no more; one that may be slow has a shell of its own.
#[tokio::test]
async fn a_reload_has_a_limit_of_its_own() {
    let mut bench = Bench::with(|inventory| inventory["applications"]["shop"]["reload_limit"] = json!("20s")).await;
    for done in [true, false] {
        if !done {
            let mut inventory = serde_json::to_value(&bench.world.inventory).unwrap();
            let shop = &mut inventory["applications"]["shop"];
            (shop["reload_limit"], shop["reload"]) = (json!("300ms"), json!(["sleep", "61"]));
            bench.world.inventory = serde_json::from_value(inventory).unwrap();
            bench.anew().await;
        }
        std::fs::write(bench.path("app/db.env"), "DB_HOST=10.0.0.1\n").unwrap();
        let step = bench.step("repoint", &json!({ "application": "shop", "to": "target" }));
        step.prepare().await.unwrap();
        for ended in [step.execute().await.map(drop), step.undo().await] {
            let Err(failure) = ended else {
                assert!(done);
                continue;
            };
            assert!(!done && failure.answer.contains("300ms"), "{failure}");
            assert!(failure.now.as_deref().is_some_and(|now| now.contains("on new")), "{failure}");
            assert!(failure.help.unwrap().contains("`reload_limit`"));
        }
    }
}

/// What stands in a folder that is not there would be written where nobody reads it.
#[tokio::test]
async fn a_mistyped_folder_of_the_file_is_refused() {
    let bench = Bench::with(|inventory| {
        let path = &mut inventory["applications"]["shop"]["config"]["path"];
        *path = json!(path.as_str().unwrap().replace("/app/", "/ap/"));
    })
    .await;
    let step = bench.step("repoint", &json!({ "application": "shop", "to": "target" }));
    assert_eq!(step.inspect().await, [], "an earlier step may make it");
    let failure = step.prepare().await.unwrap_err();
    assert!(failure.answer.contains("is not there"), "{failure}");
    assert!(!bench.path("ap").exists());
}

struct Proxy(Child);

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What `repoint` with this `arrival` comes to, prepared and executed, and what it told.
async fn arrived(bench: &Bench, arrival: &str) -> (Result<(), String>, Vec<Update>) {
    let step = bench.step("repoint", &json!({ "application": "shop", "to": "target", "arrival": arrival }));
    assert_eq!(step.inspect().await, []);
    step.prepare().await.unwrap();
    let ended = step.execute().await.map(drop).map_err(|failure| failure.to_string());
    (ended, step.told())
}

#[tokio::test]
async fn only_an_application_that_was_there_before_is_missed() {
    let bench = Bench::new().await;
    std::fs::write(bench.path("app/db.env"), "DB_HOST=10.0.0.1\n").unwrap();
    bench.exec("source", "CREATE USER shop@'127.0.0.1' IDENTIFIED BY 'laden'").await;
    let quiet =
        |told: &[Update]| told.iter().any(|update| matches!(update, Update::Note { text } if text.contains("is idle")));
    let (ended, told) = arrived(&bench, "300ms").await;
    assert!(ended.is_ok() && quiet(&told), "{ended:?} {told:?}");
    let (ended, told) = arrived(&bench, "none").await;
    assert!(ended.is_ok() && !quiet(&told), "nobody looks: {told:?}");

    let secrets = Secrets::known([(SecretRef::Env("APP".into()), "laden".into())]);
    let password = Some(SecretRef::Env("APP".into()));
    let (server, address) = ("source".into(), bench.source.address());
    let client = Session::open(
        Login { server, address, user: "shop".into(), password, cover: Cover::Loopback },
        Arc::new(secrets),
    )
    .await
    .unwrap();
    let (ended, told) = arrived(&bench, "300ms").await;
    assert!(ended.unwrap_err().contains("none of its sessions appeared") && !quiet(&told));

    let step = bench.step("repoint", &json!({ "application": "shop", "to": "target", "arrival": "300ms" }));
    step.prepare().await.unwrap();
    bench.exec("source", "SET GLOBAL read_only = ON").await;
    client.close().await;
    step.prepare().await.unwrap();
    assert!(step.execute().await.is_err(), "a resumed run finds the old server closed: what was noted before stands");
    let step = bench.step("repoint", &json!({ "application": "shop", "to": "target", "from": "target" }));
    assert!(step.complaints()[0].contains("cannot move from"));
}

#[tokio::test]
async fn a_proxy_is_switched_its_sessions_cut_and_switched_back() {
    let mut socket = std::path::PathBuf::new();
    let bench = Bench::with(|inventory| {
        let shop = &mut inventory["applications"]["shop"];
        let path = shop["config"]["path"].as_str().unwrap().to_owned();
        socket = std::path::Path::new(&path).with_file_name("haproxy.sock");
        *shop = json!({ "haproxy": { "host": "new", "socket": socket, "backend": "db",
                                     "servers": { "source": "old", "target": "new" } } });
    })
    .await;
    let step = bench.step("repoint", &json!({ "application": "shop", "to": "target" }));
    let told = step.inspect().await;
    assert!(told[0].attempted.contains("haproxy.sock"), "nobody listens there yet: {told:?}");
    let port = free_port().unwrap();
    let config = format!(
        "global\n  stats socket {} level admin\ndefaults\n  mode tcp\n  timeout connect 2s\n  timeout client 1m\n  \
         timeout server 1m\nlisten db\n  bind 127.0.0.1:{port}\n  server old {} check inter 200\n  \
         server new {} check inter 200 disabled\n  \
         server reader {} check inter 200\n  server spare {} check inter 200 backup\n",
        socket.display(),
        bench.source.address(),
        bench.target.address(),
        bench.source.address(),
        bench.source.address(),
    );
    std::fs::write(bench.path("haproxy.cfg"), config).unwrap();
    let mut command = Command::new("haproxy");
    command.arg("-db").arg("-f").arg(bench.path("haproxy.cfg"));
    let _proxy = Proxy(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
    until("the proxy is there", async || socket.exists()).await;
    for (server, number) in [("source", 1), ("target", 2)] {
        bench.exec(server, "CREATE USER app@'127.0.0.1' IDENTIFIED BY 'laden'").await;
        assert_eq!(bench.ask(server, "SELECT @@server_id").await, number.to_string());
    }
    let client = async || {
        let secrets = Secrets::known([(SecretRef::Env("APP".into()), "laden".into())]);
        let login = Login {
            server: "proxy".into(),
            address: format!("127.0.0.1:{port}"),
            user: "app".into(),
            password: Some(SecretRef::Env("APP".into())),
            cover: Cover::Loopback,
        };
        Session::open(login, Arc::new(secrets)).await
    };
    let lands = async || {
        let session = client().await.ok()?;
        Some(session.query("SELECT @@server_id", LOOK).await.ok()?.value()?.to_owned())
    };
    assert_eq!(lands().await.as_deref(), Some("1"));
    for refusal in [step.inspect().await.remove(0), step.prepare().await.unwrap_err()] {
        assert_eq!((refusal.class, refusal.now.as_deref()), (Class::Refused, Some("nothing was switched")));
        assert!(refusal.answer.contains("`reader`") && !refusal.answer.contains("spare"), "{refusal}");
    }
    let shut = bench.fx().unix_ask("new", &socket.display().to_string(), "set server db/reader state maint").await;
    assert_eq!(shut.unwrap().trim(), "");
    let open = client().await.unwrap();
    assert_eq!(step.inspect().await, []);
    step.prepare().await.unwrap();
    let told = format!("{:?}", step.told());
    assert!(told.contains("`reader` (in maintenance), `spare` (a backup), which is not changed"), "{told}");
    for _ in 0..2 {
        step.execute().await.unwrap();
        assert!(open.query("SELECT 1", LOOK).await.is_err(), "sessions to the old server are cut");
        until("it lands on the new server", async || lands().await.as_deref() == Some("2")).await;
    }
    for _ in 0..2 {
        step.undo().await.unwrap();
        until("it lands on the old server", async || lands().await.as_deref() == Some("1")).await;
    }
}
