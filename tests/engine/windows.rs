//! Blocks and steps that begin only within their window. The wall of these tests shows noon in UTC at the start.

use crate::engine::fakes::{Act, Lab, NOON, block, retry, step};
use cutover::error::Failure;
use cutover::plan::{PlannedBlock, PlannedStep};
use cutover::playbook::window::Window;
use cutover::store::{Event, Outcome};
use tokio::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

fn window(from: &str, to: &str) -> Window {
    serde_json::from_value(serde_json::json!({ "from": from, "to": to, "time_zone": "UTC" })).unwrap()
}

/// `copy`, then the block `switch` of `fence` and `promote` with a deadline and a window.
fn plan(deadline_ms: u64, window: Window) -> (Vec<PlannedStep>, Vec<PlannedBlock>) {
    let mut steps = vec![step("copy", &[]), step("fence", &["copy"]), step("promote", &[])];
    let mut switch = block("switch", &mut steps[1..], Some(deadline_ms));
    steps[1].needs = vec!["copy".into()];
    switch.window = Some(window);
    (steps, vec![switch])
}

fn lab(deadline_ms: u64, window: Window) -> Lab {
    let (steps, blocks) = plan(deadline_ms, window);
    Lab::with_blocks(steps, blocks)
}

fn events(lab: &Lab) -> Vec<String> {
    lab.entries().iter().map(|entry| entry.event.name()).collect()
}

fn again(lab: Lab) -> Lab {
    Lab { interrupt: CancellationToken::new(), ..lab }
}

#[tokio::test(start_paused = true)]
async fn a_block_is_prepared_ahead_waits_and_is_prepared_again_when_its_window_opens() {
    let lab = lab(10_000, window("12:00:20", "12:01:00"));
    let begin = Instant::now();
    assert_eq!(lab.run().await, Outcome::Done);
    assert_eq!(begin.elapsed().as_secs(), 20);
    let log = lab.stage.log();
    assert_eq!(log.iter().filter(|line| *line == "prepare fence").count(), 2, "{log:?}");
    let names = events(&lab);
    let order = ["block_preparing", "window_awaited", "window_opened", "block_preparing"];
    let found: Vec<_> = names.iter().filter(|name| order.contains(&name.as_str())).collect();
    assert_eq!(found, order);
    let opens = lab.entries().into_iter().find_map(|entry| match entry.event {
        Event::WindowAwaited { of, opens, closes } => Some((of, opens - NOON, closes - NOON)),
        _ => None,
    });
    assert_eq!(opens, Some(("switch".into(), 20_000, 60_000)));
}

