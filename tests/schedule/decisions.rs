//! What becomes of due times: the real rules and the real journal, at times that the test makes up.

use cutover::engine::Home;
use cutover::playbook::document::Document;
use cutover::schedule::Schedules;
use cutover::schedule::look::{Scheduler, instant};
use cutover::schedule::work::Work;
use cutover::store::{Start, Starts, Verdict};
use jiff::Timestamp;
use tempfile::TempDir;

struct Clock {
    dir: TempDir,
    scheduler: Scheduler,
    schedules: Schedules,
}

fn schedules(fields: &str) -> Schedules {
    let text = format!("version: 1\nschedules:\n  s: {{ action: run, playbook: p.yaml, {fields} }}\n");
    Schedules::read(&Document::parse("schedules.yaml", &text).unwrap(), "/nowhere".as_ref()).unwrap()
}

impl Clock {
    fn new(fields: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let scheduler = Scheduler::new(Home::in_directory(dir.path()).unwrap());
        Self { scheduler, schedules: schedules(fields), dir }
    }
    fn decided(&self, now: &str) -> Vec<Start> {
        self.scheduler.look(&self.schedules, now.parse().unwrap()).unwrap()
    }
    /// A look at a time: what was decided then, as `due verdict`.
    fn look(&self, now: &str) -> Vec<String> {
        self.decided(now).iter().map(shown).collect()
    }
    /// The same for many times; every start that is begun is over before the next.
    fn looks(&self, times: &[&str]) -> Vec<String> {
        let mut all = Vec::new();
        for time in times {
            for start in self.decided(time) {
                if start.verdict == Verdict::Started {
                    self.over(&start, 0);
                }
                all.push(shown(&start));
            }
        }
        all
    }
    fn over(&self, start: &Start, code: u8) {
        let run = start.run.as_deref().unwrap();
        let claimed = self.scheduler.journal.claim(run, start.at).unwrap().unwrap();
        self.scheduler.journal.end(&claimed, start.at, Some(code), None).unwrap();
    }
}

fn shown(start: &Start) -> String {
    format!("{} {}", instant(start.due), start.verdict)
}

#[test]
fn a_time_that_does_not_exist_starts_once_after_the_gap() {
    let clock = Clock::new("cron: \"30 2 * * *\", time_zone: Europe/Oslo");
    let decided = clock.looks(&[
        "2027-03-27T12:00:00Z",
        "2027-03-28T00:59:59Z",
        "2027-03-28T01:00:00.5Z", // 03:00 CEST, the first instant after the gap
        "2027-03-28T01:30:00Z",   // 03:30, where others would start it
        "2027-03-28T02:30:00Z",
        "2027-03-29T00:30:00Z",
    ]);
    assert_eq!(decided, ["2027-03-28T01:00:00Z started", "2027-03-29T00:30:00Z started"]);
}

#[test]
fn a_time_that_exists_twice_starts_once_at_its_first() {
    let clock = Clock::new("cron: \"30 2 * * *\", time_zone: Europe/Oslo");
    let decided = clock.looks(&[
        "2026-10-24T12:00:00Z",
        "2026-10-25T00:30:00Z", // 02:30 CEST
        "2026-10-25T01:30:00Z", // 02:30 CET
        "2026-10-25T01:31:00Z",
        "2026-10-26T01:30:00Z",
    ]);
    assert_eq!(decided, ["2026-10-25T00:30:00Z started", "2026-10-26T01:30:00Z started"]);
}

#[test]
fn intervals_go_on_by_instants_through_both_changes() {
    let spring = Clock::new("cron: \"*/30 * * * *\", time_zone: Europe/Oslo");
    spring.look("2027-03-28T00:20:00Z");
    let times = ["2027-03-28T00:30:00Z", "2027-03-28T01:00:00Z", "2027-03-28T01:30:00Z"];
    assert_eq!(spring.looks(&times), times.map(|time| format!("{time} started")));
    let autumn = Clock::new("cron: \"*/30 * * * *\", time_zone: Europe/Oslo");
    autumn.look("2026-10-25T00:20:00Z");
    let times = ["2026-10-25T00:30:00Z", "2026-10-25T01:00:00Z", "2026-10-25T01:30:00Z", "2026-10-25T02:00:00Z"];
    assert_eq!(autumn.looks(&times), times.map(|time| format!("{time} started")));
}

#[test]
fn leap_day_and_year_end() {
    let leap = Clock::new("cron: \"0 12 29 2 *\", time_zone: UTC");
    let times = ["2027-02-28T12:00:00Z", "2027-03-01T12:00:00Z", "2028-02-29T12:00:01Z", "2028-03-01T12:00:00Z"];
    assert_eq!(leap.looks(&times), ["2028-02-29T12:00:00Z started"]);
    let end = Clock::new("cron: \"59 23 31 12 *\", time_zone: Europe/Oslo");
    let times = ["2026-12-31T22:00:00Z", "2026-12-31T22:59:00Z", "2027-01-01T00:30:00Z", "2027-12-31T22:59:10Z"];
    assert_eq!(end.looks(&times), ["2026-12-31T22:59:00Z started", "2027-12-31T22:59:00Z started"]);
}

