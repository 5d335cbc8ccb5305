//! What holds in either database.

use crate::cluster::Cluster;
use cutover::engine::Home;
use cutover::error::Class;
use cutover::store::{
    Address, Ended, Event, Journal, Letter, Outcome, RunHead, RunRecord, Start, Starts, Store, Verdict, Wanted,
};
use serde_json::json;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

type Case = fn(&Store);

const CASES: [(&str, Case); 10] = [
    ("entries", entries_are_numbered_and_chained),
    ("epochs", a_displaced_runner_writes_nothing),
    ("overview", every_entry_moves_the_overview),
    ("starts", a_due_time_is_decided_and_claimed_once),
    ("freed starts", a_start_whose_process_died_before_its_run_was_recorded_is_free_again),
    ("settle", what_waits_is_settled_once),
    ("outbox", a_message_is_put_in_and_taken_once),
    ("holds", one_at_a_time_works_on_a_run),
    ("crowd", many_at_once_lose_nothing),
    ("prune", what_is_over_and_old_is_forgotten),
];

fn create(store: &Store, id: &str, created: i64) {
    let plan = json!({ "steps": [{ "id": "c\u{0}\u{0}\\o\\\\p", "uses": "dump" }] }).to_string();
    let head = RunHead { id: id.into(), playbook: "p".into(), hash: "h".into(), created };
    store.create_run(&RunRecord { head, plan }).unwrap();
}

fn resumed(epoch: u32) -> Event {
    Event::RunResumed { runner: "me".into(), epoch, by: None }
}

