//! The look at a swap between the two servers of a bench, with an inventory that a test may spoil.

use crate::bench::{Answer, Bench, LOOK};
use cutover::effects::{Effects, Secrets, free_port};
use cutover::kinds::{Finding, Mark};
use cutover::plan::load::{Sources, plan_of};
use cutover::survey;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

const SWAP: &str = include_str!("../../../playbooks/replication_swap.yaml");
/// Names of control folders are short, and each look has its own.
static LOOKS: AtomicUsize = AtomicUsize::new(0);

/// One look.
pub struct Look {
    pub inventory: Value,
    pub set: Vec<String>,
    taken: Vec<TcpListener>,
}

impl Look {
    pub fn at(bench: &Bench) -> Self {
        let port = || free_port().unwrap();
        let set = vec![
            format!("tunnel=127.0.0.1:{}", port()),
            format!("way_back_tunnel=127.0.0.1:{}", port()),
            "benchmark_size=8MiB".to_owned(),
        ];
        let mut inventory = serde_json::to_value(&bench.world.inventory).unwrap();
        inventory["servers"]["target"]["restart"] = json!(["true"]);
        Self { inventory, set, taken: Vec::new() }
    }

    /// Lets something listen where a tunnel is to: `input` is the tunnel's.
    pub fn take(&mut self, input: &str) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        self.set.push(format!("{input}={}", listener.local_addr().unwrap()));
        self.taken.push(listener);
    }

    /// Everything that blocks, by the name of its check or step.
    pub async fn blocks(&self, bench: &Bench) -> Vec<String> {
        let number = LOOKS.fetch_add(1, Ordering::Relaxed);
        let file = bench.path(&format!("look-{number}.yaml"));
        std::fs::write(&file, self.inventory.to_string()).unwrap(); // JSON is YAML
        let sources = Sources { inventory: Some(file.clone()), set: self.set.clone(), ..Sources::default() };
        let plan = Arc::new(plan_of(SWAP, &sources).unwrap());
        std::fs::remove_file(&file).unwrap();
        let secrets = Arc::new(Secrets::read(plan.world.inventory.secrets(), bench.folder.path()).unwrap());
        let control = bench.path(&format!("k{number}"));
        let inventory = Arc::new(plan.world.inventory.clone());
        let fx = Arc::new(Effects::new(inventory, secrets, Arc::new(Answer::default()), control.clone()));
        let survey = survey::look(&plan, &fx, &[]).await;
        fx.close().await;
        let _ = std::fs::remove_dir_all(control);
        let mut found: Vec<String> = survey.failures.iter().map(|failure| format!("failed: {failure}")).collect();
        for step in &survey.steps {
            for finding in &step.findings {
                if let Finding::Check(check) = finding
                    && check.result == Mark::Block
                {
                    found.push(format!("{}: {}", check.name, check.evidence));
                }
            }
            if step.id != "preflight" {
                let refusals = step.refusals.iter();
                found.extend(refusals.map(|one| format!("steps.{}: {}: {}", step.id, one.attempted, one.answer)));
            }
        }
        found
    }
}

/// What must be the same after a look: where both logs end, the accounts, and every file of the hosts but logs and the
/// servers' own.
pub async fn fingerprint(bench: &Bench) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for server in ["source", "target"] {
        found.insert(format!("log of {server}"), bench.position_of(server).await.to_string());
        let ask = "SELECT User AS a, Host AS b FROM mysql.user ORDER BY 1, 2";
        let rows = bench.sql(server).await.query(ask, LOOK).await.unwrap();
        let accounts: Vec<String> = rows.iter().map(|row| format!("{:?}@{:?}", row.get("a"), row.get("b"))).collect();
        found.insert(format!("accounts of {server}"), accounts.join(" "));
    }
    files(bench.folder.path(), bench, &mut found);
    found
}

fn files(folder: &Path, bench: &Bench, found: &mut BTreeMap<String, String>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let name = path.display().to_string();
        let is_servers = path == bench.source.data_dir() || path == bench.target.data_dir();
        let is_ours =
            path.parent() == Some(bench.folder.path()) && path.file_name().is_some_and(|name| name.len() == 2);
        if is_servers || is_ours || ["_log", ".log", ".err"].iter().any(|end| name.ends_with(end)) {
            continue;
        }
        if path.is_dir() && !path.is_symlink() {
            files(&path, bench, found);
            found.insert(name, "folder".to_owned());
        } else {
            let content =
                std::fs::read(&path).map_or_else(|error| error.to_string(), |bytes| blake3::hash(&bytes).to_string());
            found.insert(name, content);
        }
    }
}

/// Puts the server's own client programs before those of the machine, on both hosts.
pub fn give_programs(bench: &Bench) {
    let Some(folder) = bench.source.program().clients() else { return };
    for host in ["old", "new"] {
        for name in ["mysqldump", "mysql"] {
            bench.program(host, name, &format!("exec '{}' \"$@\"", folder.join(name).display()));
        }
    }
}
