//! A trial with effects of every kind: programs on two hosts and here, statements on two servers, a file.

use crate::contest::{Contest, FIRST, MARK};
use crate::judge::{Link, judge, judge_ends};
use crate::lane::Lane;
use crate::process::{Program, command_lines, end_all, marked, until};
use crate::strike::Course;
use crate::trace::{Trace, What};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

const WORK: &str = include_str!("work.sh");
/// About the time that an undisturbed run takes from its first effect to its last.
const COURSE: Duration = Duration::from_millis(3700);
const FILE: &str = "written by the step c\n";

/// The chain; `c`, which writes the file, leaves no lines.
const CHAIN: [Link; 7] = [
    Link { step: "a", proves_itself: true },
    Link { step: "b", proves_itself: false },
    Link { step: "d", proves_itself: true },
    Link { step: "e", proves_itself: false },
    Link { step: "f", proves_itself: true },
    Link { step: "g", proves_itself: false },
    Link { step: "h", proves_itself: true },
];

/// A trial's folder, and the lane it is held in.
struct Trial<'a> {
    lane: &'a Lane,
    folder: PathBuf,
    database: String,
}

/// Holds the trial of a seed: what it was, and what is wrong.
pub fn hold(lane: &Lane, seed: u64) -> (String, Vec<String>) {
    let database = format!("t{seed}");
    let trial = Trial { lane, folder: lane.folder(&database), database };
    trial.set_up();
    let mut first = trial.command(&trial.folder.join("state"), &["run"]);
    first.arg(trial.folder.join("playbook.yaml")).arg("-i").arg(trial.folder.join("inventory.yaml"));
    let first = Program::start(first.env(FIRST, trial.mark()), &trial.folder);
    let begun = || std::fs::read_to_string(trial.folder.join("trace")).is_ok_and(|trace| !trace.is_empty());
    until("the first effect begins", Duration::from_mins(1), begun);
    let course = Course::of(seed, COURSE);
    let outcome = Contest {
        course,
        begin: Instant::now(),
        folder: &trial.folder,
        state: trial.folder.join("state"),
        mark: trial.mark(),
        resume: &|state| trial.command(state, &["resume"]),
        under_way: &|| trial.under_way(),
        ends: &[0],
    }
    .hold(first);
    let trace = trial.trace();
    let mut wrong = judge(&trace, &CHAIN, &outcome.under_way);
    wrong.extend(judge_ends(&outcome.judged(), &[0]));
    wrong.extend(judge_file(&trace.file));
    let told = format!("{course:?}, at {:?}: {}", outcome.under_way, outcome.in_words());
    let said = if wrong.is_empty() && outcome.wrong.is_empty() { Vec::new() } else { outcome.said };
    (told, [outcome.wrong, wrong, said].concat())
}

/// A file that is written again after the next step has added its line has lost that line.
fn judge_file(text: &str) -> Option<String> {
    let right = text.strip_prefix(FILE).is_some_and(|rest| rest.lines().all(|line| line == "d") && !rest.is_empty());
    (!right).then(|| format!("the file holds {text:?}"))
}

