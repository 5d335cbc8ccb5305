//! The address of a shared store, read as PostgreSQL's own programs read it, and checked for safety.

use super::passfile;
use crate::error::{Failure, Result};
use percent_encoding::percent_decode_str;
use std::path::PathBuf;
use std::time::Duration;
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};

/// How long a server may take to accept a connection, unless the address sets another time.
const CONNECT: Duration = Duration::from_secs(3);

/// How a connection is protected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Cover {
    /// Not at all: on this machine, or because the address states so.
    None,
    /// By TLS; the certificate is verified with the authorities in this file, and must be for the host's name.
    Tls { authorities: PathBuf },
}

/// Where a shared store is.
#[derive(Debug, Clone)]
pub struct Address {
    /// As it was written. It holds no password.
    pub(super) text: String,
    pub(super) config: Config,
    pub(super) cover: Cover,
}

impl Address {
    /// Whether `text` is the address of a shared store, and not the path of a folder.
    #[must_use]
    pub fn is_meant(text: &str) -> bool {
        ["postgres://", "postgresql://"].iter().any(|scheme| text.starts_with(scheme))
    }

    /// Reads `postgres://USER@HOST[:PORT][,HOST...]/DATABASE[?sslmode=…&sslrootcert=FILE…]`.
    ///
    /// # Errors
    /// When it cannot be read, contains a password, or leads to another machine without verified TLS.
    pub fn parse(text: &str) -> Result<Self> {
        let attempted = "read the address of the shared store";
        let (rest, own) = take_own(text);
        let mut config: Config = rest.parse().map_err(|error: tokio_postgres::Error| {
            // the driver's message, never the text: it may contain a misplaced password
            Failure::refused(attempted, words(&error)).help("write it like `postgres://cutover@db1,db2/cutover`")
        })?;
        if config.get_password().is_some() {
            return Err(Failure::refused(
                attempted,
                "it contains a password, which every process on this machine could read",
            )
            .help("remove it, and put it into the file named by PGPASSFILE, readable only by its owner"));
        }
        if config.get_hosts().is_empty() || config.get_dbname().is_none() || config.get_user().is_none() {
            return Err(Failure::refused(attempted, "it names no host, no database or no user")
                .help("write it like `postgres://cutover@db1,db2/cutover`"));
        }
        let cover = cover(&config, own).map_err(|(answer, help)| Failure::refused(attempted, answer).help(help))?;
        config.ssl_mode(if cover == Cover::None { SslMode::Disable } else { SslMode::Require });
        config.application_name("cutover").keepalives_idle(Duration::from_secs(10));
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECT);
        }
        Ok(Self { text: text.to_owned(), config, cover })
    }

    /// One host of it at a time, each with the password for it.
    ///
    /// # Errors
    /// When the file of passwords cannot be read.
    pub(super) fn hosts(&self) -> Result<Vec<(String, Config)>> {
        let hosts = self.config.get_hosts();
        let ports = self.config.get_ports();
        let mut all = Vec::with_capacity(hosts.len());
        for (index, host) in hosts.iter().enumerate() {
            let port = ports.get(index).or(ports.first()).copied().unwrap_or(5432);
            let name = match host {
                Host::Tcp(name) => name.clone(),
                Host::Unix(folder) => folder.display().to_string(),
            };
            let mut config = self.only(host, port);
            let [user, database] = [self.config.get_user(), self.config.get_dbname()].map(Option::unwrap_or_default);
            if let Some(password) = passfile::password(&name, port, database, user)? {
                config.password(password);
            }
            all.push((format!("{name}:{port}"), config));
        }
        Ok(all)
    }

    fn only(&self, host: &Host, port: u16) -> Config {
        let all = &self.config;
        let mut config = Config::new();
        match host {
            Host::Tcp(name) => config.host(name),
            Host::Unix(folder) => config.host_path(folder),
        };
        config.port(port).ssl_mode(all.get_ssl_mode()).keepalives_idle(all.get_keepalives_idle());
        config.user(all.get_user().unwrap_or_default()).dbname(all.get_dbname().unwrap_or_default());
        config.application_name(all.get_application_name().unwrap_or_default());
        config.connect_timeout(all.get_connect_timeout().copied().unwrap_or(CONNECT));
        if let Some(options) = all.get_options() {
            config.options(options);
        }
        config
    }
}

