//! Access to the world: servers, hosts, processes, secrets. The only module that knows `mysql_async` and `openssh`.
//!
//! May know the plain data of the playbook (inventory, secrets by reference, markers) and `error`; nothing else.
//! Everything here is lazy: nothing is connected before a step asks for it.
//!
//! What steps await here is boxed: the compiler proves once, here, that it may move between threads. It would prove it again
//! for every method of every step otherwise, through all of ssh and MySQL, which took half of a build.

pub mod account_statement;
mod activity;
mod approvals;
pub mod facts;
mod free_port;
mod hands;
mod host;
mod job;
pub mod lease;
mod line_socket;
mod lines;
mod mysql;
mod opening;
pub mod own_transactions;
mod passing;
pub mod past_read_only;
pub mod places;
mod planned_host;
pub mod replica;
mod secrets;
mod sessions;
pub mod stand_in;
mod start;
mod trial_login;

pub use activity::Activity;
pub use approvals::{Answer, Approvals, Decision, Rule};
pub use free_port::free_port;
pub use host::{Host, Ran, Shell, hide_secrets, telling_lines};
pub use job::{Job, JobState};
pub use mysql::{
    AFTER_END, Cover, Greeting, INIT, Login, Row, Rows, ServerError, Session, SqlError, Tls, end_statement, greeting,
};
pub use planned_host::PlannedHost;
pub use secrets::Secrets;
pub use sessions::Connections;
pub use trial_login::LoginPath;

use crate::domain::{Action, Script};
use crate::error::{Class, Failure, Result};
use crate::playbook::inventory::Inventory;
use futures_util::future::BoxFuture;
use host::Machine;
use lease::{HostLease, Lease};
use lines::Lines;
use planned_host::planned;
use sessions::Sessions;
use stand_in::{StandIn, StandInHost};
use std::collections::{BTreeMap, HashMap};
use std::fmt::Display;
use std::path::PathBuf;
use std::sync::{Arc, Mutex as Plain, PoisonError};
use tokio::sync::Mutex;

/// The identity that a server reports: names and values of its variables.
pub type Identity = BTreeMap<String, String>;

/// An address where nothing listens.
const NOWHERE: &str = "127.0.0.1:1";

/// The bundle of effects that steps get, as one piece of work sees it.
pub struct Effects {
    hands: Arc<Hands>,
    activity: Activity,
}

/// What all work of a run shares.
struct Hands {
    inventory: Arc<Inventory>,
    secrets: Arc<Secrets>,
    approvals: Arc<dyn Approvals>,
    lines: Arc<Lines>,
    sessions: Sessions,
    recognized: Plain<BTreeMap<String, Identity>>,
    /// The identity that servers reported before they were reached another way.
    expected: Plain<BTreeMap<String, Identity>>,
    /// Held while a server's lease is checked or renewed.
    leases: Plain<HashMap<String, Arc<Mutex<()>>>>,
    /// Stand-in for servers and hosts that do not exist.
    stand_in: Option<Arc<StandIn>>,
}

impl Effects {
    /// Effects for the hosts and servers of `inventory`. Sockets of ssh masters go to `control_dir`.
    #[must_use]
    pub fn new(
        inventory: Arc<Inventory>,
        secrets: Arc<Secrets>,
        approvals: Arc<dyn Approvals>,
        control_dir: PathBuf,
    ) -> Self {
        let lines = Arc::new(Lines::new(inventory.clone(), control_dir));
        let (sessions, recognized, expected, leases) = Default::default();
        let hands =
            Hands { inventory, secrets, approvals, lines, sessions, recognized, expected, leases, stand_in: None };
        Self { hands: Arc::new(hands), activity: Activity::apart() }
    }

    /// Effects for servers and hosts that do not exist: `stand_in` answers for all of them.
    #[must_use]
    pub fn with_stand_in(
        inventory: Arc<Inventory>,
        secrets: Arc<Secrets>,
        approvals: Arc<dyn Approvals>,
        stand_in: Arc<StandIn>,
    ) -> Self {
        let lines = Arc::new(Lines::new(inventory.clone(), PathBuf::new()));
        let (sessions, recognized, expected, leases) = Default::default();
        let stand_in = Some(stand_in);
        let hands = Hands { inventory, secrets, approvals, lines, sessions, recognized, expected, leases, stand_in };
        Self { hands: Arc::new(hands), activity: Activity::apart() }
    }

