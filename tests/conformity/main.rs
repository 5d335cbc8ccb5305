//! A run does what its plan says and nothing else: every statement that two real servers logged from the program's
//! account stands in the plan, in a run that is rolled back from within the switch and in one that is done.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod general_log;
mod hosts;
#[path = "../lab/mod.rs"]
mod lab;
mod product;
#[path = "../stage/mod.rs"]
mod stage;
mod unplanned;

use cutover::dialect::lock;
use cutover::domain::Sql;
use cutover::domain::marker;
use cutover::effects::INIT;
use cutover::rehearsal::server::Server;
use general_log::{Conversation, conversations};
use serde_json::Value;
use stage::{PLAYBOOK, Stage, complaint};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

const FAILBACK: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/playbooks/failback.yaml");
/// Who speaks besides the program when data is copied.
/// The look tries a dump of the definitions first.
const COPY: [(&str, Speaker); 3] =
    [("source", Speaker::DumpProgram), ("source", Speaker::DumpProgram), ("target", Speaker::Client)];
const LIMIT: Duration = Duration::from_secs(20);

/// Statements of a plan by server, markers in them standing for anything.
struct Planned(BTreeMap<String, Vec<String>>);

impl Planned {
    fn new(plan: &Value) -> Self {
        let mut planned = Self(BTreeMap::new());
        planned.collect(plan);
        let only_a_marker = |text: &str| marker::find(text).next().is_some_and(|(range, _)| range == (0..text.len()));
        assert!(!planned.0.values().flatten().any(|text| only_a_marker(text)), "such a statement would match all");
        planned
    }
    fn collect(&mut self, value: &Value) {
        match value {
            Value::Object(action) if action.get("do").is_some_and(|kind| kind == "sql") => {
                let statement: Sql = serde_json::from_value(action["statement"].clone()).unwrap();
                let server = action["server"].as_str().unwrap().to_owned();
                self.0.entry(server).or_default().push(statement.to_string());
            }
            Value::Object(map) => map.values().for_each(|inner| self.collect(inner)),
            Value::Array(items) => items.iter().for_each(|inner| self.collect(inner)),
            _ => {}
        }
    }
    fn has(&self, server: &str, statement: &str) -> bool {
        self.0[server].iter().any(|planned| matches(planned, statement))
    }
}

/// Whether `text` is `planned` with something put in for every marker.
fn matches(planned: &str, text: &str) -> bool {
    let mut pieces = Vec::new();
    let mut last = 0;
    for (range, _) in marker::find(planned) {
        pieces.push(&planned[last..range.start]);
        last = range.end;
    }
    let end = &planned[last..];
    let Some((first, between)) = pieces.split_first() else { return planned == text };
    let Some(mut rest) = text.strip_prefix(first).and_then(|rest| rest.strip_suffix(end)) else { return false };
    between.iter().all(|piece| match rest.find(piece) {
        Some(at) => {
            rest = &rest[at + piece.len()..];
            true
        }
        None => false,
    })
}

/// Who speaks in a connection of the account that the program and its helpers use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Speaker {
    Program,
    /// `mariadb-dump`, known by the statement that the plan's option file gives it.
    DumpProgram,
    /// The client that loads the dump, known by the preamble that the plan's command gives it.
    Client,
}

fn speaker(conversation: &Conversation) -> Option<Speaker> {
    let first = conversation.statements.first()?;
    Some(match first.as_str() {
        first if first.starts_with("SET SESSION autocommit=1, sql_select_limit=") => Speaker::DumpProgram,
        "SET SESSION sql_log_bin = 0" => Speaker::Client,
        first => {
            assert!(first == INIT || first.starts_with("KILL QUERY "), "an unknown speaker: {first}");
            Speaker::Program
        }
    })
}

/// The servers' logs, read on from where they were read to.
struct Logs([(String, PathBuf, usize); 2]);

impl Logs {
    fn next(&mut self) -> BTreeMap<String, Vec<Conversation>> {
        let read = self.0.iter_mut().map(|(server, path, at)| {
            let bytes = std::fs::read(path).unwrap();
            let text = String::from_utf8_lossy(&bytes[*at..]).into_owned();
            *at = bytes.len();
            (server.clone(), conversations(&text))
        });
        read.collect()
    }
}

/// Both servers log from now on, the target through its restarts too, whichever configuration it runs with.
async fn log_everything(stage: &Stage) -> Logs {
    let sandbox = &stage.sandbox;
    let servers = [(&sandbox.source, sandbox.on_source().await), (&sandbox.target, sandbox.on_target().await)];
    let logs = servers.map(|(server, session)| {
        let path = server.data_dir().join("general.log");
        (server.name().to_owned(), path, session.unwrap())
    });
    let target = &sandbox.target.config_file();
    let lines = format!("general_log = ON\ngeneral_log_file = {}\n", logs[1].1.display());
    let config = std::fs::read_to_string(target).unwrap();
    std::fs::write(target, format!("{config}{lines}")).unwrap();
    let inventory = std::fs::read_to_string(sandbox.inventory()).unwrap();
    let place = format!("      ssl_cert: \"{}/target-cert.pem\"\n", sandbox.dir().join("tls").display());
    assert!(inventory.contains(&place), "{inventory}");
    let settings = format!("      general_log: true\n      general_log_file: {}\n", logs[1].1.display());
    std::fs::write(sandbox.inventory(), inventory.replace(&place, &format!("{place}{settings}"))).unwrap();
    for (_, path, session) in &logs {
        session
            .exec(Sql::verbatim(format!("SET GLOBAL general_log_file = '{}'", path.display())), LIMIT)
            .await
            .unwrap();
        session.exec("SET GLOBAL general_log = ON", LIMIT).await.unwrap();
        session.close().await;
    }
    Logs(logs.map(|(server, path, _)| (server, path, 0)))
}

