//! Connections to servers: opened when one is asked for, marked as this runner's, and only to the program that the plan
//! was written for.

use super::lease::{self, PURPOSE};
use super::sessions::Slot;
use super::{Cover, Effects, Identity, Login, Row, Rows, Session, Tls, replica};
use crate::dialect::Dialect;
use crate::domain::endpoint::Endpoint;
use crate::domain::product::{Family, Product};
use crate::domain::secret::SecretRef;
use crate::error::{Failure, Result};
use crate::playbook::inventory::{Encryption, Host, Server};
use futures_util::future::BoxFuture;
use std::collections::BTreeMap;
use std::sync::{Arc, MutexGuard, PoisonError};

/// The number of the first connection to a server that does not exist.
const FIRST_ID: u64 = 1000;

impl Effects {
    /// The runner's ordinary connection to a server, as its administrative account.
    ///
    /// # Errors
    /// When the server cannot be reached or refuses the login.
    pub async fn sql(&self, server: &str) -> Result<Arc<Session>> {
        self.session(server, "main").await
    }

    /// A separate connection for one purpose, kept open until [`Effects::close_session`]; reopened when lost.
    ///
    /// # Errors
    /// When the server cannot be reached or refuses the login. `Locked` when another runner has the run.
    #[must_use]
    pub fn session<'a>(&'a self, server: &'a str, purpose: &'a str) -> BoxFuture<'a, Result<Arc<Session>>> {
        Box::pin(async move {
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
        })
    }

    /// A connection as this piece of work sees it.
    pub(super) fn ours(&self, session: &Session) -> Arc<Session> {
        Arc::new(session.within(&self.activity))
    }

    async fn open(&self, server: &str) -> Result<Arc<Session>> {
        let access = self.hands.inventory.server(server).ok_or_else(|| unknown(server))?;
        match self.log_in(server, access).await {
            Err(failure) if failure.passes() => self.open_started(server, access).await.unwrap_or(Err(failure)),
            opened => opened,
        }
    }

    pub(super) async fn log_in(&self, server: &str, access: &Server) -> Result<Arc<Session>> {
        if let Some(stand_in) = &self.hands.stand_in {
            let session = Arc::new(Session::with(stand_in, server, FIRST_ID + self.session_ids(server).len() as u64));
            self.hands.sessions.know(&session);
            return Ok(session);
        }
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
        Err(Failure::transient("open a connection", "the lease on the server was lost").at(session.server()))
    }

    /// Nothing is done on a server while a statement that was given up may still run there.
    async fn clear_left(&self, session: &Session) -> Result<()> {
        for id in self.hands.sessions.left(session.server()) {
            lease::end_own(session, &id.to_string()).await?;
            self.hands.sessions.gone(session.server(), id);
        }
        Ok(())
    }

    /// Checks, on the first connection to a server, that it is the version the plan was made for: statements for
    /// another program may have another meaning there.
    async fn recognize(&self, name: &str, access: &Server, session: &Session) -> Result<()> {
        if self.recognized().contains_key(name) {
            return Ok(());
        }
        let answer = session.query(Dialect::from(access.product()).version(), replica::LOOK).await?;
        let text = answer.value().unwrap_or_default();
        let refuse = |help: String| {
            let answer = format!("it reports version {text}, but the plan was made for {}", access.wanted());
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
                refuse(format!("write in the inventory, under servers.{name}: {lines}; then review the new plan"))
            }
            Err(_) => refuse(format!(
                "check that servers.{name}.address in the inventory is the address of a database server"
            )),
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
        let answer = format!("its {other} is {}, but this run has worked on {}", said(now), said(before));
        Err(Failure::refused("recognize the server", answer)
            .at(name)
            .now("nothing was done there")
            .help("the corrected address leads to another server: correct it again"))
    }

    pub(super) fn recognized(&self) -> MutexGuard<'_, BTreeMap<String, Identity>> {
        self.hands.recognized.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn login(&self, name: &str, server: &Server, user: &str, password: Option<SecretRef>) -> Result<Login> {
        let cover = self.cover(name, &server.host, &server.address).await?;
        let address = self.reach(&server.host, &server.address).await?;
        Ok(Login { server: name.to_owned(), address, user: user.to_owned(), password, cover })
    }

    /// How a connection to `server` from `host` at `address` is protected: by TLS if the inventory has it, otherwise by
    /// the rules for plain text.
    pub(super) async fn cover(&self, server: &str, host: &str, address: &str) -> Result<Cover> {
        let access = self.hands.inventory.server(server);
        let Some(tls) = access.and_then(|server| server.tls.as_ref()) else {
            return Ok(self.plain_cover(server, host, address));
        };
        let file = self.hands.secrets.folder().join(&tls.ca);
        let cover = Tls::by_file(&file, tls.name_at(address), tls.verify).await.map(Cover::Tls);
        cover.map_err(|failure| failure.at(server))
    }

    /// The same without TLS. An address is loopback, or of the server's own host, as seen from there: what goes to it
    /// through ssh is encrypted all the way.
    pub(super) fn plain_cover(&self, server: &str, host: &str, address: &str) -> Cover {
        let inventory = &self.hands.inventory;
        let is_here = inventory.host(host).is_none_or(Host::is_local);
        let ends_there = Endpoint::of(address).is_loopback() || inventory.host_of(server) == host;
        match inventory.policy.encrypted_replication {
            Encryption::Required if is_here => Cover::Loopback,
            Encryption::Optional if is_here => Cover::Open,
            _ if ends_there => Cover::Loopback,
            _ => Cover::Beyond,
        }
    }
}

fn pairs(rows: &Rows) -> Identity {
    let pair = |row: Row<'_>| Some((row.at(0)?.to_owned(), row.at(1)?.to_owned()));
    rows.iter().filter_map(pair).collect()
}

fn unknown(server: &str) -> Failure {
    Failure::permanent(format!("find server `{server}`"), "the inventory has no server of that name")
}
