//! Two real servers, each on a host of its own behind an sshd, and hands to work a single step on them.

#[path = "../skip/mod.rs"]
mod skip;

use async_trait::async_trait;
use cutover::domain::product::Family;
use cutover::domain::{Permits, Sql};
use cutover::effects::Answer as Given;
use cutover::effects::{Activity, Approvals, Decision, Effects, Rule, Secrets, Session, free_port};
use cutover::error::{Failure, Result};
use cutover::kinds::{Action, Ctx, Finding, Memo, Outputs, Probe, Progress, Step, Update, find};
use cutover::playbook::template::Templates;
use cutover::playbook::world::World;
use cutover::rehearsal::server::{Choice, Profile, Server, Setup};
use cutover::rehearsal::shop;
use cutover::rehearsal::sshd::Sshd;
use cutover::rehearsal::work_folder::WorkFolder;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio_util::sync::CancellationToken;

pub use skip::mysql;

pub const LOOK: Duration = Duration::from_secs(20);
const PASSWORDS: [(&str, &str); 4] =
    [("source", "alt#'wort"), ("target", "neu\"wort"), ("repl", "folge"), ("shop", "laden")];

/// Both servers and their hosts; everything ends when it is dropped.
pub struct Bench {
    fx: Mutex<Arc<Effects>>,
    pub source: Server,
    pub target: Server,
    hosts: tokio::sync::Mutex<Vec<Sshd>>,
    pub world: World,
    pub tunnel: String,
    pub answer: Arc<Answer>,
    pub folder: TempDir,
    _work: WorkFolder,
}

/// What people decide, once they do.
#[derive(Default)]
pub struct Answer(pub Mutex<Option<Decision>>);

#[async_trait]
impl Approvals for Answer {
    async fn answer(&self, _: &str, _: &str, _: &Rule) -> Result<Given> {
        Ok(match self.0.lock().unwrap().clone() {
            None => Given::Open,
            Some(decision) if decision.approved => Given::Approved(vec![decision.by]),
            Some(decision) => Given::Refused(decision),
        })
    }
}

/// A memo that lives as long as the test.
#[derive(Default)]
pub struct Notes(pub Mutex<Map<String, Value>>);

#[async_trait]
impl Memo for Notes {
    fn get(&self, key: &str) -> Option<Value> {
        self.0.lock().unwrap().get(key).cloned()
    }
    async fn set(&self, key: &str, value: Value) -> Result<()> {
        self.0.lock().unwrap().insert(key.into(), value);
        Ok(())
    }
}

impl Bench {
    /// Servers without any data.
    pub async fn new() -> Self {
        Self::with(|_| {}).await
    }

    /// Servers, the old one with the shop's database.
    pub async fn with_shop(rows: u64) -> Self {
        let bench = Self::new().await;
        shop::prepare(&*bench.sql("source").await, rows).await.unwrap();
        bench
    }

    /// Servers of a family.
    pub async fn of(family: Family) -> Self {
        Self::between(family, family, |_| {}).await
    }

    /// Servers, and an inventory that a test has changed.
    pub async fn with(change: impl FnOnce(&mut Value)) -> Self {
        Self::between(Family::MariaDb, Family::MariaDb, change).await
    }

    /// Servers of two families, or of one.
    pub async fn between(source: Family, target: Family, change: impl FnOnce(&mut Value)) -> Self {
        Self::with_options(source, target, &[], change).await
    }

    /// The same, both servers with further lines in their configuration.
    pub async fn with_options(source: Family, target: Family, lines: &[&str], change: impl FnOnce(&mut Value)) -> Self {
        let families = [source, target];
        let folder = tempfile::tempdir().unwrap();
        let work = WorkFolder::make().unwrap();
        std::os::unix::fs::symlink(work.path(), folder.path().join("work")).unwrap();
        for (name, password) in PASSWORDS {
            std::fs::write(folder.path().join(name), password).unwrap();
        }
        let server = |name: &str, number: usize, options: &[&str]| Setup {
            name: name.into(),
            dir: folder.path().join(format!("s{number}")),
            program: Choice::Family(families[number]),
            port: None,
            profile: Profile::Production,
            password: PASSWORDS[number].1.into(),
            options: options.iter().chain(lines).map(|&line| line.into()).collect(),
        };
        let ssh = folder.path().join("ssh");
        let (source, target, old, new) = tokio::join!(
            Server::start(server("source", 0, &["# as it was"])),
            Server::start(server("target", 1, &["server_id = 2", "read_only = ON"])),
            Sshd::start(&ssh, "old"),
            Sshd::start(&ssh, "new"),
        );
        let (source, target, hosts) = (source.unwrap(), target.unwrap(), vec![old.unwrap(), new.unwrap()]);
        let mut inventory = inventory(&work, &folder, &source, &target, &hosts);
        change(&mut inventory);
        let world = World {
            inventory: serde_json::from_value(inventory).unwrap(),
            templates: Templates(
                [("app.env.j2".to_owned(), include_str!("../../templates/app.env.j2").to_owned())].into(),
            ),
        };
        let answer = Arc::new(Answer::default());
        let fx = Mutex::new(hands(&folder, &world, &answer, "c0"));
        let tunnel = format!("127.0.0.1:{}", free_port().unwrap());
        Self { fx, source, target, hosts: hosts.into(), world, tunnel, answer, folder, _work: work }
    }

