//! What becomes of findings: which of them fail a check, which are no alarm, what mends them, and what is not repeated.

use super::{Checked, broken, checked, marked, rows};
use crate::review::desk::{Desk, INVENTORY, PLAYBOOK, between, changed};
use serde_json::{Value, json};

#[test]
fn an_unpinned_server_id_is_a_note_that_fails_nothing() {
    let desk = Desk::new(PLAYBOOK, &changed(INVENTORY, "    server_id: 2\n", ""));
    let (code, report) = desk.json(&["--strict"]);
    assert_eq!((code, &report["passed"]), (Some(0), &json!(true)));
    let found = &report["findings"][0];
    assert_eq!(
        json!([found["code"], found["severity"], found["file"], found["line"]]),
        json!(["C014", "note", "inventory.yaml", 6])
    );
}

#[test]
fn warnings_fail_a_strict_check_only_and_errors_fail_any() {
    let without = |from, to| Desk::new(&changed(PLAYBOOK, from, to), INVENTORY);
    let warned = without("    deadline: 10s\n", "");
    assert_eq!((warned.json(&[]).0, warned.json(&["--strict"]).0), (Some(0), Some(2)));
    let wrong = Desk::new(PLAYBOOK, &changed(INVENTORY, "server_id: 2", "server_id: 1"));
    assert_eq!((wrong.json(&[]).0, wrong.json(&["--strict"]).0), (Some(2), Some(2)));
}

/// What must not raise an alarm: looks, hooks, changes after the switch, a lag proved by a place, an input in a `when`.
#[test]
fn no_false_alarms() {
    let steps = "  - { id: look, uses: command, with: { host: new, run: [/usr/bin/test, -e, /x] } }
  - { id: ask, uses: sql, with: { server: target, statements: ['  select 1', 'SET SESSION x = 1', 'SHOW TABLES'] } }
  - { id: back, uses: command, with: { host: new, run: [stop], undo: [start] } }
  - { id: hook, uses: command, with: { host: new, run: [stop] }, rollback: [{ uses: approve }] }
  - { id: dir, uses: command, with: { host: new, run: [mkdir, -p, /x, --password-file=/y], undo: [rmdir, /x] } }
  - { id: dump_own, uses: command, with: { host: new, run: [ssh, -p2222, new, ls], undo: [ls] } }
  - { id: late, needs: [switch], on_failure: continue, uses: command, with: { host: new, run: [stop] } }
  - { id: sometimes, when: inputs.extra, uses: approve }
  - { id: quoted, uses: approve, with: { message: 'write # cutover: allow C001 in a comment' } }
";
    let playbook = format!("{PLAYBOOK}{steps}");
    let playbook = changed(&playbook, "inputs:\n", "inputs:\n  extra: { type: boolean, default: false }\n");
    let (code, report) = Desk::new(&playbook, INVENTORY).json(&["--strict"]);
    assert_eq!((code, &report["findings"]), (Some(0), &json!([])));
}

/// A step that reads an output of a step that never runs is skipped with it.
#[test]
fn what_hangs_on_a_step_that_never_runs_is_told() {
    let steps = "  - { id: a, when: false, uses: command, with: { host: new, run: [cat, x] } }\n  \
                 - { id: b, needs: [a], uses: command, with: { host: new, run: [cat, '{{ steps.a.stdout }}'] } }\n";
    let (_, report) = Desk::new(&format!("{PLAYBOOK}{steps}"), INVENTORY).json(&[]);
    let lines: Vec<&Value> = report["findings"].as_array().unwrap().iter().map(|found| &found["message"]).collect();
    let wanted =
        ["`a` never runs: its condition is always false", "`b` never runs: it uses an output of `a`, which never runs"];
    assert_eq!(lines, wanted);
}

/// Every fix that is offered makes its finding go away, and leaves a valid playbook.
#[test]
fn fixes_fix() {
    let mut fixed = 0;
    for ((name, code, ..), Checked { playbook, inventory, report, .. }) in checked() {
        if *code == "C000" {
            continue;
        }
        let fix = &report["findings"][0]["fix"];
        if fix.is_null() || report["findings"][0]["file"] == "inventory.yaml" {
            continue;
        }
        let after = fix["text"].as_str().unwrap();
        let (start, end) = (offset(playbook, &fix["start"]), offset(playbook, &fix["end"]));
        let repaired = format!("{}{after}{}", &playbook[..start], &playbook[end..]);
        let (exit, report) = Desk::new(&repaired, inventory).json(&["--strict"]);
        assert_eq!((exit, &report["findings"]), (Some(0), &json!([])), "{name}, {code}:\n{repaired}");
        fixed += 1;
    }
    assert!(fixed >= 5, "{fixed} fixes were tried");
}

fn offset(text: &str, place: &Value) -> usize {
    between(text, &json!({ "line": 1, "column": 1 }), place).len()
}

/// No output repeats what may be a secret.
#[test]
fn secrets_are_not_repeated() {
    for (name, _, _, changes) in rows().filter(|(_, code, ..)| ["C012", "C013"].contains(code)) {
        let (playbook, inventory) = broken(changes);
        let desk = Desk::new(&marked(&playbook).0, &marked(&inventory).0);
        for format in ["text", "json", "sarif", "github"] {
            let output = desk.check(&["--format", format]);
            let said = [output.stdout, output.stderr].concat();
            assert!(
                !String::from_utf8_lossy(&said).contains("x7k9q2z"),
                "{name}, {format}: {}",
                String::from_utf8_lossy(&said)
            );
        }
    }
}

/// Whoever mistook a value is told what the others do.
#[test]
fn the_values_of_on_failure_and_keep_are_explained() {
    let help = |from: &str, to: &str| {
        let (_, report) = Desk::new(&changed(PLAYBOOK, from, to), INVENTORY).json(&[]);
        report["findings"][0]["help"].as_str().unwrap().to_owned()
    };
    let stop = help("on_failure: stop", "on_failure: ignore");
    for words in [
        "`rollback`: Before the point of no return",
        "`stop`: The run stops without a rollback",
        "`continue`: The failure is recorded",
    ] {
        assert!(stop.contains(words), "{words}: {stop}");
    }
    assert!(help("on_failure: stop", "on_failure: stopp").starts_with("did you mean `stop`?"));
    let keep = help("    needs: [replicate]\n", "    needs: [replicate]\n    keep: forever\n");
    assert!(keep.contains("write `true` or `false`. Whether it is a checkpoint"), "{keep}");
}
