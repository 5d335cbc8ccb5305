//! Lines to hosts: one ssh connection a host, with the forwards and the shell that go through it. Each host has a
//! lock of its own: one that does not answer keeps nobody waiting who is busy with another.

use super::{Host, Shell};
use crate::error::{Failure, Result};
use crate::playbook::inventory::Inventory;
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::{Mutex, MutexGuard, OwnedMutexGuard};

/// All lines of a run.
pub(super) struct Lines {
    inventory: Arc<Inventory>,
    control_dir: PathBuf,
    by_host: Mutex<HashMap<String, Arc<Mutex<Line>>>>,
}

/// The line to one host; what went through a lost connection is gone with it.
#[derive(Default)]
struct Line {
    host: Option<Arc<Host>>,
    forwards: HashMap<String, String>,
    shell: Option<Arc<Shell>>,
}

impl Lines {
    pub(super) fn new(inventory: Arc<Inventory>, control_dir: PathBuf) -> Self {
        Self { inventory, control_dir, by_host: Mutex::default() }
    }

    /// The host called `name`, connected.
    pub(super) async fn host(&self, name: &str) -> Result<Arc<Host>> {
        let mut line = self.line(name).await;
        self.connected(&mut line, name).await
    }

    /// An address on the runner's machine that leads to `address` as seen from `name`.
    pub(super) async fn reach(&self, name: &str, address: &str) -> Result<String> {
        let mut line = self.line(name).await;
        let host = self.connected(&mut line, name).await?;
        if let Some(local) = line.forwards.get(address) {
            return Ok(local.clone());
        }
        let local = host.forward(address).await?;
        line.forwards.insert(address.to_owned(), local.clone());
        Ok(local)
    }

    /// A shell kept open on `name`.
    pub(super) async fn shell(&self, name: &str) -> Result<Arc<Shell>> {
        let mut line = self.line(name).await;
        let host = self.connected(&mut line, name).await?;
        if let Some(shell) = &line.shell
            && shell.is_open().await
        {
            return Ok(shell.clone());
        }
        let shell = Arc::new(host.shell().await?);
        line.shell = Some(shell.clone());
        Ok(shell)
    }

    /// Closes every line.
    pub(super) async fn close(&self) {
        let lines: Vec<_> = self.by_host.lock().await.drain().map(|(_, line)| line).collect();
        for line in lines {
            let Line { host, shell, .. } = std::mem::take(&mut *line.lock().await);
            drop(shell);
            if let Some(host) = host.and_then(Arc::into_inner) {
                host.close().await;
            }
        }
    }

    async fn line(&self, name: &str) -> OwnedMutexGuard<Line> {
        let mut lines: MutexGuard<'_, _> = self.by_host.lock().await;
        let line = lines.entry(name.to_owned()).or_default().clone();
        drop(lines);
        line.lock_owned().await
    }

    async fn connected(&self, line: &mut Line, name: &str) -> Result<Arc<Host>> {
        if let Some(host) = &line.host {
            if host.is_alive().await {
                return Ok(host.clone());
            }
            *line = Line::default();
        }
        let access = self.inventory.host(name).ok_or_else(|| {
            Failure::permanent(format!("find host `{name}`"), "the inventory has no host of that name")
        })?;
        let host = Arc::new(Host::connect(name, access, &self.control_dir).await?);
        line.host = Some(host.clone());
        Ok(host)
    }
}
