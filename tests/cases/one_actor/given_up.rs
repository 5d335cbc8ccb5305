//! Work that was given up is over before anything else of its step begins.

use super::{desk, host, stubborn, token, word};
use crate::attempts::Watch;
use crate::desk::{Desk, LIMIT};
use crate::process::{command_lines, until};
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

/// How long the work takes, in s, if nobody ends it: longer than any wait that is not for its end.
const WORK: u32 = 20;

/// Plays a run in which the work is given up and undone: rolled back, and the undo after the last attempt's end.
fn assert_undone(desk: &Desk, token: &str, last: &str) {
    let watch = Watch::begin(&desk.path("effect"), token);
    let ended = desk.begin().end_within(LIMIT);
    let effect = watch.text();
    assert_eq!(watch.end(), None, "{effect}{}", ended.words());
    assert_eq!(ended.code, Some(3), "{effect}{}", ended.words());
    assert!(effect.trim_end().ends_with(last), "{effect}");
    assert_eq!(effect.matches("begin ").count(), 1, "{effect}");
}

#[test]
fn the_undo_waits_for_work_that_a_deadline_has_cancelled() {
    let token = token(WORK, 50);
    let step = format!("{{ host: local, run: {}, undo: {} }}", stubborn(&token), word("undo"));
    let desk = desk(&format!(
        "  - id: switch\n    deadline: 2s\n    block:\n      - {{ id: slow, uses: command, with: {step} }}\n"
    ));
    assert_undone(&desk, &token, "undo");
}

#[test]
fn a_hook_waits() {
    let token = token(WORK, 51);
    let step = format!("{{ host: local, run: {}, undo: {} }}", stubborn(&token), word("undo"));
    let hook = format!("[{{ uses: command, with: {{ host: local, run: {} }} }}]", word("hook"));
    let desk = desk(&format!("  - {{ id: slow, uses: command, timeout: 2s, with: {step}, rollback: {hook} }}\n"));
    assert_undone(&desk, &token, "undo\nhook");
}

#[test]
fn a_resume_waits_for_work_that_an_interrupt_has_left() {
    let token = token(WORK, 52);
    let desk =
        desk(&format!("  - {{ id: slow, uses: command, with: {{ host: local, run: {} }} }}\n", stubborn(&token)));
    let watch = Watch::begin(&desk.path("effect"), &token);
    let mut first = desk.begin();
    until("the work begins", Duration::from_secs(30), || watch.text().contains("begin"));
    first.interrupt();
    std::thread::sleep(Duration::from_millis(500));
    first.interrupt(); // a person who does not want to wait
    let interrupted = first.end_within(LIMIT);
    assert_ne!(interrupted.code, Some(0), "it was not interrupted: {}", interrupted.words());
    let resumed = desk.say("state", &["resume"]);
    let effect = watch.text();
    assert_eq!(watch.end(), None, "{effect}{}", resumed.words());
    assert_eq!(resumed.code, Some(0), "{effect}{}", resumed.words());
    assert!(effect.lines().last().is_some_and(|last| last.starts_with("end")), "{effect}");
}

#[test]
fn a_probe_waits_for_the_program_of_a_dead_runner() {
    let token = token(WORK, 53);
    let creates = "creates: EFFECT.there";
    let run = stubborn(&token).replace("; echo end", "; touch EFFECT.there; echo end");
    let step = format!("{{ host: old, run: {run}, {creates} }}");
    let desk = desk(&format!("  - {{ id: slow, uses: command, with: {step} }}\n"));
    let _sshd = host(&desk, "");
    // the host's `test`, by which the program looks whether the file is there, leaves a word as well
    let (bin, effect) = (desk.path("ssh/old/home/bin"), desk.path("effect"));
    std::fs::create_dir_all(&bin).unwrap();
    let script = format!("#!/bin/sh\necho probe >> {}\nexec /usr/bin/test \"$@\"\n", effect.display());
    std::fs::write(bin.join("test"), script).unwrap();
    std::fs::set_permissions(bin.join("test"), std::fs::Permissions::from_mode(0o755)).unwrap();

    let watch = Watch::begin(&effect, &token);
    let mut first = desk.begin();
    until("the work begins", Duration::from_secs(30), || watch.text().contains("begin"));
    let probes = watch.text().matches("probe").count();
    first.kill();
    let resumed = desk.say("state", &["resume"]);
    let text = watch.text();
    assert_eq!(watch.end(), None, "{text}{}", resumed.words());
    assert_eq!(resumed.code, Some(0), "{text}{}", resumed.words());
    assert!(text.matches("probe").count() > probes, "nobody looked again: {text}");
    assert_eq!(text.matches("end ").count(), 1, "{text}");
}

#[test]
fn what_cannot_be_seen_to_end_is_named_with_its_host_and_nothing_else_begins() {
    let token = token(300, 54);
    let step = format!("{{ host: old, run: {}, undo: {} }}", stubborn(&token), word("undo"));
    let desk = desk(&format!("  - {{ id: slow, uses: command, timeout: 3s, with: {step} }}\n"));
    let sshd = host(&desk, "");
    let mut runner = desk.begin();
    desk.until_text("effect", "begin");
    sshd.freeze(true);
    let ended = runner.end_within(LIMIT);
    sshd.freeze(false);
    let words = ended.words();
    assert_eq!(ended.code, Some(4), "{words}");
    assert!(words.contains(&format!("sleep {token}")) && words.contains("old"), "{words}");
    assert!(words.contains("still"), "that it may still run is not stated: {words}");
    assert!(command_lines().iter().any(|(_, line)| line.contains(&token)), "the test shows nothing: it had ended");
    assert!(!desk.text("effect").contains("undo"), "{}", desk.text("effect"));
}
