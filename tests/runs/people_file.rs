//! The file of people that a run is bound to, and who may be said to have begun it.

use crate::desk::{Desk, ended};
use cutover::people::hash;
use cutover::store::{Event, Journal, Store};
use std::process::Command;

fn desk() -> Desk {
    let desk = Desk::new(
        "version: 1\nname: small\nsteps:\n\
         - { id: go, uses: approve, with: { message: \"Cut over now?\", by: { count: 2 } } }\n",
    );
    people(&desk, &[("anna", "anna"), ("ola", "ola"), ("kari", "kari")]);
    desk
}

/// Writes the file: names with their tokens.
fn people(desk: &Desk, all: &[(&str, &str)]) {
    let line = |(name, token): &(&str, &str)| format!("  {name}: {{ token: {} }}\n", hash(token));
    let lines: String = all.iter().map(line).collect();
    desk.write("people.yaml", &format!("version: 1\npeople:\n{lines}"));
}

fn events(desk: &Desk, run: &str) -> Vec<Event> {
    let journal = Store::open(&desk.path("state")).unwrap();
    journal.entries(run).unwrap().into_iter().map(|entry| entry.event).collect()
}

fn sha256sum(desk: &Desk) -> String {
    let output = Command::new("sha256sum").arg(desk.path("people.yaml")).output().unwrap();
    String::from_utf8(output.stdout).unwrap().split(' ').next().unwrap().to_owned()
}

#[test]
fn a_file_swapped_between_two_answers_is_refused_until_somebody_accepts_it_by_name() {
    let desk = desk();
    let first = sha256sum(&desk);
    let running = desk.begin_as("anna", &[]);
    desk.until_it_waits("go", "waiting for 2");
    let run = desk.id();
    let bound = |event: &Event| match event {
        Event::PeopleBound { file, by, why } => Some((file.path.clone(), file.sha256.clone(), by.clone(), why.clone())),
        _ => None,
    };
    let path = desk.path("people.yaml").display().to_string();
    let begun: Vec<_> = events(&desk, &run).iter().filter_map(bound).collect();
    assert_eq!(begun, [(path.clone(), first, "anna".to_owned(), None)]);
    assert_eq!(desk.say_as("anna", &["approve", &run]).code, 0);
    // ola's line gets a token that anna has as well as her own
    people(&desk, &[("anna", "anna"), ("ola", "second"), ("kari", "kari")]);
    for (end, words) in [
        (desk.say_as("second", &["approve", &run]), "the file of people has changed"),
        (desk.say_as("second", &["approve", &run]), "ola has another token or other rights"),
        (desk.say_as("second", &["approve", &run]), "cutover people accept"),
        (desk.say(&["approve", &run]), "an account is not one of them"),
        (desk.say(&["people", "accept", "--people", &path, "--why", "x", "none"]), "none"),
    ] {
        assert!(end.code != 0 && end.words().contains(words), "{words} is missing in {}", end.words());
    }
    let accept = |why: &str| desk.say(&["people", "accept", &run, "--people", &path, "--why", why]);
    assert_eq!(accept(" ").code, 2);
    assert_eq!(desk.status()["steps"][0]["status"], "waiting");
    let end = accept("ola lost her token");
    assert!(end.code == 0 && end.out.contains("ola has another token"), "{end:?}");
    assert!(accept("again").words().contains("is already bound to"), "it is that file already");
    let (_, sha256, by, why) = events(&desk, &run).iter().rev().find_map(bound).unwrap();
    assert_eq!((sha256, why.as_deref()), (sha256sum(&desk), Some("ola lost her token")));
    assert!(by.contains("(uid ") && by.contains(", process "), "{by}");
    // whoever has answered answers again: two names of one file
    let end = desk.say_as("second", &["approve", &run]);
    assert!(end.code == 0 && end.out.contains("1 of 2 (ola)"), "{end:?}");
    assert_eq!(desk.say_as("anna", &["approve", &run]).code, 0);
    assert_eq!(ended(running).code, 0);
}

#[test]
fn one_person_with_two_tokens_is_one_and_so_is_an_account_that_answers_beside() {
    let desk = desk();
    let running = desk.begin(&["--yes"]);
    desk.until_it_waits("go", "1 of 2 (");
    let run = desk.id();
    let end = desk.say_as("anna", &["approve", &run]);
    assert!(end.code == 0 && end.out.contains("1 of 2 (anna)"), "the account may be anna's: {end:?}");
    people(&desk, &[("anna", "again"), ("ola", "ola"), ("kari", "kari")]);
    assert_eq!(desk.say_as("again", &["approve", &run]).code, 5);
    people(&desk, &[("anna", "anna"), ("ola", "ola"), ("kari", "kari")]);
    let end = desk.say_as("anna", &["approve", &run]);
    assert!(end.code == 5 && end.words().contains("anna has already approved"), "{end:?}");
    assert_eq!(desk.say_as("ola", &["approve", &run]).code, 0);
    assert_eq!(ended(running).code, 0);
    people(&desk, &[("anna", "same"), ("ola", "same")]);
    let end = desk.say_as("same", &["approve", &run]);
    assert!(end.code == 2 && end.words().contains("anna and ola have the same token"), "{end:?}");
}

#[test]
fn whoever_begins_a_run_is_the_owner_of_the_process_whatever_the_environment_says() {
    let desk = desk();
    let end = desk.run(&["--starter", "anna"]);
    assert!(end.code == 2 && end.words().contains("--starter"), "{end:?}");
    let running = desk.begin_in(&[("USER", "mallory"), ("LOGNAME", "mallory"), ("SUDO_UID", "4711")], &[]);
    desk.until_it_waits("go", "waiting for 2");
    let run = desk.id();
    let id = |flag: &str| {
        let output = Command::new("id").arg(flag).output().unwrap();
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    let started = |event: &Event| match event {
        Event::RunStarted { runner, .. } => Some(runner.clone()),
        _ => None,
    };
    let runner = events(&desk, &run).iter().find_map(started).unwrap();
    assert!(runner.starts_with(&format!("{}@", id("-un"))), "{runner}");
    assert!(runner.contains(&format!("(uid {}, SUDO_UID claims 4711)", id("-u"))), "{runner}");
    assert!(desk.status()["starter"].as_str().unwrap().starts_with(&format!("{}@", id("-un"))));
    assert_eq!(desk.say(&["approve", &run, "--refuse"]).code, 0);
    ended(running);
}