#[tokio::test(start_paused = true)]
async fn a_window_that_is_open_keeps_nobody_waiting() {
    let lab = lab(10_000, window("11:00", "13:00"));
    assert_eq!(lab.run().await, Outcome::Done);
    let names = events(&lab);
    assert!(names.iter().any(|name| name == "window_opened") && !names.iter().any(|name| name == "window_awaited"));
    assert_eq!(lab.stage.log().iter().filter(|line| *line == "prepare fence").count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_gate_that_says_no_when_the_window_opens_ends_the_run_before_the_block() {
    let lab = lab(10_000, window("12:00:20", "12:01:00"));
    let no = Failure::refused("begin the fence", "a transaction is open");
    let fine = Failure::transient("begin the fence", "busy");
    let unprepared = [("promote".into(), [no].into()), ("fence".into(), [fine].into())];
    lab.stage.unprepared.lock().unwrap().extend(unprepared);
    // the first preparation fails already: as without a window, that follows `on_failure`
    assert_eq!(lab.run().await, Outcome::RolledBack);
    assert!(!lab.stage.did("start fence") && lab.stage.did("undo copy"));
}

#[tokio::test(start_paused = true)]
async fn what_can_never_fit_is_refused_before_anything_is_touched() {
    let lab = lab(50_000, window("12:00:20", "12:01:00"));
    assert_eq!(lab.run().await, Outcome::Refused);
    assert_eq!(Outcome::Refused.exit_code(), 5);
    assert!(lab.stage.log().is_empty(), "{:?}", lab.stage.log());
    let failure = lab.summary().step("fence").unwrap().failure.clone().unwrap();
    assert!(failure.to_string().contains("it may take 50s, and the window is open for 40s only"), "{failure}");
}

#[tokio::test(start_paused = true)]
async fn what_no_longer_fits_is_put_off_and_what_was_done_stands() {
    let lab = lab(30_000, window("12:00:20", "12:01:00"));
    lab.stage.act("copy", &[Act::Take(Duration::from_secs(35))]);
    assert_eq!(lab.run().await, Outcome::PutOff);
    assert_eq!(Outcome::PutOff.exit_code(), 5);
    assert!(!lab.stage.did("start fence") && !lab.stage.did("undo copy"), "{:?}", lab.stage.log());
    let summary = lab.summary();
    let put_off = summary.put_off.unwrap();
    assert_eq!(put_off.of, "switch");
    let said = put_off.failure.to_string();
    assert!(said.contains("it may take 30s, and the window closes in 25s, Tue 2026-11-24 12:01:00 +00:00"), "{said}");
    // the next day it fits
    let lab = again(lab);
    let begin = Instant::now();
    assert_eq!(lab.resume().await, Outcome::Done);
    assert_eq!(begin.elapsed().as_secs(), 24 * 3600 - 15);
    assert_eq!(lab.stage.log().iter().filter(|line| *line == "start copy").count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_run_that_comes_after_the_window_waits_for_the_next_unless_that_is_too_long() {
    let closed = window("10:00", "11:00");
    let lab = lab(10_000, closed.clone());
    let begin = Instant::now();
    assert_eq!(lab.run().await, Outcome::Done);
    assert_eq!(begin.elapsed().as_secs(), 22 * 3600);

    let longest_wait = Some("8h".parse().unwrap());
    let lab = self::lab(10_000, Window { longest_wait, ..closed });
    let begin = Instant::now();
    assert_eq!(lab.run().await, Outcome::PutOff);
    assert!(begin.elapsed() < Duration::from_secs(1));
    let said = lab.summary().put_off.unwrap().failure.to_string();
    assert!(
        said.contains("the next window opens Wed 2026-11-25 10:00:00 +00:00, and the run waits for 8h at most"),
        "{said}"
    );
}

#[tokio::test(start_paused = true)]
async fn whoever_waits_can_be_stopped_and_waits_again_when_resumed() {
    let lab = lab(10_000, window("13:00", "14:00"));
    let interrupt = lab.interrupt.clone();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_mins(10)).await;
        interrupt.cancel();
    });
    assert_eq!(lab.run().await, Outcome::Interrupted);
    assert!(!lab.stage.did("start fence"));
    let lab = again(lab);
    assert_eq!(lab.resume().await, Outcome::Done);
    assert_eq!(events(&lab).iter().filter(|name| *name == "window_awaited").count(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_block_that_has_begun_is_finished_by_a_resume_whatever_the_time() {
    let lab = lab(10_000, window("10:00", "11:00"));
    let fence = Event::StepIntent { step: "fence".into(), attempt: 1 };
    let copy = [crate::engine::fakes::intent("copy"), crate::engine::fakes::done("copy", &serde_json::json!({}))];
    lab.died_after(&[&copy[..], &[fence]].concat());
    let begin = Instant::now();
    assert_eq!(lab.resume().await, Outcome::Done);
    assert!(begin.elapsed() < Duration::from_secs(1), "the application must not wait a day for a promotion");
}

#[tokio::test(start_paused = true)]
async fn a_block_whose_begin_left_nothing_waits_for_its_window() {
    let lab = lab(10_000, window("13:00", "14:00"));
    let copy = [crate::engine::fakes::intent("copy"), crate::engine::fakes::done("copy", &serde_json::json!({}))];
    lab.died_after(&[&copy[..], &[crate::engine::fakes::intent("fence")]].concat());
    lab.stage.probe("fence", cutover::kinds::Probe::NotDone);
    let begin = Instant::now();
    assert_eq!(lab.resume().await, Outcome::Done);
    assert_eq!(begin.elapsed().as_secs(), 3600);
}

#[tokio::test(start_paused = true)]
async fn a_step_alone_waits_and_its_attempts_and_pauses_must_fit() {
    let mut alone = step("alone", &[]);
    alone.window = Some(window("12:10", "12:20"));
    let lab = Lab::new(vec![alone.clone()]);
    let begin = Instant::now();
    assert_eq!(lab.run().await, Outcome::Done);
    assert_eq!(begin.elapsed().as_secs(), 600);
    // nine minutes and twice five seconds and more are longer than ten minutes with a fourth attempt
    alone.timeout_ms = 170_000;
    alone.retry = retry(4);
    let lab = Lab::new(vec![alone]);
    assert_eq!(lab.run().await, Outcome::Refused);
    let said = lab.summary().step("alone").unwrap().failure.clone().unwrap().to_string();
    assert!(said.contains("it may take 11m 55s, and the window is open for 10m only"), "{said}");
}

#[tokio::test(start_paused = true)]
async fn windows_go_by_the_wall_and_not_by_how_long_the_runner_has_slept() {
    let mut lab = lab(10_000, window("13:00", "14:00"));
    // the machine sleeps for an hour a minute after the start, and its steady clock does not notice
    let (wall, begin) = (lab.wall.clone(), Instant::now());
    lab.wall = std::sync::Arc::new(move || {
        let slept = if begin.elapsed() > Duration::from_mins(1) { 3_600_000 } else { 0 };
        wall() + slept
    });
    assert_eq!(lab.run().await, Outcome::Done);
    assert!(begin.elapsed() < Duration::from_secs(80), "{:?}", begin.elapsed());
    assert!(lab.stage.did("end promote"));
}

#[test]
fn while_a_block_waits_its_first_step_says_until_when() {
    let lab = lab(10_000, window("13:00", "14:00"));
    let opens = NOON + 3_600_000;
    lab.died_after(&[Event::WindowAwaited { of: "switch".into(), opens, closes: opens + 3_600_000 }]);
    let summary = lab.summary();
    let fence = summary.step("fence").unwrap();
    let words = "waits for the window of `switch`: it opens Tue 2026-11-24 13:00:00 +00:00 and closes \
                 Tue 2026-11-24 14:00:00 +00:00";
    assert_eq!(fence.waits_for.as_deref(), Some(words));
    assert_eq!(fence.window.map(|window| window.opens), Some(opens));
    assert_eq!(summary.step("promote").unwrap().waits_for, None);
    assert!(cutover::report::text::text(&summary, Some("x")).contains(words));
}