#[test]
fn asleep_over_three_starts() {
    let none = Clock::new("cron: \"0 * * * *\", time_zone: UTC");
    none.look("2026-11-01T00:30:00Z");
    let missed = |hour: &str| format!("2026-11-01T{hour}:00:00Z missed");
    assert_eq!(none.look("2026-11-01T03:30:00Z"), [missed("01"), missed("02"), missed("03")]);
    assert_eq!(none.look("2026-11-01T04:00:00Z"), ["2026-11-01T04:00:00Z started"]);

    let last = Clock::new("cron: \"0 * * * *\", time_zone: UTC, catch_up: last");
    last.look("2026-11-01T00:30:00Z");
    let decided = last.decided("2026-11-01T03:30:00Z");
    let shown: Vec<String> = decided.iter().map(shown).collect();
    assert_eq!(shown, [missed("01"), missed("02"), "2026-11-01T03:00:00Z started".to_owned()]);
    assert!(decided[0].reason.as_deref().unwrap().contains("before the next start was due"));
    assert_eq!(last.look("2026-11-01T03:31:00Z"), [""; 0]);

    let late = Clock::new("cron: \"0 * * * *\", time_zone: UTC, catch_up: last, latest_start: 20m");
    late.look("2026-11-01T00:30:00Z");
    let decided = late.decided("2026-11-01T02:30:00Z");
    assert_eq!(decided[1].verdict, Verdict::Late);
    assert_eq!(decided[1].reason.as_deref(), Some("30m after it was due; latest_start is 20m"));
}

#[test]
fn a_scheduler_that_is_back_within_a_minute_has_not_been_away() {
    let clock = Clock::new("cron: \"0 * * * *\", time_zone: UTC");
    clock.look("2026-11-01T00:30:00Z");
    assert_eq!(clock.look("2026-11-01T01:00:59Z"), ["2026-11-01T01:00:00Z started"]);
    let strict = Clock::new("cron: \"0 * * * *\", time_zone: UTC, latest_start: 10s");
    strict.look("2026-11-01T00:30:00Z");
    assert_eq!(strict.look("2026-11-01T01:00:11Z"), ["2026-11-01T01:00:00Z late"], "the narrower limit holds");
}

#[test]
fn the_clock_set_back_starts_nothing_again() {
    let clock = Clock::new("cron: \"*/15 * * * *\", time_zone: UTC");
    let decided = clock.looks(&[
        "2026-11-01T10:10:00Z",
        "2026-11-01T10:15:00Z",
        "2026-11-01T10:30:00Z",
        "2026-11-01T09:31:00Z", // an hour back
        "2026-11-01T09:45:00Z",
        "2026-11-01T10:00:00Z",
        "2026-11-01T10:15:00Z",
        "2026-11-01T10:30:00Z",
        "2026-11-01T10:45:00Z",
    ]);
    // what had not come before its schedule was first seen comes now; what has been decided does not come again
    let quarter = |time: &str| format!("2026-11-01T{time}:00Z started");
    assert_eq!(decided, ["10:15", "10:30", "09:45", "10:00", "10:45"].map(quarter));
}

#[test]
fn a_clock_that_was_years_ahead_stops_nothing() {
    let clock = Clock::new("cron: \"0 * * * *\", time_zone: UTC");
    clock.looks(&["2031-11-01T10:30:00Z", "2031-11-01T11:00:00Z"]);
    assert_eq!(clock.looks(&["2026-11-01T10:30:00Z", "2026-11-01T11:00:00Z"]), ["2026-11-01T11:00:00Z started"]);
}

#[test]
fn what_is_in_the_way_is_left_out_refused_or_waited_for() {
    for (overlap, verdict) in [("skip", Verdict::Skipped), ("refuse", Verdict::Refused), ("queue", Verdict::Queued)] {
        let clock = Clock::new(&format!("cron: \"0 * * * *\", time_zone: UTC, overlap: {overlap}, latest_start: 2h"));
        clock.look("2026-11-01T00:30:00Z");
        let first = clock.decided("2026-11-01T01:00:00Z").pop().unwrap();
        let second = clock.decided("2026-11-01T02:00:00Z").pop().unwrap();
        assert_eq!((first.verdict, second.verdict), (Verdict::Started, verdict));
        let run = first.run.as_deref().unwrap();
        assert!(second.reason.as_deref().unwrap().contains(run), "{:?}", second.reason);
        assert_eq!(clock.look("2026-11-01T02:30:00Z"), [""; 0]);
        clock.over(&first, 0);
        let after = clock.look("2026-11-01T02:40:00Z");
        assert_eq!(after, if overlap == "queue" { vec!["2026-11-01T02:00:00Z started"] } else { vec![] });
    }
}

