//! A sandbox in which trials are held one after the other: two servers, and a host behind ssh for each.

use cutover::effects::Session;
use cutover::rehearsal::sandbox::{Plan, Sandbox};
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;
use tempfile::TempDir;
use tokio::runtime::Runtime;

const LIMIT: Duration = Duration::from_secs(20);

pub struct Lane {
    runtime: Runtime,
    sandbox: Sandbox,
    _folder: TempDir,
}

impl Lane {
    pub fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("l").tempdir().unwrap();
        let runtime = Runtime::new().unwrap();
        let plan = Plan { dir: folder.path().join("s"), rows: 100, ..Plan::default() };
        let sandbox = runtime.block_on(Sandbox::make(&plan)).unwrap();
        Self { runtime, sandbox, _folder: folder }
    }
    /// The folder of a trial, made anew.
    pub fn folder(&self, trial: &str) -> PathBuf {
        let folder = self.sandbox.dir().join(trial);
        std::fs::create_dir(&folder).unwrap();
        folder
    }
    /// The sandbox's inventory, with the runner's own machine as a host.
    pub fn inventory(&self) -> String {
        let text = std::fs::read_to_string(self.sandbox.inventory()).unwrap();
        assert!(text.contains("hosts:\n"));
        text.replacen("hosts:\n", "hosts:\n  local: { pass_env: [CUTOVER_TEST_TRIAL, CUTOVER_TEST_FIRST] }\n", 1)
    }
    /// The program with the sandbox's secrets.
    pub fn cutover(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cutover"));
        command.envs(self.sandbox.secrets.iter().map(|(name, value)| (name, value)));
        command.env("NO_COLOR", "1").env_remove("RUST_LOG");
        command
    }
    /// First column of what each server answers, the old one first.
    pub fn on_both(&self, statements: &[String]) -> [Vec<String>; 2] {
        self.runtime.block_on(async {
            let (source, target) = (self.sandbox.on_source().await.unwrap(), self.sandbox.on_target().await.unwrap());
            [column(&source, statements).await, column(&target, statements).await]
        })
    }
}

async fn column(session: &Session, statements: &[String]) -> Vec<String> {
    let mut values = Vec::new();
    for statement in statements {
        let rows = session.query(cutover::domain::Sql::verbatim(statement), LIMIT).await.unwrap();
        values = rows.iter().map(|row| row.at(0).unwrap_or_default().to_owned()).collect();
    }
    values
}
