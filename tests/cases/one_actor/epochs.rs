//! Every runner has an epoch, and an older one is refused where it would do harm.

use super::{desk, host, stubborn, token, word};
use crate::desk::{Desk, LIMIT};
use crate::process::{Ended, Program, until};
use crate::server::Shared;
use serde_json::Value;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// Longest time until somebody else takes over from a runner that stands still: more than its lease.
const LEASE: Duration = Duration::from_secs(40);
const QUESTION: &str = "  - { id: go, uses: approve }\n";

/// Resumes the run of a state directory until another runner has it no longer.
fn take_over(desk: &Desk, state: &str) -> Ended {
    let begin = Instant::now();
    loop {
        let ended = desk.say(state, &["resume", "--yes"]);
        if ended.code != Some(6) {
            return ended;
        }
        assert!(begin.elapsed() < LEASE, "nobody takes over within {LEASE:?}: {}", ended.words());
        std::thread::sleep(Duration::from_secs(1));
    }
}

fn assert_displaced(first: &mut Program) {
    let ended = first.end_within(LIMIT);
    assert_eq!(ended.code, Some(6), "{}", ended.words());
    assert!(ended.words().contains("another runner"), "why it stopped is not stated: {}", ended.words());
}

/// Every number called `epoch` in a document, in its order.
fn epochs(value: &Value, found: &mut Vec<u64>) {
    match value {
        Value::Object(fields) => fields.iter().for_each(|(name, value)| match value.as_u64() {
            Some(epoch) if name == "epoch" => found.push(epoch),
            _ => epochs(value, found),
        }),
        Value::Array(items) => items.iter().for_each(|item| epochs(item, found)),
        _ => {}
    }
}

#[test]
fn every_runner_has_a_higher_epoch_in_the_journal() {
    let desk = desk(QUESTION);
    for words in [&["run", "playbook.yaml", "-i", "inventory.yaml"][..], &["resume"]] {
        let mut runner = desk.start("state", words);
        desk.until_step("state", "go", "waiting");
        runner.interrupt();
        assert_eq!(runner.end_within(LIMIT).code, Some(130));
    }
    assert_eq!(desk.say("state", &["rollback"]).code, Some(3));
    let report: Value = serde_json::from_str(&desk.say("state", &["report", "--format", "json"]).out).unwrap();
    let mut found = Vec::new();
    epochs(&report["entries"], &mut found);
    found.dedup();
    assert_eq!(found.len(), 3, "run, resume and rollback have these epochs: {found:?}");
    assert!(found.is_sorted(), "{found:?}");
}

#[test]
fn the_lease_carries_run_and_epoch_and_the_older_holder_is_gone() {
    let alone = Shared::make();
    alone.sql("SET GLOBAL log_output = 'TABLE', general_log = ON");
    let sql = "uses: sql, with: { server: s, statements: [\"SELECT 1\"] }";
    let desk = desk(&format!("  - {{ id: one, {sql} }}\n  - {{ id: go, needs: [one], uses: approve }}\n"));
    desk.write("inventory.yaml", &alone.inventory(""));
    let mut first = desk.begin();
    desk.until_step("state", "go", "waiting");
    let run = desk.id("state");
    let ours =
        "SELECT GROUP_CONCAT(id) FROM information_schema.PROCESSLIST WHERE user = 'migrate' AND id <> CONNECTION_ID()";
    let older = alone.sql(ours);
    assert_ne!(older, "NULL", "the runner holds no connection");
    desk.copy_state(&first, "state", "copy");
    first.freeze();
    let second = take_over(&desk, "copy");
    assert_eq!(second.code, Some(0), "{}", second.words());
    let left = format!("SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE id IN ({older})");
    assert_eq!(alone.sql(&left), "0", "connections of the older runner are still there");
    let names: BTreeSet<String> = lock_names(&alone).into_iter().filter(|name| name.contains(&run)).collect();
    assert!(names.len() >= 2, "both runners took the same name: {names:?}");
    first.wake();
    assert_displaced(&mut first);
}

