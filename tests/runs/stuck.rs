//! A run that cannot be taken back: it names what to do by hand, takes a person's word for it, and goes on from there.

use crate::desk::{Desk, ended};

/// `first` leaves a file and removes it again; the way back of `second` fails as long as `mended` is missing.
const PLAYBOOK: &str = "\
version: 1
name: small
steps:
  - id: first
    uses: command
    with: { host: local, run: [sh, -c, 'touch \"$DESK/first\"'], undo: [sh, -c, 'rm \"$DESK/first\"'] }
  - id: second
    needs: [first]
    uses: command
    with: { host: local, run: [sh, -c, 'touch \"$DESK/second\"'], undo: [sh, -c, 'rm \"$DESK/second\"'] }
    rollback:
      - { uses: command, with: { host: local, run: [sh, -c, 'test -e \"$DESK/mended\"'] } }
  - id: third
    needs: [second]
    uses: command
    with: { host: local, run: [\"false\"] }
";

fn stuck() -> Desk {
    let desk = Desk::new(PLAYBOOK);
    let end = desk.run(&[]);
    assert_eq!(end.code, 4, "{end:?}");
    desk
}

#[test]
fn a_stuck_run_names_the_commands_and_what_to_type() {
    let desk = stuck();
    let (run, end) = (desk.id(), desk.say(&["status"]));
    for text in [
        "second  undo failed",
        "to undo `second` by hand:\n  local$ sh -c 'test -e \"$DESK/mended\"'\n",
        &format!("next: fix what failed, then cutover resume {run}\n"),
        &format!("cutover mark-undone {run} second --why TEXT, then cutover resume {run}"),
    ] {
        assert!(end.out.contains(text), "{text} is missing in\n{}", end.out);
    }
    assert!(!desk.exists("second"), "its own undo is done, only the hook is not");
}

#[test]
fn a_person_vouches_and_the_run_goes_on_taking_back() {
    let desk = stuck();
    let run = desk.id();
    let end = desk.say(&["mark-undone", &run, "second", "--why", "ran the check on paper"]);
    assert_eq!(end.code, 0, "{end:?}");
    assert!(end.out.contains("marked as undone by") && end.out.contains(": ran the check on paper"), "{}", end.out);
    assert!(end.out.contains(&format!("next: cutover resume {run}, which continues the rollback")), "{}", end.out);
    assert!(desk.exists("first"), "marking changes nothing but the journal");

    let end = desk.say(&["resume", &run]);
    assert_eq!(end.code, 3, "{end:?}");
    assert!(!desk.exists("first"));
    let summary = desk.status();
    assert_eq!(summary["outcome"], "rolled_back");
    let steps = summary["steps"].as_array().unwrap();
    assert!(steps.iter().all(|step| step["status"] == "undone"), "{summary:#}");
    assert_eq!(steps[1]["vouched"]["why"], "ran the check on paper");
    let report = desk.say(&["report", &run]).out;
    assert!(report.contains("marked as undone by ") && report.contains("marked_undone"), "{report}");
}

#[test]
fn rollback_goes_on_as_resume_does() {
    let desk = stuck();
    let run = desk.id();
    assert_eq!(desk.say(&["mark-undone", &run, "second", "--why", "by hand"]).code, 0);
    let end = desk.say(&["rollback", &run]);
    assert_eq!(end.code, 3, "{end:?}");
    assert!(!desk.exists("first"));
}

#[test]
fn what_was_mended_needs_nobodys_word() {
    let desk = stuck();
    desk.write("mended", "");
    let end = desk.say(&["resume"]);
    assert_eq!(end.code, 3, "{end:?}");
    assert!(!desk.exists("first"));
}

#[test]
fn only_a_step_that_could_not_be_taken_back_is_marked() {
    let desk = stuck();
    let run = desk.id();
    let before = desk.say(&["report", &run]).out;
    for (step, why, texts) in [
        ("first", "x", ["it is succeeded", "these steps could not be undone: second"]),
        ("third", "x", ["it is undone", "these steps could not be undone: second"]),
        ("nothing", "x", ["the run has no such step", "these steps could not be undone: second"]),
        ("second", " ", ["no reason is given", "write in --why"]),
    ] {
        let end = desk.say(&["mark-undone", &run, step, "--why", why]);
        assert_eq!(end.code, 5, "{end:?}");
        for text in texts {
            assert!(end.words().contains(text), "{text} is missing in {}", end.words());
        }
    }
    assert_eq!(desk.say(&["report", &run]).out, before, "nothing was written");
    assert_eq!(desk.say(&["mark-undone", &run, "second"]).code, 2, "a reason must be given");
    assert_eq!(desk.say(&["mark-undone", "nonsense", "second", "--why", "x"]).code, 5);
}

#[test]
fn nothing_is_marked_while_someone_works_on_the_run() {
    let desk = Desk::new(PLAYBOOK);
    desk.edit("run: [\"false\"]", "run: [sh, -c, 'touch \"$DESK/busy\"; sleep 3; false']");
    let running = desk.begin(&[]);
    desk.until("busy");
    let run = desk.id();
    let end = desk.say(&["mark-undone", &run, "second", "--why", "x"]);
    assert_eq!(end.code, 6, "{end:?}");
    let words = end.words();
    assert!(words.contains(&format!("it is held by run {run} (")) && words.contains(", since 20"), "{words}");
    assert_eq!(ended(running).code, 4);
}
