//! TLS that verifies who has signed a server's certificate and that it is not out of date, and not the name in it: servers
//! that make their own certificates put no name there.

use crate::effects::mysql::cover::Tls;
use std::io;
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::client::WebPkiServerVerifier;
use tokio_rustls::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::{
    self, CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
};

/// Makes TLS of a connection.
pub(super) struct Connector {
    inner: TlsConnector,
    name: ServerName<'static>,
}

impl Connector {
    pub fn new(tls: &Tls) -> io::Result<Self> {
        let name = ServerName::try_from(tls.name.clone()).map_err(io::Error::other)?;
        let mut roots = RootCertStore::empty();
        for authority in tls.authorities().map_err(io::Error::other)? {
            roots.add(authority).map_err(io::Error::other)?;
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let inner = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider.clone());
        let verifier = Arc::new(Chain(inner.build().map_err(io::Error::other)?));
        let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let config = config.map_err(io::Error::other)?.dangerous().with_custom_certificate_verifier(verifier);
        Ok(Self { inner: Arc::new(config.with_no_client_auth()).into(), name })
    }

    pub async fn connect(self, server: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        self.inner.connect(self.name, server).await
    }
}

/// The usual verification, whose last part, the name, is let pass.
#[derive(Debug)]
struct Chain(Arc<WebPkiServerVerifier>);

impl ServerCertVerifier for Chain {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        match self.0.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now) {
            // the name is checked after the chain has passed every other check
            Err(rustls::Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => Ok(ServerCertVerified::assertion()),
            verified => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.0.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.0.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}
