//! Starts that persons ask for, and calls of other schedulers.

use crate::desk::{Desk, words};
use cutover::engine::Home;
use cutover::schedule::{Schedules, start_now};
use cutover::store::{Event, Journal, Store};
use jiff::{Timestamp, ToSpan};

#[test]
fn a_person_starts_a_schedule_at_the_terminal() {
    let desk = Desk::with("cron: \"0 0 1 1 *\", inputs: { word: \"by hand\" }");
    let output = desk.say(&["schedule", "run", "cheap"]);
    assert_eq!(output.status.code(), Some(0), "{}", words(&output));
    assert_eq!(std::fs::read_to_string(desk.path("lines")).unwrap(), "by hand\n");
    let start = &desk.decisions()[0];
    assert_eq!(
        (&start["verdict"], &start["on_demand"], &start["exit_code"]),
        (&"started".into(), &true.into(), &0.into())
    );
    assert_eq!(desk.json(&["status"])["run"], start["run"], "the run has the id of the start");

    let output = desk.say(&["schedule", "run", "chaep"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(words(&output).contains("did you mean `cheap`?"), "{}", words(&output));
}

#[test]
fn a_person_on_a_page_starts_a_schedule_by_name() {
    let desk = Desk::with("cron: \"0 0 1 1 *\"");
    let schedules = Schedules::open(&desk.path("schedules.yaml")).unwrap();
    let start = start_now(&Home::in_directory(&desk.state()).unwrap(), &schedules, "cheap", "anna").unwrap();
    let mut daemon = desk.serve();
    desk.until("the daemon takes it up", || desk.lines() == 1);
    desk.until("its end is written", || desk.decisions()[0]["exit_code"] == 0);
    let start_found = &desk.decisions()[0];
    assert_eq!((&start_found["by"], start_found["run"].as_str()), (&"anna".into(), start.run.as_deref()));
    assert_eq!(desk.json(&["status"])["starter"], "anna", "the person who was logged in to the page");
    daemon.kill().unwrap();
    daemon.wait().unwrap();
}

#[test]
fn a_call_starts_what_is_due_once() {
    let minute_ago = (Timestamp::now() - 90.seconds()).strftime("%M %H").to_string();
    let desk = Desk::with(&format!("cron: \"{minute_ago} * * *\", latest_start: 10m"));
    let call = || desk.say(&["schedule", "run", "cheap", "--due"]);
    let output = call();
    assert_eq!((output.status.code(), desk.lines()), (Some(0), 1), "{}", words(&output));
    let output = call();
    assert_eq!((output.status.code(), desk.lines()), (Some(0), 1));
    assert!(words(&output).contains("nothing to do for cheap"), "{}", words(&output));
}

#[test]
fn a_call_that_comes_hours_late_is_refused_and_recorded() {
    let hours_ago = (Timestamp::now() - 4.hours()).strftime("%M %H").to_string();
    let desk = Desk::with(&format!("cron: \"{hours_ago} * * *\", latest_start: 30m"));
    let call = || desk.say(&["schedule", "run", "cheap", "--due"]);
    assert_eq!(call().status.code(), Some(0), "at the first call nobody knows that it was due");
    // the schedule has been looked at since yesterday
    let journal = rusqlite::Connection::open(desk.state().join("journal.sqlite")).unwrap();
    journal.execute("UPDATE schedule SET since = since - 86400000", []).unwrap();
    let output = call();
    assert_eq!(output.status.code(), Some(5), "{}", words(&output));
    assert!(words(&output).contains("latest_start is 30m"), "{}", words(&output));
    let decisions = desk.decisions();
    assert_eq!((decisions.len(), &decisions[0]["verdict"]), (1, &"late".into()));
    assert_eq!(call().status.code(), Some(0), "it is said once");
    assert_eq!(desk.lines(), 0);
}

#[test]
fn what_is_in_the_way_is_said_to_the_person_and_recorded() {
    let desk = Desk::with("cron: \"0 0 1 1 *\"");
    let lock = cutover::engine::StateLock::take(&desk.state(), "another").unwrap();
    let output = desk.say(&["schedule", "run", "cheap"]);
    assert_eq!(output.status.code(), Some(6), "{}", words(&output));
    assert!(words(&output).contains("held by run another"), "{}", words(&output));
    drop(lock);
    assert_eq!(desk.decisions()[0]["verdict"], "refused");
    assert_eq!(desk.lines(), 0);
}

#[test]
fn a_call_waits_for_what_is_in_the_way_and_one_that_dies_waiting_blocks_nobody() {
    let minute_ago = (Timestamp::now() - 90.seconds()).strftime("%M %H").to_string();
    let desk = Desk::with(&format!("cron: \"{minute_ago} * * *\", latest_start: 10m, overlap: queue"));
    let lock = cutover::engine::StateLock::take(&desk.state(), "another").unwrap();
    let mut call = desk.cutover(&["schedule", "run", "cheap", "--due"]).spawn().unwrap();
    desk.until("it waits", || desk.decisions().iter().any(|start| start["verdict"] == "queued"));
    drop(lock);
    assert!(call.wait().unwrap().success());
    assert_eq!((desk.lines(), &desk.decisions()[0]["verdict"]), (1, &"started".into()));

    let desk = Desk::with("cron: \"*/3 * * * * *\", latest_start: 10m, overlap: queue");
    let lock = cutover::engine::StateLock::take(&desk.state(), "another").unwrap();
    let mut call = desk.cutover(&["schedule", "run", "cheap", "--due"]).spawn().unwrap();
    desk.until("it waits", || desk.decisions().iter().any(|start| start["verdict"] == "queued"));
    call.kill().unwrap();
    call.wait().unwrap();
    drop(lock);
    std::thread::sleep(std::time::Duration::from_secs(3));
    let output = desk.say(&["schedule", "run", "cheap", "--due"]);
    assert_eq!((output.status.code(), desk.lines()), (Some(0), 1), "{}", words(&output));
    let died =
        desk.decisions().into_iter().find(|start| start["reason"].as_str().is_some_and(|why| why.contains("has died")));
    assert_eq!(died.unwrap()["verdict"], "missed");
}

#[test]
fn a_schedule_that_plans_looks_and_changes_nothing() {
    let desk = Desk::new(
        "version: 1\nschedules:\n  look: { action: plan, playbook: playbook.yaml, inventory: inventory.yaml, \
         cron: \"0 0 1 1 *\", time_zone: UTC }\n",
    );
    let output = desk.say(&["schedule", "run", "look"]);
    assert_eq!(output.status.code(), Some(0), "{}", words(&output));
    assert!(String::from_utf8_lossy(&output.stdout).contains("plan cheap"), "{output:?}");
    let start = &desk.decisions()[0];
    assert_eq!((&start["exit_code"], &start["command"][0]), (&0.into(), &"plan".into()));
    assert_eq!((desk.lines(), desk.json(&["list"]).as_array().unwrap().len()), (0, 0));
}

#[test]
fn a_scheduled_run_is_begun_by_its_schedule_and_answered_by_the_people_of_the_page() {
    let desk = Desk::with("cron: \"*/2 * * * * *\"");
    desk.write("people.yaml", &format!("version: 1\npeople: {{ anna: {{ token: {} }} }}\n", "ab".repeat(32)));
    let mut daemon = desk.cutover(&["serve", "--listen", "127.0.0.1:0", "--people", "people.yaml"]).spawn().unwrap();
    let begun = || desk.decisions().into_iter().find(|start| start["exit_code"] == 0);
    desk.until("a run is over", || begun().is_some());
    daemon.kill().unwrap();
    daemon.wait().unwrap();
    let run = begun().unwrap()["run"].as_str().unwrap().to_owned();
    assert_eq!(desk.json(&["status", &run])["starter"], "schedule cheap");
    let entries = Store::open(&desk.state()).unwrap().entries(&run).unwrap();
    let bound = entries.iter().find_map(|entry| match &entry.event {
        Event::PeopleBound { file, by, .. } => Some((file.path.clone(), by.clone())),
        _ => None,
    });
    assert_eq!(bound, Some((desk.path("people.yaml").display().to_string(), "schedule cheap".to_owned())));
    let runner = entries.iter().find_map(|entry| match &entry.event {
        Event::RunStarted { runner, .. } => Some(runner.clone()),
        _ => None,
    });
    assert!(runner.unwrap().contains("(uid "), "and by the owner of the process");
}
