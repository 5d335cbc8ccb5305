//! `undo_beside_execute.yaml` and `hung_command.yaml`: work that was given up is over before anything else begins.

use crate::attempts::Watch;
use crate::desk::{Desk, LIMIT};
use crate::process::{command_lines, until};
use cutover::rehearsal::sshd::Sshd;
use std::time::{Duration, Instant};

/// How long an attempt would work, in s: well past the second attempt, if nobody ends it.
const WORK: u64 = 30;
const PLAIN: &str = "sleep 71; echo LATE EFFECT $(date +%T) >> $HOME/effect";
/// The same work in a child of the command; `$$` is the command's own number.
const CHILD: &str = "sh -c 'sleep 71; echo LATE EFFECT >> $HOME/effect' attempt-$$ & wait";

/// Each is a way for a command not to end when it is told to.
const WAYS: [(&str, &[(&str, &str)]); 4] = [
    ("as it stands", &[]),
    ("deaf to SIGTERM", &[("echo begin", "trap '' TERM; echo begin")]),
    ("in a background child", &[(PLAIN, CHILD)]),
    ("in a background child with a session of its own", &[(PLAIN, CHILD), ("sh -c 'sleep", "setsid sh -c 'sleep")]),
];

/// Plays the case with `changes` on this machine, or on a host behind ssh: what is wrong.
fn play(number: usize, changes: &[(&str, &str)], host: Option<&Sshd>) -> Result<(), String> {
    let desk = Desk::with("undo_beside_execute.yaml", changes);
    let (effect, token) = (desk.path("effect"), format!("{}{number:02}", std::process::id()));
    // a time of its own for each, so that `pgrep` counts nobody else's
    let text = desk.text("playbook.yaml").replace("sleep 71", &format!("sleep {WORK}.{token}"));
    let text = text.replace("sleep 7[1]", &format!("sleep {}[{}].{token}", WORK / 10, WORK % 10));
    let mut text = text.replace("$HOME/effect", effect.to_str().unwrap());
    if let Some(sshd) = host {
        text = text.replace("host: local", "host: old");
        let config = sshd.ssh_config().display();
        desk.write(
            "inventory.yaml",
            &format!("hosts: {{ old: {{ ssh: old, ssh_config: {config}, work_dir: {} }} }}\n", desk.work()),
        );
    }
    desk.write("playbook.yaml", &text);
    let watch = Watch::begin(&effect, &token);
    let ended = desk.begin().end_within(LIMIT);
    // whoever still works comes to its effect in this time
    let at_work = || command_lines().iter().any(|(_, line)| line.contains(&token));
    until("nobody is at work any more", Duration::from_secs(WORK + 5), || !at_work());
    std::thread::sleep(Duration::from_millis(200));
    let effect = watch.text();
    let told = |what: String| Err(format!("{what}\n{effect}{}", ended.words()));
    if let Some(overlap) = watch.end() {
        return told(overlap);
    }
    if ended.code != Some(3) {
        return told(format!("it ended with {:?}, not rolled back (3)", ended.code));
    }
    let undone = effect.lines().any(|line| line.starts_with("undo ") && line.ends_with("first attempts alive: 0"));
    match (undone, effect.contains("LATE EFFECT"), effect.matches("begin ").count()) {
        (true, false, 3) => Ok(()),
        (undone, late, attempts) => told(format!("undone: {undone}, late effect: {late}, attempts: {attempts}")),
    }
}

/// Plays every way at once: all but the first second of each is waiting.
fn play_all(host: Option<&Sshd>) {
    let wrong: Vec<String> = std::thread::scope(|scope| {
        let numbers = if host.is_some() { 10.. } else { 0.. };
        let start = |(number, (_, changes))| scope.spawn(move || play(number, changes, host));
        let played: Vec<_> = numbers.zip(WAYS).map(start).collect();
        let ends = played.into_iter().map(|played| played.join().unwrap()).zip(WAYS);
        ends.filter_map(|(end, (way, _))| Some(format!("{way}: {}", end.err()?))).collect()
    });
    assert!(wrong.is_empty(), "{} of {} ways:\n{}", wrong.len(), WAYS.len(), wrong.join("\n\n"));
}

#[test]
fn no_attempt_and_no_undo_runs_beside_an_attempt_that_was_given_up() {
    play_all(None);
}

#[test]
fn nor_on_a_host_behind_ssh() {
    let folder = tempfile::tempdir().unwrap();
    let sshd = tokio::runtime::Runtime::new().unwrap().block_on(Sshd::start(folder.path(), "old")).unwrap();
    play_all(Some(&sshd));
}

#[test]
fn a_command_that_hangs_is_named_with_its_host_and_then_rolled_back() {
    let token = format!("90.{}", std::process::id());
    let desk = Desk::with("hung_command.yaml", &[("\"90\"", &format!("\"{token}\""))]);
    let begin = Instant::now();
    let ended = desk.run();
    let words = ended.words();
    assert_eq!(ended.code, Some(3), "{words}");
    assert!(words.contains(&format!("sleep {token}")) && words.contains("local"), "{words}");
    assert!(words.contains("still running"), "what was still running is not stated: {words}");
    assert!(begin.elapsed() < Duration::from_mins(1), "{:?}", begin.elapsed());
    let left: Vec<_> = command_lines().into_iter().filter(|(_, line)| line.contains(&token)).collect();
    assert!(left.is_empty(), "it still runs: {left:?}");
}