fn entries_are_numbered_and_chained(store: &Store) {
    create(store, "entries", 1);
    let odd =
        Event::StepNoted { step: "é\u{0}'\"\\".into(), key: "$1".into(), value: json!({ "a": "?1 \u{1F600}\u{0}" }) };
    let written = [
        store.append("entries", 5, &[resumed(1), Event::RunAdmitted]).unwrap(),
        store.append("entries", 6, &[odd]).unwrap(),
    ];
    let written = written.concat();
    assert_eq!(written.iter().map(|entry| entry.seq).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(store.entries("entries").unwrap(), written);
    assert_eq!(store.entries_after("entries", 2).unwrap(), written[2..]);
    assert_eq!(store.hash_at("entries", 2).unwrap().as_ref(), Some(&written[1].hash));
    assert!(store.append("nobody", 5, &[Event::RunAdmitted]).is_err());
    assert!(store.run("nobody").unwrap_err().to_string().contains("there is no run of that id"));
    assert!(store.create_run(&store.run("entries").unwrap()).is_err(), "it is known already");
    assert!(store.check().unwrap().entries >= 3);
}

fn a_displaced_runner_writes_nothing(store: &Store) {
    create(store, "epochs", 1);
    store.append_as("epochs", Some(1), &[(1, resumed(1))]).unwrap();
    store.append_as("epochs", Some(1), &[(2, Event::RunAdmitted)]).unwrap();
    store.append_as("epochs", Some(2), &[(3, resumed(2))]).unwrap();
    for (epoch, event) in [(1, Event::Interrupted), (1, resumed(1)), (2, resumed(2)), (3, Event::Interrupted)] {
        let refused = store.append_as("epochs", Some(epoch), &[(4, event.clone())]).unwrap_err();
        assert_eq!(refused.class, Class::Locked, "{epoch} {event:?}: {refused}");
    }
    store.append("epochs", 5, &[Event::Interrupted]).unwrap(); // a person has no epoch
    store.append_as("epochs", Some(2), &[(6, Event::Interrupted)]).unwrap();
    assert_eq!(store.entries("epochs").unwrap().len(), 5);
}

fn every_entry_moves_the_overview(store: &Store) {
    let step = || "c\u{0}\u{0}\\o\\\\p".to_owned();
    create(store, "overview", 100);
    create(store, "overview2", 101);
    let before = store.took().unwrap().get("dump").map_or(0, |took| took.millis);
    store.append("overview", 10, &[resumed(1), Event::StepIntent { step: step(), attempt: 1 }]).unwrap();
    store.append("overview", 20, &[Event::StepIntent { step: step(), attempt: 2 }]).unwrap();
    let outputs = [("bytes".to_owned(), json!(42))].into_iter().collect();
    store.append("overview", 720, &[Event::StepDone { step: step(), outputs }]).unwrap();
    store.append("overview", 800, &[Event::RunFinished { outcome: Outcome::Stopped }]).unwrap();
    let row = store.row("overview").unwrap().unwrap();
    let seen = (row.rehearsal, row.outcome, row.started, row.ended, row.last);
    assert_eq!(seen, (false, Some(Outcome::Stopped), Some(10), Some(800), Some(800)));
    let took = store.took().unwrap().remove("dump").unwrap();
    assert_eq!((took.millis - before, took.bytes, took.classes.get(&Some(1000))), (700, 42, Some(&1)));
    let list = |ended, limit| {
        let rows = store.list(&Wanted { ended, limit, ..Wanted::default() }).unwrap();
        rows.into_iter().map(|row| row.head.id).collect::<Vec<_>>()
    };
    assert_eq!(list(Ended::Anyhow, Some(2)), ["overview2", "overview"]);
    assert_eq!(list(Ended::As(Outcome::Stopped), None), ["overview"]);
    assert!(list(Ended::NotYet, None).contains(&"overview2".to_owned()));
    assert!(store.count_by_outcome().unwrap().contains(&(Some(Outcome::Stopped), 1)));
    store.append("overview", 900, &[resumed(2)]).unwrap();
    assert_eq!(store.row("overview").unwrap().unwrap().ended, None);
}

fn start(schedule: &str, due: i64, run: &str) -> Start {
    Start {
        schedule: schedule.into(),
        due,
        verdict: Verdict::Started,
        reason: None,
        by: "me".into(),
        at: due,
        on_demand: false,
        run: Some(run.into()),
        command: vec!["run".into(), "p.yaml".into()],
        runs_on: BTreeMap::new(),
        claimed: None,
        ended: None,
        exit_code: None,
    }
}

fn a_due_time_is_decided_and_claimed_once(store: &Store) {
    assert_eq!(store.watch("s", "0 2 * * *", 10, 10).unwrap(), 10);
    assert_eq!(store.watch("s", "0 2 * * *", 20, 5).unwrap(), 10);
    assert_eq!(store.watch("s", "0 3 * * *", 30, 30).unwrap(), 30);
    assert!(store.decide(&start("s", 40, "a")).unwrap());
    assert!(!store.decide(&start("s", 40, "b")).unwrap());
    assert_eq!(store.open_starts().unwrap(), [start("s", 40, "a")]);
    assert!(store.reserve("a").unwrap() && !store.reserve("a").unwrap(), "it is kept for the first who asks");
    let claimed = store.claim("a", 41).unwrap().unwrap();
    assert_eq!(claimed.claimed, Some(41));
    assert_eq!(store.claim("a", 42).unwrap(), None);
    store.end(&claimed, 43, Some(3), None).unwrap();
    store.end(&claimed, 44, None, Some("died")).unwrap();
    let ended = store.last_ended("s").unwrap().unwrap();
    assert_eq!((ended.ended, ended.exit_code, ended.reason), (Some(43), Some(3), None));
    store.decide(&Start { on_demand: true, ..start("s", 45, "c") }).unwrap();
    assert_eq!(store.last_due("s", 50).unwrap(), Some(40));
    assert_eq!(store.starts(Some("s"), 1).unwrap()[0].due, 45);
    store.end(&start("s", 45, "c"), 46, None, Some("died")).unwrap();
}

/// Between claim and record nothing is done: whoever died there has lost nothing, and has no say afterwards.
fn a_start_whose_process_died_before_its_run_was_recorded_is_free_again(store: &Store) {
    store.decide(&start("freed", 40, "freed")).unwrap();
    let first = store.claim("freed", 41).unwrap().unwrap();
    assert!(store.free(&first).unwrap() && !store.free(&first).unwrap());
    assert!(store.reserve("freed").unwrap(), "at once, for the next who asks");
    let second = store.claim("freed", 42).unwrap().unwrap();
    store.end(&first, 43, Some(6), None).unwrap();
    assert!(!store.free(&first).unwrap(), "it is another's by now");
    assert_eq!(store.last_ended("freed").unwrap(), None, "whoever was given up does not end it");
    create(store, "freed", 44);
    assert!(!store.free(&second).unwrap(), "its run is recorded: that is resumed");
    store.end(&second, 45, Some(0), None).unwrap();
    assert_eq!(store.last_ended("freed").unwrap().unwrap().exit_code, Some(0));
}

fn what_waits_is_settled_once(store: &Store) {
    store.decide(&Start { verdict: Verdict::Queued, ..start("w", 10, "wa") }).unwrap();
    assert_eq!(store.claim("wa", 11).unwrap(), None, "what waits is not to be taken up");
    assert!(store.settle(&start("w", 10, "wa")).unwrap());
    let claimed = store.claim("wa", 12).unwrap().unwrap();
    assert!(!store.settle(&Start { verdict: Verdict::Late, ..start("w", 10, "wa") }).unwrap());
    store.end(&claimed, 13, Some(0), None).unwrap();
}

fn a_message_is_put_in_and_taken_once(store: &Store) {
    create(store, "outbox", 1);
    store.follow("outbox").unwrap();
    store.follow("outbox").unwrap();
    store.append("outbox", 5, &[Event::RunAdmitted]).unwrap();
    assert!(store.untold().unwrap().contains(&("outbox".to_owned(), 0)));
    let letter = Letter::new("outbox", 1, "hook", "failed", 5);
    for _ in 0..2 {
        store.post(Some(("outbox", 1)), std::slice::from_ref(&letter)).unwrap();
    }
    assert!(store.untold().unwrap().is_empty());
    assert_eq!(store.letters(Some("outbox"), true).unwrap(), std::slice::from_ref(&letter));
    assert_eq!((store.letters(None, false).unwrap().len(), store.outbox_depth().unwrap()), (1, 1));
    assert_eq!(store.take(&letter, 10, 20).unwrap(), Some(1));
    assert_eq!(store.take(&letter, 11, 20).unwrap(), None);
    store.put_back(&letter, 12, Some(("no", 30))).unwrap();
    assert_eq!(store.take(&letter, 30, 40).unwrap(), Some(2));
    store.put_back(&letter, 31, None).unwrap();
    assert_eq!((store.take(&letter, 50, 60).unwrap(), store.outbox_depth().unwrap()), (None, 0));
}

fn one_at_a_time_works_on_a_run(store: &Store) {
    let held = store.hold("run holds", "anna").unwrap();
    let refused = store.hold("run holds", "bert").unwrap_err();
    assert_eq!(refused.class, Class::Locked);
    assert!(refused.answer.contains("anna, seen 0 s ago"), "{refused}");
    drop(store.hold("run others", "bert").unwrap());
    assert_eq!(store.holders("run ").unwrap().len(), 1);
    drop(held);
    assert!(store.holders("run ").unwrap().is_empty());
    drop(store.hold("run holds", "bert").unwrap());
}

fn many_at_once_lose_nothing(store: &Store) {
    create(store, "crowd", 1);
    std::thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| {
                for _ in 0..25 {
                    store.append("crowd", 1, &[Event::Interrupted]).unwrap();
                    store.entries("crowd").unwrap();
                }
            });
        }
    });
    assert_eq!(store.entries("crowd").unwrap().len(), 150);
}

