//! Hands on the world: servers, hosts, processes, secrets. The only room that knows `mysql_async` and `openssh`.
//!
//! May know the plain data of the playbook (inventory, secrets by reference, markers) and `error`; nothing else.
//! Everything here is lazy: nothing is connected before a step asks for it.

pub mod account_statement;
mod activity;
mod approvals;
pub mod facts;
mod free_port;
mod host;
mod job;
pub mod lease;
mod line_socket;
mod lines;
mod mysql;
pub mod own_transactions;
mod passing;
pub mod past_read_only;
mod planned_host;
pub mod replica;
mod secrets;
mod sessions;
mod start;

pub use activity::Activity;
pub use approvals::{Answer, Approvals, Decision, Rule};
pub use free_port::free_port;
pub use host::{Host, Ran, Shell, telling_lines};
pub use job::{Job, JobState};
pub use mysql::{AFTER_END, Greeting, INIT, Login, Row, Rows, Session, SqlError, Tls, end_statement, greeting};
pub use planned_host::PlannedHost;
pub use secrets::Secrets;
pub use sessions::Connections;

use crate::dialect::Dialect;
use crate::domain::endpoint::Endpoint;
use crate::domain::product::{Family, Product};
use crate::domain::secret::SecretRef;
use crate::domain::{Action, Permits, Script};
use crate::error::{Class, Failure, Result};
use crate::playbook::inventory::{Account, Inventory, Server};
use host::Machine;
use lease::{HostLease, Lease, PURPOSE};
use lines::Lines;
use planned_host::planned;
use sessions::{Sessions, Slot};
use std::collections::{BTreeMap, HashMap};
use std::fmt::Display;
use std::path::PathBuf;
use std::sync::{Arc, Mutex as Plain, MutexGuard, PoisonError};
use tokio::sync::Mutex;

/// What a server says it is: names and values of its variables.
pub type Identity = BTreeMap<String, String>;

/// The bundle of hands that steps are given, as one piece of work sees it.
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
    /// What servers said they are before they were reached another way.
    expected: Plain<BTreeMap<String, Identity>>,
    /// Held while a server's lease is looked after.
    leases: Plain<HashMap<String, Arc<Mutex<()>>>>,
}

impl Effects {
    /// Hands for the hosts and servers of `inventory`. Sockets of ssh masters go to `control_dir`.
    #[must_use]
    pub fn new(
        inventory: Arc<Inventory>,
        secrets: Arc<Secrets>,
        approvals: Arc<dyn Approvals>,
        control_dir: PathBuf,
    ) -> Self {
        let lines = Arc::new(Lines::new(inventory.clone(), control_dir));
        let (sessions, recognized, expected, leases) = Default::default();
        let hands = Hands { inventory, secrets, approvals, lines, sessions, recognized, expected, leases };
        Self { hands: Arc::new(hands), activity: Activity::apart() }
    }

    /// The same hands, which refuse a server that is another one than it was.
    #[must_use]
    pub fn expecting(self, identities: BTreeMap<String, Identity>) -> Self {
        *self.hands.expected.lock().unwrap_or_else(PoisonError::into_inner) = identities;
        self
    }

    /// The same hands, for one piece of work.
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
    pub async fn host(&self, name: &str) -> Result<PlannedHost> {
        Ok(PlannedHost::new(self.bare_host(name).await?, &self.activity, self.hands.secrets.clone()))
    }

    async fn bare_host(&self, name: &str) -> Result<Host> {
        let machine = self.machine(name).await?;
        let lease = self.hands.lines.host_lease(name);
        Ok(Host::new(machine, self.activity.clone(), lease, self.hands.lines.clone()))
    }

    fn planned(&self, attempted: impl Display, is_planned: impl Fn(&Permits) -> bool) -> Result<()> {
        planned(self.activity.permits.as_deref(), is_planned, attempted)
    }

    /// The same for a connection that a step makes itself.
    ///
    /// # Errors
    /// `Unplanned` when the plan states none, or when the host cannot be reached.
    pub async fn connect(&self, host: &str, address: &str) -> Result<String> {
        let attempted = format!("connect to {address}");
        self.planned(attempted, |permits| permits.connect(host, &address.into()))
            .map_err(|failure| failure.at(host))?;
        self.reach(host, address).await
    }

