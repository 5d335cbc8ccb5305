//! `same_run_twice.yaml`: two runners of one run, on copies of one state directory. Only one of them acts.

use crate::desk::{Desk, LIMIT};
use crate::process::{Ended, Program};
use crate::server::Shared;
use std::time::{Duration, Instant};

/// Longest time until a runner that has stopped is displaced, and more than its lease of about 10 s.
const LEASE: Duration = Duration::from_secs(40);

/// The case, its first runner waiting for an answer, and a copy of its state directory.
struct Case {
    shared: Shared,
    desk: Desk,
    first: Program,
    run: String,
}

impl Case {
    fn begin() -> Self {
        let shared = Shared::make();
        let desk = shared.desk("same_run_twice.yaml", &[]);
        let first = desk.begin();
        desk.until_step("state", "go", "waiting");
        desk.copy_state(&first, "state", "copy");
        let run = desk.id("state");
        Self { shared, desk, first, run }
    }
    fn resume(&self, state: &str) -> Ended {
        self.desk.say(state, &["resume", &self.run])
    }
    fn approve(&self, state: &str) {
        let ended = self.desk.say(state, &["approve", &self.run, "go"]);
        assert_eq!(ended.code, Some(0), "{ended:?}");
    }
    fn rows(&self) -> String {
        self.shared.sql("SELECT COUNT(*) FROM d.t WHERE v = 'two'")
    }
}

fn assert_refused(ended: &Ended, run: &str) {
    let words = ended.words();
    assert_eq!(ended.code, Some(6), "{words}");
    assert!(words.contains("another runner") && words.contains(run), "who has the run is not stated: {words}");
}

#[test]
fn a_copy_is_refused_while_the_first_runner_lives_and_after_it_has_gone_on() {
    let mut case = Case::begin();
    case.approve("copy"); // a second runner that is not refused then acts at once
    assert_refused(&case.resume("copy"), &case.run);
    case.approve("state");
    let first = case.first.end_within(LIMIT);
    assert_eq!(first.code, Some(0), "{}", first.words());
    assert_eq!(case.rows(), "1");
    let second = case.resume("copy");
    assert_eq!(case.rows(), "1", "the copy carried step two out again: {}", second.words());
    assert_refused(&second, &case.run);
}

#[test]
fn a_runner_that_stood_still_is_displaced_and_stops_when_it_wakes() {
    let mut case = Case::begin();
    case.first.freeze();
    case.approve("copy");
    let begin = Instant::now();
    let mut second = case.resume("copy");
    while second.code == Some(6) && begin.elapsed() < LEASE {
        std::thread::sleep(Duration::from_secs(1));
        second = case.resume("copy");
    }
    assert_eq!(second.code, Some(0), "nobody took over within {:?}: {}", begin.elapsed(), second.words());
    println!("taken over after {:?}", begin.elapsed());
    case.first.wake();
    // nobody answers it: it must find out by itself that it is displaced
    let first = case.first.end_within(LIMIT);
    assert_eq!(case.rows(), "1", "first: {}\nsecond: {}", first.words(), second.words());
    assert_refused(&first, &case.run);
}