/// The shipped playbook without checkpoints and with a step in the switch that fails: everything before it is taken back.
fn stumbling(stage: &Stage) -> PathBuf {
    let text = std::fs::read_to_string(PLAYBOOK).unwrap();
    let text: String = text.split_inclusive('\n').filter(|line| !line.starts_with("    keep: true")).collect();
    let place = "      - id: promote\n";
    assert!(text.contains(place));
    let step =
        "      - { id: stumble, uses: command, retry: { attempts: 1 }, with: { host: app, run: [\"false\"] } }\n";
    let path = stage.sandbox.dir().join("stumbling.yaml");
    std::fs::write(&path, text.replace(place, &format!("{step}{place}"))).unwrap();
    path
}

/// Plans and runs, and compares what the servers saw. Returns the program's statements by server.
async fn compare(
    stage: &Stage,
    logs: &mut Logs,
    playbook: &Path,
    code: i32,
    helpers: &[(&str, Speaker)],
) -> BTreeMap<String, Vec<String>> {
    logs.next();
    let plan = stage.with_playbook(&["plan", "--format", "json"], playbook).await;
    assert!(plan.status.success(), "{}", complaint(&plan));
    // others may come at any moment: a replica that connects again, a server's own ping after a restart
    let ours = |known: &Conversation| known.user == Server::ACCOUNT;
    let touched: Vec<Conversation> = logs.next().into_values().flatten().filter(ours).collect();
    assert!(touched.is_empty(), "making a plan touches no server: {touched:#?}");
    let planned = Planned::new(&serde_json::from_slice(&plan.stdout).unwrap());
    assert!(!planned.has("source", "DROP DATABASE shop") && !planned.has("target", "SELECT 1"));

    let ran = stage.with_playbook(&["run", "--yes"], playbook).await;
    assert_eq!(ran.status.code(), Some(code), "{}", complaint(&ran));
    let mut said: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut others = Vec::new();
    for (server, conversations) in logs.next() {
        for conversation in conversations.iter().filter(|known| known.user == Server::ACCOUNT) {
            match speaker(conversation) {
                Some(Speaker::Program) => {
                    assert_eq!(conversation.other_commands, Vec::<String>::new());
                    said.entry(server.clone()).or_default().extend(conversation.statements.iter().cloned());
                }
                Some(other) => others.push((server.clone(), other)),
                None => assert_eq!(conversation.other_commands, Vec::<String>::new()),
            }
        }
    }
    assert_eq!(others.iter().map(|(server, who)| (server.as_str(), *who)).collect::<Vec<_>>(), helpers);
    let unplanned: Vec<_> = said
        .iter()
        .flat_map(|(server, said)| said.iter().map(move |statement| (server, statement)))
        .filter(|(server, statement)| !planned.has(server, statement))
        .collect();
    assert!(unplanned.is_empty(), "these statements were executed and not planned: {unplanned:#?}");
    said
}

#[tokio::test(flavor = "multi_thread")]
async fn every_statement_a_run_executes_stood_in_its_plan() {
    let stage = Stage::new().await;
    let mut logs = log_everything(&stage).await;

    let said = compare(&stage, &mut logs, &stumbling(&stage), 3, &COPY).await;
    let seen = |server: &str, text: &str| said[server].iter().any(|statement| statement == text);
    for text in [INIT, "SELECT VERSION()", lock::HOLDERS, "FLUSH TABLES WITH READ LOCK", "UNLOCK TABLES"] {
        assert!(seen("source", text), "{text}");
    }
    for text in [lock::HOLDERS, "START SLAVE", "RESET SLAVE ALL", "DROP DATABASE IF EXISTS `shop`"] {
        assert!(seen("target", text), "{text}");
    }

    let said = compare(&stage, &mut logs, Path::new(PLAYBOOK), 0, &COPY).await;
    let seen = |server: &str, text: &str| said[server].iter().any(|statement| statement == text);
    assert!(seen("source", "FLUSH TABLES WITH READ LOCK") && seen("source", "UNLOCK TABLES"));
    assert!(seen("target", "SET GLOBAL read_only = OFF") && seen("target", "RESET SLAVE ALL"));
    assert!(seen("target", "SET GLOBAL event_scheduler = ON"));

    let said = compare(&stage, &mut logs, Path::new(FAILBACK), 0, &[]).await;
    let seen = |server: &str, text: &str| said[server].iter().any(|statement| statement == text);
    assert!(seen("source", "SET GLOBAL read_only = OFF") && seen("target", "FLUSH TABLES WITH READ LOCK"));
    assert!(seen("target", "UNLOCK TABLES"), "what stops writers would stop the applier too");
}

#[test]
fn a_marker_stands_for_anything_and_nothing_else_does() {
    assert!(matches("KILL CONNECTION ‹id›", "KILL CONNECTION 17") && matches("A ‹x› B ‹y›", "A 1 B "));
    assert!(matches("SELECT 1", "SELECT 1") && !matches("SELECT 1", "SELECT 12"));
    assert!(!matches("KILL CONNECTION ‹id›", "KILL QUERY 17") && !matches("A ‹x› B ‹y› C", "A 1 C"));
}
