//! `tunnel`: from host to host and through the runner, broken, taken, taken back.

use crate::bench::{Bench, mysql, processes, until};
use cutover::domain::Script;
use cutover::domain::product::Family;
use cutover::domain::script::argument;
use cutover::effects::greeting;
use cutover::error::Class;
use cutover::kinds::Probe;
use cutover::sh;
use serde_json::{Value, json};
use std::time::Duration;

fn with(bench: &Bench, via: &str) -> Value {
    json!({ "from": "new", "listen": bench.tunnel, "to": "old", "forward": bench.source.address(), "via": via })
}

async fn greets(bench: &Bench) -> bool {
    greeting(&bench.tunnel, Duration::from_secs(2)).await.is_ok()
}

fn kill(pid: i32) {
    let pid = rustix::process::Pid::from_raw(pid).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
}

#[tokio::test]
async fn outlives_the_runner_and_mends_itself() {
    let bench = Bench::new().await;
    let step = bench.step("tunnel", &with(&bench, "host"));
    assert_eq!((step.inspect().await, step.probe().await), (vec![], Probe::NotDone));
    let outputs = step.execute().await.unwrap();
    assert_eq!(outputs["address"], bench.tunnel);
    let line = format!("-L {}:{}", bench.tunnel, bench.source.address());
    let ssh = processes(&format!(
        "-T -o BatchMode=yes -o StrictHostKeyChecking=yes -o ExitOnForwardFailure=yes \
         -o ControlPath=none -o ConnectTimeout=10 -o ServerAliveInterval=2 -o ServerAliveCountMax=3 {line} old cat"
    ));
    assert_eq!(ssh.len(), 1);
    bench.die().await;
    assert!(greets(&bench).await, "the runner's connections are gone, the tunnel stands");
    assert_eq!(step.probe().await, Probe::Done(outputs.clone()));

    kill(ssh[0]);
    until("it is made again", async || greets(&bench).await).await;
    assert_eq!(step.execute().await.unwrap(), outputs, "a second time changes nothing");

    let taken = bench.step("tunnel", &with(&bench, "host")).inspect().await;
    assert_eq!(taken[0].class, Class::Refused);
    assert!(taken[0].answer.contains("another program already listens on"), "{}", taken[0]);

    for _ in 0..2 {
        step.undo().await.unwrap();
        assert_eq!(processes(&line), [0; 0]);
    }
    assert!(!greets(&bench).await);
    assert_eq!(bench.leftovers(), [""; 0]);
    assert_eq!(step.inspect().await, []);
}

/// Another server on the port, the wrong host, or an account that cannot see: nothing passes for the right server.
#[tokio::test]
async fn another_server_is_refused_by_name_and_sent_no_password() {
    let bench = Bench::new().await;
    // the new server itself has the port that the tunnel is to listen on
    let mut taken = with(&bench, "host");
    taken["listen"] = json!(bench.target.address());
    // somebody has written the new server's name and the old one's address
    let mut mistaken = with(&bench, "host");
    mistaken["server"] = json!("target");
    for (with, is, wanted) in [(taken, "target", "source"), (mistaken, "source", "target")] {
        let logins = bench.ask(is, LOGINS).await;
        let step = bench.step("tunnel", &with);
        let failure = step.execute().await.unwrap_err();
        assert_eq!(failure.class, Class::Refused, "{failure}");
        let words = failure.answer.clone();
        assert!(
            words.starts_with(&format!("`{is}` (")) && words.contains(&format!("instead of `{wanted}` (")),
            "{words}"
        );
        for server in [&bench.source, &bench.target] {
            assert!(words.contains(&format!("port {}", server.port())), "{words}");
        }
        assert!(matches!(step.probe().await, Probe::Conflict(_)));
        assert_eq!(bench.ask(is, LOGINS).await, logins, "nobody tried to log in there");
        step.undo().await.unwrap();
    }
    let mut nowhere = with(&bench, "host");
    nowhere["forward"] = json!("127.0.0.1:1");
    let complaint = bench.step("tunnel", &nowhere).complaints().remove(0);
    assert!(complaint.contains("no server in the inventory has the address 127.0.0.1:1 on host `old`"), "{complaint}");
}

/// Logins that a server has seen, good and bad; its own count is one of the former.
const LOGINS: &str = "SELECT SUM(VARIABLE_VALUE) FROM information_schema.GLOBAL_STATUS \
     WHERE VARIABLE_NAME = 'ACCESS_DENIED_ERRORS'";

