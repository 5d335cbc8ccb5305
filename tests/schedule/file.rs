//! The file: faults at their places, what comes next, and `check`.

use crate::desk::{Desk, RUN, words};

fn checked(schedules: &str) -> (Option<i32>, Vec<String>, String) {
    let desk = Desk::new(schedules);
    let output = desk.say(&["check", "schedules.yaml", "--format", "json"]);
    let found: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let token = |fault: &serde_json::Value| {
        let (start, end) = (fault["start"].as_u64(), fault["end"].as_u64());
        let (Some(start), Some(end)) = (start, end) else { return String::new() };
        let text = std::fs::read_to_string(desk.path(fault["file"].as_str().unwrap())).unwrap();
        text[usize::try_from(start).unwrap()..usize::try_from(end).unwrap()].to_owned()
    };
    let tokens = found["faults"].as_array().unwrap().iter().map(token).collect();
    (output.status.code(), tokens, words(&output))
}

fn one(fields: &str) -> String {
    format!("version: 1\nschedules:\n  cheap: {{ {fields} }}\n")
}

#[test]
fn faults_are_underlined() {
    let time = "cron: \"0 2 * * *\", time_zone: Europe/Oslo";
    for (schedules, token, said) in [
        (one(&format!("{RUN}, cron: \"0 25 * * *\", time_zone: UTC")), "\"0 25 * * *\"", "`25` is not a valid hour"),
        (one(&format!("{RUN}, cron: \"0 0 31 6 *\", time_zone: UTC")), "\"0 0 31 6 *\"", "is never due"),
        (
            one(&format!("{RUN}, cron: \"0 2 * * *\", time_zone: Europe/Olso")),
            "Europe/Olso",
            "did you mean `Europe/Oslo`",
        ),
        (one(&format!("{RUN}, cron: \"0 2 * * *\"")), "{ action", "has no field `time_zone`"),
        (one(&format!("{RUN}, {time}, overlap: wait")), "wait", "must be one of skip, queue, refuse"),
        (one(&format!("{RUN}, {time}, latest_start: soon")), "soon", "is not a length of time"),
        (one(&format!("{RUN}, {time}, sandbox: {{ rows: 5 }}")), "sandbox", "only a rehearsal has a sandbox"),
        (
            one(&format!("action: rehearse, playbook: playbook.yaml, inventory: i.yaml, {time}")),
            "inventory",
            "makes its own",
        ),
        (one(&format!("{RUN}, {time}, latest_strat: 5m")), "latest_strat", "did you mean `latest_start`"),
        (one(&format!("{RUN}, {time}")).replace("cheap:", "che.ap:"), "che.ap", "is not a valid name"),
        (one(&format!("{RUN}, {time}, inputs: {{ wrod: x }}")), "", "has no input `wrod`"),
        (one(&format!("action: run, playbook: gone.yaml, {time}")), "", "cannot read"),
        ("version: 2\nschedules: {}\n".into(), "2", "must be `1`"),
    ] {
        let (code, tokens, words) = checked(&schedules);
        assert_eq!(code, Some(2), "{schedules}");
        assert!(
            tokens.iter().any(|found| found == token || token == "{ action" && found.starts_with(token)),
            "{schedules}: {tokens:?}"
        );
        assert!(words.contains(said), "{schedules}: {words}");
    }
}

#[test]
fn a_fault_of_a_playbook_is_found_through_its_schedule() {
    let desk = Desk::with("cron: \"0 2 * * *\"");
    desk.write("playbook.yaml", "version: 1\nname: x\nsteps: [{ id: a, uses: comand }]\n");
    let output = desk.say(&["check", "schedules.yaml"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(words(&output).contains("schedule cheap:") && words(&output).contains("comand"), "{}", words(&output));
}

#[test]
fn a_valid_file_is_one() {
    let desk = Desk::new(&format!(
        "version: 1\nschedules:\n  go: {{ {RUN}, cron: \"30 2 * * Sun\", time_zone: Europe/Oslo }}\n  \
         try: {{ action: rehearse, playbook: playbook.yaml, sandbox: {{ rows: 500 }}, cron: \"0 1 * * *\", time_zone: UTC }}\n"
    ));
    let output = desk.say(&["check", "schedules.yaml"]);
    assert_eq!(output.status.code(), Some(0), "{}", words(&output));
    assert_eq!(String::from_utf8_lossy(&output.stdout), "schedules.yaml is valid: 2 schedules\n");
    let list = desk.json(&["schedule", "list"]);
    assert_eq!((list[0]["schedule"].as_str(), list[0]["action"].as_str()), (Some("go"), Some("run")));
    assert!(!desk.state().exists(), "looking makes no state directory");
}

#[test]
fn what_comes_next_is_shown_with_its_offset() {
    let desk = Desk::new(&format!(
        "version: 1\nschedules:\n  go: {{ {RUN}, cron: \"30 2 * * Sun\", time_zone: Europe/Oslo }}\n"
    ));
    let after = ["schedule", "next", "-n", "3", "--after", "2026-10-20T00:00:00Z"];
    let output = desk.say(&after);
    let shown = String::from_utf8_lossy(&output.stdout).into_owned();
    let lines: Vec<&str> = shown.lines().collect();
    assert!(lines[0].starts_with("Sun 2026-10-25 02:30:00 +02:00 CEST "), "{shown}");
    assert!(lines[1].starts_with("Sun 2026-11-01 02:30:00 +01:00 CET "), "{shown}");
    assert_eq!(desk.json(&after)[0]["due"], "2026-10-25T02:30:00+02:00");
}

/// The first block of YAML of a page.
fn sample(page: &str) -> String {
    let page = std::fs::read_to_string(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(page)).unwrap();
    let after = page.split("```yaml\n").find(|block| block.contains("\nschedules:\n")).unwrap();
    after.split("```").next().unwrap().to_owned()
}

#[test]
fn what_the_pages_show_is_valid() {
    let desk = Desk::new(&sample("docs/schedules.md"));
    let root = env!("CARGO_MANIFEST_DIR");
    std::os::unix::fs::symlink(format!("{root}/playbooks"), desk.path("playbooks")).unwrap();
    let inventory = std::fs::read_to_string(format!("{root}/tests/plan/inventory.yaml")).unwrap();
    desk.write("inventory.yaml", &inventory);
    let output = desk.say(&["check", "schedules.yaml"]);
    assert_eq!(output.status.code(), Some(0), "{}", words(&output));
    assert!(desk.json(&["schedule", "next", "weekly_rehearsal"])[0]["due"].is_string());
}
