//! The way in: where and as whom to log in, and what it means when that fails.

use super::super::Secrets;
use super::driver::Cause;
use super::error::is_transient;
use crate::domain::endpoint::Endpoint;
use crate::domain::secret::SecretRef;
use crate::error::{Failure, Result};
use mysql_async::{Conn, Error, Opts, OptsBuilder, SslOpts};
use secrecy::ExposeSecret;
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
    /// `address:port` on the runner's machine.
    pub address: String,
    /// Account.
    pub user: String,
    /// Its password.
    pub password: Option<SecretRef>,
    /// Encrypted, with the server's certificate verified; `None` sends everything as it is.
    pub tls: Option<Tls>,
}

/// What a server's certificate must stand up to.
#[derive(Debug, Clone)]
pub struct Tls {
    /// The authority that has signed it, as PEM; no other is believed.
    pub authority: Vec<u8>,
    /// The name or address that it must be for.
    pub name: String,
}

impl Tls {
    fn options(&self) -> SslOpts {
        SslOpts::default()
            .with_root_certs(vec![self.authority.clone().into()])
            .with_disable_built_in_roots(true)
            .with_danger_tls_hostname_override(Some(self.name.clone())) // the way there ends at another address
    }
}

impl Login {
    /// Connects and logs in. The server sees the login and no statement.
    pub(super) async fn connect(&self, secrets: &Secrets) -> Result<Conn> {
        let opts = self.options(secrets)?;
        let mut denied_before = false;
        loop {
            let error = match timeout(CONNECT, Conn::new(opts.clone())).await {
                Ok(Ok(conn)) => return Ok(conn),
                Ok(Err(error)) => error,
                Err(_) => return Err(self.unreachable("no answer within 10 s")),
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

    fn options(&self, secrets: &Secrets) -> Result<Opts> {
        let at = Endpoint::parse(&self.address).and_then(|at| Some((at.host, at.number()?)));
        let (host, port) = at.ok_or_else(|| {
            Failure::permanent("connect", format!("`{}` is not an address and port", self.address)).at(&self.server)
        })?;
        let password = match &self.password {
            Some(secret) => Some(secrets.value(secret)?.expose_secret().to_owned()),
            None => None,
        };
        let builder = OptsBuilder::default()
            .ip_or_hostname(host)
            .tcp_port(port)
            .user(Some(self.user.as_str()))
            .pass(password)
            .prefer_socket(false)
            .ssl_opts(self.tls.as_ref().map(Tls::options))
            .tcp_nodelay(true)
            .tcp_keepalive(Some(CONNECT))
            .stmt_cache_size(0)
            .max_allowed_packet(Some(LARGEST_PACKET))
            .wait_timeout(Some(IDLE));
        Ok(builder.into())
    }

    fn unreachable(&self, answer: &str) -> Failure {
        Failure::transient("connect", format!("{}: {answer}", self.address)).at(&self.server)
    }

    fn refused(&self, error: &Error, secrets: &Secrets) -> Failure {
        let attempted = format!("log in as {}", self.user);
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
            Some(secret) => format!("the password behind {} must be the account's", secret.marker()),
            None => "no password was given".to_owned(),
        };
        Failure::permanent(attempted, answer).at(&self.server).help(format!(
            "{password}, and the account must be allowed from where the connection arrives: its host part is \
             127.0.0.1 or localhost when it comes through ssh"
        ))
    }
}
