//! Where connections come in: plain ones, or TLS by certificate files.

use crate::error::{Failure, Result};
use axum::serve::Listener;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// Who has not said hello by then is no browser.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// After a failed accept, most often for want of file descriptors.
const PAUSE: Duration = Duration::from_millis(200);

/// What a connection reads and writes.
pub trait Line: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Line for T {}

/// A listener, plain or by TLS.
pub struct Door {
    address: SocketAddr,
    arrived: Receiver<(Box<dyn Line>, SocketAddr)>,
}

impl Door {
    /// Listens on `address`, by TLS where `tls` is given.
    ///
    /// # Errors
    /// When the address is not free, or not of this machine.
    pub async fn open(address: SocketAddr, tls: Option<Arc<ServerConfig>>) -> Result<Self> {
        let failed = |error: io::Error| Failure::permanent(format!("listen on {address}"), error.to_string());
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let (tell, arrived) = channel(16);
        tokio::spawn(accept(listener, tls.map(TlsAcceptor::from), tell));
        Ok(Self { address, arrived })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Listener for Door {
    type Io = Box<dyn Line>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        match self.arrived.recv().await {
            Some(arrival) => arrival,
            None => std::future::pending().await, // whoever accepts ends only with this door
        }
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        Ok(self.address)
    }
}

/// Accepts until nobody wants connections any more. Handshakes are made beside each other: one that hangs holds up none.
async fn accept(listener: TcpListener, tls: Option<TlsAcceptor>, tell: Sender<(Box<dyn Line>, SocketAddr)>) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = tell.closed() => return,
        };
        match accepted {
            Ok((stream, peer)) => {
                tokio::spawn(greet(stream, peer, tls.clone(), tell.clone()));
            }
            Err(error) => {
                tracing::warn!("a connection could not be accepted: {error}");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

async fn greet(
    stream: TcpStream,
    peer: SocketAddr,
    tls: Option<TlsAcceptor>,
    tell: Sender<(Box<dyn Line>, SocketAddr)>,
) {
    let _ = stream.set_nodelay(true); // events are small
    let line: Box<dyn Line> = match tls {
        None => Box::new(stream),
        Some(tls) => match tokio::time::timeout(HANDSHAKE, tls.accept(stream)).await {
            Ok(Ok(stream)) => Box::new(stream),
            Ok(Err(error)) => return tracing::debug!("no TLS with {peer}: {error}"),
            Err(_) => return,
        },
    };
    let _ = tell.send((line, peer)).await; // the page may be over by now
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
