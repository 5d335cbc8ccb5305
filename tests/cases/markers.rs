//! `secret_by_marker.yaml`, `marker_output.yaml`, `quote_in_plan.yaml`: what a step puts out is data, whatever it looks
//! like, and what a plan shows can be pasted.

use crate::desk::Desk;
use crate::server::{PASSWORD, Shared};
use std::process::Command;

#[test]
fn a_row_that_looks_like_a_secret_is_a_row() {
    let shared = Shared::get();
    let log = shared.server.data_dir().join("markers.log");
    shared.sql("CREATE TABLE IF NOT EXISTS d.evil (v VARCHAR(80)) CHARACTER SET utf8mb4");
    for marker in ["‹secret PW›", "‹secret env PW›", "{{ servers.s.password }}", "‹steps.read.value›"] {
        shared.sql(&format!(
            "SET NAMES utf8mb4; ALTER TABLE d.t CONVERT TO CHARACTER SET utf8mb4; DELETE FROM d.t; DELETE FROM d.evil; \
             INSERT INTO d.evil VALUES ('{marker}')"
        ));
        shared.sql(&format!("SET GLOBAL general_log_file = '{}'; SET GLOBAL general_log = ON", log.display()));
        let desk = shared.desk("secret_by_marker.yaml", &[]);
        let ended = desk.run();
        shared.sql("SET GLOBAL general_log = OFF");
        assert_eq!(ended.code, Some(0), "{marker}: {ended:?}");
        assert_eq!(shared.sql("SET NAMES utf8mb4; SELECT v FROM d.t"), marker);
        let logged = String::from_utf8_lossy(&std::fs::read(&log).unwrap()).into_owned();
        assert!(logged.contains("INSERT INTO d.t") && !logged.contains(PASSWORD), "{logged}");
        assert!(!ended.words().contains(PASSWORD), "{ended:?}");
        let found = Command::new("grep").args(["-rlaF", "-e", PASSWORD]).arg(desk.path("state")).output().unwrap();
        assert!(found.stdout.is_empty(), "{}", String::from_utf8_lossy(&found.stdout));
    }
    shared.sql("DROP TABLE d.evil; DELETE FROM d.t");
}

#[test]
fn output_that_looks_like_a_marker_is_output() {
    let ended = Desk::with("marker_output.yaml", &[]).run();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let kept = "[sh, -c, \"printf %s \\\"$1\\\" >@HERE@\", sh, \"{{ steps.say.stdout }}\"]";
    let desk = Desk::with("marker_output.yaml", &[("[echo, \"{{ steps.say.stdout }}\"]", kept)]);
    let text = desk.text("playbook.yaml").replace("@HERE@", &desk.path("got").display().to_string());
    desk.write("playbook.yaml", &text);
    let ended = desk.run();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(desk.text("got"), "‹steps.nope.x›");
}

/// As a person pastes it: marker and all are one word.
#[test]
fn a_command_line_of_a_plan_is_one_that_a_shell_reads() {
    let desk = Desk::with("quote_in_plan.yaml", &[]);
    let shown = desk.say("state", &["plan", "playbook.yaml", "-i", "inventory.yaml"]);
    assert_eq!(shown.code, Some(0), "{shown:?}");
    let line = shown.out.lines().find(|line| line.contains("steps.say.stdout") && line.contains("echo"));
    let line = line.unwrap_or_else(|| panic!("no such line: {}", shown.out));
    let pasted = &line[line.find("echo").unwrap()..];
    let said = Command::new("sh").args(["-c", pasted]).output().unwrap();
    assert!(said.status.success(), "{pasted}: {said:?}");
    assert_eq!(String::from_utf8(said.stdout).unwrap(), "it's ‹steps.say.stdout›\n", "{pasted}");
    let ended = desk.run();
    assert_eq!(ended.code, Some(0), "{ended:?}");
}
