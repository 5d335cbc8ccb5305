//! A real server, alone or shared, and hands to work a single step on it.

use async_trait::async_trait;
use cutover::effects::{Answer, Approvals, Effects, Rule, Secrets};
use cutover::error::{Failure, Result};
use cutover::kinds::{Ctx, Memo, Outputs, Probe, Progress, Step};
use cutover::playbook::template::Templates;
use cutover::playbook::world::World;
use cutover::rehearsal::server::{Choice, Profile, Server, Setup};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;
use tempfile::TempDir;
use tokio::sync;
use tokio_util::sync::CancellationToken;

const TEMPLATE: &str = include_str!("../../templates/my.cnf.j2");

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

struct Nobody;

#[async_trait]
impl Approvals for Nobody {
    async fn answer(&self, _: &str, _: &str, _: &Rule) -> Result<Answer> {
        Ok(Answer::Open)
    }
}

/// A server, where its files stand, and what its own says at first.
pub struct Site {
    pub server: Server,
    pub folder: TempDir,
    config: String,
}

/// The server of tests that leave it as it was. It starts with the first of them and ends with the last one.
static SHARED: sync::Mutex<Weak<Site>> = sync::Mutex::const_new(Weak::new());
/// They look at its files, so one of them at a time has it.
static TURN: sync::Mutex<()> = sync::Mutex::const_new(());

impl Site {
    async fn make() -> Arc<Self> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("pw"), "geheim-wort").unwrap();
        let setup = Setup {
            name: "target".into(),
            dir: folder.path().join("t"),
            program: Choice::default(),
            port: None,
            profile: Profile::Production,
            password: "geheim-wort".into(),
            options: vec!["# kept as it is".into(), "innodb_buffer_pool_size = 64M".into()],
        };
        let server = Server::start(setup).await.unwrap();
        let config = std::fs::read_to_string(server.config_file()).unwrap();
        Arc::new(Self { server, folder, config })
    }
    async fn shared() -> Arc<Self> {
        let mut shared = SHARED.lock().await;
        if let Some(site) = shared.upgrade() {
            return site;
        }
        let site = Self::make().await;
        *shared = Arc::downgrade(&site);
        site
    }
}

pub struct Bench {
    pub site: Arc<Site>,
    pub world: World,
    pub fx: Effects,
    pub notes: Notes,
    told: Mutex<tokio::sync::mpsc::UnboundedReceiver<(String, cutover::kinds::Update)>>,
    progress: Progress,
    _turn: Option<sync::MutexGuard<'static, ()>>,
}

impl Bench {
    pub async fn new() -> Self {
        Self::with(|_| {}).await
    }

    pub async fn with(change: impl FnOnce(&mut Value)) -> Self {
        Self::on(Site::make().await, None, change)
    }

    /// The same for a test that leaves the server as it was.
    pub async fn shared(change: impl FnOnce(&mut Value)) -> Self {
        let site = Site::shared().await; // held before the turn: whoever had it lets the server go
        let turn = TURN.lock().await;
        let bench = Self::on(site, Some(turn), change);
        assert_eq!(
            (&bench.config(), bench.leftovers().len()),
            (&bench.site.config, 0),
            "the test before left its traces"
        );
        bench
    }

    fn on(site: Arc<Site>, turn: Option<sync::MutexGuard<'static, ()>>, change: impl FnOnce(&mut Value)) -> Self {
        let Site { server, folder, .. } = &*site;
        let mut inventory = json!({
            "hosts": { "new": {} },
            "servers": { "target": {
                "host": "new", "address": server.address(), "user": Server::ACCOUNT, "password": { "file": "pw" },
                "config_file": server.config_file(), "data_dir": server.data_dir(), "server_id": 77,
                "version": "10.11", "restart": ["sh", server.restart_script()],
                "settings": { "socket": server.socket(), "innodb_buffer_pool_size": "96M",
                              "innodb_log_file_size": "64M", "max_connections": 50 },
            } },
        });
        change(&mut inventory);
        let world = World {
            inventory: serde_json::from_value(inventory).unwrap(),
            templates: Templates(
                [
                    ("my.cnf.j2".to_owned(), TEMPLATE.to_owned()),
                    ("broken.cnf.j2".to_owned(), "[mysqld]\nno_such_thing = 1\n".to_owned()),
                    ("note.j2".to_owned(), "to={{ to }} on={{ host.name }}\n".to_owned()),
                ]
                .into(),
            ),
        };
        let secrets = Arc::new(Secrets::read(world.inventory.secrets(), folder.path()).unwrap());
        let control = folder.path().join("ssh");
        let fx = Effects::new(Arc::new(world.inventory.clone()), secrets, Arc::new(Nobody), control);
        let (tx, rx) = tokio::sync::mpsc::unbounded_channel();
        let (progress, notes) = (Progress::new("config", tx), Notes::default());
        Self { site, world, fx, notes, told: Mutex::new(rx), progress, _turn: turn }
    }

    pub async fn at<T>(&self, work: impl AsyncFnOnce(Ctx<'_>) -> T) -> T {
        let (cancel, outputs) = (CancellationToken::new(), Outputs::new());
        let cx = Ctx {
            step: "config",
            run: "r1",
            world: &self.world,
            fx: &self.fx,
            progress: &self.progress,
            cancel: &cancel,
            memo: &self.notes,
            outputs: &outputs,
            foreseen: &std::collections::BTreeSet::new(),
            needs: &[],
        };
        work(cx).await
    }

    pub async fn execute(&self, step: &dyn Step) -> Result<Outputs> {
        self.at(async |cx| step.execute(&cx).await).await
    }
    pub async fn undo(&self, step: &dyn Step) -> Result<()> {
        self.at(async |cx| step.undo(&cx).await).await
    }
    pub async fn probe(&self, step: &dyn Step) -> Probe {
        self.at(async |cx| step.probe(&cx).await.unwrap()).await
    }
    pub async fn inspect(&self, step: &dyn Step) -> Vec<Failure> {
        self.at(async |cx| step.inspect(&cx, &BTreeSet::new()).await).await
    }

    pub async fn variable(&self, name: &str) -> String {
        let session = self.fx.sql("target").await.unwrap();
        let rows = session
            .query(cutover::domain::Sql::verbatim(format!("SELECT @@GLOBAL.{name}")), Duration::from_secs(10))
            .await
            .unwrap();
        rows.value().unwrap().to_owned()
    }
    pub fn config(&self) -> String {
        std::fs::read_to_string(self.site.server.config_file()).unwrap()
    }
    pub fn told(&self) -> String {
        let mut all = String::new();
        while let Ok((_, update)) = self.told.lock().unwrap().try_recv() {
            all += &format!("{update:?}\n");
        }
        all
    }
    pub fn leftovers(&self) -> Vec<PathBuf> {
        let files = std::fs::read_dir(self.site.server.dir()).unwrap().map(|file| file.unwrap().path());
        files.filter(|path| path.to_string_lossy().contains("cutover-")).collect()
    }
}