/// Names of the locks that were asked for, by the general log.
pub fn lock_names(server: &Shared) -> BTreeSet<String> {
    let log = server.sql("SELECT argument FROM mysql.general_log WHERE argument LIKE '%GET\\_LOCK(%'");
    let names = log.split("GET_LOCK('").skip(1).filter_map(|rest| rest.split('\'').next());
    names.filter(|name| !name.contains('%')).map(str::to_owned).collect()
}

#[test]
fn no_row_is_needed() {
    let alone = Shared::make();
    let desk = desk("  - { id: one, uses: sql, with: { server: s, statements: [\"SELECT 1\"] } }\n");
    desk.write("inventory.yaml", &alone.inventory(""));
    let lock = "FLUSH TABLES WITH READ LOCK; SELECT 'closed'; SELECT SLEEP(120)";
    let _closed = Program::start(&mut alone.client(lock), &desk.path(""));
    let waits = "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE info LIKE 'SELECT SLEEP(120)%'";
    until("the server is closed", Duration::from_secs(20), || alone.sql(waits) == "1");
    let ended = desk.run();
    assert_eq!(ended.code, Some(0), "{}", ended.words());
}

#[test]
fn a_woken_runner_starts_no_program_and_writes_no_file() {
    let token = token(4, 60);
    let steps = ["local", "old"].map(|host| {
        format!(
            "  - {{ id: program_{host}, needs: [slow], uses: command, with: {{ host: {host}, run: [touch, EFFECT.{host}] }} }}\n  \
               - {{ id: file_{host}, needs: [slow], uses: render, with: {{ template: t.j2, host: {host}, path: EFFECT.file.{host} }} }}\n"
        )
    });
    let slow = format!("  - {{ id: slow, uses: command, with: {{ host: old, run: {} }} }}\n", stubborn(&token));
    let desk = desk(&format!("{slow}{}", steps.concat()));
    let _sshd = host(&desk, "");
    std::fs::create_dir(desk.path("templates")).unwrap();
    desk.write("templates/t.j2", "made\n");
    let mut first = desk.begin();
    desk.until_text("effect", "begin");
    desk.copy_state(&first, "state", "copy");
    first.freeze();
    let second = take_over(&desk, "copy");
    assert_eq!(second.code, Some(0), "{}", second.words());
    let traces = ["effect.local", "effect.old", "effect.file.local", "effect.file.old"];
    for trace in traces {
        std::fs::remove_file(desk.path(trace)).unwrap(); // whoever makes it again shows
    }
    let begun = desk.text("effect").matches("begin").count();
    first.wake();
    assert_displaced(&mut first);
    let again: Vec<_> = traces.into_iter().filter(|trace| desk.path(trace).exists()).collect();
    assert!(again.is_empty(), "made by the displaced runner: {again:?}");
    assert_eq!(desk.text("effect").matches("begin").count(), begun, "{}", desk.text("effect"));
}

#[test]
fn a_stale_copy_is_refused_whatever_it_has_lost() {
    let token = token(6, 61);
    let step = |id: &str, needs: &str, run: &str| {
        format!("  - {{ id: {id}, {needs}uses: command, with: {{ host: old, run: {run} }} }}\n")
    };
    let wait = "[sh, -c, \"echo one >> EFFECT; sleep 1\"]";
    let steps = [
        step("one", "", wait),
        step("two", "needs: [one], ", &word("two")),
        step("three", "needs: [two], ", &stubborn(&token)),
    ];
    let desk = desk(&steps.concat());
    let _sshd = host(&desk, "");
    let mut first = desk.begin();
    desk.until_text("effect", "one");
    desk.copy_state(&first, "state", "copy"); // it knows nothing of two and three
    desk.until_text("effect", "begin");
    first.kill();
    for _ in 0..8 {
        let ended = desk.say("copy", &["resume", "--yes"]);
        assert_eq!(ended.code, Some(6), "{}\n{}", desk.text("effect"), ended.words());
        std::thread::sleep(Duration::from_secs(2));
    }
    let ended = take_over(&desk, "state");
    assert_eq!(ended.code, Some(0), "{}", ended.words());
    let effect = desk.text("effect");
    assert_eq!((effect.matches("one").count(), effect.matches("two").count()), (1, 1), "{effect}");
}
