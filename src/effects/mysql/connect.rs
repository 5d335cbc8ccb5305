//! The login: address, account, and the meaning of a failure.

use super::super::Secrets;
use super::cover::{Cover, Tls, addresses, leading_away};
use super::driver::Cause;
use super::error::is_transient;
use super::guard::Guard;
use crate::domain::endpoint::Endpoint;
use crate::domain::secret::SecretRef;
use crate::error::{Failure, Result};
use crate::playbook::inventory::Verify;
use mysql_async::{Conn, Error, Opts, OptsBuilder};
use secrecy::ExposeSecret;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::time::timeout;

/// Longest time for a connection to be made, login included.
const CONNECT: Duration = Duration::from_secs(10);
/// "Access denied for user".
const DENIED: u16 = 1045;
/// Largest statement that is sent and largest row that is read, in bytes; given so that the driver does not ask the
/// server. The driver holds up to five times as much while it reads one: what is left over is for everything else.
pub(super) const LARGEST_PACKET: usize = 4 << 20;
/// Idle time in seconds; given so that the driver does not ask the server.
const IDLE: usize = 28_800;

/// Where and as whom to log in.
#[derive(Debug, Clone)]
pub struct Login {
    /// Server name, for messages.
    pub server: String,
    /// `address:port` on the runner's machine; the path of a socket for [`Cover::Socket`].
    pub address: String,
    /// Account.
    pub user: String,
    /// Its password.
    pub password: Option<SecretRef>,
    /// How the connection is protected.
    pub cover: Cover,
}

/// How one attempt failed.
enum Fault {
    /// By the driver, or by the server in its words.
    Driver(Error),
    /// Otherwise.
    Known(Failure),
}

impl Login {
    /// Connects and logs in. The server sees the login and no statement.
    pub(super) async fn connect(&self, secrets: &Secrets) -> Result<Conn> {
        let mut denied_before = false;
        loop {
            let fault = match timeout(CONNECT, self.attempt(secrets)).await {
                Ok(Ok(conn)) => return Ok(conn),
                Ok(Err(fault)) => fault,
                Err(_) => return Err(self.unreachable("no answer within 10 s")),
            };
            let error = match fault {
                Fault::Driver(error) => error,
                Fault::Known(failure) => return Err(failure),
            };
            // The driver gets about one ed25519 login in 256 wrong, so the first refusal is not believed.
            let denied = matches!(&error, Error::Server(server) if server.code == DENIED);
            if denied && !denied_before {
                denied_before = true;
                continue;
            }
            return Err(self.refused(&error, secrets));
        }
    }

    async fn attempt(&self, secrets: &Secrets) -> Result<Conn, Fault> {
        if matches!(self.cover, Cover::Socket) {
            return self.log_in(OptsBuilder::default().socket(Some(self.address.as_str())), secrets).await;
        }
        let (at, port) = self.endpoint().map_err(Fault::Known)?;
        let to = OptsBuilder::default().ip_or_hostname(at.host).tcp_port(port);
        if let Cover::Tls(tls) = &self.cover
            && tls.verify == Verify::Name
        {
            return self.log_in(to.ssl_opts(Some(tls.options())), secrets).await;
        }
        let addresses = addresses(at, port).await.map_err(|error| self.lost(&error))?;
        let away = leading_away(&addresses);
        match &self.cover {
            Cover::Tls(tls) => self.guarded(&addresses, Some(tls), secrets).await,
            Cover::Loopback if !away.is_empty() => Err(Fault::Known(self.uncovered(&away))),
            Cover::Open if !away.is_empty() => self.guarded(&addresses, None, secrets).await,
            Cover::Beyond => self.guarded(&addresses, None, secrets).await,
            // to these addresses and no others: the name may stand for something else a moment later
            Cover::Loopback | Cover::Socket | Cover::Open => {
                let addresses: Vec<_> = addresses.iter().map(SocketAddr::ip).collect();
                self.log_in(to.resolved_ips(Some(addresses)), secrets).await
            }
        }
    }

    /// Logs in through a relay of our own.
    async fn guarded(&self, addresses: &[SocketAddr], tls: Option<&Tls>, secrets: &Secrets) -> Result<Conn, Fault> {
        let guard = Guard::open(addresses, tls).await.map_err(|error| self.lost(&error))?;
        let to = OptsBuilder::default().socket(guard.path.to_str());
        self.log_in(to, secrets).await.map_err(|fault| guard.cut().map_or(fault, |cut| Fault::Known(self.cut(cut))))
    }

    async fn log_in(&self, to: OptsBuilder, secrets: &Secrets) -> Result<Conn, Fault> {
        let password = self.password.as_ref().map(|secret| secrets.value(secret)).transpose().map_err(Fault::Known)?;
        let options = to
            .user(Some(self.user.as_str()))
            .pass(password.map(ExposeSecret::expose_secret))
            .prefer_socket(false)
            .enable_cleartext_plugin(false)
            .secure_auth(true)
            .tcp_nodelay(true)
            .tcp_keepalive(Some(CONNECT))
            .stmt_cache_size(0)
            .max_allowed_packet(Some(LARGEST_PACKET))
            .wait_timeout(Some(IDLE));
        Conn::new(Opts::from(options)).await.map_err(Fault::Driver)
    }

    fn endpoint(&self) -> Result<(Endpoint<'_>, u16)> {
        Endpoint::parse(&self.address).and_then(|at| Some((at, at.number()?))).ok_or_else(|| {
            Failure::permanent("connect", format!("`{}` is not an address and port", self.address)).at(&self.server)
        })
    }

    fn lost(&self, error: &std::io::Error) -> Fault {
        Fault::Known(self.unreachable(&error.to_string()))
    }

    fn unreachable(&self, answer: &str) -> Failure {
        Failure::transient("connect", format!("{}: {answer}", self.address)).at(&self.server)
    }

    fn refused(&self, error: &Error, secrets: &Secrets) -> Failure {
        if let Some(failure) = self.unsafe_way(error) {
            return failure;
        }
        let attempted = self.attempted();
        let Error::Server(server) = error else {
            let answer = secrets.scrub(&error.to_string());
            return match Cause::of(error) {
                Cause::Line => self.unreachable(&answer),
                Cause::Driver | Cause::Server => Failure::permanent(attempted, answer).at(&self.server),
            };
        };
        let answer = format!("error {}: {}", server.code, secrets.scrub(&server.message));
        if is_transient(server.code, &server.message) {
            return Failure::transient(attempted, answer).at(&self.server);
        }
        let password = match &self.password {
            Some(secret) => format!("check that {} holds the password of this account", secret.marker()),
            None => "no password was given: check that the account needs none".to_owned(),
        };
        Failure::permanent(attempted, answer).at(&self.server).help(format!(
            "{password}, and that the account exists for the host that the connection comes from: through ssh that is \
             127.0.0.1 or localhost. An account without a name for the same host (''@'localhost', which an \
             installation may leave behind) takes precedence: drop it"
        ))
    }
}
