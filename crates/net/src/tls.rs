//! TLS from a certificate chain and a key in PEM files: rustls with ring, nothing else.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::{self, PemObject as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use thiserror::Error;

/// Why TLS cannot be set up; each names the file and what to do.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TlsError {
    /// The certificate file cannot be read as PEM.
    #[error(
        "read certificate chain {path}: it must be a readable PEM file, the server's own certificate first"
    )]
    Chain {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        source: pem::Error,
    },
    /// The certificate file has no certificate in it.
    #[error(
        "no certificate in {path}: expected `-----BEGIN CERTIFICATE-----`; are certificate and key swapped?"
    )]
    ChainEmpty {
        /// The file.
        path: PathBuf,
    },
    /// The key file cannot be read as PEM, or has no key in it.
    #[error(
        "read private key {path}: it must be a readable PEM file with an unencrypted PKCS#8, PKCS#1 or SEC1 key"
    )]
    Key {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        source: pem::Error,
    },
    /// Key and certificate do not go together, or are of a kind that is not supported.
    #[error(
        "use private key {key} with certificate {chain}: make sure that they were issued together"
    )]
    Pair {
        /// The certificate file.
        chain: PathBuf,
        /// The key file.
        key: PathBuf,
        /// What went wrong.
        source: rustls::Error,
    },
}

/// The server's side of TLS 1.2 and 1.3 with the chain and the key in these PEM files, asking clients for no certificate.
///
/// No application protocol is negotiated: a browser then speaks HTTP/1.1, and the TCP door its own protocol.
///
/// # Errors
/// See [`TlsError`].
pub fn tls_load(chain_path: &Path, key_path: &Path) -> Result<Arc<ServerConfig>, TlsError> {
    let chain_error = |source| TlsError::Chain {
        path: chain_path.to_owned(),
        source,
    };
    let chain = CertificateDer::pem_file_iter(chain_path)
        .and_then(|certificates| certificates.collect::<Result<Vec<_>, _>>())
        .map_err(chain_error)?;
    if chain.is_empty() {
        return Err(TlsError::ChainEmpty {
            path: chain_path.to_owned(),
        });
    }
    let key = PrivateKeyDer::from_pem_file(key_path).map_err(|source| TlsError::Key {
        path: key_path.to_owned(),
        source,
    })?;
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
        .map_err(|source| TlsError::Pair {
            chain: chain_path.to_owned(),
            key: key_path.to_owned(),
            source,
        })?;
    Ok(Arc::new(config))
}
