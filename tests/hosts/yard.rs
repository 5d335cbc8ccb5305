//! A sandbox of one host, and looks at the machine's processes.

use cutover::effects::Host;
use cutover::error::Failure;
use cutover::playbook::inventory;
use cutover::rehearsal::sshd::Sshd;
use cutover::rehearsal::work_folder::WorkFolder;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// A folder with one sshd in it.
pub struct Yard {
    pub sshd: Sshd,
    pub folder: TempDir,
    /// Where jobs may work.
    pub work: WorkFolder,
}

impl Yard {
    pub async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let sshd = Sshd::start(&folder.path().join("ssh"), "old").await.unwrap();
        Self { sshd, folder, work: WorkFolder::make().unwrap() }
    }

    pub fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    /// A place for a job.
    pub fn job(&self, name: &str) -> String {
        self.work.path().join(name).to_str().unwrap().to_owned()
    }

    pub fn control_dir(&self) -> PathBuf {
        self.folder.path().join("c")
    }

    pub async fn connect(&self) -> Arc<Host> {
        Arc::new(self.connect_with(self.sshd.ssh_config()).await.unwrap())
    }

    pub async fn connect_with(&self, config: &Path) -> Result<Host, Failure> {
        let ssh_config = Some(config.to_str().unwrap().to_owned());
        let access = inventory::Host { ssh: Some("old".into()), ssh_config, ..Default::default() };
        Host::connect("old", &access, &self.control_dir()).await
    }

    /// The configuration with a text in it replaced.
    pub fn changed_config(&self, from: &str, to: &str) -> PathBuf {
        let config = std::fs::read_to_string(self.sshd.ssh_config()).unwrap();
        assert!(config.contains(from));
        let path = self.folder.path().join("changed_config");
        std::fs::write(&path, config.replace(from, to)).unwrap();
        path
    }

    pub fn masters(&self) -> usize {
        let folder = self.control_dir();
        processes().filter(|words| words.contains("-M -f -N") && words.contains(folder.to_str().unwrap())).count()
    }
}

/// Command lines of all processes.
pub fn processes() -> impl Iterator<Item = String> {
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    entries
        .filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok())
        .map(|words| String::from_utf8_lossy(&words).replace('\0', " "))
}

pub async fn local() -> Arc<Host> {
    Arc::new(Host::connect("here", &inventory::Host::default(), Path::new("/nowhere")).await.unwrap())
}

pub async fn until(what: &str, mut met: impl AsyncFnMut() -> bool) {
    let start = Instant::now();
    while !met().await {
        assert!(start.elapsed() < Duration::from_secs(10), "waited in vain until {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
