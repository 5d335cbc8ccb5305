//! Hands on the world: servers, hosts, processes, secrets. The only room that knows `mysql_async` and `openssh`.
//!
//! May know the plain data of the playbook (inventory, secrets by reference, markers) and `error`; nothing else.
//! Everything here is lazy: nothing is connected before a step asks for it.

mod approvals;
pub mod dialect;
pub mod facts;
mod free_port;
mod host;
mod job;
mod line_socket;
mod lines;
mod mysql;
pub mod replica;
mod secrets;
mod shell;

pub use approvals::{Answer, Approvals, Decision, Rule};
pub use free_port::free_port;
pub use host::{Host, Ran};
pub use job::{Job, JobState};
pub use mysql::{AFTER_END, Greeting, INIT, Login, Row, Rows, Session, SqlError, Tls, end_statement, greeting};
pub use secrets::Secrets;
pub use shell::Shell;

use crate::error::{Failure, Result};
use crate::playbook::inventory::{Account, Inventory, Server};
use crate::playbook::product::{Family, Product};
use dialect::Dialect;
use lines::Lines;
use secrecy::ExposeSecret;
use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::Mutex;

/// What a server says it is: names and values of its variables.
pub type Identity = BTreeMap<String, String>;

/// The bundle of hands that steps are given.
pub struct Effects {
    inventory: Arc<Inventory>,
    secrets: Arc<Secrets>,
    approvals: Arc<dyn Approvals>,
    lines: Lines,
    sessions: Mutex<HashMap<(String, String), Arc<Session>>>,
    recognized: Mutex<BTreeMap<String, Identity>>,
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
        Self {
            lines: Lines::new(inventory.clone(), control_dir),
            inventory,
            secrets,
            approvals,
            sessions: Mutex::default(),
            recognized: Mutex::default(),
        }
    }

    /// Secrets, revealed only where they are used.
    #[must_use]
    pub fn secrets(&self) -> &Secrets {
        &self.secrets
    }

    /// Where people's decisions come from.
    #[must_use]
    pub fn approvals(&self) -> &dyn Approvals {
        &*self.approvals
    }

    /// The host called `name`, connected.
    ///
    /// # Errors
    /// When it cannot be reached, or its key is not known.
    pub async fn host(&self, name: &str) -> Result<Arc<Host>> {
        self.lines.host(name).await
    }

    /// An address on the runner's machine that leads to `address` as seen from `host`.
    ///
    /// # Errors
    /// When the host cannot be reached.
    pub async fn reach(&self, host: &str, address: &str) -> Result<String> {
        self.lines.reach(host, address).await
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
    /// When the server cannot be reached or refuses the login.
    pub async fn session(&self, server: &str, purpose: &str) -> Result<Arc<Session>> {
        let key = (server.to_owned(), purpose.to_owned());
        if let Some(session) = self.sessions.lock().await.get(&key)
            && session.is_alive()
        {
            return Ok(session.clone());
        }
        let access = self.inventory.server(server).ok_or_else(|| unknown(server))?;
        let password = access.password.as_ref().map(super::playbook::secret::SecretRef::marker);
        let login = self.login(server, access, &access.user, password).await?;
        let session = Arc::new(Session::open(login, self.secrets.clone()).await?);
        self.recognize(server, access, &session).await?;
        self.sessions.lock().await.insert(key, session.clone());
        Ok(session)
    }

    /// Sees, on the first connection to a server, that it is what the plan was written for: statements for another
    /// program may mean something else there.
    async fn recognize(&self, name: &str, access: &Server, session: &Session) -> Result<()> {
        let mut recognized = self.recognized.lock().await;
        if recognized.contains_key(name) {
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
                recognized.insert(name.to_owned(), pairs(&rows));
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

    /// What the servers spoken to so far say they are, by their names.
    pub async fn seen(&self) -> BTreeMap<String, Identity> {
        self.recognized.lock().await.clone()
    }

    /// The connection for `purpose` if it is open and alive; never opens one.
    pub async fn open_session(&self, server: &str, purpose: &str) -> Option<Arc<Session>> {
        let key = (server.to_owned(), purpose.to_owned());
        self.sessions.lock().await.get(&key).filter(|session| session.is_alive()).cloned()
    }

    /// Closes a connection made for one purpose, if it is there.
    pub async fn close_session(&self, server: &str, purpose: &str) {
        let closed = self.sessions.lock().await.remove(&(server.to_owned(), purpose.to_owned()));
        if let Some(session) = closed {
            session.close().await;
        }
    }

    /// Connection ids of every open session on a server: what a fence must not kill.
    pub async fn session_ids(&self, server: &str) -> Vec<u64> {
        let sessions = self.sessions.lock().await;
        sessions
            .iter()
            .filter(|((name, _), session)| name == server && session.is_alive())
            .map(|(_, s)| s.id())
            .collect()
    }

    /// A shell kept open on `host`: a command in it costs a round trip, not a process over ssh.
    ///
    /// # Errors
    /// When the host cannot be reached.
    pub async fn shell(&self, host: &str) -> Result<Arc<Shell>> {
        self.lines.shell(host).await
    }

    /// Sends one line to a unix socket on `host` and reads the answer to its end.
    ///
    /// # Errors
    /// When the host or the socket cannot be reached.
    pub async fn unix_ask(&self, host: &str, socket: &str, line: &str) -> Result<String> {
        let local = self.reach(host, socket).await?;
        line_socket::ask(&local, line)
            .await
            .map_err(|error| Failure::transient(format!("talk to the socket {socket}"), error.to_string()).at(host))
    }

    /// Logs in to `server` as `account` along the path it will use, and out again. Says which account let it in:
    /// an anonymous one may stand in the way.
    ///
    /// # Errors
    /// When the login is refused: the server's answer is in the failure.
    pub async fn try_login(&self, server: &str, account: &Account, path: LoginPath<'_>) -> Result<String> {
        let address = self.reach(path.host, path.address).await?;
        let password = Some(account.password.marker());
        let tls = match path.authority {
            Some(file) => Some(self.authority(path, file).await?),
            None => None,
        };
        let login = Login { server: server.to_owned(), address, user: account.user.clone(), password, tls };
        let session = Session::open(login, self.secrets.clone()).await?;
        let arrived = session.query("SELECT CURRENT_USER()", replica::LOOK).await?;
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
        let name = path.address.rsplit_once(':').map_or(path.address, |(host, _)| host).to_owned();
        Ok(Tls { authority, name })
    }

    async fn login(&self, name: &str, server: &Server, user: &str, password: Option<String>) -> Result<Login> {
        let address = self.reach(&server.host, &server.address).await?;
        Ok(Login { server: name.to_owned(), address, user: user.to_owned(), password, tls: None })
    }

    /// Writes a client's option file, mode 0600, with its secrets revealed.
    ///
    /// # Errors
    /// When a secret is not known, or the host does not take the file.
    pub async fn write_option_file(&self, host: &Host, path: &str, text: &str) -> Result<()> {
        let revealed = self.secrets.reveal(text, secrets::in_option_file)?;
        host.write_file(path, revealed.expose_secret().as_bytes(), Some(0o600)).await
    }

    /// Closes every connection and every ssh master.
    pub async fn close(&self) {
        for (_, session) in self.sessions.lock().await.drain() {
            session.close().await;
        }
        self.lines.close().await;
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

fn pairs(rows: &Rows) -> Identity {
    let pair = |row: Row<'_>| Some((row.at(0)?.to_owned(), row.at(1)?.to_owned()));
    rows.iter().filter_map(pair).collect()
}

fn unknown(server: &str) -> Failure {
    Failure::permanent(format!("find server `{server}`"), "the inventory has no server of that name")
}