#[tokio::test]
async fn the_proof_needs_no_more_than_process() {
    for family in [Family::MariaDb, Family::MySql] {
        if family == Family::MySql && !mysql().await {
            continue;
        }
        let bench = Bench::of(family).await;
        let step = bench.step("tunnel", &with(&bench, "runner"));
        assert_eq!(step.inspect().await, []);
        step.execute().await.unwrap();
        assert!(matches!(step.probe().await, Probe::Done(_)));
        step.undo().await.unwrap();
    }
    let bench = Bench::with(|inventory| {
        inventory["servers"]["source"]["user"] = json!("blind");
        inventory["servers"]["source"]["password"] = json!({ "file": "repl" });
    })
    .await;
    let mut setup = std::process::Command::new("mariadb");
    setup.args(["--no-defaults", "-uroot", "-S"]).arg(bench.source.socket());
    let made = setup.args(["-e", "CREATE USER blind@'127.0.0.1' IDENTIFIED BY 'folge'"]).status().unwrap();
    assert!(made.success());
    let refused = bench.step("tunnel", &with(&bench, "host")).inspect().await;
    assert!(refused.iter().any(|failure| failure.answer.contains("lacks PROCESS")), "{refused:?}");
}

#[tokio::test]
async fn where_no_command_may_run_it_does_without_a_session() {
    let bench = Bench::new().await;
    bench.program("old", "cat", "exit 1");
    let step = bench.step("tunnel", &with(&bench, "host"));
    step.execute().await.unwrap();
    let line = format!("-L {}:{} old -N", bench.tunnel, bench.source.address());
    until("it does without", async || processes(&line).len() == 1 && greets(&bench).await).await;
    step.undo().await.unwrap();
    assert_eq!(processes(&line), [0; 0]);
}

#[tokio::test]
async fn through_the_runner_for_hosts_that_cannot_reach_each_other() {
    let bench = Bench::new().await;
    let step = bench.step("tunnel", &with(&bench, "runner"));
    assert_eq!(step.inspect().await, []);
    step.execute().await.unwrap();
    assert!(greets(&bench).await);
    assert!(matches!(step.probe().await, Probe::Done(_)));
    step.execute().await.unwrap();
    bench.die().await;
    until("it ends with the runner", async || !greets(&bench).await).await;
    assert_eq!(step.probe().await, Probe::NotDone);
    step.execute().await.unwrap();
    assert!(greets(&bench).await, "a resumed run makes it again");
    for _ in 0..2 {
        step.undo().await.unwrap();
        assert!(!greets(&bench).await);
    }
}

#[tokio::test]
async fn a_way_that_leads_nowhere_is_told_with_the_reason() {
    let bench = Bench::with(|inventory| {
        inventory["hosts"]["lost"] = json!({ "ssh": "no-such-host-at-all" });
    })
    .await;
    let mut with = with(&bench, "host");
    with["to"] = json!("lost");
    let found = bench.step("tunnel", &with).inspect().await;
    assert_eq!((found.len(), found[0].class), (1, Class::Refused));
    assert!(found[0].answer.contains("no-such-host-at-all"), "{}", found[0]);
}

/// What ends and what goes on when a host is cleaned up: of this run, and of one before.
#[tokio::test]
async fn a_clean_up_keeps_what_it_is_told_and_ends_an_earlier_runs_tunnel() {
    let bench = Bench::new().await;
    let step = bench.step("tunnel", &with(&bench, "host"));
    step.execute().await.unwrap();
    let keep = json!({ "host": "new", "keep": ["tunnel"] });
    bench.step("clean_up", &keep).execute().await.unwrap();
    assert!(greets(&bench).await, "the way back goes on");
    std::fs::create_dir_all(bench.path("work/new/r1/import")).unwrap();
    bench.step("clean_up", &keep).execute().await.unwrap();
    assert!(!bench.path("work/new/r1/import").exists() && bench.path("work/new/r1/tunnel").exists());

    // as if an earlier run had opened it
    std::fs::create_dir_all(bench.path("work/new/r0")).unwrap();
    step.undo().await.unwrap();
    let host = bench.fx().host("new").await.unwrap();
    let dir = std::fs::canonicalize(bench.path("work/new/r0")).unwrap().join("way").display().to_string();
    let forward = format!("{}:{}", bench.tunnel, bench.source.address());
    let script = sh!("exec sleep 300 # -L {}", argument(forward));
    let job = host.start_job(&dir.as_str().into(), &script, &Script::default()).await.unwrap();
    let elsewhere = json!({ "host": "new", "tunnels": ["127.0.0.1:1"] });
    bench.step("clean_up", &elsewhere).execute().await.unwrap();
    assert!(job.state().await.unwrap().running, "another address is another tunnel");
    let ours = json!({ "host": "new", "tunnels": [bench.tunnel] });
    for _ in 0..2 {
        bench.step("clean_up", &ours).execute().await.unwrap();
        assert_eq!(bench.leftovers(), [""; 0]);
    }
}
