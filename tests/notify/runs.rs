//! Notifications of whole runs, by the command line.

use crate::desk::{Desk, ended};
use crate::receiver::Receiver;
use serde_json::Value;
use std::net::TcpListener;
use std::path::Path;
use std::time::{Duration, Instant};

const PLAYBOOK: &str = "version: 1\nname: small\n\
    on: { waiting: [ops], failed: [ops], done: [ops, chat] }\nsteps:\n\
    - { id: copy, uses: command, with: { host: local, run: [echo, copied] } }\n\
    - { id: tell, needs: [copy], uses: notify, with: { to: chat, message: \"it says {{ steps.copy.stdout }}\" } }\n\
    - { id: go, needs: [tell], uses: approve, with: { message: \"Cut over?\" } }\n";

fn desk(port: u16) -> Desk {
    let desk = Desk::new(PLAYBOOK);
    desk.write("url", &format!("http://127.0.0.1:{port}/T0/very-secret\n"));
    desk.write("word", "Bearer another-secret\n");
    desk.write(
        "inventory.yaml",
        "hosts: { local: {} }\nwebhooks:\n  ops: { url: { file: url }, headers: { authorization: { file: word } } }\n\
         \x20 chat: { url: { file: url }, format: slack }\n",
    );
    desk
}

fn outbox(desk: &Desk) -> Vec<Value> {
    let end = desk.say(&["outbox", "list", "--format", "json"]);
    serde_json::from_str::<Vec<Value>>(&end.out).unwrap_or_else(|error| panic!("{error}: {end:?}"))
}

/// Every byte of every file in the state directory.
fn state(folder: &Path) -> String {
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_file());
    files.map(|path| String::from_utf8_lossy(&std::fs::read(path).unwrap()).into_owned()).collect()
}

#[test]
fn a_run_tells_who_waits_what_a_step_says_and_its_end_and_no_secret_stays_anywhere() {
    let receiver = Receiver::open(0, &[500]);
    let desk = desk(receiver.port);
    let running = desk.begin(&["-vv"]);
    desk.until_it_waits("go", "Cut over?");
    receiver.until(2);
    assert_eq!(desk.say(&["approve", &desk.id()]).code, 0);
    let end = ended(running);
    assert_eq!(end.code, 0, "{end:?}");
    receiver.until(4);
    let taken: Vec<_> = receiver.received().into_iter().filter(|one| one.status == 200).collect();
    assert_eq!(taken.len(), 4, "{taken:?}");
    let texts: Vec<_> = taken.iter().map(|one| one.body["text"].as_str().unwrap().trim().to_owned()).collect();
    let slack = serde_json::json!({ "text": "it says copied" });
    assert!(taken.iter().any(|one| one.body == slack), "{taken:?}");
    let waiting = taken.iter().find(|one| one.body["on"] == "waiting").unwrap();
    assert_eq!(waiting.body["step"], "go");
    assert!(waiting.headers.iter().any(|line| line == "authorization: Bearer another-secret"), "{waiting:?}");
    assert!(texts.iter().any(|text| text.contains("waits for approval of `go`: Cut over?")), "{texts:?}");
    let letters = outbox(&desk);
    assert!(letters.len() == 4 && letters.iter().all(|letter| letter["sent"].is_i64()), "{letters:?}");
    let everything =
        [state(&desk.path("state")), end.out, end.said, desk.say_plan(), desk.say(&["report"]).out].concat();
    assert!(everything.contains("waits for approval"), "this looks where it should");
    assert!(!everything.contains("very-secret") && !everything.contains("another-secret"));
}

#[test]
fn a_receiver_that_never_answers_delays_nothing_and_what_is_left_is_sent_later() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap(); // takes connections and says nothing
    let port = silent.local_addr().unwrap().port();
    let desk = desk(port);
    let begin = Instant::now();
    let end = desk.run(&["--yes", "--format", "json"]);
    assert_eq!(end.code, 0, "{end:?}");
    assert!(begin.elapsed() < Duration::from_secs(15), "{:?}", begin.elapsed());
    let summary: Value = serde_json::from_str(&end.out).unwrap();
    assert!(summary["duration"].as_i64() < Some(3_000), "{summary:#}");
    assert!(end.words().contains("some notifications are not sent yet"), "{}", end.words());
    assert!(outbox(&desk).iter().all(|letter| letter["sent"].is_null()));
    drop(silent);
    let end = desk.say(&["outbox", "send"]);
    assert!(end.code == 5 && end.words().contains("4 messages were not accepted"), "{end:?}");
    let receiver = Receiver::open(port, &[]);
    let begin = Instant::now();
    while desk.say(&["outbox", "send"]).code != 0 {
        assert!(begin.elapsed() < Duration::from_secs(30), "{:?}", outbox(&desk));
        std::thread::sleep(Duration::from_millis(300));
    }
    assert_eq!(receiver.taken().len(), 4);
    assert_eq!(desk.say(&["outbox", "send"]).out, "0 sent, 0 left\n");
    assert_eq!(receiver.received().len(), 4);
}

#[test]
fn a_run_that_fails_says_why_and_names_are_checked() {
    let receiver = Receiver::open(0, &[]);
    let desk = desk(receiver.port);
    desk.edit("run: [echo, copied]", "run: [sh, -c, \"echo no room >&2; exit 1\"]");
    let end = desk.run(&[]);
    assert_eq!(end.code, 3, "{end:?}");
    receiver.until(1);
    let said = receiver.received().remove(0).body;
    assert_eq!(said["on"], "failed");
    assert!(said["text"].as_str().unwrap().contains("is rolled back. step `copy` failed"), "{said}");

    desk.edit("failed: [ops]", "failed: [opps]");
    desk.edit("to: chat", "to: chatt");
    let end = desk.run(&[]);
    assert_eq!(end.code, 2, "{end:?}");
    for words in ["there is no webhook `opps` in the inventory", "did you mean `ops`?", "there is no webhook `chatt`"] {
        assert!(end.words().contains(words), "{words} is missing in {}", end.words());
    }
    desk.write("inventory.yaml", "hosts: { local: {} }\nwebhooks: { ops: { url: http://127.0.0.1/literal-secret } }\n");
    let end = desk.run(&[]);
    assert!(end.code == 2 && end.words().contains("a reference to a secret"), "{end:?}");
    assert!(!end.said.contains("literal-secret"), "{}", end.said);
}