    pub fn fx(&self) -> Arc<Effects> {
        self.fx.lock().unwrap().clone()
    }

    /// What the end of the runner does: every connection is gone, and a new runner has new ones.
    pub async fn die(&self) {
        let old =
            std::mem::replace(&mut *self.fx.lock().unwrap(), hands(&self.folder, &self.world, &self.answer, "c1"));
        old.close().await;
    }

    /// A new runner for a world that a test has changed.
    pub async fn anew(&mut self) {
        let new = hands(&self.folder, &self.world, &self.answer, "c2");
        let old = std::mem::replace(&mut *self.fx.lock().unwrap(), new);
        old.close().await;
    }

    /// The same, and the hands of the old one, which go on as whom they were.
    pub fn beside(&self) -> Arc<Effects> {
        std::mem::replace(&mut *self.fx.lock().unwrap(), hands(&self.folder, &self.world, &self.answer, "c4"))
    }

    /// A statement of the administrator, whoever the inventory names.
    pub async fn root(&self, server: &str, sql: &str) {
        let mut world = self.world.clone();
        world.inventory.servers.get_mut(server).unwrap().user = Server::ACCOUNT.into();
        let fx = hands(&self.folder, &world, &self.answer, "c3");
        let session = fx.sql(server).await.unwrap();
        session.exec("SET SESSION sql_log_bin = 0", LOOK).await.unwrap();
        session.exec(Sql::verbatim(sql), LOOK).await.unwrap();
        fx.close().await;
    }