    /// The same effects, which refuse a server whose identity has changed.
    #[must_use]
    pub fn expecting(self, identities: BTreeMap<String, Identity>) -> Self {
        *self.hands.expected.lock().unwrap_or_else(PoisonError::into_inner) = identities;
        self
    }

    /// The same effects, for one piece of work.
    #[must_use]
    pub fn for_work(&self, activity: Activity) -> Self {
        Self { hands: self.hands.clone(), activity }
    }

    /// Secrets, revealed only where they are used.
    #[must_use]
    pub fn secrets(&self) -> &Secrets {
        &self.hands.secrets
    }

    /// Where people's decisions come from.
    #[must_use]
    pub fn approvals(&self) -> &dyn Approvals {
        &*self.hands.approvals
    }

    /// The host called `name`, connected.
    ///
    /// # Errors
    /// When it cannot be reached, or its key is not known. `Locked` when another runner has the run.
    #[must_use]
    pub fn host<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<PlannedHost>> {
        Box::pin(async move {
            let (secrets, stand_in) = (self.hands.secrets.clone(), self.hands.stand_in.clone());
            let host: Arc<dyn hands::Hands> = match &stand_in {
                Some(stand_in) => Arc::new(StandInHost { name: name.to_owned(), stand_in: stand_in.clone() }),
                None => Arc::new(self.bare_host(name).await?),
            };
            Ok(PlannedHost::new(host, &self.activity, secrets, stand_in))
        })
    }

    async fn bare_host(&self, name: &str) -> Result<Host> {
        let machine = self.machine(name).await?;
        let lease = self.hands.lines.host_lease(name);
        Ok(Host::new(machine, self.activity.clone(), lease, self.hands.lines.clone()))
    }

    /// Refuses what the plan of this work does not state. `attempted` is a clause.
    fn planned(&self, attempted: impl Display, action: Action) -> Result<()> {
        let place = action.host().map(str::to_owned);
        planned(self.activity.permits.as_deref(), attempted, &action)
            .map_err(|failure| Failure { place, ..failure })?;
        if let Some(stand_in) = &self.hands.stand_in {
            stand_in.note(action);
        }
        Ok(())
    }

