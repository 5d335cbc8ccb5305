//! Lines to hosts: one connection per host, with its forwards and shells. Each host has its own lock: a host that does
//! not answer does not delay work on another one.

use super::host::{Machine, Shell};
use super::lease::{HostLease, Lease};
use crate::error::{Failure, Result};
use crate::playbook::inventory::Inventory;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::{Arc, Mutex as Plain, MutexGuard as PlainGuard, OnceLock, PoisonError};
use tokio::sync::{Mutex, OwnedMutexGuard};

/// All lines of a run.
pub(super) struct Lines {
    inventory: Arc<Inventory>,
    control_dir: PathBuf,
    by_host: Plain<HashMap<String, Arc<Mutex<Line>>>>,
    /// Once it is set, nothing is started on a host that is not claimed for it.
    lease: OnceLock<Arc<Lease>>,
    claimed: Plain<BTreeMap<String, HostLease>>,
    /// The work folder of each host that was claimed.
    work_dirs: Plain<BTreeMap<String, String>>,
    /// Hosts that were claimed at any time.
    ever_claimed: Plain<BTreeSet<String>>,
}

/// The line to one host.
#[derive(Default)]
struct Line {
    machine: Option<Arc<Machine>>,
    forwards: HashMap<String, String>,
    shell: Option<Arc<Shell>>,
    pulse: Option<Arc<Shell>>,
    /// Connections that once did not answer. Their traffic may only be late, including the session that keeps a server
    /// closed, so they are kept to the end.
    stalled: Vec<Arc<Machine>>,
    /// Shells that were cut off, or whose connection was lost: a command in them may still run there.
    cut: Vec<Arc<Shell>>,
}

impl Lines {
    pub(super) fn new(inventory: Arc<Inventory>, control_dir: PathBuf) -> Self {
        let (by_host, lease, claimed, work_dirs, ever_claimed) = Default::default();
        Self { inventory, control_dir, by_host, lease, claimed, work_dirs, ever_claimed }
    }

    /// From now on hosts are claimed for `lease` before anything else is started there.
    pub(super) fn set_lease(&self, lease: &Arc<Lease>) -> Result<()> {
        self.lease
            .set(lease.clone())
            .map_err(|_| Failure::permanent("take the run", "this process has already taken a run"))
    }

    /// The lease, once the run is taken.
    pub(super) fn lease(&self) -> Option<&Arc<Lease>> {
        self.lease.get()
    }

    /// The check that programs on a host must pass, once the run is taken.
    pub(super) fn host_lease(&self, name: &str) -> Option<HostLease> {
        let claimed = self.claims().get(name).cloned();
        claimed.or_else(|| {
            // between two lines to it: programs check by themselves whether the lease is still valid there
            let work_dir = self.work_dirs().get(name).cloned().unwrap_or_default();
            self.lease.get().map(|lease| HostLease::new(lease, &work_dir))
        })
    }

    /// Hosts that were claimed.
    pub(super) fn claimed(&self) -> BTreeMap<String, HostLease> {
        self.claims().clone()
    }

    /// The machine called `name`, connected and claimed.
    pub(super) async fn machine(&self, name: &str) -> Result<Arc<Machine>> {
        let mut line = self.line(name).await;
        self.connected(&mut line, name).await
    }

    /// The folder on a host for the files of runs.
    pub(super) async fn work_dir(&self, machine: &Machine) -> Result<String> {
        let stated = self.inventory.host(machine.name()).map(|host| host.work_dir.place()).unwrap_or_default();
        Ok(machine.placed(&stated).await?.to_string())
    }

    /// An address on the runner's machine that leads to `address` as seen from `name`.
    pub(super) async fn reach(&self, name: &str, address: &str) -> Result<String> {
        let mut line = self.line(name).await;
        let machine = self.connected(&mut line, name).await?;
        if let Some(local) = line.forwards.get(address) {
            return Ok(local.clone());
        }
        let local = machine.forward(address).await?;
        line.forwards.insert(address.to_owned(), local.clone());
        Ok(local)
    }

