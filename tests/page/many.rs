//! Ten thousand recorded runs and two hundred schedules: the page, `list` and metrics answer at once, and the process stays small.

use super::call::get;
use super::served::{Before, Served};
use cutover::store::{Event, Journal, Outcome, RunHead, Store, chain};
use prometheus_parse::{Scrape, Value};
use std::process::Command;
use std::time::{Duration, Instant};

const RUNS: usize = 10_000;
const SCHEDULES: usize = 200;
/// Unhurried programs on a busy machine take many times as long as those that people use: what is held here is only that
/// nobody reads ten thousand journals one by one.
const AT_ONCE: Duration = Duration::from_millis(if cfg!(debug_assertions) { 5000 } else { 100 });
const MEMORY: u64 = 100 << 20;

/// Runs of a plan of the usual size, with the entries that lists and sums live on. Not on disk before it is all written:
/// ten thousand runs took ten thousand syncs.
fn fill(before: &Before) {
    let folder = before.state.parent().unwrap();
    let playbook = "version: 1\nname: small\nsteps:\n  - { id: wait, uses: approve }\n";
    std::fs::write(folder.join("playbook.yaml"), playbook).unwrap();
    let schedule = |number: usize| {
        format!(
            "  s{number:03}: {{ action: plan, playbook: playbook.yaml, cron: \"0 4 1 1 *\", time_zone: Europe/Oslo }}\n"
        )
    };
    let all: String = (0..SCHEDULES).map(schedule).collect();
    std::fs::write(folder.join("schedules.yaml"), format!("version: 1\nschedules:\n{all}")).unwrap();
    drop(Store::open(&before.state).unwrap());
    let plan = format!(r#"{{"steps":[{{"id":"copy","uses":"dump"}}],"padding":"{}"}}"#, "x".repeat(50_000));
    let connection = rusqlite::Connection::open(before.state.join("journal.sqlite")).unwrap();
    connection.pragma_update(None, "synchronous", "OFF").unwrap();
    let step = || "copy".to_owned();
    let outputs: cutover::kinds::Outputs = [("bytes".to_owned(), 1000.into())].into_iter().collect();
    connection.execute_batch("BEGIN").unwrap();
    for number in 0..RUNS {
        let (id, created) = (format!("20260101-000000-{number:05}"), i64::try_from(number).unwrap() * 1000);
        let head = RunHead { id, playbook: "replication-swap".into(), hash: "h".into(), created };
        let insert = "INSERT INTO run (id, playbook, hash, created, plan) VALUES (?1, ?2, ?3, ?4, ?5)";
        connection.execute(insert, (&head.id, &head.playbook, &head.hash, head.created, &plan)).unwrap();
        let outcome = if number % 10 == 0 { Outcome::RolledBack } else { Outcome::Done };
        let events = [
            Event::RunStarted {
                epoch: 1,
                runner: "me".into(),
                folder: String::new(),
                sources: None,
                revision: None,
                by: None,
            },
            Event::StepIntent { step: step(), attempt: 1 },
            Event::StepDone { step: step(), outputs: outputs.clone() },
            Event::RunFinished { outcome },
        ];
        let mut hash = chain::root(&head);
        for (seq, event) in (1..).zip(events) {
            let insert = "INSERT INTO event (run, seq, at, data, hash) VALUES (?1, ?2, ?3, ?4, ?5)";
            let (at, data) = (created + i64::from(seq) * 40, serde_json::to_string(&event).unwrap());
            hash = chain::link(&hash, &head.id, seq, at, data.as_bytes());
            connection.execute(insert, (&head.id, seq, at, data, &hash)).unwrap();
        }
    }
    connection.execute_batch("COMMIT").unwrap();
}

/// The shortest of a few times: what else the machine does is no part of it.
fn fastest(mut work: impl FnMut()) -> Duration {
    let times = (0..5).map(|_| {
        let begin = Instant::now();
        work();
        begin.elapsed()
    });
    times.min().unwrap()
}

#[test]
fn ten_thousand_runs_are_listed_at_once() {
    let served = Served::new(&[], fill);
    let mut figures = Vec::new();
    for path in ["/", "/?outcome=rolled_back&page=3", "/?page=199", "/metrics"] {
        let took = fastest(|| assert_eq!(get(served.address, path).status, 200));
        assert!(took < AT_ONCE, "{path} took {took:?}");
        figures.push(format!("{path} {took:.1?}"));
    }
    let list = |format: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cutover"));
        command.args(["list", "--format", format, "--state"]).arg(served.state()).output().unwrap()
    };
    for format in ["text", "json"] {
        let took = fastest(|| assert!(list(format).status.success()));
        assert!(took < AT_ONCE, "list --format {format} took {took:?}");
        figures.push(format!("list {format} {took:.1?}"));
    }
    let runs: Vec<serde_json::Value> = serde_json::from_slice(&list("json").stdout).unwrap();
    assert_eq!((runs.len(), &runs[10]["outcome"]), (RUNS, &"rolled back".into()));
    assert!(served.memory() < MEMORY, "{} bytes", served.memory());
    println!("{}, {} MiB", figures.join(", "), served.memory() >> 20);
    let page = get(served.address, "/?outcome=rolled_back&page=3").body;
    assert!(page.contains("page 4 of 20") && page.contains("20260101-000000-08490"), "{page}");
    let metrics = get(served.address, "/metrics").body;
    let scrape = Scrape::parse(metrics.lines().map(|line| Ok(line.to_owned()))).unwrap();
    let value = |name: &str, result: Option<&str>| {
        let mut all = scrape.samples.iter().filter(|sample| sample.metric == name);
        all.find(|sample| sample.labels.get("result") == result).map(|sample| sample.value.clone())
    };
    assert_eq!(value("cutover_runs", Some("done")), Some(Value::Gauge(9000.0)));
    assert_eq!(value("cutover_runs", Some("rolled_back")), Some(Value::Gauge(1000.0)));
    assert_eq!(value("cutover_running", None), Some(Value::Gauge(0.0)));
    assert_eq!(value("cutover_bytes_copied_total", None), Some(Value::Counter(1e7)));
    assert!(value("cutover_replication_lag_seconds", None).is_none(), "nothing runs");
    assert_eq!(value("cutover_outbox_depth", None), Some(Value::Gauge(0.0)));
    let next = scrape.samples.iter().filter(|sample| sample.metric == "cutover_next_start_seconds");
    assert_eq!(next.count(), SCHEDULES);
    assert!(get(served.address, "/").body.contains("<strong>s199</strong>"), "schedules are on the first page");
    let journal = Store::open(&served.state()).unwrap();
    assert_eq!(journal.runs().unwrap().len(), RUNS);
}
