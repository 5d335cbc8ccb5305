//! Certificates for the sandbox: an authority of its own, and for each server a key and a certificate for loopback.
//!
//! Made by the `openssl` program, as an operator makes them.

use super::server::run;
use crate::domain::product::Family;
use crate::error::{Failure, Result};
use std::path::{Path, PathBuf};
use tokio::process::Command;

/// Long enough for any rehearsal; nothing of it is kept.
const DAYS: &str = "30";
/// The addresses that a server of the sandbox is reached at.
const NAMES: &str = "subjectAltName = IP:127.0.0.1, DNS:localhost";

/// Lines for a server's configuration: an option's name and its value.
pub type Lines = Vec<(String, String)>;

/// The lines of a server that is to have no TLS: newer ones make a certificate by themselves otherwise.
pub fn none(family: Family) -> Lines {
    let (name, value) = if family == Family::MariaDb { ("ssl", "OFF") } else { ("tls_version", "") };
    vec![(name.to_owned(), value.to_owned())]
}

/// An authority, in a folder of its own.
#[derive(Debug)]
pub struct Authority {
    dir: PathBuf,
}

impl Authority {
    /// Makes one in `dir`, which must be there.
    ///
    /// # Errors
    /// When `openssl` is missing or fails.
    pub async fn make(dir: PathBuf) -> Result<Self> {
        let authority = Self { dir };
        let mut command = new_key(&authority.dir.join("ca-key.pem"), "/CN=cutover sandbox");
        command.args(["-x509", "-days", DAYS, "-addext", "keyUsage = keyCertSign, cRLSign"]);
        ran(command.arg("-out").arg(authority.certificate())).await?;
        Ok(authority)
    }

    /// Its own certificate: what others verify by.
    #[must_use]
    pub fn certificate(&self) -> PathBuf {
        self.dir.join("ca.pem")
    }

    /// Makes a key and a certificate for a server; the lines for its configuration.
    ///
    /// # Errors
    /// When `openssl` fails.
    pub async fn server(&self, name: &str) -> Result<Lines> {
        let file = |what: &str| self.dir.join(format!("{name}-{what}.pem"));
        let request = file("request");
        ran(new_key(&file("key"), &format!("/CN={name}")).args(["-addext", NAMES]).arg("-out").arg(&request)).await?;
        let mut command = openssl(&["x509", "-req", "-days", DAYS, "-copy_extensions", "copy", "-CAcreateserial"]);
        command.arg("-in").arg(request).arg("-CA").arg(self.certificate());
        command.arg("-CAkey").arg(self.dir.join("ca-key.pem")).arg("-out").arg(file("cert"));
        ran(&mut command).await?;
        let line = |name: &str, path: &Path| (name.to_owned(), path.display().to_string());
        Ok(vec![line("ssl_ca", &self.certificate()), line("ssl_cert", &file("cert")), line("ssl_key", &file("key"))])
    }
}

fn openssl(words: &[&str]) -> Command {
    let mut command = Command::new("openssl");
    command.args(words);
    command
}

fn new_key(key: &Path, subject: &str) -> Command {
    let mut command = openssl(&["req", "-new", "-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]);
    command.arg("-keyout").arg(key).args(["-subj", subject]);
    command
}

async fn ran(command: &mut Command) -> Result<()> {
    run(command)
        .await
        .map_err(|answer| Failure::permanent("make the sandbox's certificates", answer).help("install openssl"))
}