    /// An address on the runner's machine that leads to `address` as seen from `host`.
    async fn reach(&self, host: &str, address: &str) -> Result<String> {
        self.hands.lines.reach(host, address).await
    }

    /// The runner's ordinary connection to a server, as its administrative account.
    ///
    /// # Errors
    /// When the server cannot be reached or refuses the login.
    pub async fn sql(&self, server: &str) -> Result<Arc<Session>> {
        self.session(server, "main").await
    }

    /// A connection of its own for one purpose, kept open until [`Effects::close_session`]; reopened when lost.
    ///
    /// # Errors
    /// When the server cannot be reached or refuses the login. `Locked` when another runner has the run.
    pub async fn session(&self, server: &str, purpose: &str) -> Result<Arc<Session>> {
        let slot: Slot = self.hands.sessions.slot(server, purpose);
        let mut place = tokio::select! {
            place = slot.lock() => place,
            () = self.activity.end.cancelled() => return Err(Failure::cancelled("open a connection").at(server)),
        };
        if let Some(session) = &*place
            && session.is_alive()
        {
            Box::pin(self.clear_left(session)).await?;
            return Ok(self.ours(session));
        }
        if let Some(lost) = place.take()
            && lost.left_running()
        {
            self.hands.sessions.leave(&lost);
        }
        let session = Box::pin(self.open(server)).await?;
        if purpose != PURPOSE {
            Box::pin(self.register(&session)).await?;
        }
        Box::pin(self.clear_left(&session)).await?;
        let ours = self.ours(&session);
        *place = Some(session);
        Ok(ours)
    }

    /// A connection as this piece of work sees it.
    fn ours(&self, session: &Session) -> Arc<Session> {
        Arc::new(session.within(&self.activity))
    }

    async fn open(&self, server: &str) -> Result<Arc<Session>> {
        let access = self.hands.inventory.server(server).ok_or_else(|| unknown(server))?;
        match self.log_in(server, access).await {
            Err(failure) if failure.passes() => self.open_started(server, access).await.unwrap_or(Err(failure)),
            opened => opened,
        }
    }

    async fn log_in(&self, server: &str, access: &Server) -> Result<Arc<Session>> {
        let password = access.password.clone();
        let login = self.login(server, access, &access.user, password).await?;
        let session = {
            let _opening = self.hands.sessions.opening(server).await;
            let session = Arc::new(Session::open(login, self.hands.secrets.clone()).await?);
            self.hands.sessions.know(&session);
            session
        };
        self.recognize(server, access, &session).await?;
        Ok(session)
    }

    /// Marks a connection as this runner's on a server that it has taken; refused when another one has it by now.
    async fn register(&self, session: &Session) -> Result<()> {
        let Some(lease) = self.hands.lines.lease() else { return Ok(()) };
        for _ in 0..2 {
            let Some((connection, is_proved)) = lease.connection(session.server()) else { return Ok(()) };
            if is_proved && lease::register(session, lease, connection).await? {
                return Ok(());
            }
            Box::pin(self.ensure_lease(lease, session.server())).await?; // which opens a connection itself
        }
        Err(Failure::transient("open a connection", "the lease on the server was lost meanwhile").at(session.server()))
    }

    /// Nothing is done on a server while a statement that was given up may still run there.
    async fn clear_left(&self, session: &Session) -> Result<()> {
        for id in self.hands.sessions.left(session.server()) {
            lease::end_own(session, &id.to_string()).await?;
            self.hands.sessions.gone(session.server(), id);
        }
        Ok(())
    }

    /// Sees, on the first connection to a server, that it is what the plan was written for: statements for another
    /// program may mean something else there.
    async fn recognize(&self, name: &str, access: &Server, session: &Session) -> Result<()> {
        if self.recognized().contains_key(name) {
            return Ok(());
        }
        let answer = session.query(Dialect::from(access.product()).version(), replica::LOOK).await?;
        let text = answer.value().unwrap_or_default();
        let refuse = |help: String| {
            let answer = format!("it says that it is {text}, and the plan is written for {}", access.wanted());
            Err(Failure::refused("recognize the server", answer).at(name).now("nothing was done there").help(help))
        };
        match Product::from_version_text(text) {
            Ok(actual) if access.accepts(actual) => {
                let rows = session.query(Dialect::from(actual).identity(), replica::LOOK).await?;
                let identity = pairs(&rows);
                self.is_the_same(name, &identity)?;
                self.recognized().insert(name.to_owned(), identity);
                Ok(())
            }
            Ok(Product { family, version }) => {
                let family = if family == Family::MariaDb { "mariadb" } else { "mysql" };
                let lines = format!("family: {family}, version: \"{}.{}\"", version.0, version.1);
                refuse(format!("write into the inventory, under servers.{name}: {lines}; then read the new plan"))
            }
            Err(_) => refuse(format!("see that servers.{name}.address in the inventory leads to a database server")),
        }
    }

