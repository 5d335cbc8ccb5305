//! The daemon as a process: what it says, what it leaves running, what it reads again.

use crate::desk::{Desk, RUN};
use cutover::engine::Home;
use cutover::schedule::Schedules;
use cutover::schedule::look::Scheduler;
use cutover::store::Verdict;
use jiff::{SignedDuration, Timestamp};
use rustix::process::{Pid, Signal, kill_process};
use std::os::unix::fs::PermissionsExt;
use std::process::Child;

const SLOW: &str = "\
version: 1
name: slow
steps:
  - { id: wait, uses: command, with: { host: local, run: [sh, -c, 'touch \"$DESK/begun\"; while ! test -e \"$DESK/go\"; do sleep 0.1; done'] } }
";

fn terminate(mut daemon: Child) {
    kill_process(Pid::from_child(&daemon), Signal::TERM).unwrap();
    assert!(daemon.wait().unwrap().success());
}

#[test]
fn a_stopped_daemon_leaves_its_children_running_and_the_next_one_finds_them() {
    let desk = Desk::with("cron: \"* * * * * *\"");
    desk.write("playbook.yaml", SLOW);
    let daemon = desk.serve();
    desk.until("the run has begun", || desk.path("begun").exists());
    terminate(daemon);
    let said = desk.said();
    assert!(said.contains("1 schedule:\n  cheap                next 20"), "{said}");
    assert!(said.contains("of cheap continues by itself\nstopped; nothing more is started"), "{said}");

    let next = desk.serve();
    desk.until("the next daemon leaves out what is in the way", || {
        desk.decisions()
            .iter()
            .any(|start| start["verdict"] == "skipped" && start["reason"].as_str().unwrap().contains("is not over"))
    });
    assert_eq!(desk.json(&["list"]).as_array().unwrap().len(), 1);
    desk.write("schedules.yaml", "version: 1\nschedules: {}\n");
    desk.until("the schedule is gone", || desk.said().contains("\n0 schedules:"));
    desk.write("go", "");
    desk.until("the end of the first is written", || {
        desk.decisions().iter().all(|start| !start["claimed"].is_i64() || start["exit_code"] == 0)
    });
    terminate(next);
    let run = desk.json(&["list"])[0]["run"].as_str().unwrap().to_owned();
    let log = desk.state().join("schedules").join(format!("{run}.log"));
    assert_eq!(log.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    assert!(std::fs::read_to_string(log).unwrap().contains("wait"), "the run's words are in its log");
}

#[test]
fn a_changed_file_is_read_again_and_a_broken_one_is_reported() {
    let desk = Desk::with("cron: \"0 0 1 1 *\"");
    let daemon = desk.serve();
    desk.until("it serves", || desk.said().contains("1 schedule"));
    desk.write("schedules.yaml", "version: 1\nschedules:\n  cheap: { nonsense: 1 }\n");
    desk.until("the fault is said", || desk.said().contains("nonsense") && desk.said().contains("remain in use"));
    let good = format!("version: 1\nschedules:\n  quick: {{ {RUN}, time_zone: UTC, cron: \"* * * * * *\" }}\n");
    desk.write("schedules.yaml", &good);
    desk.until("the new schedule starts", || desk.lines() > 0);
    terminate(daemon);
    assert!(desk.decisions().iter().all(|start| start["schedule"] == "quick"));
}

#[test]
fn a_file_that_is_not_valid_is_not_served() {
    let desk = Desk::with("cron: \"61 * * * *\"");
    let output = desk.say(&["serve", "--listen", "127.0.0.1:0"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("`61` is not a valid minute"));
    assert!(!desk.state().exists(), "nothing was touched");
}

#[test]
fn after_a_run_that_stopped_nothing_starts_until_a_person_has_acted() {
    let desk = Desk::with("cron: \"* * * * * *\"");
    desk.write("broken", "");
    let daemon = desk.serve();
    desk.until("the next start is refused", || {
        desk.decisions().iter().any(|start| {
            let reason = start["reason"].as_str().unwrap_or_default();
            start["verdict"] == "refused" && reason.contains("is stopped") && reason.contains("cutover resume")
        })
    });
    assert_eq!(desk.lines(), 1);
    std::fs::remove_file(desk.path("broken")).unwrap();
    assert_eq!(desk.say(&["resume"]).status.code(), Some(0));
    desk.until("it goes on", || desk.lines() > 2);
    terminate(daemon);
}

/// Decides a start at a time in the past and launches nothing, as a daemon that is killed in between.
fn decided_and_not_launched(desk: &Desk, ago: SignedDuration) -> String {
    let schedules = Schedules::open(&desk.path("schedules.yaml")).unwrap();
    let scheduler = Scheduler::new(Home::in_directory(&desk.state()).unwrap());
    let then = Timestamp::now() - ago;
    assert!(scheduler.look(&schedules, then - SignedDuration::from_secs(61)).unwrap().is_empty());
    let start = scheduler.look(&schedules, then).unwrap().pop().unwrap();
    assert_eq!(start.verdict, Verdict::Started);
    start.run.unwrap()
}

#[test]
fn what_was_decided_and_not_started_is_started_by_the_next_daemon_with_its_id() {
    let desk = Desk::with("cron: \"* * * * *\", latest_start: 5m");
    let run = decided_and_not_launched(&desk, SignedDuration::ZERO);
    let daemon = desk.serve();
    desk.until("it is done", || desk.decisions().iter().any(|start| start["run"] == *run && start["exit_code"] == 0));
    terminate(daemon);
    assert!(desk.json(&["list"]).as_array().unwrap().iter().any(|listed| listed["run"] == *run));
}

#[test]
fn what_was_decided_an_hour_ago_is_not_started_any_more() {
    for (rule, verdict) in [("catch_up: none", "missed"), ("catch_up: last, latest_start: 30m", "late")] {
        let desk = Desk::with(&format!("cron: \"* * * * *\", {rule}"));
        let run = decided_and_not_launched(&desk, SignedDuration::from_hours(1));
        let daemon = desk.serve();
        desk.until("it is decided anew", || {
            desk.decisions().iter().any(|start| start["run"] == *run && start["verdict"] == verdict)
        });
        terminate(daemon);
        assert!(!desk.state().join("schedules").join(format!("{run}.log")).exists(), "no process was made for it");
    }
}
