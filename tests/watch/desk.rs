//! A sandbox with a switch in it, and the program that looks at it.

use crate::stage::{PLAYBOOK, Stage};
use cutover::effects::{Session, free_port};
use cutover::rehearsal::sandbox::Plan;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::{Duration, Instant};
use tokio::process::Command;
use tokio::task::JoinHandle;

/// Inputs for small machines, as a rehearsal sets them.
const SMALL: [(&str, &str); 5] = [
    ("min_write_iops", "10"),
    ("max_fsync", "2s"),
    ("benchmark_size", "8MiB"),
    ("benchmark_time", "1s"),
    ("quiet_for", "1s"),
];
const LIMIT: Duration = Duration::from_secs(20);
/// What is slow on two busy processors is no failure here.
const PATIENCE: Duration = Duration::from_mins(1);

pub struct Desk {
    pub stage: Stage,
    playbook: PathBuf,
    ports: [u16; 3],
}

pub struct Ended {
    pub code: i32,
    pub out: String,
    pub said: String,
}

pub fn ended(output: Output) -> Ended {
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Ended { code: output.status.code().unwrap(), out: text(output.stdout), said: text(output.stderr) }
}

pub fn looks(out: &str) -> Vec<Value> {
    out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

impl Desk {
    /// Two servers and the shipped playbook; `hooks` is the port of somebody who is told.
    pub async fn new(plan: Plan, hooks: Option<u16>) -> Self {
        let stage = Stage::with(plan).await;
        let playbook = stage.sandbox.dir().join("switch.yaml");
        let mut text = std::fs::read_to_string(PLAYBOOK).unwrap();
        if let Some(port) = hooks {
            text = text.replace("\nsteps:\n", "\non: { watch: [desk] }\n\nsteps:\n");
            let inventory = std::fs::read_to_string(stage.sandbox.inventory()).unwrap();
            let url = stage.sandbox.dir().join("url");
            std::fs::write(&url, format!("http://127.0.0.1:{port}/desk")).unwrap();
            let webhook = format!("\nwebhooks:\n  desk: {{ url: {{ file: {} }} }}\n", url.display());
            std::fs::write(stage.sandbox.inventory(), inventory + &webhook).unwrap();
        }
        std::fs::write(&playbook, text).unwrap();
        let ports = [(); 3].map(|()| free_port().unwrap());
        Self { stage, playbook, ports }
    }

    /// The same after the switch.
    pub async fn switched(plan: Plan, hooks: Option<u16>) -> Self {
        let desk = Self::new(plan, hooks).await;
        let ran = desk.run().await;
        assert_eq!(ran.code, 0, "{}{}", ran.out, ran.said);
        assert!(
            ran.out.contains("after the fence:\n  `source` is closed; since the fence: no transactions of its own")
        );
        desk
    }

    /// A statement on the old server while it is still open.
    pub async fn add(&self, statement: &str) {
        self.on_old(statement).await;
    }

    /// Statements that the old server's administrator makes after the way back is laid.
    pub fn step_at_the_end(&mut self, statements: &[&str]) {
        let list: Vec<String> = statements.iter().map(|statement| format!("\"{statement}\"")).collect();
        let step = format!(
            "\n  - {{ id: backup, needs: [tidy], uses: sql, with: {{ server: source, statements: [{}] }} }}\n",
            list.join(", ")
        );
        let text = std::fs::read_to_string(&self.playbook).unwrap();
        std::fs::write(&self.playbook, text + &step).unwrap();
    }

    pub async fn run(&self) -> Ended {
        self.carry_out(&self.playbook).await
    }

    /// `cutover run`, and no rehearsal: those tell nobody.
    pub async fn carry_out(&self, playbook: &Path) -> Ended {
        let text = std::fs::read_to_string(playbook).unwrap();
        let mut command = self.stage.cutover(&["run", "--yes"]);
        command.arg(playbook).arg("-i").arg(self.stage.sandbox.inventory());
        let takes = |name: &str| text.contains(&format!("\n  {name}:\n    type:"));
        for (name, value) in SMALL.into_iter().filter(|(name, _)| takes(name)) {
            command.args(["--set", &format!("{name}={value}")]);
        }
        for (name, port) in ["tunnel", "way_back_tunnel", "next_way_back_tunnel"].into_iter().zip(self.ports) {
            if takes(name) {
                command.args(["--set", &format!("{name}=127.0.0.1:{port}")]);
            }
        }
        ended(command.output().await.unwrap())
    }

    pub async fn say(&self, args: &[&str]) -> Ended {
        ended(self.stage.cutover(args).output().await.unwrap())
    }

    pub async fn status(&self, more: &[&str], code: i32) -> Value {
        let ended = self.say(&[&["status", "--format", "json"], more].concat()).await;
        assert_eq!(ended.code, code, "{}{}", ended.out, ended.said);
        serde_json::from_str(&ended.out).unwrap()
    }

    fn metrics_file(&self) -> PathBuf {
        self.stage.sandbox.dir().join("cutover.prom")
    }

    pub fn metrics(&self) -> String {
        std::fs::read_to_string(self.metrics_file()).unwrap()
    }

    /// Whether there is a sample of this name with this value.
    pub fn metric(&self, sample: &str) -> bool {
        let (name, value) = sample.split_once(' ').unwrap();
        self.metrics()
            .lines()
            .any(|line| line.starts_with(&format!("{name}{{")) && line.ends_with(&format!(" {value}")))
    }

    /// `cutover watch`, going on beside the test.
    pub fn watch(&self, more: &[&str]) -> JoinHandle<Output> {
        let mut command = self.stage.cutover(&["watch", "--format", "json", "--metrics"]);
        command.arg(self.metrics_file()).args(more);
        tokio::spawn(async move { command.output().await.unwrap() })
    }

    /// What `watch_on` prints.
    pub fn seen(&self) -> PathBuf {
        self.stage.sandbox.dir().join("seen")
    }

    /// `cutover watch` of whichever switch is the newest, at a quick pace.
    pub fn watch_on(&self) -> Command {
        let mut command = self.stage.cutover(&["watch", "--format", "json", "--every", "50ms"]);
        command.stdout(std::fs::File::create(self.seen()).unwrap());
        command
    }

    async fn once(&self) -> (Ended, Value) {
        let ended = ended(self.watch(&["--once"]).await.unwrap());
        let mut looks = looks(&ended.out);
        assert_eq!(looks.len(), 1, "{}{}", ended.out, ended.said);
        let look = looks.remove(0);
        (ended, look)
    }

    /// What one look finds that ends with this code.
    pub async fn look(&self, code: i32) -> Value {
        let (ended, look) = self.once().await;
        assert_eq!(ended.code, code, "{look:#}{}", ended.said);
        look
    }

    pub async fn well(&self) -> Value {
        let look = self.look(0).await;
        assert_eq!(look["verdict"], "well", "{look:#}");
        look
    }

    pub async fn until_well(&self) {
        let begin = Instant::now();
        loop {
            let (ended, look) = self.once().await;
            if ended.code == 0 {
                return;
            }
            assert!(begin.elapsed() < PATIENCE, "it is never well again: {look:#}");
        }
    }

    async fn old(&self) -> Session {
        self.stage.sandbox.on_source().await.unwrap()
    }

    pub async fn on_old(&self, statements: &str) {
        let session = self.old().await;
        for statement in statements.split("; ") {
            session.exec(cutover::domain::Sql::verbatim(statement), LIMIT).await.unwrap();
        }
        session.close().await;
    }

    /// As an administrator: `super_read_only` of MySQL is lifted for as long as it takes.
    pub async fn past_the_fence(&self, statements: &str) {
        let is_mariadb = self.stage.sandbox.source.dialect().is_mariadb();
        if !is_mariadb {
            self.on_old("SET GLOBAL super_read_only = OFF").await;
        }
        self.on_old(statements).await;
        if !is_mariadb {
            self.on_old("SET GLOBAL super_read_only = ON").await;
        }
    }

    /// Closed again, as the switch had left it.
    pub async fn close(&self) {
        self.on_old(self.stage.sandbox.source.dialect().close_replica()).await;
    }
}
