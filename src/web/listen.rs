//! The listener: plain connections, or TLS with certificate files.

use crate::error::{Failure, Result};
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// Time limit for the TLS handshake.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// Length of the accept queue. The usual 128 fill up at once when many clients connect, and a client that is dropped then
/// waits for a second.
const BACKLOG: u32 = 1024;
/// Pause after a failed accept, most often for lack of file descriptors.
const PAUSE: Duration = Duration::from_millis(200);

/// What a connection reads and writes.
pub trait Line: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Line for T {}

/// A listener, plain or by TLS.
pub struct Door {
    address: SocketAddr,
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
}

impl Door {
    /// Listens on `address`, by TLS where `tls` is given.
    ///
    /// # Errors
    /// When the address is not free, or not of this machine.
    pub fn open(address: SocketAddr, tls: Option<Arc<ServerConfig>>) -> Result<Self> {
        let failed = |error: io::Error| Failure::permanent(format!("listen on {address}"), error.to_string());
        let listener = listen(address).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok(Self { address, listener, tls: tls.map(TlsAcceptor::from) })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The handshakes that connections begin with; none where it is plain.
    pub(super) fn tls(&self) -> Option<TlsAcceptor> {
        self.tls.clone()
    }

    /// The next connection. When there are no file descriptors for it, calls `full` and tries again.
    pub(super) async fn next(&self, full: impl Fn()) -> (TcpStream, SocketAddr) {
        loop {
            match self.listener.accept().await {
                Ok(accepted) => return accepted,
                Err(error) if is_of_connection(&error) => tracing::debug!("a connection ended early: {error}"),
                Err(error) => {
                    tracing::warn!("a connection could not be accepted: {error}");
                    full();
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_reuseaddr(true)?; // a page that is started again does not wait for connections of the last one
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Whether the error is of the one connection alone: the next one is fine.
fn is_of_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

/// The connection after its handshake; `None` when that fails, or takes too long.
pub(super) async fn greet(stream: TcpStream, peer: SocketAddr, tls: Option<TlsAcceptor>) -> Option<Box<dyn Line>> {
    let _ = stream.set_nodelay(true); // events are small
    let Some(tls) = tls else { return Some(Box::new(stream)) };
    match tokio::time::timeout(HANDSHAKE, tls.accept(stream)).await {
        Ok(Ok(stream)) => Some(Box::new(stream)),
        Ok(Err(error)) => {
            tracing::debug!("no TLS with {peer}: {error}");
            None
        }
        Err(_) => None,
    }
}

/// TLS with the certificate chain and the key of two PEM files.
///
/// # Errors
/// When a file cannot be read, or the key does not fit the certificate.
pub fn tls(certificates: &Path, key: &Path) -> Result<Arc<ServerConfig>> {
    let failed = |file: &Path, answer: String| {
        Failure::permanent("set up TLS for the page", answer).at(file.display().to_string())
    };
    let chain = CertificateDer::pem_file_iter(certificates).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let chain = chain.map_err(|error| failed(certificates, error.to_string()))?;
    let secret = PrivateKeyDer::from_pem_file(key).map_err(|error| failed(key, error.to_string()))?;
    let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    let versions = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = versions.map_err(|error| failed(certificates, error.to_string()))?;
    let config = config.with_no_client_auth().with_single_cert(chain, secret);
    config.map(Arc::new).map_err(|error| failed(certificates, error.to_string()))
}
