//! Messages for a login that is given up because the way to the server, or the server itself, is not safe: what was
//! seen, that nothing secret was sent, and what to do.

use super::connect::Login;
use super::cover::{Cover, Tls};
use super::guard::Cut;
use crate::error::Failure;
use jiff::Timestamp;
use mysql_async::{DriverError, Error, IoError, TlsError};
use std::net::IpAddr;
use tokio_rustls::rustls::CertificateError;
use tokio_rustls::rustls::Error as Rustls;

/// What is true after any of these.
const NOT_SENT: &str = "no password was sent";

impl Login {
    pub(super) fn attempted(&self) -> String {
        format!("log in as {}", self.user)
    }

    fn unsafe_login(&self, answer: impl Into<String>, help: impl Into<String>) -> Failure {
        Failure::permanent(self.attempted(), answer).at(&self.server).now(NOT_SENT).help(help)
    }

    /// Plain text would leave the machine.
    pub(super) fn uncovered(&self, away: &[IpAddr]) -> Failure {
        let led: Vec<String> = away.iter().map(IpAddr::to_string).collect();
        let answer = format!(
            "{} resolves to {}, which is not only this machine, and `policy.encrypted_replication: required` allows no \
             plain text there",
            self.address,
            led.join(" and ")
        );
        Failure::refused(self.attempted(), answer).at(&self.server).now("no connection was made").help(format!(
            "{}; or give its host `ssh`; or, when the server is on this machine, write 127.0.0.1; or set \
             `policy.encrypted_replication: optional`, which reviewers will see",
            self.by_tls()
        ))
    }

    fn by_tls(&self) -> String {
        format!("encrypt the connection: `tls: {{ ca: FILE }}` under servers.{} in the inventory", self.server)
    }

    /// The reason why our own relay cut the connection.
    pub(super) fn cut(&self, cut: &Cut) -> Failure {
        match (cut, &self.cover) {
            (Cut::AsksForPassword, _) => self.asks_for_password(),
            (Cut::Tls(error), Cover::Tls(tls)) => self.no_tls_with(error, tls),
            (Cut::Tls(_) | Cut::NoTls, _) => self.no_tls(),
        }
    }

    /// The reason why the driver gave up, if it concerns safety.
    pub(super) fn unsafe_way(&self, error: &Error) -> Option<Failure> {
        match error {
            Error::Driver(DriverError::NoClientSslFlagFromServer) => Some(self.no_tls()),
            Error::Driver(DriverError::CleartextPluginDisabled) => Some(self.unsafe_login(
                "the server asks for the password in clear text (mysql_clear_password), which is never sent",
                "give the account another plugin, such as caching_sha2_password or ed25519; if it has one, find out \
                 what answers there",
            )),
            Error::Driver(DriverError::MysqlOldPasswordDisabled) => Some(self.unsafe_login(
                "the server asks for a login with mysql_old_password, whose answer reveals the password",
                "give the account another plugin, such as mysql_native_password; if it has one, find out what answers \
                 there",
            )),
            Error::Io(error) => match (rustls(error), &self.cover) {
                (Some(error), Cover::Tls(tls)) => Some(self.no_tls_with(error, tls)),
                _ => None,
            },
            _ => None,
        }
    }

    fn asks_for_password(&self) -> Failure {
        self.unsafe_login(
            "the server asks for the password itself (caching_sha2_password, full authentication), and the connection \
             is not encrypted",
            format!("{}; or give its host `ssh`", self.by_tls()),
        )
    }

    fn no_tls(&self) -> Failure {
        self.unsafe_login(
            "the server offers no TLS, and the inventory requires it",
            format!(
                "turn TLS on there (`ssl_cert`, `ssl_key`), or remove `tls` from servers.{}; if it is on there, \
                 somebody between here and the server removed the offer",
                self.server
            ),
        )
    }

    fn no_tls_with(&self, error: &Rustls, tls: &Tls) -> Failure {
        let (answer, help) = match error {
            Rustls::InvalidCertificate(error) => self.certificate(error, tls),
            Rustls::AlertReceived(_) | Rustls::PeerIncompatible(_) => {
                (format!("the TLS handshake failed: {error}"), "the server must speak TLS 1.2 or 1.3".to_owned())
            }
            _ => (format!("the TLS handshake failed: {error}"), self.who_answers()),
        };
        self.unsafe_login(answer, help)
    }

    fn who_answers(&self) -> String {
        format!("find out what answers at {}", self.address)
    }

    fn certificate(&self, error: &CertificateError, tls: &Tls) -> (String, String) {
        let (name, file) = (&tls.name, &tls.file);
        match error {
            CertificateError::NotValidForNameContext { presented, .. } if presented.is_empty() => (
                format!("its certificate contains no name (no subjectAltName), and it must be for {name}"),
                format!(
                    "give it a certificate for {name}; or set `verify: chain` under servers.{}.tls, which does not \
                     check names",
                    self.server
                ),
            ),
            CertificateError::NotValidForNameContext { presented, .. } => (
                format!("its certificate is for {}, not for {name}", names(presented)),
                format!(
                    "if it is the right server, state one of its names: `server_name` under servers.{}.tls; else {}",
                    self.server,
                    self.who_answers()
                ),
            ),
            CertificateError::UnknownIssuer | CertificateError::BadSignature => (
                format!("its certificate is signed by no authority in {file}"),
                format!(
                    "put the authority that signed it into that file; if it is already there, {}",
                    self.who_answers()
                ),
            ),
            CertificateError::Expired => ("its certificate has expired".to_owned(), renew()),
            CertificateError::ExpiredContext { not_after, .. } => {
                (format!("its certificate expired at {}", day(not_after.as_secs())), renew())
            }
            CertificateError::NotValidYetContext { not_before, .. } => (
                format!("its certificate is not valid before {}", day(not_before.as_secs())),
                "check this machine's clock, or renew the certificate".to_owned(),
            ),
            other => (format!("its certificate is not valid: {other}"), self.who_answers()),
        }
    }
}

fn renew() -> String {
    "renew the server's certificate and reload it there (`FLUSH SSL`, `ALTER INSTANCE RELOAD TLS`, or a restart); \
     and check this machine's clock"
        .to_owned()
}

/// The error of rustls, in either form in which the driver passes it on.
fn rustls(error: &IoError) -> Option<&Rustls> {
    match error {
        IoError::Tls(TlsError::Tls(error)) => Some(error),
        IoError::Tls(_) => None,
        IoError::Io(error) => error.get_ref()?.downcast_ref(),
    }
}

/// Names of a certificate as people read them: rustls writes `DnsName("db1")`.
fn names(presented: &[String]) -> String {
    let bare = |text: &String| {
        let inner = text.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')'));
        inner.map_or(text.as_str(), |inner| inner.trim_matches('"')).to_owned()
    };
    presented.iter().map(bare).collect::<Vec<_>>().join(", ")
}

fn day(seconds: u64) -> String {
    let moment = i64::try_from(seconds).ok().and_then(|seconds| Timestamp::from_second(seconds).ok());
    moment.map_or_else(|| format!("second {seconds}"), |moment| moment.to_string())
}

#[cfg(test)]
mod tests {
    use super::{day, names};

    #[test]
    fn as_people_read_it() {
        let presented = ["DnsName(\"db1.example\")".to_owned(), "IpAddress(10.0.0.7)".to_owned(), "Other".to_owned()];
        assert_eq!(names(&presented), "db1.example, 10.0.0.7, Other");
        assert_eq!(day(0), "1970-01-01T00:00:00Z");
    }
}
