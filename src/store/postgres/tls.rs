//! TLS to a server of the store, verified with the authorities in one file.

use crate::store::trouble::Trouble;
use std::path::Path;
use tokio_postgres_rustls::MakeRustlsConnect;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// What makes TLS connections.
pub(super) fn connector(authorities: &Path) -> Result<MakeRustlsConnect, Trouble> {
    let unusable = |answer: String| Trouble::Unusable {
        answer: format!("{}: {answer}", authorities.display()),
        help: "set `sslrootcert` in the address to a file with the authority's certificate".to_owned(),
    };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(authorities).map_err(|error| unusable(error.to_string()))? {
        let certificate = certificate.map_err(|error| unusable(error.to_string()))?;
        roots.add(certificate).map_err(|error| unusable(error.to_string()))?;
    }
    if roots.is_empty() {
        return Err(unusable("it contains no certificate".to_owned()));
    }
    let provider = tokio_rustls::rustls::crypto::ring::default_provider().into();
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| unusable(error.to_string()))?;
    Ok(MakeRustlsConnect::new(config.with_root_certificates(roots).with_no_client_auth()))
}