#[test]
fn a_queue_keeps_its_order_and_ends_with_the_latest_start() {
    let clock = Clock::new("cron: \"0 * * * *\", time_zone: UTC, overlap: queue, latest_start: 90m");
    clock.look("2026-11-01T00:30:00Z");
    let first = clock.decided("2026-11-01T01:00:00Z").pop().unwrap();
    clock.look("2026-11-01T02:00:00Z");
    clock.look("2026-11-01T03:00:00Z");
    assert_eq!(clock.look("2026-11-01T03:31:00Z"), ["2026-11-01T02:00:00Z late"], "it waited for 91 minutes");
    clock.over(&first, 0);
    assert_eq!(clock.look("2026-11-01T03:32:00Z"), ["2026-11-01T03:00:00Z started"]);
}

#[test]
fn the_state_directory_of_another_run_is_in_the_way() {
    let clock = Clock::new("cron: \"0 * * * *\", time_zone: UTC");
    clock.look("2026-11-01T00:30:00Z");
    let lock = cutover::engine::StateLock::take(clock.dir.path(), "by-hand").unwrap();
    let decided = clock.decided("2026-11-01T01:00:00Z").pop().unwrap();
    assert_eq!(decided.verdict, Verdict::Skipped);
    assert!(decided.reason.unwrap().contains("held by run by-hand"));
    drop(lock);
    assert_eq!(clock.look("2026-11-01T02:00:00Z"), ["2026-11-01T02:00:00Z started"]);
}

#[test]
fn two_schedulers_decide_once() {
    let clock = Clock::new("cron: \"0 * * * *\", time_zone: UTC");
    let other = Scheduler::new(Home::in_directory(clock.dir.path()).unwrap());
    clock.look("2026-11-01T00:30:00Z");
    let now: Timestamp = "2026-11-01T01:00:00Z".parse().unwrap();
    assert_eq!(other.look(&clock.schedules, now).unwrap().len(), 1);
    assert_eq!(clock.look("2026-11-01T01:00:00Z"), [""; 0]);
}

#[test]
fn a_process_that_died_is_no_hindrance_and_one_that_lives_is() {
    let clock = Clock::new("cron: \"0 * * * *\", time_zone: UTC");
    clock.look("2026-11-01T00:30:00Z");
    let start = clock.decided("2026-11-01T01:00:00Z").pop().unwrap();
    let run = start.run.clone().unwrap();
    let work = Work::take(&clock.scheduler.home, &run).unwrap().unwrap();
    clock.scheduler.journal.claim(&run, start.at).unwrap().unwrap();
    assert_eq!(clock.look("2026-11-01T02:00:00Z"), ["2026-11-01T02:00:00Z skipped"]);
    drop(work);
    assert_eq!(clock.look("2026-11-01T03:00:00Z"), ["2026-11-01T03:00:00Z started"]);
    let ended = clock.scheduler.journal.last_ended("s").unwrap().unwrap();
    assert_eq!((ended.exit_code, ended.reason.as_deref()), (None, Some("its process died")));
}

#[test]
fn a_process_that_died_before_its_run_was_recorded_is_replaced() {
    let clock = Clock::new("cron: \"0 * * * *\", time_zone: UTC");
    clock.look("2026-11-01T00:30:00Z");
    let start = clock.decided("2026-11-01T01:00:00Z").pop().unwrap();
    let run = start.run.clone().unwrap();
    let work = Work::take(&clock.scheduler.home, &run).unwrap().unwrap();
    clock.scheduler.journal.claim(&run, start.at).unwrap().unwrap();
    drop(work);
    assert_eq!(clock.look("2026-11-01T01:00:05Z"), [""; 0]);
    let open = clock.scheduler.journal.open_starts().unwrap().pop().unwrap();
    assert_eq!((open.run.as_deref(), open.claimed), (Some(&*run), None), "free for the next process");
}

#[test]
fn a_schedule_that_is_gone_waits_no_more() {
    let mut clock = Clock::new("cron: \"0 * * * *\", time_zone: UTC, overlap: queue");
    clock.look("2026-11-01T00:30:00Z");
    clock.look("2026-11-01T01:00:00Z");
    assert_eq!(clock.look("2026-11-01T02:00:00Z"), ["2026-11-01T02:00:00Z queued"]);
    clock.schedules = Schedules { all: Vec::new() };
    assert_eq!(clock.look("2026-11-01T02:01:00Z"), ["2026-11-01T02:00:00Z refused"]);
}

#[test]
fn a_long_absence_is_recorded_without_end() {
    let clock = Clock::new("cron: \"* * * * *\", time_zone: UTC");
    clock.look("2026-11-01T00:00:30Z");
    let decided = clock.decided("2026-11-03T00:00:30Z");
    assert_eq!(decided.len(), 1001);
    assert!(
        decided[0].reason.as_deref().unwrap().ends_with("the same holds for 1879 earlier due times"),
        "{:?}",
        decided[0].reason
    );
}
