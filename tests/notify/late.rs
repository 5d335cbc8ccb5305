//! Starts of a schedule that did not come about in time are told by the process that watches the clock.

use crate::desk::Desk;
use crate::receiver::Receiver;
use serde_json::Value;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const PLAYBOOK: &str = "version: 1\nname: small\non: { late: [ops] }\nsteps:\n\
    - { id: copy, uses: command, with: { host: local, run: [echo, copied] } }\n";
const SCHEDULES: &str = "version: 1\nschedules:\n  often: { action: run, playbook: playbook.yaml, \
    inventory: inventory.yaml, cron: \"*/2 * * * * *\", time_zone: UTC, overlap: skip, catch_up: none }\n";

fn serve(desk: &Desk) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cutover"));
    command.args(["serve", "--listen", "127.0.0.1:0", "--schedules"]).arg(desk.path("schedules.yaml"));
    command.arg("--state").arg(desk.path("state")).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

fn decided(desk: &Desk, verdict: &str) -> Vec<Value> {
    let words = ["schedule", "log", "-n", "1000", "--format", "json"];
    let all: Vec<Value> = serde_json::from_str(&desk.say(&words).out).unwrap_or_default();
    all.into_iter().filter(|start| start["verdict"] == verdict).collect()
}

fn until(what: &str, done: impl Fn() -> bool) {
    let begin = Instant::now();
    while !done() {
        assert!(begin.elapsed() < Duration::from_secs(40), "{what}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn what_was_missed_while_no_daemon_was_there_is_told_once_each() {
    let receiver = Receiver::open(0, &[]);
    let desk = Desk::new(PLAYBOOK);
    desk.write("url", &format!("http://127.0.0.1:{}/hook", receiver.port));
    desk.write("inventory.yaml", "hosts: { local: {} }\nwebhooks:\n  ops: { url: { file: url } }\n");
    desk.write("schedules.yaml", SCHEDULES);
    let mut daemon = serve(&desk);
    until("it starts", || !decided(&desk, "started").is_empty());
    daemon.kill().unwrap();
    daemon.wait().unwrap();
    std::thread::sleep(Duration::from_secs(7)); // three due times, the last of which it may still be in time for
    let mut daemon = serve(&desk);
    until("it notices what it missed", || decided(&desk, "missed").len() >= 2);
    let missed = decided(&desk, "missed").len();
    receiver.until(missed);
    daemon.kill().unwrap();
    daemon.wait().unwrap();
    let mut again = serve(&desk); // looks through the same starts
    std::thread::sleep(Duration::from_secs(2));
    again.kill().unwrap();
    again.wait().unwrap();
    let told: Vec<Value> = receiver.received().into_iter().map(|one| one.body).collect();
    for start in decided(&desk, "missed").iter().take(missed) {
        let due = jiff::Timestamp::from_millisecond(start["due"].as_i64().unwrap()).unwrap().to_string();
        let of_it = told.iter().filter(|body| body["text"].as_str().unwrap().contains(&format!("was due at {due}")));
        assert_eq!(of_it.count(), 1, "{due}: {told:#?}");
    }
    assert!(told.iter().all(|body| body["on"] == "late" && body["schedule"] == "often"), "{told:#?}");
}