    /// A shell kept open on `name`.
    pub(super) async fn shell(&self, name: &str) -> Result<Arc<Shell>> {
        let mut line = self.line(name).await;
        let machine = self.connected(&mut line, name).await?;
        let lease = self.host_lease(name);
        let shell = open(line.shell.take(), &machine, lease).await?;
        line.shell = Some(shell.clone());
        Ok(shell)
    }

    /// The shell that renews the lease on `name`, separate from the one for work.
    pub(super) async fn pulse(&self, name: &str) -> Result<Arc<Shell>> {
        let mut line = self.line(name).await;
        let machine = self.connected(&mut line, name).await?;
        let shell = open(line.pulse.take(), &machine, None).await?;
        line.pulse = Some(shell.clone());
        Ok(shell)
    }

    /// Closes every line.
    pub(super) async fn close(&self) {
        let lines: Vec<_> = self.by_host().drain().map(|(_, line)| line).collect();
        for line in lines {
            let Line { machine, shell, pulse, stalled, .. } = std::mem::take(&mut *line.lock().await);
            drop((shell, pulse));
            for machine in machine.into_iter().chain(stalled) {
                machine.close().await;
            }
        }
    }

    async fn line(&self, name: &str) -> OwnedMutexGuard<Line> {
        let line = self.by_host().entry(name.to_owned()).or_default().clone();
        line.lock_owned().await
    }

    async fn connected(&self, line: &mut Line, name: &str) -> Result<Arc<Machine>> {
        let machine = match line.machine.clone() {
            Some(machine) if machine.is_alive().await => machine,
            lost => {
                let stalled = std::mem::take(&mut line.stalled).into_iter().chain(lost).collect();
                let cut = std::mem::take(&mut line.cut).into_iter().chain(line.shell.take()).collect();
                *line = Line { stalled, cut, ..Line::default() };
                self.claims().remove(name);
                let access = self.inventory.host(name).ok_or_else(|| {
                    Failure::permanent(format!("find host `{name}`"), "the inventory has no host of that name")
                })?;
                Arc::new(Box::pin(Machine::connect(name, access, &self.control_dir)).await?)
            }
        };
        line.machine = Some(machine.clone());
        let claimed = self.claims().contains_key(name);
        if let Some(lease) = self.lease.get().filter(|_| !claimed) {
            let work_dir = self.work_dir(&machine).await?;
            let claim = HostLease::new(lease, &work_dir);
            self.work_dirs().insert(name.to_owned(), work_dir);
            let again = self.ever_claimed().contains(name);
            Box::pin(claim.claim(&machine, again)).await?;
            self.ever_claimed().insert(name.to_owned());
            self.claims().insert(name.to_owned(), claim);
        }
        if line.shell.as_ref().is_some_and(|shell| !shell.is_open()) {
            line.cut.extend(line.shell.take());
        }
        // nothing is done on a host while a command that was cut off may still run there
        while let Some(shell) = line.cut.last() {
            Box::pin(shell.end(&machine)).await?;
            line.cut.pop();
        }
        Ok(machine)
    }

    fn by_host(&self) -> PlainGuard<'_, HashMap<String, Arc<Mutex<Line>>>> {
        self.by_host.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ever_claimed(&self) -> PlainGuard<'_, BTreeSet<String>> {
        self.ever_claimed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work_dirs(&self) -> PlainGuard<'_, BTreeMap<String, String>> {
        self.work_dirs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn claims(&self) -> PlainGuard<'_, BTreeMap<String, HostLease>> {
        self.claimed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The shell that is open, or a new one.
async fn open(old: Option<Arc<Shell>>, machine: &Machine, lease: Option<HostLease>) -> Result<Arc<Shell>> {
    match old {
        Some(shell) if shell.is_open() => Ok(shell),
        _ => Ok(Arc::new(Shell::open(machine, lease).await?)),
    }
}
