//! Broken playbooks, each refused with the right code and the right token underlined. A row changes the clean playbook
//! or its inventory in places; the one token that must be underlined stands between `⟦` and `⟧`.

use crate::review::desk::{Desk, INVENTORY, PLAYBOOK, between, changed};
use serde_json::{Value, json};

/// What is broken, the code and severity, and each change.
type Row = (&'static str, &'static str, &'static str, &'static [(&'static str, &'static str)]);

const ERROR: &str = "error";
const WARNING: &str = "warning";

const TIDY: &str = "    on_failure: stop\n";
/// Replaces the end of the playbook by itself and another step.
macro_rules! with_step {
    ($step:literal) => {
        &[("    on_failure: stop\n", concat!("    on_failure: stop\n", $step))]
    };
}

const ROWS: &[Row] = &[
    // --- documents that are not valid
    ("a key twice", "C000", ERROR, &[("name: trial", "name: trial\n⟦name⟧: again")]),
    ("another version", "C000", ERROR, &[("version: 1", "version: ⟦2⟧")]),
    ("an unknown field", "C000", ERROR, &[("    needs: [disk]", "    ⟦nedes⟧: [disk]")]),
    ("an unknown kind", "C000", ERROR, &[("uses: benchmark", "uses: ⟦benchmrak⟧")]),
    ("an unknown need", "C000", ERROR, &[("needs: [replicate]", "needs: [⟦replicat⟧]")]),
    ("an id used twice", "C000", ERROR, with_step!("  - { id: ⟦tidy⟧, uses: approve }\n")),
    (
        "a circle",
        "C000",
        ERROR,
        with_step!("  - { id: ⟦a⟧, needs: [b], uses: approve }\n  - { id: b, needs: [a], uses: approve }\n"),
    ),
    ("a block with a kind", "C000", ERROR, &[("    deadline: 10s\n", "    deadline: 10s\n    ⟦uses⟧: approve\n")]),
    ("a duration without a unit", "C000", ERROR, &[("deadline: 10s", "deadline: ⟦10⟧")]),
    ("an unknown host", "C000", ERROR, &[("with: { host: new }", "with: { host: ⟦nwe⟧ }")]),
    (
        "an unknown server",
        "C000",
        ERROR,
        &[("uses: fence, with: { server: source }", "uses: fence, with: { server: ⟦sauce⟧ }")],
    ),
    ("an unknown application", "C000", ERROR, &[("application: shop", "application: ⟦shp⟧")]),
    ("an unknown tunnel", "C000", ERROR, &[("through: tunnel", "through: ⟦tunel⟧")]),
    ("an unknown template", "C000", ERROR, &[("template: my.cnf.j2", "template: ⟦mine.cnf.j2⟧")]),
    ("an unknown input", "C000", ERROR, &[("{{ inputs.iops }}", "{{ inputs.iops }}{{ ⟦inputs.iosp⟧ }}")]),
    ("an unknown output", "C000", ERROR, &[("{{ steps.dump.file }}", "{{ ⟦steps.dump.flie⟧ }}")]),
    (
        "an output of a later step",
        "C000",
        ERROR,
        &[("directory: /var/lib/mysql", "directory: '{{ ⟦steps.dump.file⟧ }}'")],
    ),
    ("an input of another type", "C000", ERROR, &[("default: 10000", "default: ⟦many⟧")]),
    ("an unknown way to fail", "C000", ERROR, &[("on_failure: stop", "on_failure: ⟦ignore⟧")]),
    (
        "a parameter that is missing",
        "C000",
        ERROR,
        &[("    with: { from: new, to: old, forward: '127.0.0.1:3306' }", "    with: ⟦{ from: new, to: old }⟧")],
    ),
    ("a literal password", "C000", ERROR, &[("password: { env: TARGET_PASSWORD }", "password: ⟦x7k9q2z⟧")]),
    ("a policy that is none", "C000", ERROR, &[("encrypted_replication: required", "encrypted_replication: ⟦maybe⟧")]),
    // --- valid, and a bad idea
    ("no benchmark", "C001", WARNING, &[("    needs: [disk]\n", ""), ("uses: import\n", "uses: ⟦import⟧\n")]),
    (
        "a benchmark of another host",
        "C001",
        WARNING,
        &[("with: { host: new, d", "with: { host: old, d"), ("uses: import\n", "uses: ⟦import⟧\n")],
    ),
    (
        "a benchmark that requires nothing",
        "C002",
        WARNING,
        &[
            ("inputs:\n  iops: { type: integer, default: 10000 }\n", ""),
            ("uses: benchmark", "uses: ⟦benchmark⟧"),
            (", require: { write_iops: '{{ inputs.iops }}' }", ""),
        ],
    ),
    (
        "no durable settings",
        "C003",
        WARNING,
        &[("sync_binlog: 1", "sync_binlog: 0"), ("uses: promote", "uses: ⟦promote⟧")],
    ),
    (
        "durable settings after the switch",
        "C003",
        WARNING,
        &[
            ("needs: [durable]", "needs: [catch_up]"),
            (
                "needs: [catch_up]\n    uses: set_variables",
                "needs: [switch]\n    on_failure: stop\n    uses: set_variables",
            ),
            ("uses: promote", "uses: ⟦promote⟧"),
        ],
    ),
    (
        "durable in memory only",
        "C004",
        WARNING,
        &[
            ("persist: true, ", ""),
            ("uses: set_variables", "uses: ⟦set_variables⟧"),
            (
                "uses: render\n    with: { template: 'my.cnf.j2', server: target, profile: production }",
                "uses: set_variables\n    with: { server: target, persist: true, variables: { read_only: false } }",
            ),
        ],
    ),
    (
        "no proof at all",
        "C005",
        WARNING,
        &[
            ("uses: wait_for_lag\n    with: { replica: target }", "uses: approve"),
            (
                "uses: wait_for_position, with: { replica: target, position: '{{ steps.fence.position }}' }",
                "uses: approve",
            ),
            ("uses: promote", "uses: ⟦promote⟧"),
        ],
    ),
    (
        "a lag as the only proof",
        "C006",
        WARNING,
        &[
            ("uses: wait_for_lag", "uses: ⟦wait_for_lag⟧"),
            (
                "uses: wait_for_position, with: { replica: target, position: '{{ steps.fence.position }}' }",
                "uses: approve",
            ),
        ],
    ),
    (
        "a place from before the fence",
        "C006",
        WARNING,
        &[
            ("uses: wait_for_lag", "uses: ⟦wait_for_lag⟧"),
            ("      - { id: fence, uses: fence, with: { server: source } }\n", ""),
            ("'{{ steps.fence.position }}'", "'{{ steps.dump.position }}'"),
        ],
    ),
    ("a block without a deadline", "C007", WARNING, &[("id: switch", "id: ⟦switch⟧"), ("    deadline: 10s\n", "")]),
    (
        "a fence in no block",
        "C007",
        WARNING,
        &[
            ("      - { id: fence, uses: fence, with: { server: source } }\n", ""),
            (
                "  - id: switch\n    needs: [verify]",
                "  - { id: fence, needs: [verify], uses: ⟦fence⟧, with: { server: source } }\n  - id: switch\n    needs: [fence]",
            ),
        ],
    ),
    (
        "a command that stays",
        "C008",
        WARNING,
        with_step!("  - { id: own, uses: ⟦command⟧, with: { host: new, run: [systemctl, stop, worker] } }\n"),
    ),
    (
        "a statement that stays",
        "C008",
        WARNING,
        with_step!(
            "  - { id: own, uses: ⟦sql⟧, with: { server: source, statements: ['SELECT 1', 'SET GLOBAL x = 1'] } }\n"
        ),
    ),
    (
        "replication in plain text",
        "C009",
        WARNING,
        &[
            ("through: tunnel, ", ""),
            ("uses: change_source", "uses: ⟦change_source⟧"),
            ("encrypted_replication: required", "encrypted_replication: optional"),
        ],
    ),
    (
        "a load in the binary log",
        "C010",
        WARNING,
        &[("file: '{{ steps.dump.file }}'", "file: '{{ steps.dump.file }}', binlog: ⟦true⟧")],
    ),
    (
        "a write on the replica",
        "C011",
        WARNING,
        with_step!(
            "  - { id: own, uses: ⟦sql⟧, with: { server: target, statements: [CREATE DATABASE x], undo: [DROP DATABASE x] } }\n"
        ),
    ),
    (
        "a password behind -p",
        "C012",
        ERROR,
        with_step!(
            "  - { id: own, uses: command, with: { host: new, run: [mysql, -uroot, ⟦-px7k9q2z⟧], undo: [a] } }\n"
        ),
    ),
    (
        "a password behind --password=",
        "C012",
        ERROR,
        with_step!(
            "  - { id: own, uses: command, with: { host: new, run: [tool, ⟦--password=x7k9q2z⟧], undo: [a] } }\n"
        ),
    ),
    (
        "a password behind --password",
        "C012",
        ERROR,
        with_step!(
            "  - { id: own, uses: command, with: { host: new, run: [tool, --password, ⟦x7k9q2z⟧], undo: [a] } }\n"
        ),
    ),
    (
        "a password in a script",
        "C012",
        ERROR,
        with_step!(
            "  - { id: own, uses: command, with: { host: new, run: [sh, -c, 'cd /; ⟦MYSQL_PWD=x7k9q2z⟧ mysql -e x'], undo: [a] } }\n"
        ),
    ),
    (
        "a password in an address",
        "C012",
        ERROR,
        with_step!(
            "  - { id: own, uses: command, with: { host: new, run: [curl, '⟦https://me:x7k9q2z@host/x⟧'], undo: [a] } }\n"
        ),
    ),
    (
        "a password in a hook",
        "C012",
        ERROR,
        with_step!(
            "  - id: own\n    uses: approve\n    rollback: [{ uses: command, with: { host: new, run: [tool, ⟦--token=x7k9q2z⟧] } }]\n"
        ),
    ),
    (
        "an input that is a secret",
        "C013",
        ERROR,
        &[
            (
                "iops: { type: integer, default: 10000 }",
                "iops: { type: integer, default: 10000 }\n  db_password: { type: string, default: ⟦x7k9q2z⟧ }",
            ),
            ("id: tidy\n", "id: tidy\n    when: inputs.db_password != ''\n"),
        ],
    ),
    (
        "an input that is a token",
        "C013",
        ERROR,
        &[
            (
                "iops: { type: integer, default: 10000 }",
                "iops: { type: integer, default: 10000 }\n  api_token: { type: string, default: ⟦x7k9q2z⟧ }",
            ),
            ("id: tidy\n", "id: tidy\n    when: inputs.api_token != ''\n"),
        ],
    ),
    (
        "an account with a password",
        "C013",
        ERROR,
        with_step!(
            "  - { id: own, uses: sql, with: { server: source, statements: [\"CREATE USER a IDENTIFIED BY '⟦x7k9q2z⟧'\"], undo: [DROP USER a] } }\n"
        ),
    ),
    ("two servers with one server_id", "C015", ERROR, &[("server_id: 2", "server_id: ⟦1⟧")]),
    ("an input that nothing uses", "C016", WARNING, &[("'{{ inputs.iops }}'", "10000"), ("  iops: {", "  ⟦iops⟧: {")]),
    ("a step that never runs", "C017", WARNING, with_step!("  - { id: own, when: ⟦false⟧, uses: approve }\n")),
    (
        "a condition that is always false",
        "C017",
        WARNING,
        with_step!("  - { id: own, when: ⟦1 > 2⟧, uses: approve }\n"),
    ),
    ("a failure that means nothing", "C018", WARNING, &[("id: tidy", "id: ⟦tidy⟧"), (TIDY, "")]),
    (
        "a comment without a reason",
        "C019",
        WARNING,
        with_step!("⟦# cutover: allow C008⟧\n  - { id: own, uses: approve }\n"),
    ),
    (
        "a comment that nothing needs",
        "C020",
        WARNING,
        with_step!("  - { id: own, uses: approve } ⟦# cutover: allow C008 because it was needed once⟧\n"),
    ),
    (
        "a comment for no rule",
        "C020",
        WARNING,
        with_step!("  - { id: own, uses: approve } ⟦# cutover: allow C800 because of a slip⟧\n"),
    ),
    // --- what a switch must not lack
    ("no comparison", "C021", ERROR, &[("verified: '{{ steps.verify.finished }}'", "verified: ⟦none⟧")]),
    (
        "a proof written by hand",
        "C021",
        ERROR,
        &[("verified: '{{ steps.verify.finished }}'", "verified: ⟦'2026-11-28T20:00:00Z'⟧")],
    ),
    (
        "the output of another step as a proof",
        "C021",
        ERROR,
        &[("verified: '{{ steps.verify.finished }}'", "verified: ⟦'{{ steps.dump.file }}'⟧")],
    ),
    (
        "a comparison of another server",
        "C021",
        ERROR,
        &[
            ("with: { replica: target }\n  - id: switch", "with: { source: target, replica: source }\n  - id: switch"),
            ("verified: '{{ steps.verify.finished }}'", "verified: ⟦'{{ steps.verify.finished }}'⟧"),
        ],
    ),
    (
        "no proof and not said so",
        "C000",
        ERROR,
        &[
            (", verified: '{{ steps.verify.finished }}'", ""),
            ("uses: promote, with: { server: target }", "uses: promote, with: ⟦{ server: target }⟧"),
        ],
    ),
    (
        "the file of an import stays",
        "C022",
        WARNING,
        &[
            ("profile: import", "profile: ⟦import⟧"),
            (
                "uses: render\n    with: { template: 'my.cnf.j2', server: target, profile: production }",
                "uses: command\n    with: { host: new, run: [date] }",
            ),
        ],
    ),
    (
        "closed for good",
        "C022",
        WARNING,
        with_step!(
            "  - { id: close, needs: [reverse], on_failure: stop, uses: ⟦set_variables⟧, with: { server: target, persist: true, variables: { read_only: 'ON' } } }\n"
        ),
    ),
    (
        "closed by the inventory",
        "C022",
        WARNING,
        &[("    server_id: 2\n", "    server_id: 2\n    settings: { read_only: ⟦'on'⟧ }\n")],
    ),
    (
        "no events",
        "C023",
        WARNING,
        &[
            ("uses: promote", "uses: ⟦promote⟧"),
            ("uses: events, with: { from: source, to: target }", "uses: command, with: { host: new, run: [date] }"),
        ],
    ),
    (
        "no way back",
        "C024",
        WARNING,
        &[
            ("uses: promote", "uses: ⟦promote⟧"),
            (
                "uses: reverse_replication\n    with: { replica: source, source: target, through: way_back, position: '{{ steps.promote.position }}' }",
                "uses: command\n    with: { host: new, run: [date] }",
            ),
        ],
    ),
    (
        "a port that only a rehearsal fills",
        "C025",
        ERROR,
        &[
            (
                "  iops: { type: integer, default: 10000 }\n",
                "  iops: { type: integer, default: 10000 }\n  listen: { type: string, default: ⟦'127.0.0.1:0'⟧, rehearsal: '127.0.0.1:0' }\n",
            ),
            ("with: { from: new, to: old, ", "with: { from: new, listen: '{{ inputs.listen }}', to: old, "),
        ],
    ),
];

