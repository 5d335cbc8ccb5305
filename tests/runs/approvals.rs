//! Approvals of several people, by token and by account.

use crate::desk::{Desk, ended};
use cutover::people::hash;

fn desk(by: &str) -> Desk {
    let desk = Desk::new(&format!(
        "version: 1\nname: small\nsteps:\n\
         - {{ id: go, uses: approve, with: {{ message: \"Cut over now?\", {by} }} }}\n\
         - {{ id: switch, needs: [go], uses: command, with: {{ host: local, run: [sh, -c, 'touch \"$DESK/switched\"'] }} }}\n"
    ));
    let person = |name: &str, may: &str| format!("  {name}: {{ token: {}, may: [{may}] }}\n", hash(name));
    let people =
        [person("anna", "start, approve"), person("ola", "approve"), person("kari", "approve"), person("per", "start")];
    desk.write("people.yaml", &format!("version: 1\npeople:\n{}", people.concat()));
    desk
}

#[test]
fn four_eyes_and_the_starter_is_none_of_them() {
    let desk = desk("by: { count: 2, not: starter }");
    let running = desk.begin_as("anna", &[]);
    desk.until_it_waits("go", "0 of 2, waiting for 2");
    let run = desk.id();
    let status = desk.status();
    assert_eq!(status["starter"], "anna");
    for (token, more, words) in [
        ("anna", vec![], "anna started the run, so somebody else must approve"),
        ("stranger", vec![], "the token belongs to nobody"),
        ("", vec![], "a file of people is given, but no token"),
        ("per", vec![], "per may not approve"),
        ("ola", vec!["--plan", "0123456789abcdef"], "the decision is about plan 0123456789abcdef"),
    ] {
        let end = desk.say_as(token, &[&["approve", &run, "go"][..], &more].concat());
        assert_eq!(end.code, 5, "{end:?}");
        assert!(end.words().contains(words), "{words} is missing in {}", end.words());
    }
    let hash = status["plan"].as_str().unwrap().to_owned();
    let end = desk.say_as("ola", &["approve", &run, "go", "--plan", &hash[..12]]);
    assert_eq!(end.code, 0, "{end:?}");
    assert!(end.out.contains("1 of 2 (ola), waiting for one more"), "{}", end.out);
    desk.until_it_waits("go", "Cut over now? 1 of 2 (ola), waiting for one more");
    let end = desk.say_as("ola", &["approve", &run, "go"]);
    assert!(end.code == 5 && end.words().contains("ola has already approved"), "{end:?}");
    assert!(!desk.exists("switched"));
    let end = desk.say_as("kari", &["approve", &run, "--reason", "the night is quiet", "--format", "json"]);
    assert!(end.code == 0 && end.out.contains("\"missing\": 0"), "{end:?}");
    assert_eq!(ended(running).code, 0);
    let status = desk.status();
    let said = status["steps"][0]["approval"]["decisions"].as_array().unwrap();
    assert_eq!(said.len(), 2, "{status:#}");
    assert!(said.iter().all(|said| said["plan"] == hash.as_str() && said["at"].as_i64() > Some(0)), "{status:#}");
    assert_eq!((&said[1]["by"], &said[1]["reason"]), (&"kari".into(), &"the night is quiet".into()));
    assert_eq!(status["steps"][0]["outputs"]["by"], "ola, kari");
    // tokens stand nowhere, and what is over takes no more words
    let end = desk.say_as("kari", &["approve", &run, "go"]);
    assert!(end.code == 5 && end.words().contains("the run is over: done"), "{end:?}");
}

#[test]
fn a_yes_that_cannot_count_is_refused_before_anything_is_touched() {
    let end = desk("by: { not: starter }").run(&["--yes"]);
    assert_eq!(end.code, 5, "{end:?}");
    assert!(end.words().contains("could not approve `go` by --yes"), "{}", end.words());
    assert!(end.words().contains("somebody else must approve"), "{}", end.words());
    let end = desk("by: { people: [ola] }").run(&["--yes"]);
    assert!(end.code == 5 && end.words().contains("may not approve; these may: ola"), "{end:?}");
    // where the starter counts, yes is one of the words
    let desk = desk("by: { count: 2 }");
    let running = desk.begin_as("anna", &["--yes"]);
    desk.until_it_waits("go", "1 of 2 (anna)");
    let end = desk.say_as("ola", &["approve", &desk.id()]);
    assert_eq!(end.code, 0, "{end:?}");
    assert_eq!(ended(running).code, 0);
    assert_eq!(self::desk("by: { count: 1 }").run(&["--yes"]).code, 0);
}

#[test]
fn a_no_ends_the_run_with_its_reason() {
    let desk = desk("by: { count: 2 }");
    let running = desk.begin_as("anna", &[]);
    desk.until_it_waits("go", "waiting for 2");
    let end = desk.say_as("kari", &["approve", &desk.id(), "--refuse", "--reason", "payday"]);
    assert_eq!(end.code, 0, "{end:?}");
    let end = ended(running);
    assert_eq!(end.code, 5, "{end:?}");
    assert!(end.words().contains("rejected by kari: payday"), "{}", end.words());
}

#[test]
fn a_question_that_lapses_puts_the_run_off_and_a_resume_asks_again() {
    let desk = desk("by: { count: 2 }, expires: 2s");
    let running = desk.begin(&["--yes"]);
    desk.until_it_waits("go", "waiting for one more, until 20");
    let end = ended(running);
    assert_eq!(end.code, 5, "{end:?}");
    assert!(end.words().contains("no decision within 2s: 1 of 2 ("), "{}", end.words());
    assert_eq!(desk.status()["outcome"], "put_off");
    let end = desk.say_as("ola", &["approve", &desk.id()]);
    assert!(end.code == 5 && end.words().contains("the run is over: put off"), "{end:?}");
    assert!(!desk.exists("switched"));
    // the words of the first round are gone: yes and ola are two again
    desk.edit("expires: 2s", "expires: 2s ");
    let end = desk.say(&["resume", "--as-planned", "--yes"]);
    assert!(end.code == 5 && end.words().contains("1 of 2 ("), "{end:?}");
}

#[test]
fn who_must_approve_stands_in_the_plan_and_faults_at_their_place() {
    let desk = desk("by: { count: 2, not: starter, people: [ola, kari] }, expires: 2h");
    let plan = desk.say_plan();
    let words = "wait until 2 people other than the one who started the run among ola, kari approve, for at most 2h: Cut over now?";
    assert!(plan.contains(words), "{plan}");
    desk.edit("count: 2", "count: 3");
    let end = desk.run(&[]);
    assert!(end.code == 2 && end.words().contains("3 people must approve, but the list has only 2"), "{end:?}");
    desk.edit("count: 3, not: starter", "count: 0, not: everybody");
    let end = desk.run(&[]);
    assert!(end.words().contains("`count` must be at least 1") && end.words().contains("`not` must be"), "{end:?}");
}