fn what_is_over_and_old_is_forgotten(store: &Store) {
    let finish = |run: &str, at, outcome| {
        create(store, run, at);
        store.append(run, at, &[resumed(1), Event::RunFinished { outcome }]).unwrap();
    };
    let begin = 1_000_000; // later than in the cases before
    for (run, at, outcome) in [
        ("old", begin, Outcome::Done),
        ("stopped", begin, Outcome::Stopped),
        ("told", begin + 1, Outcome::RolledBack),
        ("scheduled", begin + 2, Outcome::Done),
        ("last", begin + 3, Outcome::Done),
        ("young", begin + 100, Outcome::Done),
    ] {
        finish(run, at, outcome);
    }
    create(store, "unfinished", begin);
    store.append("unfinished", begin, &[resumed(1)]).unwrap();
    let letter = Letter::new("told", 2, "hook", "failed", begin);
    store.post(None, std::slice::from_ref(&letter)).unwrap();
    for (run, due) in [("scheduled", begin + 2), ("last", begin + 3)] {
        store.decide(&start("pruned", due, run)).unwrap();
        let claimed = store.claim(run, due).unwrap().unwrap();
        store.end(&claimed, due, Some(0), None).unwrap();
    }
    let old = || {
        let old = store.old_runs(begin + 50).unwrap();
        old.into_iter().filter(|old| old.ended >= begin).map(|old| old.run).collect::<Vec<_>>()
    };
    assert_eq!(old(), ["old", "scheduled"]);
    store.take(&letter, begin, begin).unwrap();
    store.put_back(&letter, begin, None).unwrap();
    assert_eq!(old(), ["old", "told", "scheduled"], "the message is sent");
    let (took, entries) = (store.took().unwrap(), store.entries("old").unwrap());
    let last = (entries[1].seq, entries[1].hash.clone());
    assert!(!store.forget_run("old", &(1, entries[0].hash.clone())).unwrap(), "it has gone on");
    for run in old() {
        let last = store.entries(&run).unwrap().pop().unwrap();
        assert!(store.forget_run(&run, &(last.seq, last.hash)).unwrap());
    }
    assert!(!store.forget_run("old", &last).unwrap() && store.run("old").is_err());
    assert_eq!((old(), store.took().unwrap()), (vec![], took));
    assert!(store.forget_starts(begin + 50).unwrap() >= 1);
    assert_eq!(store.starts(Some("pruned"), 9).unwrap().len(), 1, "the last one stays");
    assert_eq!(store.last_ended("pruned").unwrap().unwrap().run.as_deref(), Some("last"));
    store.check().unwrap();
}