    /// The same for a connection that a step makes itself.
    ///
    /// # Errors
    /// `Unplanned` when the plan states none, or when the host cannot be reached.
    #[must_use]
    pub fn connect<'a>(&'a self, host: &'a str, address: &'a str) -> BoxFuture<'a, Result<String>> {
        Box::pin(async move {
            let connection = Action::Connect { host: host.to_owned(), address: address.into() };
            self.planned(format!("connect to {address}"), connection)?;
            if self.hands.stand_in.is_some() {
                return Ok(NOWHERE.to_owned());
            }
            self.reach(host, address).await
        })
    }

    /// An address on the runner's machine that leads to `address` as seen from `host`.
    async fn reach(&self, host: &str, address: &str) -> Result<String> {
        self.hands.lines.reach(host, address).await
    }

    /// The identities that the servers reported so far, by their names.
    #[must_use]
    pub fn seen(&self) -> BTreeMap<String, Identity> {
        self.recognized().clone()
    }

    /// The connection for `purpose` if it is open and alive; never opens one, nor waits for one that is being opened.
    #[must_use]
    pub fn open_session(&self, server: &str, purpose: &str) -> Option<Arc<Session>> {
        let slot = self.hands.sessions.slot(server, purpose);
        let place = slot.try_lock().ok()?;
        place.as_ref().filter(|session| session.is_alive()).map(|session| self.ours(session))
    }

    /// Closes a connection made for one purpose, if it is there.
    #[must_use]
    pub fn close_session<'a>(&'a self, server: &'a str, purpose: &'a str) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            let closed = self.hands.sessions.slot(server, purpose).lock().await.take();
            if let Some(session) = closed {
                session.close().await;
                if session.left_running() {
                    self.hands.sessions.leave(&session);
                }
            }
        })
    }

    /// Connection ids of every open session on a server.
    #[must_use]
    pub fn session_ids(&self, server: &str) -> Vec<u64> {
        self.hands.sessions.ids(server)
    }

    /// The same, and none is opened while the answer is held: what a fence must not end.
    pub async fn connections(&self, server: &str) -> Connections {
        self.hands.sessions.all(server).await
    }

    /// Opens a shell on `host` that is kept: a command in it costs a round trip, not a process over ssh.
    ///
    /// # Errors
    /// When the host cannot be reached.
    #[must_use]
    pub fn open_shell<'a>(&'a self, host: &'a str) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            if self.hands.stand_in.is_some() {
                return Ok(());
            }
            self.shell(host).await.map(drop)
        })
    }

    /// Runs a script in the shell that is kept on `host`, and gives back what it printed.
    ///
    /// # Errors
    /// `Unplanned` when it is not in the plan, or as for [`Shell::run`].
    #[must_use]
    pub fn run_in_shell<'a>(&'a self, host: &'a str, script: &'a Script) -> BoxFuture<'a, Result<String>> {
        Box::pin(async move {
            if self.hands.stand_in.is_some() {
                return self.host(host).await?.print(script).await;
            }
            let command = Action::Command { host: host.to_owned(), command: script.clone(), input: None };
            self.planned(format!("run `{}`", planned_host::begin(script)), command)?;
            let script = self.host(host).await?.placed(script).await?;
            self.shell(host).await?.run(&script.for_shell()?).await
        })
    }

    async fn shell(&self, host: &str) -> Result<Arc<Shell>> {
        self.hands.lines.shell(host).await
    }

    /// Sends one line to a unix socket on `host` and reads the answer to its end.
    ///
    /// # Errors
    /// When the host or the socket cannot be reached. `Locked` when another runner has the run.
    #[must_use]
    pub fn unix_ask<'a>(&'a self, host: &'a str, socket: &'a str, line: &'a str) -> BoxFuture<'a, Result<String>> {
        Box::pin(async move {
            let attempted = format!("talk to the socket {socket}");
            let told = Action::Socket { host: host.to_owned(), path: socket.into(), line: line.into() };
            self.planned(&attempted, told)?;
            if let Some(stand_in) = &self.hands.stand_in {
                return Ok(stand_in.answers.socket(host, socket, line));
            }
            self.prove_lease(host).await?;
            let local = self.reach(host, socket).await?;
            line_socket::ask(&local, line)
                .await
                .map_err(|error| Failure::transient(attempted, error.to_string()).at(host))
        })
    }

    /// Closes every connection and every ssh master.
    #[must_use]
    pub fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            for slot in self.hands.sessions.drain() {
                if let Some(session) = slot.lock().await.take() {
                    session.close().await;
                }
            }
            self.hands.lines.close().await;
        })
    }

    /// From now on everything is done under `lease`.
    fn set_lease(&self, lease: &Arc<Lease>) -> Result<()> {
        self.hands.lines.set_lease(lease)
    }

    async fn machine(&self, name: &str) -> Result<Arc<Machine>> {
        tokio::select! {
            machine = Box::pin(self.hands.lines.machine(name)) => machine,
            () = self.activity.end.cancelled() => Err(Failure::cancelled("reach the host").at(name)),
        }
    }

    async fn work_dir(&self, machine: &Machine) -> Result<String> {
        self.hands.lines.work_dir(machine).await
    }

    fn host_of(&self, server: &str) -> String {
        self.hands.inventory.host_of(server).to_owned()
    }

    fn claimed(&self) -> BTreeMap<String, HostLease> {
        self.hands.lines.claimed()
    }

    async fn pulse(&self, host: &str) -> Result<Arc<Shell>> {
        self.hands.lines.pulse(host).await
    }

    /// Checks that this runner still has the server; one check at a time.
    async fn ensure_lease(&self, lease: &Lease, server: &str) -> Result<()> {
        let turn = {
            let mut leases = self.hands.leases.lock().unwrap_or_else(PoisonError::into_inner);
            leases.entry(server.to_owned()).or_default().clone()
        };
        let _turn = turn.lock().await;
        lease::ensure(self, lease, server).await
    }

    /// Checks that this runner still has the host, if a run was taken.
    async fn prove_lease(&self, host: &str) -> Result<()> {
        if self.hands.lines.lease().is_none() {
            return Ok(());
        }
        match self.shell(host).await?.run(":").await {
            // the reason why a shell ended goes to the caller that starts a program
            Err(failure) if failure.class == Class::Transient => {
                self.bare_host(host).await?.run(&["true"], None).await.map(drop)
            }
            proved => proved.map(drop),
        }
    }
}
