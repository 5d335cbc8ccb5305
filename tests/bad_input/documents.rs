//! Files that are no documents: not there, not text, not YAML, far too large, made to exhaust memory.

use crate::check::{Desk, playbook, refused};
use std::time::{Duration, Instant};

const ECHO: &str = "  - { id: hi, uses: command, with: { host: new, run: [echo, hi] } }\n";

#[test]
fn the_usual_inventory_and_playbook_are_fine() {
    let report = Desk::new(&playbook(ECHO)).check(&[]);
    assert_eq!(report.code, Some(0), "{}", report.shown);
}

#[test]
fn not_yaml() {
    crate::check::all_refused(&[
        ("yaml-unclosed", &playbook("  - { id: hi, uses: command\n"), &["{ id: hi, uses: command"]),
        ("yaml-bad-indent", "version: 1\nname: trial\nsteps:\n  - id: hi\n     uses: command\n", &[": command"]),
        ("yaml-colon-in-text", "version: 1\nname: trial: two\nsteps: []\n", &[": two"]),
        ("yaml-tab", "version: 1\nname: trial\nsteps:\n\t- id: hi\n", &["- id: hi"]),
        ("yaml-duplicate-key", "version: 1\nname: one\nname: two\nsteps: []\n", &["name"]),
        ("yaml-two-documents", "version: 1\nname: trial\n---\nversion: 1\n", &["---"]),
        (
            "marker-sign",
            &playbook("  - { id: hi, uses: command, with: { host: new, run: [echo, ‹secret X›] } }\n"),
            &["‹"],
        ),
    ]);
}

#[test]
fn nothing_in_it() {
    crate::check::all_refused(&[
        ("empty-file", "", &[""]),
        ("only-a-comment", "# nothing yet\n", &[""]),
        ("a-list", "- id: hi\n", &["id"]),
        ("no-steps", "version: 1\nname: trial\nsteps: []\n", &["steps"]),
        ("steps-null", "version: 1\nname: trial\nsteps:\n", &["steps"]),
        ("no-version", "name: trial\nsteps: []\n", &["name", "steps"]),
    ]);
}

#[test]
fn not_there_and_not_text() {
    let desk = Desk::new("");
    std::fs::remove_file(desk.path().join("playbook.yaml")).unwrap();
    refused("missing-file", desk.check(&[]), &[""]);
    desk.write("playbook.yaml", b"name: caf\xe9\n");
    refused("not-utf8", desk.check(&[]), &[""]);
    std::fs::remove_file(desk.path().join("playbook.yaml")).unwrap();
    std::fs::create_dir(desk.path().join("playbook.yaml")).unwrap();
    refused("a-folder", desk.check(&[]), &[""]);
}

#[test]
fn a_bomb_is_refused_at_once() {
    let mut bomb = String::from("version: 1\nname: trial\na0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..12 {
        bomb += &format!("a{level}: &a{level} [{}]\n", vec![format!("*a{}", level - 1); 10].join(", "));
    }
    let begin = Instant::now();
    refused("yaml-bomb", Desk::new(&bomb).check(&[]), &["*a3, *a3, *a3]"]);
    let depth = format!("version: 1\nname: trial\nsteps: {}{}\n", "[".repeat(5000), "]".repeat(5000));
    refused("yaml-deep", Desk::new(&depth).check(&[]), &[""]);
    assert!(begin.elapsed() < Duration::from_secs(10), "{:?}", begin.elapsed());
}

#[test]
fn a_huge_file_is_not_even_read() {
    let desk = Desk::new("");
    let file = std::fs::File::create(desk.path().join("playbook.yaml")).unwrap();
    file.set_len(100 << 20).unwrap();
    // with less memory than the file is large, reading it would fail in another way
    let mut program = std::process::Command::new("sh");
    let line = "ulimit -v 90000; exec \"$0\" check playbook.yaml";
    program.args(["-c", line, env!("CARGO_BIN_EXE_cutover")]).current_dir(desk.path()).env("NO_COLOR", "1");
    let begin = Instant::now();
    let output = program.output().unwrap();
    assert!(begin.elapsed() < Duration::from_secs(2), "{:?}", begin.elapsed());
    assert_eq!(output.status.code(), Some(2));
    insta::assert_snapshot!("huge-file", String::from_utf8(output.stderr).unwrap());
}