/// Parts that the driver does not read itself.
#[derive(Default)]
struct Own {
    mode: Option<String>,
    authorities: Option<PathBuf>,
}

/// Takes `sslmode` and `sslrootcert` out of the address.
fn take_own(text: &str) -> (String, Own) {
    let Some((before, query)) = text.split_once('?') else { return (text.to_owned(), Own::default()) };
    let mut own = Own::default();
    let others: Vec<&str> = query
        .split('&')
        .filter(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let value = percent_decode_str(value).decode_utf8_lossy().into_owned();
            match name {
                "sslmode" => own.mode = Some(value),
                "sslrootcert" => own.authorities = Some(value.into()),
                _ => return true,
            }
            false
        })
        .collect();
    let rest = if others.is_empty() { before.to_owned() } else { format!("{before}?{}", others.join("&")) };
    (rest, own)
}

fn cover(config: &Config, own: Own) -> Result<Cover, (String, String)> {
    let leaves = |host: &Host| match host {
        Host::Unix(_) => false,
        Host::Tcp(name) => !is_loopback(name),
    };
    let by_file = || "add `sslrootcert=FILE` to it: the authority that signed the server's certificate".to_owned();
    match (own.mode.as_deref(), own.authorities) {
        (None | Some("verify-full"), Some(authorities)) => Ok(Cover::Tls { authorities }),
        (None | Some("disable"), None) if !config.get_hosts().iter().any(leaves) => Ok(Cover::None),
        (Some("disable"), None) => Ok(Cover::None),
        (None | Some("verify-full"), None) => Err((
            "it leads to another machine, but does not state how to verify the server's certificate".to_owned(),
            by_file(),
        )),
        (Some(mode), _) => Err((
            format!("sslmode is `{mode}`, which does not verify the certificate and the host name"),
            "remove it and add `sslrootcert=FILE`, or write `sslmode=disable` for a network that you trust".to_owned(),
        )),
    }
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// An error of the driver with what caused it.
pub(super) fn words(error: &tokio_postgres::Error) -> String {
    let mut words = match error.as_db_error() {
        Some(said) => return format!("{} ({})", said.message(), said.code().code()),
        None => error.to_string(),
    };
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        let text = error.to_string();
        if !words.contains(&text) {
            words = format!("{words}: {text}");
        }
        cause = error.source();
    }
    words
}

#[cfg(test)]
mod tests {
    use super::{Address, Cover};

    #[test]
    fn addresses_and_what_covers_them() {
        for (text, covered) in [
            ("postgres://c@127.0.0.1:5433,127.0.0.1:5434/c", Some(false)),
            ("postgresql://c@%2Frun%2Fpostgresql/c", Some(false)),
            ("postgres://c@localhost/c", Some(false)),
            ("postgres://c@db1,db2/c?sslrootcert=%2Fetc%2Fca.pem", Some(true)),
            ("postgres://c@db1/c?sslmode=verify-full&sslrootcert=/etc/ca.pem&connect_timeout=5", Some(true)),
            ("postgres://c@db1/c?sslmode=disable", Some(false)),
            ("postgres://c@db1/c", None),
            ("postgres://c@127.0.0.1,db1/c", None),
            ("postgres://c@db1/c?sslmode=require&sslrootcert=/etc/ca.pem", None),
            ("postgres://c@db1/c?sslmode=prefer", None),
            ("postgres://c@127.0.0.1/", None),
            ("postgres:///c", None),
            ("postgres://c@127.0.0.1/c?passwod=x", None),
        ] {
            let read = Address::parse(text);
            assert_eq!(read.as_ref().ok().map(|address| address.cover != Cover::None), covered, "{text}: {read:?}");
        }
    }

    #[test]
    fn a_password_is_refused_and_not_repeated() {
        for text in
            ["postgres://c:geheim@127.0.0.1/c", "postgres://c@127.0.0.1/c?password=geheim", "postgres://c:geheim@:x/c"]
        {
            let failure = Address::parse(text).unwrap_err();
            assert!(!format!("{failure:?}").contains("geheim"), "{failure:?}");
        }
    }
}