    /// Whether a server that is reached another way now is still the one that the run has worked on.
    fn is_the_same(&self, name: &str, now: &Identity) -> Result<()> {
        let expected = self.hands.expected.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(before) = expected.get(name) else { return Ok(()) };
        let Some(other) = ["server_uuid", "server_uid"].into_iter().find(|key| before.get(*key) != now.get(*key))
        else {
            return Ok(());
        };
        let said = |identity: &Identity| identity.get(other).cloned().unwrap_or_else(|| "nothing".to_owned());
        let answer = format!("its {other} is {}, and this run has worked on {}", said(now), said(before));
        Err(Failure::refused("recognize the server", answer)
            .at(name)
            .now("nothing was done there")
            .help("the corrected address leads to another server: correct it again"))
    }

    /// What the servers spoken to so far say they are, by their names.
    #[must_use]
    pub fn seen(&self) -> BTreeMap<String, Identity> {
        self.recognized().clone()
    }

    fn recognized(&self) -> MutexGuard<'_, BTreeMap<String, Identity>> {
        self.hands.recognized.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The connection for `purpose` if it is open and alive; never opens one, nor waits for one that is being opened.
    #[must_use]
    pub fn open_session(&self, server: &str, purpose: &str) -> Option<Arc<Session>> {
        let slot = self.hands.sessions.slot(server, purpose);
        let place = slot.try_lock().ok()?;
        place.as_ref().filter(|session| session.is_alive()).map(|session| self.ours(session))
    }

