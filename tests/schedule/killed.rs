//! The daemon killed (SIGKILL) at random moments: no start is lost, none is done twice.

use crate::desk::Desk;
use std::collections::{BTreeMap, BTreeSet};
use std::process::Child;
use std::time::{Duration, Instant};

const PERIOD: i64 = 2000;

/// Kills of a test run; `CUTOVER_KILLS=50` for the whole.
fn kills() -> u32 {
    std::env::var("CUTOVER_KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(10)
}

fn desk() -> Desk {
    Desk::with("cron: \"*/2 * * * * *\", catch_up: last, overlap: queue")
}

fn end(mut child: Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}

fn random_pause(most: Duration) {
    std::thread::sleep(most.mul_f64(fastrand::f64()));
}

/// Up to two due times later; every second time within the moments in which a start is decided and launched.
fn until_the_kill(number: u32) {
    if number.is_multiple_of(2) {
        return random_pause(Duration::from_millis(4500));
    }
    std::thread::sleep(Duration::from_millis(300)); // the daemon is up
    let now = jiff::Timestamp::now().as_millisecond();
    let due = PERIOD - now % PERIOD;
    std::thread::sleep(Duration::from_millis(due.unsigned_abs()));
    random_pause(Duration::from_millis(40));
}

#[test]
fn every_due_time_has_one_decision_and_no_run_is_done_twice() {
    let (desk, kills) = (desk(), kills());
    let begin = Instant::now();
    for number in 0..kills {
        let daemon = desk.serve();
        until_the_kill(number);
        end(daemon);
        random_pause(Duration::from_millis(700));
    }
    let mut daemon = desk.serve();
    // everything that waits comes to its end
    let open = |start: &serde_json::Value| {
        start["verdict"] == "queued" || start["verdict"] == "started" && start["ended"].is_null()
    };
    std::thread::sleep(Duration::from_secs(2));
    desk.until("all but the newest start are over", || desk.decisions().iter().rev().skip(2).all(|start| !open(start)));
    rustix::process::kill_process(rustix::process::Pid::from_child(&daemon), rustix::process::Signal::TERM).unwrap();
    assert!(daemon.wait().unwrap().success());
    desk.until("the last children end", || {
        desk.decisions().iter().filter(|start| start["claimed"].is_i64()).all(|start| !start["ended"].is_null())
    });
    judge(&desk, kills, begin);
}

fn judge(desk: &Desk, kills: u32, begin: Instant) {
    let decisions = desk.decisions();
    let dues: Vec<i64> = decisions.iter().map(|start| start["due"].as_i64().unwrap()).collect();
    let (first, last) = (dues[0], dues[dues.len() - 1]);
    let expected: Vec<i64> = (0..=(last - first) / PERIOD).map(|number| first + number * PERIOD).collect();
    assert_eq!(dues, expected, "each due time between the first and the last has exactly one decision");

    let claimed: Vec<_> = decisions.iter().filter(|start| start["claimed"].is_i64()).collect();
    let runs: BTreeSet<&str> = claimed.iter().map(|start| start["run"].as_str().unwrap()).collect();
    assert_eq!(runs.len(), claimed.len());
    let recorded = desk.json(&["list"]);
    let recorded: BTreeMap<&str, &str> = recorded
        .as_array()
        .unwrap()
        .iter()
        .map(|run| (run["run"].as_str().unwrap(), run["outcome"].as_str().unwrap()))
        .collect();
    assert!(recorded.keys().all(|run| runs.contains(run)), "no run that nobody decided");
    assert!(runs.iter().all(|run| recorded.get(run) == Some(&"done")), "{runs:?} {recorded:?}\n{}", desk.said());
    assert_eq!(desk.lines(), runs.len(), "each run has done its work once");
    let mut verdicts: BTreeMap<&str, usize> = BTreeMap::new();
    for start in &decisions {
        *verdicts.entry(start["verdict"].as_str().unwrap()).or_default() += 1;
    }
    println!(
        "{kills} kills in {:.0} s: {} due times, {verdicts:?}, {} runs, {} lines",
        begin.elapsed().as_secs_f64(),
        dues.len(),
        runs.len(),
        desk.lines()
    );
    assert!(runs.len() > usize::try_from(kills).unwrap() / 2, "too few runs to show anything");
}

#[test]
fn two_daemons_on_one_state_directory_start_each_due_time_once() {
    let desk = desk();
    let (one, other) = (desk.serve(), desk.serve());
    std::thread::sleep(Duration::from_secs(7));
    end(one);
    desk.until("the other one goes on", || desk.lines() >= 4);
    end(other);
    desk.until("what was started ends", || {
        desk.decisions().iter().filter(|start| start["claimed"].is_i64()).all(|start| !start["ended"].is_null())
    });
    let runs = desk.decisions().iter().filter(|start| start["claimed"].is_i64()).count();
    assert_eq!(desk.lines(), runs);
    assert_eq!(desk.json(&["list"]).as_array().unwrap().len(), runs);
}