/// The change is in the inventory where only that has the text.
fn broken(changes: &[(&str, &str)]) -> (String, String) {
    let (mut playbook, mut inventory) = (PLAYBOOK.to_owned(), INVENTORY.to_owned());
    for (from, to) in changes {
        if playbook.contains(from) {
            playbook = changed(&playbook, from, to);
        } else {
            inventory = changed(&inventory, from, to);
        }
    }
    (playbook, inventory)
}

fn marked(text: &str) -> (String, Option<String>) {
    let Some((before, rest)) = text.split_once('⟦') else { return (text.to_owned(), None) };
    let (token, after) = rest.split_once('⟧').unwrap();
    (format!("{before}{token}{after}"), Some(token.to_owned()))
}

/// Complaints about a row.
fn judge((name, code, severity, changes): &Row) -> Option<String> {
    let (playbook, inventory) = broken(changes);
    let place = playbook.find('⟦').or_else(|| inventory.find('⟦')).unwrap();
    let file = if playbook.contains('⟦') { "playbook.yaml" } else { "inventory.yaml" };
    let (playbook, inventory) = (marked(&playbook), marked(&inventory));
    let token = playbook.1.or(inventory.1).unwrap();
    let desk = Desk::new(&playbook.0, &inventory.0);
    let (exit, report) = desk.json(&["--strict"]);
    let text = if file == "playbook.yaml" { &playbook.0 } else { &inventory.0 };
    let findings = report["findings"].as_array().unwrap().iter().filter(|found| found["severity"] != "note");
    let found: Vec<Value> = findings
        .map(|found| {
            let start = json!({ "line": found["line"], "column": found["column"] });
            let file = std::fs::read_to_string(desk.path().join(found["file"].as_str().unwrap())).unwrap();
            json!([found["file"], found["code"], found["severity"], start, between(&file, &start, &found["end"])])
        })
        .collect();
    let line = text[..place].matches('\n').count() + 1;
    let column = text[..place].rsplit('\n').next().unwrap().chars().count() + 1;
    let wanted = json!([[file, code, severity, { "line": line, "column": column }, token]]);
    let faults = report["faults"].as_array().unwrap().len();
    let (valid, fits) = (report["valid"] == true, json!(found) == wanted);
    if exit == Some(2) && fits && valid == (*code != "C000") && (faults > 0) != valid {
        return None;
    }
    Some(format!("{name}: exit {exit:?}, valid {valid}\n  found  {}\n  wanted {wanted}\n", json!(found)))
}

