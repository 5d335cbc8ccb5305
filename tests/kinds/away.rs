//! Hosts and servers that are away for a while: a job is waited for, a server that is down is started for an undo, and
//! only such a one.

use crate::bench::{Bench, until};
use cutover::effects::{Activity, Effects};
use cutover::error::Class;
use cutover::kinds::Update;
use serde_json::json;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

#[tokio::test(flavor = "multi_thread")]
async fn a_load_goes_on_while_nobody_reaches_its_host_and_is_found_again() {
    let bench = Bench::with_shop(2000).await;
    let dump = bench.step("dump", &json!({ "server": "source" })).execute().await.unwrap();
    let count = bench.path("count");
    let slow = format!(
        "case $1 in --no-defaults) exec /usr/bin/mariadb \"$@\";; esac\necho x >> {}\nsleep 6\nexec /usr/bin/mariadb \"$@\"",
        count.display()
    );
    bench.program("new", "mariadb", &slow);
    let step = bench.step("import", &json!({ "server": "target", "file": dump["file"] }));
    let away = async {
        until("the load runs", async || count.exists()).await;
        bench.without_sshd("new", Duration::from_secs(4)).await;
    };
    let (loaded, ()) = tokio::join!(step.execute(), away);
    assert_eq!(loaded.unwrap()["databases"], "shop");
    assert_eq!(bench.text("count"), "x\n", "it was loaded once");
    let notes: Vec<String> = step
        .told()
        .into_iter()
        .filter_map(|update| if let Update::Note { text } = update { Some(text) } else { None })
        .collect();
    assert!(notes[0].contains("new cannot be reached") && notes[1].contains("new can be reached again"), "{notes:?}");
    assert_eq!(notes.len(), 2, "{notes:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_without_sshd_is_one_that_may_come_back() {
    let bench = Bench::new().await;
    bench.fx().host("new").await.unwrap();
    let asked = async {
        until("sshd is gone", async || bench.fx().host("new").await.is_err()).await;
        bench.fx().host("new").await.err().map(|failure| failure.class)
    };
    let (class, ()) = tokio::join!(asked, bench.without_sshd("new", Duration::from_secs(5)));
    assert_eq!(class, Some(Class::Transient));
    bench.fx().host("new").await.unwrap();
}

/// Hands of an undo, and what it told.
fn undoing(bench: &Bench) -> (Effects, Arc<Mutex<Vec<String>>>) {
    let told = Arc::new(Mutex::new(Vec::new()));
    let tell = told.clone();
    let activity = Activity::new("undo", CancellationToken::new());
    (bench.fx().for_work(activity.starting(move |text| tell.lock().unwrap().push(text))), told)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_undo_starts_a_server_that_is_down_and_no_other() {
    let bench = Bench::with(|inventory| {
        for server in ["source", "target"] {
            let file = inventory["servers"][server]["config_file"].as_str().unwrap();
            inventory["servers"][server]["start"] = json!(["sh", file.replace("my.cnf", "restart.sh")]);
        }
    })
    .await;
    for server in [&bench.source, &bench.target] {
        bench.ask(server.name(), "SELECT 1").await;
    }
    bench.target.kill();
    assert!(bench.fx().is_down("target").await && !bench.fx().is_down("source").await);
    let look = async |fx: &Effects, server: &str| match fx.sql(server).await {
        Ok(session) => session.query("SELECT 1", Duration::from_secs(10)).await.map(drop),
        Err(failure) => Err(failure),
    };
    until("the old connection is gone", async || look(&bench.fx(), "target").await.is_err()).await;
    let failure = look(&bench.fx(), "target").await.unwrap_err();
    assert!(
        failure.class == Class::Transient && bench.target.pid().is_none(),
        "not by work that goes forward: {failure}"
    );

    let (fx, told) = undoing(&bench);
    look(&fx, "target").await.unwrap();
    let words = told.lock().unwrap().join("; ");
    assert!(words.contains("target is down: starting it") && words.ends_with("target answers again"), "{words}");

    bench.target.kill();
    until("that one is gone", async || look(&fx, "target").await.is_err()).await;
    assert_eq!(look(&fx, "target").await.unwrap_err().class, Class::Transient);
    assert!(bench.target.pid().is_none(), "once");

    bench.source.freeze(true);
    assert!(!bench.fx().is_down("source").await, "it does not answer, and is there");
    bench.source.freeze(false);
    assert_eq!(told.lock().unwrap().len(), 2);
}
