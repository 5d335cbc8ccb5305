//! What a server says obeys nobody's terminal: escape sequences in errors, values and names are seen as numbers.

use crate::desk::Desk;
use crate::server::Shared;
use std::process::Output;

/// Sets a title, rings, clears the screen, colours, turns the direction of reading, and goes back to the line's begin.
const HOSTILE: &str = "0x611B5D303B7469746C65071B5B324A1B5B33316DE280AE620D63C29B33316D";
const SIGNS: [char; 6] = ['\u{1b}', '\u{7}', '\r', '\u{9b}', '\u{202e}', '\u{8}'];

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn desk(server: &Shared) -> Desk {
    server.sql(&format!("CREATE PROCEDURE d.speak() SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = _utf8mb4 {HOSTILE}"));
    let desk = Desk::new();
    let step = "uses: sql, with: { server: s, statements: [\"CALL d.speak()\"] }";
    desk.write("playbook.yaml", &format!("version: 1\nname: actor\nsteps:\n  - {{ id: one, {step} }}\n"));
    desk.write("inventory.yaml", &server.inventory(""));
    desk
}

#[test]
fn what_a_server_says_is_seen_and_obeyed_by_no_terminal() {
    let alone = Shared::make();
    let desk = desk(&alone);
    let ended = desk.run();
    assert_eq!(ended.code, Some(3), "{}", ended.words());
    let said = ended.words();
    // MariaDB writes most of them as numbers itself
    assert!(said.contains("title") && said.contains("\\u{202e}b\\u{d}") && !said.contains(SIGNS), "{said:?}");
    let run = "[sh, -c, \"printf 'a\\\\033]0;title\\\\007\\\\033[2J\\\\033[31m\\\\342\\\\200\\\\256b\\\\rc\\\\302\\\\23331m' >&2; exit 1\"]";
    desk.write(
        "playbook.yaml",
        &format!(
            "version: 1\nname: actor\nsteps:\n  - {{ id: one, uses: command, with: {{ host: local, run: {run} }} }}\n"
        ),
    );
    desk.write("inventory.yaml", "hosts: { local: {} }\n");
    let ended = desk.run();
    let said = ended.words();
    assert_eq!(ended.code, Some(3), "{said}");
    assert!(said.contains("\\u{1b}]0;title\\u{7}") && !said.contains(SIGNS), "{said:?}");
    for command in [&["status"][..], &["report"], &["report", "--format", "html"], &["status", "--format", "json"]] {
        let said = desk.say("state", command).out;
        assert!(said.contains("title") && !said.contains(SIGNS), "{command:?}: {said:?}");
    }
    // with a terminal there are colours, and they are ours
    let line = format!(
        "{} resume --yes --state state; {0} run playbook.yaml -i inventory.yaml --state other",
        env!("CARGO_BIN_EXE_cutover")
    );
    let mut shown = desk.command("script");
    let shown = shown.args(["-qec", &line, "/dev/null"]).env_remove("NO_COLOR").env("TERM", "xterm").output().unwrap();
    let shown = text(&shown);
    assert!(shown.contains("\u{1b}[31m"), "no colours: {shown:?}");
    assert!(
        shown.contains("\\u{1b}]0;title\\u{7}") && !shown.contains("\u{1b}]0") && !shown.contains('\u{202e}'),
        "{shown:?}"
    );
    assert!(
        !shown.contains("\u{1b}[31m\u{202e}") && !shown.contains('\u{9b}') && !shown.contains('\u{7}'),
        "{shown:?}"
    );
}
