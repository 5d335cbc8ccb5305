//! Protection of a connection: nobody on the way may read it, or impersonate the server.

use crate::domain::endpoint::Endpoint;
use crate::error::{Failure, Result};
use crate::playbook::inventory::Verify;
use mysql_async::SslOpts;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use tokio::io::AsyncReadExt;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject;

/// Bytes that a file of authorities may have: a hundred times what a company has.
const LARGEST: u64 = 1 << 20;

/// Protection of a connection.
#[derive(Debug, Clone)]
pub enum Cover {
    /// TLS, with the server's certificate verified. Never without it: a server that offers none is refused.
    Tls(Tls),
    /// The machine itself: plain text, to loopback addresses alone. A forward through ssh begins at one.
    Loopback,
    /// The machine itself, by the server's own socket: the address is its path.
    Socket,
    /// Nothing: plain text to any address, as a policy allows it. A server that is not on loopback and asks for the
    /// password itself does not get it.
    Open,
    /// Nothing on a part of the way that lies behind a forward; otherwise as [`Cover::Open`].
    Beyond,
}

/// The checks for a server's certificate.
#[derive(Debug, Clone)]
pub struct Tls {
    /// The authorities one of which has signed it, as PEM; no other is believed.
    pub authority: Vec<u8>,
    /// Where they were read, for messages.
    pub file: String,
    /// The name or address that it must be for.
    pub name: String,
    /// Whether that name is checked.
    pub verify: Verify,
}

impl Tls {
    /// With the authorities of `file`, a path on the runner's machine.
    ///
    /// # Errors
    /// When the file cannot be read, or holds no certificate.
    pub async fn by_file(file: &Path, name: String, verify: Verify) -> Result<Self> {
        let shown = file.display().to_string();
        let failed = |answer: String| {
            Failure::permanent(format!("read the certificate authority {shown}"), answer)
                .now("no connection was made")
                .help("`tls.ca` is a file on the runner's machine, with the authority's certificate as PEM")
        };
        let opened = tokio::fs::File::open(file).await.map_err(|error| failed(error.to_string()))?;
        let mut authority = Vec::new();
        opened.take(LARGEST).read_to_end(&mut authority).await.map_err(|error| failed(error.to_string()))?;
        let tls = Self { authority, file: shown.clone(), name, verify };
        tls.authorities().map_err(failed)?;
        Ok(tls)
    }

    /// The certificates of its authorities.
    pub(super) fn authorities(&self) -> Result<Vec<CertificateDer<'static>>, String> {
        let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&self.authority).collect();
        match read {
            Ok(found) if !found.is_empty() => Ok(found),
            Ok(_) => Err("it contains no PEM certificate".into()),
            Err(error) => Err(format!("it contains no readable certificate: {error}")),
        }
    }

    /// The same for the driver, which always checks the name.
    pub(super) fn options(&self) -> SslOpts {
        SslOpts::default()
            .with_root_certs(vec![self.authority.clone().into()])
            .with_disable_built_in_roots(true)
            .with_danger_tls_hostname_override(Some(self.name.clone())) // the way there ends at another address
    }
}

/// Every address that `at` resolves to now.
pub(super) async fn addresses(at: Endpoint<'_>, port: u16) -> std::io::Result<Vec<SocketAddr>> {
    let mut found: Vec<SocketAddr> = tokio::net::lookup_host((at.host, port)).await?.collect();
    found.dedup();
    if found.is_empty() { Err(std::io::Error::other("the name has no address")) } else { Ok(found) }
}

/// Those that lead away from this machine, as people read them; a name may stand for both kinds.
pub(super) fn leading_away(addresses: &[SocketAddr]) -> Vec<IpAddr> {
    addresses.iter().map(|address| address.ip().to_canonical()).filter(|address| !address.is_loopback()).collect()
}

#[cfg(test)]
mod tests {
    use super::leading_away;

    #[test]
    fn a_name_that_stands_for_both_leads_away() {
        let away = |addresses: &[&str]| {
            let addresses: Vec<_> = addresses.iter().map(|text| text.parse().unwrap()).collect();
            leading_away(&addresses).len()
        };
        assert_eq!(away(&["127.0.0.1:1", "[::1]:1", "[::ffff:127.0.0.1]:1", "127.9.9.9:1"]), 0);
        assert_eq!(away(&["127.0.0.1:1", "10.0.0.7:1"]), 1);
        assert_eq!(away(&["0.0.0.0:1", "[::]:1", "[::ffff:10.0.0.7]:1", "[fe80::1]:1"]), 4);
    }
}
