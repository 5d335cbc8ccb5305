//! Secrets are references, are there before anything begins, and are never shown.

use crate::check::{Desk, INVENTORY, playbook, refused};

const PASSWORD: &str = "hunter2-correct-horse";

#[test]
fn a_literal_password_is_refused_and_not_shown() {
    let literals = [
        ("literal-password", format!("password: {PASSWORD}"), PASSWORD.to_owned()),
        ("literal-password-quoted", format!("password: '{PASSWORD}'"), format!("'{PASSWORD}'")),
        ("literal-password-number", "password: 271828182845".to_owned(), "271828182845".to_owned()),
        (
            "literal-password-in-a-mapping",
            format!("password: {{ value: {PASSWORD} }}"),
            format!("{{ value: {PASSWORD} }}"),
        ),
        ("literal-password-in-a-list", format!("password: [{PASSWORD}]"), format!("[{PASSWORD}]")),
        ("literal-password-as-a-key", format!("password: {{ {PASSWORD}: }}"), format!("{{ {PASSWORD}: }}")),
        ("literal-password-block", format!("password: |\n      {PASSWORD}"), format!("{PASSWORD}\n    ")),
        (
            "literal-password-beside-a-reference",
            format!("password: {{ env: TARGET_PASSWORD, plain: {PASSWORD} }}"),
            "plain".to_owned(),
        ),
    ];
    for (name, literal, underlined) in literals {
        let desk = Desk::new(&playbook("  - { id: hi, uses: command, with: { host: new, run: [echo, hi] } }\n"));
        let inventory = INVENTORY.replacen("password: { env: TARGET_PASSWORD }", &literal, 1);
        desk.write("inventory.yaml", inventory.as_bytes());
        let report = desk.check(&[]);
        assert!(!report.shown.contains(PASSWORD) && !report.shown.contains("271828182845"), "{}", report.shown);
        refused(name, report, &[&underlined]);
    }
}

/// Even where the fault is another one, a password in the lines around it is not shown.
#[test]
fn a_literal_password_near_another_fault_is_not_shown() {
    let desk = Desk::new(&playbook("  - { id: hi, uses: command, with: { host: new, run: [echo, hi] } }\n"));
    let literal = format!("passwrod: {PASSWORD}");
    desk.write("inventory.yaml", INVENTORY.replacen("password: { env: TARGET_PASSWORD }", &literal, 1).as_bytes());
    let report = desk.check(&[]);
    assert!(!report.shown.contains(PASSWORD), "{}", report.shown);
    refused("misspelt-password", report, &["passwrod"]);
    let broken = format!("{INVENTORY}  other: {{ password: {PASSWORD}\n");
    desk.write("inventory.yaml", broken.as_bytes());
    let report = desk.check(&[]);
    assert_eq!(report.code, Some(2));
    assert!(!report.shown.contains(PASSWORD), "{}", report.shown);
}

#[test]
fn a_secret_on_a_command_line_is_refused() {
    let step = "  - { id: hi, uses: command, with: { host: new, run: [mysql, '-p{{ servers.source.password }}'] } }\n";
    refused("secret-on-a-command-line", Desk::new(&playbook(step)).check(&[]), &["'-p{{ servers.source.password }}'"]);
}

#[test]
fn a_missing_secret_stops_before_anything_begins() {
    let desk = Desk::new(&playbook("  - { id: hi, uses: command, with: { host: new, run: [touch, done] } }\n"));
    desk.write("inventory.yaml", INVENTORY.replace("{ ssh: new.example }", "{}").as_bytes());
    let mut program = desk.program();
    program.args(["run", "playbook.yaml", "-i", "inventory.yaml", "--state", "state"]);
    program.env_remove("SOURCE_PASSWORD").env("TARGET_PASSWORD", "x").env_remove("REPL_PASSWORD");
    let output = program.output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    insta::assert_snapshot!("missing-secrets", String::from_utf8(output.stderr).unwrap());
    assert!(!desk.path().join("done").exists());
    assert!(!desk.path().join("state").exists(), "no run may be recorded");
}

/// The case `engine/secret_command.inv.yaml`: what the program said is what the operator needs.
#[test]
fn a_program_that_gives_no_secret_is_heard() {
    let desk = Desk::new(&playbook("  - { id: hi, uses: command, with: { host: new, run: [touch, done] } }\n"));
    let sealed = "password: { command: [sh, -c, \"echo tok3n-of-mine; printf 'vault is \\\\033[2Jsealed: tok3n-of-mine' >&2; exit 3\"] }";
    let inventory = INVENTORY.replace("{ ssh: new.example }", "{}");
    desk.write("inventory.yaml", inventory.replace("password: { env: SOURCE_PASSWORD }", sealed).as_bytes());
    let mut program = desk.program();
    program.args(["run", "playbook.yaml", "-i", "inventory.yaml", "--state", "state"]);
    program.env("TARGET_PASSWORD", "x").env("REPL_PASSWORD", "");
    let output = program.output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stderr).unwrap();
    for words in
        ["sh ended with code 3", r"vault is \u{1b}[2Jsealed", "the environment variable REPL_PASSWORD is empty"]
    {
        assert!(said.contains(words), "{words}: {said}");
    }
    assert!(!desk.path().join("done").exists());
}
