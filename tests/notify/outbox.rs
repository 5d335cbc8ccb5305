//! The outbox by itself: each event once, whatever dies in between.

use crate::receiver::Receiver;
use cutover::notify::{Late, Sender, late};
use cutover::plan::Plan;
use cutover::plan::load::plan_of_texts;
use cutover::store::{Event, Journal, Letter, Outcome, RunRecord, Store};
use std::path::Path;

const NOON: i64 = 1_795_521_600_000;
const PLAYBOOK: &str = "version: 1\nname: small\non: { waiting: [ops], failed: [ops], done: [ops], late: [ops] }\n\
    steps: [{ id: go, uses: approve }]\n";

fn plan(folder: &Path, port: u16) -> Plan {
    std::fs::write(folder.join("url"), format!("http://127.0.0.1:{port}/secret-path\n")).unwrap();
    let inventory = "webhooks:\n  ops: { url: { file: url } }\n";
    plan_of_texts(PLAYBOOK, Some(inventory)).unwrap()
}

fn journal(folder: &Path, plan: &Plan, events: &[Event]) -> Store {
    let journal = Store::open(&folder.join("state")).unwrap();
    journal.create_run(&RunRecord::new("r1", plan, 1).unwrap()).unwrap();
    let folder = folder.display().to_string();
    let begin = Event::RunStarted { epoch: 1, runner: "me".into(), by: None, folder, sources: None, revision: None };
    journal.append("r1", NOON, &[&[begin, Event::RunAdmitted][..], events].concat()).unwrap();
    journal.follow("r1").unwrap();
    journal
}

fn again(folder: &Path) -> Store {
    Store::open(&folder.join("state")).unwrap()
}

fn waits() -> Event {
    Event::StepWaiting { step: "go".into(), message: "Go on?".into(), rule: cutover::effects::Rule::default() }
}

#[test]
fn a_receiver_that_fails_five_times_and_is_restarted_gets_each_event_once() {
    let dir = tempfile::tempdir().unwrap();
    let first = Receiver::open(0, &[500, 503, 429, 302, 400]);
    let plan = plan(dir.path(), first.port);
    let events = [Event::StepIntent { step: "go".into(), attempt: 1 }, waits()];
    let finished = Event::RunFinished { outcome: Outcome::Done };
    let journal = journal(dir.path(), &plan, &events);
    journal.append("r1", NOON, &[finished]).unwrap();
    let mut now = NOON;
    for failed in 1..=5 {
        // another process each time: what it knows is in the journal
        let round = Sender::new(again(dir.path())).round(now, false).unwrap();
        assert_eq!((round.sent, first.received().len()), (0, failed), "after an answer of no it waits");
        assert_eq!(Sender::new(again(dir.path())).round(now, false).unwrap().sent, 0, "not before it is due");
        let oldest = &again(dir.path()).letters(None, true).unwrap()[0];
        assert_eq!(i64::from(oldest.tries), i64::try_from(failed).unwrap());
        now = oldest.due;
    }
    let port = first.port;
    drop(first);
    let mut sender = Sender::new(again(dir.path()));
    assert_eq!(sender.round(now, false).unwrap().sent, 0, "nobody listens");
    let second = Receiver::open(port, &[]);
    for _ in 0..20 {
        now += 60_000;
        sender.round(now, false).unwrap();
        Sender::new(again(dir.path())).round(now, false).unwrap();
    }
    let taken = second.taken();
    assert_eq!(second.received().len(), 2);
    assert_eq!(taken, ["r1/4/ops", "r1/5/ops"], "in order");
    assert_eq!(again(dir.path()).outbox_depth().unwrap(), 0);
    let done = second.received().into_iter().find(|one| one.key == "r1/5/ops").unwrap();
    assert_eq!(
        (done.path.as_str(), &done.body["on"], &done.body["run"]),
        ("/secret-path", &"done".into(), &"r1".into())
    );
}

#[test]
fn two_senders_at_once_send_each_message_once() {
    let dir = tempfile::tempdir().unwrap();
    let receiver = Receiver::open(0, &[]);
    let plan = plan(dir.path(), receiver.port);
    let many: Vec<Event> =
        [Event::StepIntent { step: "go".into(), attempt: 1 }].into_iter().chain(vec![waits(); 30]).collect();
    journal(dir.path(), &plan, &many);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let mut sender = Sender::new(again(dir.path()));
                for _ in 0..10 {
                    sender.round(NOON + 1_000, true).unwrap();
                }
            });
        }
    });
    let mut taken = receiver.taken();
    assert_eq!(taken.len(), 30);
    taken.sort();
    taken.dedup();
    assert_eq!(taken.len(), 30);
}

#[test]
fn an_attempt_whose_process_died_is_made_again_when_nobody_can_be_at_it_any_more() {
    let dir = tempfile::tempdir().unwrap();
    let receiver = Receiver::open(0, &[]);
    let plan = plan(dir.path(), receiver.port);
    let journal = journal(dir.path(), &plan, &[]);
    let run = Late { schedule: "nightly", due: NOON, now: NOON, text: "it starts late", plan: &plan, folder: "" };
    let folder = dir.path().display().to_string();
    for _ in 0..3 {
        late(&journal, &Late { folder: &folder, ..run.clone() }).unwrap();
    }
    let letters = journal.letters(None, true).unwrap();
    assert_eq!(letters.len(), 1, "late is told once for each due time");
    let Letter { origin, seq, .. } = &letters[0];
    assert_eq!((origin.as_str(), *seq), ("schedule nightly", NOON));
    assert_eq!(journal.take(&letters[0], NOON, NOON + 15_000).unwrap(), Some(1));
    let mut sender = Sender::new(again(dir.path()));
    assert_eq!(sender.round(NOON + 14_000, true).unwrap().left, 1);
    assert_eq!(sender.round(NOON + 15_000, true).unwrap().left, 0);
    assert_eq!(receiver.taken(), [format!("schedule nightly/{NOON}/ops")]);
}

#[test]
fn what_goes_wrong_is_said_without_the_address() {
    let dir = tempfile::tempdir().unwrap();
    let plan = plan(dir.path(), 1);
    let journal = journal(dir.path(), &plan, &[Event::StepIntent { step: "go".into(), attempt: 1 }, waits()]);
    for url in [
        "http://127.0.0.1:1/secret-path",
        "no address secret-path",
        "ftp://x/secret-path",
        "https://127.0.0.1:1/secret-path",
    ] {
        std::fs::write(dir.path().join("url"), url).unwrap();
        Sender::new(again(dir.path())).round(NOON, true).unwrap();
        let error = journal.letters(None, true).unwrap().remove(0).error.unwrap();
        assert!(!error.contains("secret-path") && !error.contains("127.0.0.1"), "{error}");
    }
    std::fs::remove_file(dir.path().join("url")).unwrap();
    Sender::new(again(dir.path())).round(NOON, true).unwrap();
    let error = journal.letters(None, true).unwrap().remove(0).error.unwrap();
    assert!(error.contains("could not read the secret"), "{error}");
}
