//! Files for the schedulers of others: they are what those read, and their command lines do what the schedule says.

use crate::desk::{Desk, RUN, words};
use crate::kubernetes;
use crate::skip::{Why, skip};
use jiff::{Timestamp, ToSpan};
use serde_json::Value;
use std::path::PathBuf;
use std::process::Command;

const PROGRAM: &str = env!("CARGO_BIN_EXE_cutover");
/// Why its files are not judged.
const NOBODY: &str = "there is no systemd-analyze to ask";

/// A desk with a schedule that has been due for a minute and a half, in every time zone's words.
fn desk() -> Desk {
    let due = (Timestamp::now() - 90.seconds()).strftime("%M %H").to_string();
    let desk = Desk::new(&format!(
        "version: 1\nschedules:\n  cheap_one: {{ {RUN}, cron: \"{due} * * *\", time_zone: UTC, latest_start: 10m }}\n"
    ));
    desk.write(
        "inventory.yaml",
        "hosts: { local: { pass_env: [DESK] } }\nservers:\n  a: { host: local, address: \"127.0.0.1:1\", user: u, password: { env: A_PASSWORD } }\n",
    );
    desk
}

fn export(desk: &Desk, format: &str, more: &[&str]) -> PathBuf {
    let folder = desk.path(format);
    let mut command = desk.cutover(&["schedule", "export", "--format", format, "-o"]);
    command.arg(&folder).args(["--program", PROGRAM, "--state"]).arg(desk.path(&format!("state-{format}"))).args(more);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", words(&output));
    folder
}

fn exported(desk: &Desk, format: &str, name: &str) -> String {
    let file = desk.path("schedules.yaml").display().to_string();
    std::fs::read_to_string(export(desk, format, &["--as-file", &file]).join(name)).unwrap()
}

fn yaml(text: &str) -> Value {
    serde_saphyr::from_str(text).unwrap()
}

/// Runs a command line with nothing but its words; it must start the schedule once, and the second time nothing.
fn starts_once(desk: &Desk, line: &str) {
    let before = desk.lines();
    for _ in 0..2 {
        let mut shell = Command::new("sh");
        shell.args(["-c", line]).current_dir(desk.folder()).env("DESK", desk.folder()).env("A_PASSWORD", "x");
        let output = shell.env_remove("CUTOVER_STATE").output().unwrap();
        assert!(output.status.success(), "{line}: {}", words(&output));
        assert_eq!(desk.lines(), before + 1, "{line}: {}", words(&output));
    }
}

#[test]
fn systemd_accepts_the_units_and_the_service_starts_the_schedule() {
    let desk = desk();
    let service = exported(&desk, "systemd", "cutover-cheap_one.service");
    let timer = std::fs::read_to_string(desk.path("systemd/cutover-cheap_one.timer")).unwrap();
    assert!(timer.contains(" UTC\n") && timer.contains("Persistent=false\n"), "{timer}");
    assert!(service.contains("0600: A_PASSWORD\n"), "{service}");
    let line = service.lines().find_map(|line| line.strip_prefix("ExecStart=")).unwrap();
    starts_once(&desk, line);
    let verify = Command::new("systemd-analyze")
        .arg("verify")
        .args(["--man=no", "--recursive-errors=no"])
        .args(["service", "timer"].map(|ending| desk.path(&format!("systemd/cutover-cheap_one.{ending}"))))
        .output();
    let Ok(verify) = verify else { return skip(NOBODY, Why::Other) };
    let said = String::from_utf8_lossy(&verify.stderr).into_owned();
    assert!(verify.status.success() && said.is_empty(), "{said}");
}

#[test]
fn systemd_reads_the_same_times() {
    for (expression, zone) in [
        ("30 2 * * Sun", "Europe/Oslo"),
        ("*/15 * * * *", "UTC"),
        ("0 4 1 1,7 *", "America/New_York"),
        ("15,45 8-17/3 * * 1-5", "Asia/Kolkata"),
        ("*/20 59 23 31 12 *", "Europe/Oslo"),
    ] {
        let desk = Desk::with("cron: \"0 0 1 1 *\"");
        let schedule = format!("{RUN}, cron: \"{expression}\", time_zone: {zone}");
        desk.write("schedules.yaml", &format!("version: 1\nschedules:\n  s: {{ {schedule}, catch_up: last }}\n"));
        let timer = exported(&desk, "systemd", "cutover-s.timer");
        assert!(timer.contains("Persistent=true\n"), "{timer}");
        let calendar = timer.lines().find_map(|line| line.strip_prefix("OnCalendar=")).unwrap();
        let base = "2026-11-10T12:00:00Z";
        let next = desk.json(&["schedule", "next", "-n", "4", "--after", base]);
        let ours: Vec<String> =
            next.as_array().unwrap().iter().map(|next| next["utc"].as_str().unwrap().into()).collect();
        let asked = Command::new("systemd-analyze")
            .args(["calendar", "--iterations=4", "--base-time=2026-11-10 12:00:00 UTC", calendar])
            .env("TZ", "UTC")
            .output();
        let Ok(asked) = asked else { return skip(NOBODY, Why::Other) };
        let said = String::from_utf8_lossy(&asked.stdout).into_owned();
        for utc in ours {
            let shown = utc.replace('T', " ").replace('Z', " UTC");
            assert!(said.contains(&shown), "{expression} {zone}: {shown} is missing in\n{said}");
        }
    }
}

