//! TLS to the database server: rustls, certificates always verified.

use std::io;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::tls::{ChannelBinding, MakeTlsConnect, TlsConnect, TlsStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::client;

use crate::error::StoreError;

/// What a connection's TLS is made with.
#[derive(Clone, Debug)]
pub(crate) struct Tls(Arc<ClientConfig>);

impl Tls {
    /// For connections without TLS: trusts nobody.
    pub(crate) fn none() -> Result<Self, StoreError> {
        Self::with(RootCertStore::empty())
    }

    /// Trusts the authorities of the file, or those of the system.
    pub(crate) fn load(ca_path: Option<&Path>) -> Result<Self, StoreError> {
        let mut known = SYSTEM_ROOTS.iter().map(Path::new);
        let Some(path) = ca_path.or_else(|| known.find(|path| path.exists())) else {
            return Err(StoreError::Config(
                "this system's certificate authorities were not found: name a file of them, or use sslmode=disable",
            ));
        };
        let bad = StoreError::Config("the file of certificate authorities cannot be read");
        let mut roots = RootCertStore::empty();
        let certificates = CertificateDer::pem_file_iter(path).map_err(|_| bad.clone())?;
        for certificate in certificates {
            let certificate = certificate.map_err(|_| bad.clone())?;
            // Old authorities that rustls does not understand are of no use, but no fault either.
            let (_, _) = roots.add_parsable_certificates([certificate]);
        }
        if roots.is_empty() {
            return Err(bad);
        }
        Self::with(roots)
    }

    fn with(roots: RootCertStore) -> Result<Self, StoreError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|_| StoreError::Config("no common version of TLS"))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self(Arc::new(config)))
    }
}

impl<S: AsyncRead + AsyncWrite + Send + Unpin + 'static> MakeTlsConnect<S> for Tls {
    type Stream = Stream<S>;
    type TlsConnect = Named;
    type Error = rustls::pki_types::InvalidDnsNameError;

    fn make_tls_connect(&mut self, domain: &str) -> Result<Named, Self::Error> {
        let connector = TlsConnector::from(self.0.clone());
        // Without TLS the name may be none that TLS could verify, such as a socket's path.
        let name = ServerName::try_from(domain.to_owned());
        Ok(Named { connector, name })
    }
}

/// TLS to one name.
pub(crate) struct Named {
    connector: TlsConnector,
    name: Result<ServerName<'static>, rustls::pki_types::InvalidDnsNameError>,
}

impl<S: AsyncRead + AsyncWrite + Send + Unpin + 'static> TlsConnect<S> for Named {
    type Stream = Stream<S>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Stream<S>>> + Send>>;

    fn connect(self, stream: S) -> Self::Future {
        Box::pin(async move {
            let name = self.name.map_err(io::Error::other)?;
            self.connector.connect(name, stream).await.map(Stream)
        })
    }
}

/// A connection inside TLS.
pub(crate) struct Stream<S>(client::TlsStream<S>);

impl<S: AsyncRead + AsyncWrite + Unpin> TlsStream for Stream<S> {
    /// Passwords are bound to the verified name, not to the certificate.
    fn channel_binding(&self) -> ChannelBinding {
        ChannelBinding::none()
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Stream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, buffer)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Stream<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}

/// Where Debian, Fedora, Alpine and macOS keep the authorities they trust.
const SYSTEM_ROOTS: [&str; 3] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/cert.pem",
];