    /// The sshd of a host goes away, with every connection, for a time.
    pub async fn without_sshd(&self, host: &str, time: Duration) {
        let mut hosts = self.hosts.lock().await;
        let sshd = hosts.iter_mut().find(|sshd| sshd.name() == host).unwrap();
        sshd.stop();
        tokio::time::sleep(time).await;
        sshd.come_back().await.unwrap();
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
    pub fn text(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    /// Puts a program of its own before the others of a host.
    pub fn program(&self, host: &str, name: &str, script: &str) -> PathBuf {
        let folder = self.path(&format!("ssh/{host}/home/bin"));
        std::fs::create_dir_all(&folder).unwrap();
        // made beside it and moved: a link that stands there leads to a program of the machine, which is not ours to write
        let (made, path) = (folder.join(format!(".{name}")), folder.join(name));
        std::fs::write(&made, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&made, std::fs::Permissions::from_mode(0o755)).unwrap();
        std::fs::rename(&made, &path).unwrap();
        path
    }

    pub async fn sql(&self, server: &str) -> Arc<Session> {
        self.fx().sql(server).await.unwrap()
    }
    /// One value.
    pub async fn ask(&self, server: &str, sql: &str) -> String {
        let rows = self.sql(server).await.query(Sql::verbatim(sql), LOOK).await.unwrap();
        rows.value().unwrap_or("nothing").to_owned()
    }
    pub async fn exec(&self, server: &str, sql: &str) {
        self.sql(server).await.exec(Sql::verbatim(sql), LOOK).await.unwrap();
    }
    /// What an account, quoted, was granted.
    pub async fn grants(&self, server: &str, account: &str) -> Vec<String> {
        let question = Sql::verbatim(format!("SHOW GRANTS FOR {account}"));
        let rows = self.sql(server).await.query(question, LOOK).await.unwrap();
        rows.iter().filter_map(|row| row.at(0).map(str::to_owned)).collect()
    }
    /// One column of the first row.
    pub async fn column(&self, server: &str, sql: &str, name: &str) -> String {
        let rows = self.sql(server).await.query(Sql::verbatim(sql), LOOK).await.unwrap();
        rows.first().and_then(|row| row.get(name).map(str::to_owned)).unwrap_or_else(|| "nothing".into())
    }
    /// Another connection of the administrator, as other programs have it.
    pub async fn stranger(&self, server: &str) -> Arc<Session> {
        let fx = hands(&self.folder, &self.world, &self.answer, "c9");
        fx.sql(server).await.unwrap()
    }
    /// Where the source's log ends, as a step's parameter.
    pub async fn position(&self) -> Value {
        self.position_of("source").await
    }
    /// Where a server's log ends.
    pub async fn position_of(&self, server: &str) -> Value {
        let show = self.source.dialect().binlog_position();
        let rows = self.sql(server).await.query(show, LOOK).await.unwrap();
        let row = rows.first().unwrap();
        json!({ "file": row.get("File"), "offset": row.get("Position").unwrap().parse::<u64>().unwrap() })
    }

    /// Makes the target a replica of the source, from where the source's log ends.
    pub async fn replicate(&self) {
        let dialect = self.source.dialect();
        self.exec("source", &dialect.drop_account("repl", "127.0.0.1").to_string()).await; // a test may do this more than once
        for statement in dialect.create_replication_account("repl", "127.0.0.1", "folge", false) {
            self.exec("source", &statement.to_string()).await;
        }
        let with = json!({ "replica": "target", "source": "source", "position": self.position().await,
                           "through": { "step": "tunnel", "listen": self.source.address() } });
        self.step("change_source", &with).execute().await.unwrap();
    }
    /// Waits until the target has applied everything.
    pub async fn caught_up(&self) {
        self.has_all("target", "source").await;
    }
    /// Waits until one server has applied everything of the other.
    pub async fn has_all(&self, replica: &str, source: &str) {
        let here = self.position_of(source).await;
        let (file, offset) = (here["file"].as_str().unwrap(), here["offset"].as_u64().unwrap());
        let wait = self.source.dialect().wait_for_position(file, offset.to_string(), 10).to_string();
        let mut waited = String::new();
        for _ in 0..50 {
            waited = self.ask(replica, &wait).await;
            if waited.parse::<i64>().is_ok() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(200)).await; // what applies is stopped, and is just being started again
        }
        assert!(waited.parse::<i64>().is_ok_and(|events| events >= 0), "{waited}");
    }

    /// A step, with a memo of its own.
    pub fn step(&self, kind: &str, with: &Value) -> Work<'_> {
        let mut with = with.clone();
        if kind == "promote" && with.get("verified").is_none() {
            with["verified"] = "none".into(); // without a word of it no plan can be made
        }
        let step = (find(kind).unwrap().decode)(&with).unwrap();
        let (tell, told) = unbounded_channel();
        let (cancel, outputs) = (CancellationToken::new(), Outputs::new());
        Work {
            bench: self,
            kind: kind.into(),
            step,
            notes: Notes::default(),
            cancel,
            outputs,
            foreseen: BTreeSet::new(),
            needs: Vec::new(),
            tell,
            told: Mutex::new(told),
        }
    }

    /// What is left of jobs and files of steps on the hosts.
    pub fn leftovers(&self) -> Vec<String> {
        let mut found = Vec::new();
        let mut open = vec![self.path("work"), self.path("app"), self.source.data_dir(), self.target.data_dir()];
        while let Some(folder) = open.pop() {
            for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
                let path = entry.path();
                if path.is_dir() {
                    open.push(path.clone());
                }
                let name = path.display().to_string();
                if name.contains("/work/") && !path.is_dir() || name.contains("cutover-") {
                    found.push(name);
                }
            }
        }
        found
    }
}

fn hands(folder: &TempDir, world: &World, answer: &Arc<Answer>, control: &str) -> Arc<Effects> {
    let secrets = Arc::new(Secrets::read(world.inventory.secrets(), folder.path()).unwrap());
    Arc::new(Effects::new(Arc::new(world.inventory.clone()), secrets, answer.clone(), folder.path().join(control)))
}