impl Trial<'_> {
    fn set_up(&self) {
        let (folder, at) = (self.folder.display(), |name: &str| self.folder.join(name));
        std::fs::create_dir(at("templates")).unwrap();
        for (name, text) in [
            ("work.sh", WORK),
            ("templates/file.j2", FILE),
            ("inventory.yaml", &self.lane.inventory()),
            ("playbook.yaml", &playbook(&folder.to_string(), &self.database)),
        ] {
            std::fs::write(at(name), text).unwrap();
        }
        let table = "(nr INT AUTO_INCREMENT PRIMARY KEY, at BIGINT, step TEXT, conn BIGINT, what TEXT)";
        let database = &self.database;
        let statements = [format!("CREATE DATABASE {database}"), format!("CREATE TABLE {database}.trace {table}")];
        self.lane.on_both(&statements);
    }

    fn command(&self, state: &Path, words: &[&str]) -> Command {
        let mut command = self.lane.cutover();
        command.args(words).arg("--state").arg(state).current_dir(&self.folder).env(MARK, self.mark());
        command
    }

    /// Two lanes may hold a trial of the same seed in two test programs.
    fn mark(&self) -> String {
        self.folder.display().to_string()
    }

    fn under_way(&self) -> BTreeSet<String> {
        let output = self.command(&self.folder.join("state"), &["status", "--format", "json"]).output().unwrap();
        running(&serde_json::from_slice(&output.stdout).unwrap_or_default())
    }

    fn trace(&self) -> Trace {
        let read = |name: &str| std::fs::read_to_string(self.folder.join(name)).unwrap_or_default();
        let mut trace = Trace { file: read("file"), ..Trace::default() };
        trace.add(&read("trace"));
        let select = format!("SELECT CONCAT_WS(' ', at, step, conn, what) FROM {}.trace", self.database);
        for lines in self.lane.on_both(&[select]) {
            trace.add(&lines.join("\n"));
        }
        for link in CHAIN {
            let programs = read(&format!("done.{}", link.step)).lines().count();
            let is_end = |line: &&crate::trace::Line| line.step == link.step && line.what == What::End;
            let ends = trace.lines.iter().filter(is_end).count();
            trace.effects.insert(link.step.to_owned(), if link.proves_itself { programs } else { ends });
        }
        trace
    }
}

impl Drop for Trial<'_> {
    fn drop(&mut self) {
        let mark = self.mark();
        let on_hosts = |line: &(u32, String)| line.1.contains(&mark).then_some(line.0);
        end_all(|| command_lines().iter().filter_map(on_hosts).collect());
        end_all(|| marked(&format!("{MARK}={mark}")));
    }
}

/// Steps that are under way, by a run's summary.
pub fn running(summary: &Value) -> BTreeSet<String> {
    let steps = summary["steps"].as_array().into_iter().flatten();
    let under_way =
        steps.filter(|step| !["pending", "succeeded"].contains(&step["status"].as_str().unwrap_or("pending")));
    under_way.filter_map(|step| step["id"].as_str().map(str::to_owned)).collect()
}

fn playbook(folder: &str, database: &str) -> String {
    let now = "CAST(UNIX_TIMESTAMP(SYSDATE(6)) * 1000000 AS UNSIGNED)";
    let command = |host: &str, step: &str, file: &str| {
        let words = format!("[sh, {folder}/work.sh, {folder}, {step}{file}]");
        format!("uses: command, with: {{ host: {host}, run: {words}, creates: {folder}/done.{step} }}")
    };
    let sql = |server: &str, step: &str| {
        let row = |what: &str| {
            format!(
                "\"INSERT INTO {database}.trace (at, step, conn, what) \
                 VALUES ({now}, '{step}', CONNECTION_ID(), '{what}')\""
            )
        };
        let statements = format!("[{}, \"SELECT SLEEP(0.5)\", {}]", row("begin"), row("end"));
        format!("uses: sql, with: {{ server: {server}, statements: {statements} }}")
    };
    let steps = [
        ("a", command("old", "a", "")),
        ("b", sql("source", "b")),
        ("c", format!("uses: render, with: {{ template: file.j2, host: new, path: {folder}/file }}")),
        ("d", command("new", "d", &format!(", {folder}/file"))),
        ("e", sql("target", "e")),
        ("f", command("local", "f", "")),
        ("g", sql("source", "g")),
        ("h", command("old", "h", "")),
    ];
    let head = "version: 1\nname: trial\ndefaults: { timeout: 1m, retry: { attempts: 40, delay: 1s, max_delay: 1s } }\nsteps:\n";
    let mut text = head.to_owned();
    let mut before = String::new();
    for (step, what) in steps {
        let _ = writeln!(text, "  - {{ id: {step}, {before}on_failure: stop, {what} }}"); // a String takes everything
        before = format!("needs: [{step}], ");
    }
    text
}

#[test]
fn a_file_that_was_written_again_is_found() {
    assert_eq!(judge_file("written by the step c\nd\n"), None);
    for wrong in ["", "written by the step c\n", "d\nwritten by the step c\n", "written by the step c\nx\n"] {
        assert!(judge_file(wrong).is_some(), "{wrong:?}");
    }
}