    /// Closes a connection made for one purpose, if it is there.
    pub async fn close_session(&self, server: &str, purpose: &str) {
        let closed = self.hands.sessions.slot(server, purpose).lock().await.take();
        if let Some(session) = closed {
            session.close().await;
            if session.left_running() {
                self.hands.sessions.leave(&session);
            }
        }
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
    pub async fn open_shell(&self, host: &str) -> Result<()> {
        self.shell(host).await.map(drop)
    }

    /// Runs a script in the shell that is kept on `host`, and gives back what it printed.
    ///
    /// # Errors
    /// `Unplanned` when it does not stand in the plan, or as for [`Shell::run`].
    pub async fn run_in_shell(&self, host: &str, script: &Script) -> Result<String> {
        let attempted = format!("run `{}`", planned_host::begin(script));
        self.planned(attempted, |permits| permits.script(host, script, None)).map_err(|failure| failure.at(host))?;
        self.shell(host).await?.run(&script.for_shell()?).await
    }

    async fn shell(&self, host: &str) -> Result<Arc<Shell>> {
        self.hands.lines.shell(host).await
    }

    /// Sends one line to a unix socket on `host` and reads the answer to its end.
    ///
    /// # Errors
    /// When the host or the socket cannot be reached. `Locked` when another runner has the run.
    pub async fn unix_ask(&self, host: &str, socket: &str, line: &str) -> Result<String> {
        let attempted = format!("talk to the socket {socket}");
        let is_planned = |permits: &Permits| permits.socket(host, &socket.into(), &line.into());
        self.planned(&attempted, is_planned).map_err(|failure| failure.at(host))?;
        self.prove_lease(host).await?;
        let local = self.reach(host, socket).await?;
        line_socket::ask(&local, line).await.map_err(|error| Failure::transient(attempted, error.to_string()).at(host))
    }

    /// Logs in to `server` as `account` along the path it will use, and out again. Says which account let it in:
    /// an anonymous one may stand in the way.
    ///
    /// # Errors
    /// When the login is refused: the server's answer is in the failure.
    pub async fn try_login(&self, server: &str, account: &Account, path: LoginPath<'_>) -> Result<String> {
        let is_planned =
            |permits: &Permits| permits.login(server, &(&account.user).into(), path.host, &path.address.into());
        self.planned(format!("log in as {}", account.user), is_planned).map_err(|failure| failure.at(server))?;
        let address = self.reach(path.host, path.address).await?;
        let password = Some(account.password.clone());
        let tls = match path.authority {
            Some(file) => Some(self.authority(path, file).await?),
            None => None,
        };
        let login = Login { server: server.to_owned(), address, user: account.user.clone(), password, tls };
        let session = Session::open(login, self.hands.secrets.clone()).await?;
        let arrived = session.query(WHO, replica::LOOK).await?;
        session.close().await;
        Ok(arrived.value().unwrap_or_default().to_owned())
    }

    /// What a certificate is held against: the authority's file lies where the connection starts.
    async fn authority(&self, path: LoginPath<'_>, file: &str) -> Result<Tls> {
        let read = self.host(path.host).await?.read_file(file).await?;
        let authority = read.ok_or_else(|| {
            Failure::permanent("read the certificate authority", format!("there is no file {file}"))
                .at(path.host)
                .help("put it there, or correct `tls.ca` of the server in the inventory")
        })?;
        let name = Endpoint::of(path.address).plain_host();
        Ok(Tls { authority, name })
    }

    async fn login(&self, name: &str, server: &Server, user: &str, password: Option<SecretRef>) -> Result<Login> {
        let address = self.reach(&server.host, &server.address).await?;
        Ok(Login { server: name.to_owned(), address, user: user.to_owned(), password, tls: None })
    }

    /// Closes every connection and every ssh master.
    pub async fn close(&self) {
        for slot in self.hands.sessions.drain() {
            if let Some(session) = slot.lock().await.take() {
                session.close().await;
            }
        }
        self.hands.lines.close().await;
    }

    /// From now on nothing is done but under `lease`.
    fn set_lease(&self, lease: &Arc<Lease>) -> Result<()> {
        self.hands.lines.set_lease(lease)
    }

    async fn machine(&self, name: &str) -> Result<Arc<Machine>> {
        tokio::select! {
            machine = Box::pin(self.hands.lines.machine(name)) => machine,
            () = self.activity.end.cancelled() => Err(Failure::cancelled("reach the host").at(name)),
        }
    }

    fn work_dir(&self, host: &str) -> String {
        self.hands.lines.work_dir(host)
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

    /// Sees that this runner still has the server; one look at a time.
    async fn ensure_lease(&self, lease: &Lease, server: &str) -> Result<()> {
        let turn = {
            let mut leases = self.hands.leases.lock().unwrap_or_else(PoisonError::into_inner);
            leases.entry(server.to_owned()).or_default().clone()
        };
        let _turn = turn.lock().await;
        lease::ensure(self, lease, server).await
    }

    /// Sees that this runner still has the host, where a run was taken.
    async fn prove_lease(&self, host: &str) -> Result<()> {
        if self.hands.lines.lease().is_none() {
            return Ok(());
        }
        match self.shell(host).await?.run(":").await {
            // why a shell went away is said to whoever starts a program
            Err(failure) if failure.class == Class::Transient => {
                self.bare_host(host).await?.run(&["true"], None).await.map(drop)
            }
            proved => proved.map(drop),
        }
    }
}

/// The path of a login: an address as seen from a host.
#[derive(Debug, Clone, Copy)]
pub struct LoginPath<'a> {
    /// Host the connection starts from.
    pub host: &'a str,
    /// Address it goes to, as that host sees it.
    pub address: &'a str,
    /// For TLS with the server's certificate verified: file on that host with the authority that has signed it.
    pub authority: Option<&'a str>,
}

impl LoginPath<'_> {
    /// What [`Effects::try_login`] does, for a plan.
    #[must_use]
    pub fn actions(&self, server: &str, user: &str) -> Vec<Action> {
        let read = self.authority.map(|file| Action::read(self.host, file));
        let login = [Action::login(server, user, self.host, self.address), Action::sql(server, WHO)];
        read.into_iter().chain(login).collect()
    }
}

/// Which account let somebody in.
const WHO: &str = "SELECT CURRENT_USER()";

fn pairs(rows: &Rows) -> Identity {
    let pair = |row: Row<'_>| Some((row.at(0)?.to_owned(), row.at(1)?.to_owned()));
    rows.iter().filter_map(pair).collect()
}

fn unknown(server: &str) -> Failure {
    Failure::permanent(format!("find server `{server}`"), "the inventory has no server of that name")
}