/// From a shared store to a directory, and on to another shared store.
fn a_copy_holds_the_same(store: &Store, folder: &Path, cluster: &Cluster) {
    cluster.nodes[0].ask("CREATE DATABASE copied OWNER cutover");
    let directory = Store::open(&folder.join("copied")).unwrap();
    let other = Address::parse(&cluster.address().replace("/store", "/copied")).unwrap();
    let other = Store::shared(&other, &folder.join("copied-to")).unwrap();
    let all = |store: &Store| {
        let rows = store.list(&Wanted::default()).unwrap();
        let entries: Vec<_> = rows.iter().map(|row| store.entries(&row.head.id).unwrap()).collect();
        (rows, entries, store.starts(None, 999).unwrap(), store.letters(None, false).unwrap(), store.took().unwrap())
    };
    for (from, to) in [(store, &directory), (&directory, &other)] {
        let copied = from.copy_to(to).unwrap();
        assert!(copied.runs > 200 && copied.entries > 100, "{copied:?}");
        assert_eq!(all(from), all(to));
        let again = from.copy_to(to).unwrap_err();
        assert!(again.to_string().contains("not empty"), "{again}");
    }
    let displaced = other.append_as("epochs", Some(1), &[(9, Event::Interrupted)]).unwrap_err();
    assert_eq!(displaced.class, Class::Locked, "epochs come along");
}

#[test]
fn the_same_cases_hold_in_a_file_and_on_a_shared_server() {
    let folder = tempfile::tempdir().unwrap();
    let cluster = Cluster::start();
    let file = Store::open(&folder.path().join("state")).unwrap();
    let address = Address::parse(&cluster.address()).unwrap();
    assert!(Store::existing_shared(&address, folder.path()).unwrap().is_none());
    // machines that come to an empty database at once all find it made
    std::thread::scope(|scope| {
        for number in 0..6 {
            let folder = folder.path().join(format!("machine{number}"));
            // each by an address of its own, for processes share what they have open
            let address = Address::parse(&format!("{}?application_name=m{number}", cluster.address())).unwrap();
            scope.spawn(move || Store::shared(&address, &folder).unwrap());
        }
    });
    let shared = Store::shared(&address, folder.path()).unwrap();
    for (name, case) in CASES {
        for (kind, store) in [("file", &file), ("shared", &shared)] {
            let begun = Instant::now();
            case(store);
            println!("{name}, {kind}: {:.3} s", begun.elapsed().as_secs_f64());
        }
    }
    assert!(Store::existing_shared(&address, folder.path()).unwrap().is_some());
    names_of_another_kind_are_refused(folder.path(), &cluster);
    a_long_list_is_quick(&shared);
    a_copy_holds_the_same(&shared, folder.path(), &cluster);
}

fn names_of_another_kind_are_refused(folder: &Path, cluster: &Cluster) {
    let nobody = cluster.address().replace("/store", "/nothing");
    let failure = Home::shared(&nobody, &folder.join("other")).err().unwrap();
    assert!(failure.to_string().contains("\"nothing\" does not exist"), "{failure}");
    cluster.nodes[0].ask("CREATE ROLE guest LOGIN");
    let guest = cluster.address().replace("cutover@", "guest@");
    let failure = Home::shared(&guest, &folder.join("other")).err().unwrap();
    assert!(failure.to_string().contains("permission denied"), "{failure}");
}

fn a_long_list_is_quick(store: &Store) {
    for number in 0..200 {
        create(store, &format!("many{number}"), number);
    }
    let begun = Instant::now();
    store.list(&Wanted { limit: Some(50), ..Wanted::default() }).unwrap();
    assert!(begun.elapsed() < Duration::from_secs(5));
}

/// Commands end their work inside of a runtime, and tests of steps are held in another kind of one.
#[test]
fn a_store_is_used_and_dropped_inside_of_any_runtime() {
    let (folder, cluster) = (tempfile::tempdir().unwrap(), Cluster::start());
    let address = Address::parse(&cluster.address()).unwrap();
    let use_it = async || {
        let store = Store::shared(&address, folder.path()).unwrap();
        assert_eq!(store.list(&Wanted::default()).unwrap(), []);
    };
    tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap().block_on(use_it());
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(use_it());
}
