//! Windows in real time, on the wall of this very machine.

use crate::desk::{Desk, ended};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// The time of the day in UTC, so many seconds from now.
fn wall(seconds: u64) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() + seconds;
    format!("{:02}:{:02}:{:02}", now / 3600 % 24, now / 60 % 60, now % 60)
}

/// `copy` leaves a file; the block `switch` leaves another, within a window.
fn desk(from: u64, to: u64, deadline: &str, copy: &str) -> Desk {
    let (from, to) = (wall(from), wall(to));
    Desk::new(&format!(
        "version: 1\nname: small\nsteps:\n\
         - {{ id: copy, uses: command, with: {{ host: local, run: [sh, -c, '{copy}'], undo: [rm, -f, copy] }} }}\n\
         - id: switch\n  needs: [copy]\n  deadline: {deadline}\n\
         \x20 window: {{ from: \"{from}\", to: \"{to}\", time_zone: UTC }}\n\
         \x20 block:\n\
         \x20   - {{ id: fence, uses: command, with: {{ host: local, run: [sh, -c, 'date +%s > \"$DESK/fenced\"'] }} }}\n"
    ))
}

#[test]
fn a_block_waits_for_its_window_and_runs_inside() {
    let begin = Instant::now();
    let desk = desk(20, 60, "10s", "touch \"$DESK/copied\"");
    let running = desk.begin(&["--format", "json"]);
    desk.until("copied");
    desk.until_it_waits("fence", "waits for the window of `switch`: it opens");
    let text = desk.say(&["status"]).out;
    assert!(text.contains("waits for the window of `switch`"), "{text}");
    assert!(!desk.exists("fenced"));
    let end = ended(running);
    assert_eq!(end.code, 0, "{end:?}");
    let waited = begin.elapsed();
    assert!(waited > Duration::from_secs(18) && waited < Duration::from_mins(1), "{waited:?}");
    let report = desk.say(&["report"]).out;
    assert!(report.contains("window_awaited") && report.contains("window_opened"), "{report}");
}

#[test]
fn a_deadline_longer_than_the_window_is_refused_before_anything_is_touched() {
    let desk = desk(20, 60, "50s", "touch \"$DESK/copied\"");
    let end = desk.run(&[]);
    assert_eq!(end.code, 5, "{end:?}");
    assert!(end.words().contains("it may take 50s, and the window is open for 40s only"), "{}", end.words());
    assert!(!desk.exists("copied") && !desk.exists("fenced"));
}

#[test]
fn a_deadline_longer_than_what_is_left_is_put_off_and_the_copy_stands() {
    let desk = desk(86_395, 8, "5s", "sleep 5; touch \"$DESK/copied\"");
    let end = desk.run(&[]);
    assert_eq!(end.code, 5, "{end:?}");
    assert!(end.words().contains("it may take 5s, and the window closes in"), "{}", end.words());
    assert!(desk.exists("copied") && !desk.exists("fenced"));
    assert_eq!(desk.status()["outcome"], "put_off");
    let text = desk.say(&["status"]).out;
    assert!(text.contains("put off because of `switch`") && text.contains("next: cutover resume"), "{text}");
    let end = desk.say(&["rollback"]);
    assert_eq!(end.code, 3, "{end:?}");
}

#[test]
fn faults_of_windows_are_said_at_their_place() {
    let playbook = "version: 1\nname: small\nsteps:\n\
        - id: a\n  uses: command\n  timeout: 5s\n  with: { host: local, run: [date] }\n\
        \x20 window: { days: [Son], from: \"02:00\", to: 4, time_zone: Europe/Olso }\n\
        - id: b\n  uses: command\n  with: { host: local, run: [date] }\n\
        \x20 window: { from: \"02:00\", to: \"02:00\", time_zone: Europe/Oslo }\n\
        - id: c\n  window: { from: \"26:00\", to: \"02:00\", time_zone: Europe/Oslo }\n  block:\n\
        \x20   - { id: d, uses: command, with: { host: local, run: [date] }, window: { from: \"01:00\", to: \"02:00\", time_zone: UTC } }\n";
    let end = Desk::new(playbook).run(&[]);
    assert_eq!(end.code, 2, "{end:?}");
    for words in [
        "an entry of `days` must be one of Mon, Tue, Wed, Thu, Fri, Sat, Sun",
        "`to` must be a time of day in quotes",
        "there is no time zone `Europe/Olso`",
        "did you mean `Europe/Oslo`?",
        "this window never opens",
        "the step `b` has a window and no `timeout`",
        "`26:00` is not a time of day",
        "the block `c` has a window and no `deadline`",
        "the step `d` is in a block and cannot have its own window",
    ] {
        assert!(end.words().contains(words), "{words} is missing in {}", end.words());
    }
}