#[test]
fn the_table_of_cron_starts_the_schedule() {
    let desk = desk();
    let table = exported(&desk, "cron", "cutover.cron");
    assert!(table.contains("\nCRON_TZ=UTC\n"), "{table}");
    let line = table.lines().find_map(|line| line.split_once(" * * * root ")).unwrap().1;
    starts_once(&desk, line);
}

#[test]
fn kubernetes_accepts_the_cron_job_and_its_command_starts_the_schedule() {
    let desk = desk();
    let job = yaml(&exported(&desk, "kubernetes", "cutover-cheap-one.cronjob.yaml"));
    assert_eq!(kubernetes::faults(&job), Vec::<String>::new());
    let spec = &job["spec"];
    assert_eq!((&spec["timeZone"], &spec["concurrencyPolicy"]), (&"UTC".into(), &"Forbid".into()));
    assert_eq!(spec["startingDeadlineSeconds"], 600);
    let pod = &spec["jobTemplate"]["spec"]["template"]["spec"];
    assert_eq!(pod["volumes"][2]["persistentVolumeClaim"]["claimName"], "cutover-state");
    let container = &pod["containers"][0];
    let words: Vec<&str> = container["command"]
        .as_array()
        .unwrap()
        .iter()
        .chain(container["args"].as_array().unwrap())
        .map(|word| word.as_str().unwrap())
        .collect();
    starts_once(&desk, &shell_words::join(words));

    let mut damaged = job.clone();
    damaged["spec"]["concurencyPolicy"] = "Forbid".into();
    assert_eq!(kubernetes::faults(&damaged).len(), 1, "the schema sees what is wrong");
}

#[test]
fn on_a_shared_store_kubernetes_gets_runners_with_all_that_they_need() {
    let desk = desk();
    desk.write("inventory.yaml", "hosts: { local: {} }\nruns-on: { site: oslo }\n");
    let (store, folder) = ("postgres://cutover@db1,db2/store", desk.path("shared"));
    let mut command = desk.cutover(&["schedule", "export", "--format", "kubernetes", "--state", store, "-o"]);
    let output = command.arg(&folder).output().unwrap();
    assert!(output.status.success(), "{}", words(&output));
    let read = |name: &str| yaml(&std::fs::read_to_string(folder.join(name)).unwrap());
    let job = read("cutover-cheap-one.cronjob.yaml");
    assert_eq!(kubernetes::faults(&job), Vec::<String>::new());
    let runner = read("cutover-runner-oslo.deployment.yaml");
    assert_eq!(kubernetes::faults_of_deployment(&runner), Vec::<String>::new());
    let pods = [&job["spec"]["jobTemplate"]["spec"]["template"]["spec"], &runner["spec"]["template"]["spec"]];
    for pod in pods {
        let container = &pod["containers"][0];
        assert!(container["args"].as_array().unwrap().contains(&store.into()), "{container}");
        let mounts: Vec<&Value> =
            container["volumeMounts"].as_array().unwrap().iter().map(|mount| &mount["name"]).collect();
        let volumes: Vec<&Value> = pod["volumes"].as_array().unwrap().iter().map(|volume| &volume["name"]).collect();
        assert_eq!(mounts, ["files", "ssh", "store", "state"]);
        assert_eq!(mounts, volumes);
    }
    let container = &pods[1]["containers"][0];
    assert_eq!(container["args"], serde_json::json!(["runner", "--drain", "--state", store, "--labels", "site=oslo"]));
    assert_eq!(container["livenessProbe"]["exec"]["command"][2], "--check");

    let mut damaged = runner.clone();
    damaged["spec"]["template"]["spec"]["containers"][0]["imagee"] = "x".into();
    assert_eq!(kubernetes::faults_of_deployment(&damaged).len(), 1, "the schema sees what is wrong");
}