#[test]
fn each_broken_playbook_is_refused_at_the_right_token() {
    assert!(ROWS.len() >= 40);
    let complaints: String = ROWS.iter().filter_map(judge).collect();
    assert!(complaints.is_empty(), "{complaints}");
}

/// The table says something only if the playbook it breaks is clean.
#[test]
fn the_playbook_of_the_table_is_clean() {
    let (code, report) = Desk::new(PLAYBOOK, INVENTORY).json(&["--strict"]);
    assert_eq!((code, &report["findings"]), (Some(0), &json!([])));
}

/// Every rule that can fail a check has a row.
#[test]
fn every_rule_is_in_the_table() {
    for rule in cutover::lint::RULES.iter().filter(|rule| rule.severity > cutover::lint::Severity::Note) {
        assert!(
            ROWS.iter().any(|(_, code, severity, _)| *code == rule.code && *severity == rule.severity.to_string()),
            "{}",
            rule.code
        );
    }
}

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
    let wanted = [
        "`a` never runs: its condition is false whatever is set",
        "`b` never runs: it uses an output of `a`, which never runs",
    ];
    assert_eq!(lines, wanted);
}

/// Every fix that is offered makes its finding go away, and leaves a valid playbook.
#[test]
fn fixes_fix() {
    let mut fixed = 0;
    for (name, code, _, changes) in ROWS.iter().filter(|(_, code, ..)| *code != "C000") {
        let (playbook, inventory) = broken(changes);
        let (playbook, inventory) = (marked(&playbook).0, marked(&inventory).0);
        let (_, report) = Desk::new(&playbook, &inventory).json(&[]);
        let fix = &report["findings"][0]["fix"];
        if fix.is_null() || report["findings"][0]["file"] == "inventory.yaml" {
            continue;
        }
        let after = fix["text"].as_str().unwrap();
        let (start, end) = (offset(&playbook, &fix["start"]), offset(&playbook, &fix["end"]));
        let repaired = format!("{}{after}{}", &playbook[..start], &playbook[end..]);
        let (exit, report) = Desk::new(&repaired, &inventory).json(&["--strict"]);
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
    for (name, _, _, changes) in ROWS.iter().filter(|(_, code, ..)| ["C012", "C013"].contains(code)) {
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
        "`stop`: The run stops as it is",
        "`continue`: The failure is noted",
    ] {
        assert!(stop.contains(words), "{words}: {stop}");
    }
    assert!(help("on_failure: stop", "on_failure: stopp").starts_with("did you mean `stop`?"));
    let keep = help("    needs: [replicate]\n", "    needs: [replicate]\n    keep: forever\n");
    assert!(keep.contains("write `true` or `false`. Whether it is a checkpoint"), "{keep}");
}