fn inventory(work: &WorkFolder, folder: &TempDir, source: &Server, target: &Server, hosts: &[Sshd]) -> Value {
    let dir = folder.path();
    let host = |name: &str| {
        let config = hosts[0].ssh_config();
        json!({ "ssh": name, "ssh_config": config, "peer_ssh_config": config, "work_dir": work.path().join(name) })
    };
    let server = |server: &Server, host: &str, password: &str| {
        json!({
            "host": host, "address": server.address(), "user": Server::ACCOUNT, "password": { "file": password },
            "replication": { "user": "repl", "password": { "file": "repl" } },
            "family": server.family(), "version": server.program().product.version,
            "config_file": server.config_file(), "data_dir": server.data_dir(),
        })
    };
    let app = dir.join("app");
    std::fs::create_dir(&app).unwrap();
    json!({
        "hosts": { "old": host("old"), "new": host("new"), "local": {} },
        "servers": { "source": server(source, "old", "source"), "target": server(target, "new", "target") },
        "applications": { "shop": {
            "config": { "template": "app.env.j2", "path": app.join("db.env"), "host": "new",
                        "values": { "DB_NAME": "shop" } },
            "reload": ["sh", "-c", format!("cat {0}/db.env >> {0}/reloads", app.display())],
            "accounts": [{ "user": "shop", "host": "127.0.0.1", "password": { "file": "shop" } }],
        } },
    })
}

/// One step at work.
pub struct Work<'a> {
    bench: &'a Bench,
    kind: String,
    step: Box<dyn Step>,
    pub notes: Notes,
    pub cancel: CancellationToken,
    /// What the journal says it has put out.
    pub outputs: Outputs,
    /// What other steps of its plan make true.
    pub foreseen: BTreeSet<String>,
    /// What its plan's steps need to be allowed to do.
    pub needs: Vec<cutover::kinds::Need>,
    tell: UnboundedSender<(String, Update)>,
    told: Mutex<UnboundedReceiver<(String, Update)>>,
}

impl Work<'_> {
    /// What its plan states, so that a test fails where a kind does what it has not said.
    fn permits(&self) -> Arc<Permits> {
        let world = &self.bench.world;
        let mut all = self.step.preview(world).unwrap_or_default();
        all.extend(self.step.questions(world));
        all.extend(self.step.preview_undo(world));
        Arc::new(Permits::new(&all))
    }
    async fn at<T>(&self, work: impl AsyncFnOnce(Ctx<'_>) -> T) -> T {
        let fx = self.bench.fx().for_work(Activity::apart().permitted(self.permits()));
        let progress = Progress::new(&self.kind, self.tell.clone());
        work(Ctx {
            step: &self.kind,
            run: "r1",
            world: &self.bench.world,
            fx: &fx,
            progress: &progress,
            cancel: &self.cancel,
            memo: &self.notes,
            outputs: &self.outputs,
            foreseen: &self.foreseen,
            needs: &self.needs,
        })
        .await
    }

    /// Every statement that its plan has for `server`.
    pub fn planned(&self, server: &str) -> Vec<String> {
        let undo = self.step.preview_undo(&self.bench.world);
        let actions = self.step.preview(&self.bench.world).unwrap().into_iter().chain(undo);
        let statement = |action| match action {
            Action::Sql { server: at, statement } if at == server => Some(statement.to_string()),
            _ => None,
        };
        actions.filter_map(statement).collect()
    }
    /// What is wrong with it before anything is asked.
    pub fn complaints(&self) -> Vec<String> {
        let complaints = self.step.preview(&self.bench.world).err().unwrap_or_default();
        complaints.into_iter().map(|complaint| complaint.message).collect()
    }
    pub async fn inspect(&self) -> Vec<Failure> {
        self.at(async |cx| self.step.inspect(&cx, &BTreeSet::new()).await).await
    }
    pub async fn survey(&self) -> Result<Vec<Finding>> {
        self.at(async |cx| self.step.survey(&cx).await).await
    }
    pub async fn prepare(&self) -> Result<()> {
        self.at(async |cx| self.step.prepare(&cx).await).await
    }
    pub async fn probe(&self) -> Probe {
        self.at(async |cx| self.step.probe(&cx).await.unwrap()).await
    }
    pub async fn execute(&self) -> Result<Outputs> {
        self.at(async |cx| self.step.execute(&cx).await).await
    }
    pub async fn undo(&self) -> Result<()> {
        self.at(async |cx| self.step.undo(&cx).await).await
    }
    /// Everything it told so far.
    pub fn told(&self) -> Vec<Update> {
        let mut told = self.told.lock().unwrap();
        std::iter::from_fn(|| told.try_recv().ok().map(|(_, update)| update)).collect()
    }
}

pub async fn until(what: &str, mut met: impl AsyncFnMut() -> bool) {
    let begin = Instant::now();
    while !met().await {
        assert!(begin.elapsed() < Duration::from_secs(15), "waited in vain until {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Processes whose command line holds `words`.
pub fn processes(words: &str) -> Vec<i32> {
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    let numbers = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    let holds = |pid: &i32| {
        let text = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&text).replace('\0', " ").contains(words)
    };
    numbers.filter(holds).collect()
}