#[test]
fn the_workflow_of_github_is_one_and_its_command_starts_the_schedule() {
    let desk = desk();
    let workflow = yaml(&exported(&desk, "github", "cutover-cheap_one.yml"));
    let cron = &workflow["on"]["schedule"][0];
    assert_eq!(cron["timezone"], "UTC");
    assert_eq!(cron["cron"].as_str().unwrap().split(' ').count(), 5);
    let job = &workflow["jobs"]["cutover"];
    assert_eq!(job["runs-on"][0], "self-hosted");
    assert_eq!(job["steps"][1]["env"]["A_PASSWORD"], "${{ secrets.A_PASSWORD }}");
    starts_once(&desk, job["steps"][1]["run"].as_str().unwrap());
}

#[test]
fn the_jobs_of_gitlab_are_some_and_their_commands_start_the_schedule() {
    let desk = desk();
    let text = exported(&desk, "gitlab", "cutover.gitlab-ci.yml");
    assert!(text.contains("cron_timezone \"UTC\", variable CUTOVER_SCHEDULE=cheap_one"), "{text}");
    let job = &yaml(&text)["cutover-cheap_one"];
    assert_eq!(job["rules"][0]["if"], "$CI_PIPELINE_SOURCE == \"schedule\" && $CUTOVER_SCHEDULE == \"cheap_one\"");
    starts_once(&desk, job["script"][0].as_str().unwrap());
}

#[test]
fn what_cannot_be_expressed_is_said_in_the_file() {
    let desk = Desk::with("cron: \"*/10 * * * * *\", catch_up: last");
    for (format, name) in [
        ("cron", "cutover.cron"),
        ("kubernetes", "cutover-cheap.cronjob.yaml"),
        ("github", "cutover-cheap.yml"),
        ("gitlab", "cutover.gitlab-ci.yml"),
    ] {
        let text = exported(&desk, format, name);
        assert!(text.contains("# left out: \"*/10 * * * * *\" has seconds"), "{format}: {text}");
        assert!(text.lines().all(|line| line.is_empty() || line.starts_with('#')), "{format}: {text}");
    }
    let timer = exported(&desk, "systemd", "cutover-cheap.timer");
    assert!(timer.contains("OnCalendar=*-*-* *:*:00,10,20,30,40,50 UTC\n"), "{timer}");
}

#[test]
fn where_nothing_is_said_the_files_fit_the_place_they_are_meant_for() {
    let desk = desk();
    let printed = |format: &str| {
        let mut command = desk.cutover(&["schedule", "export", "--format", format]);
        String::from_utf8(command.env_remove("CUTOVER_STATE").output().unwrap().stdout).unwrap()
    };
    let here = desk.path("schedules.yaml").canonicalize().unwrap().display().to_string();
    let systemd = printed("systemd");
    assert!(systemd.starts_with("# --- cutover-cheap_one.service\n"), "{systemd}");
    assert!(
        systemd.contains(&format!(
            "ExecStart={PROGRAM} schedule run cheap_one --due --schedules {here} --state /var/lib/cutover\n"
        )),
        "{systemd}"
    );
    assert!(
        printed("kubernetes")
            .contains("\"--schedules\",\"/etc/cutover/schedules.yaml\",\"--state\",\"/var/lib/cutover\"")
    );
    assert!(
        printed("github")
            .contains("\"cutover schedule run cheap_one --due --schedules schedules.yaml --state /var/lib/cutover\"")
    );
}

#[test]
fn a_time_that_clocks_leave_out_is_called_for_or_named() {
    let desk = Desk::with("cron: \"0 0 1 1 *\"");
    desk.write(
        "schedules.yaml",
        &format!("version: 1\nschedules:\n  s: {{ {RUN}, cron: \"30 2 * * *\", time_zone: Europe/Oslo }}\n"),
    );
    let next_year = jiff::Zoned::now().year() + 1;
    let after = format!("{next_year}-03-24T12:00:00Z");
    // the last Sunday of March is within the next nine days
    let next = desk.json(&["schedule", "next", "-n", "9", "--after", &after]);
    let due =
        next.as_array().unwrap().iter().map(|next| next["due"].as_str().unwrap()).find(|due| due.contains("T03:00:00"));
    let due = due.unwrap().split('+').next().unwrap().replace('T', " ");
    let timer = exported(&desk, "systemd", "cutover-s.timer");
    assert!(timer.contains(&format!("\nOnCalendar={due} Europe/Oslo\n")), "{timer}");
    assert_eq!(timer.matches("OnCalendar=").count(), 6, "{timer}");
    for (format, name) in [("kubernetes", "cutover-s.cronjob.yaml"), ("gitlab", "cutover.gitlab-ci.yml")] {
        let text = exported(&desk, format, name);
        assert!(text.contains("call when clocks skip the time") && text.contains(&due), "{text}");
    }
}
