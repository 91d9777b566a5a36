//! HTTP/1.1 to one service: connections that are used again, and what is known when a request fails.

use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::{Request, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::config::RemoteConfig;

pub(super) struct Client {
    host: String,
    port: u16,
    tls: Option<(TlsConnector, ServerName<'static>)>,
    /// Connections that wait for a request, the one that waits longest first. The caller's limit of calls bounds them.
    idle: Mutex<Vec<Idle>>,
}

struct Idle {
    sender: SendRequest<Full<Bytes>>,
    since: Instant,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum ClientError {
    /// The service has seen nothing of the request.
    #[error("connect")]
    Connect(#[source] io::Error),
    /// The service may have seen the request and acted on it.
    #[error("exchange")]
    Exchange(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Client {
    pub(super) fn new(config: &RemoteConfig, url: &Uri) -> anyhow::Result<Self> {
        let host = url.host().unwrap_or_default();
        // An IPv6 address stands in brackets there.
        let host = host
            .trim_start_matches('[')
            .trim_end_matches(']')
            .to_owned();
        let is_tls = url.scheme_str() == Some("https");
        let tls = if is_tls {
            let name = ServerName::try_from(host.clone())?;
            Some((connector(config.ca_path.as_deref())?, name))
        } else {
            None
        };
        Ok(Self {
            port: url.port_u16().unwrap_or(if is_tls { 443 } else { 80 }),
            host,
            tls,
            idle: Mutex::default(),
        })
    }

    /// Sends a request and reads the whole answer.
    pub(super) async fn exchange(
        &self,
        mut request: Request<Full<Bytes>>,
    ) -> Result<(StatusCode, Bytes), ClientError> {
        loop {
            let (mut sender, is_fresh) = match self.take_idle() {
                Some(sender) => (sender, false),
                None => (self.connect().await.map_err(ClientError::Connect)?, true),
            };
            if sender.ready().await.is_err() && !is_fresh {
                continue;
            }
            match sender.try_send_request(request).await {
                Ok(answer) => {
                    let status = answer.status();
                    let body = Limited::new(answer.into_body(), ANSWER_BYTES_MAX);
                    let body = body.collect().await.map_err(ClientError::Exchange)?;
                    self.put_idle(sender);
                    return Ok((status, body.to_bytes()));
                }
                Err(mut failed) => match failed.take_message() {
                    // The service has closed an idle connection; the next one may be no better, a fresh one is.
                    Some(unsent) if !is_fresh => request = unsent,
                    Some(_) => {
                        return Err(ClientError::Connect(io::Error::other(failed.into_error())));
                    }
                    None => return Err(ClientError::Exchange(failed.into_error().into())),
                },
            }
        }
    }

    async fn connect(&self) -> io::Result<SendRequest<Full<Bytes>>> {
        let stream = TcpStream::connect((self.host.as_str(), self.port)).await?;
        stream.set_nodelay(true)?;
        match &self.tls {
            None => handshake(TokioIo::new(stream)).await,
            Some((connector, name)) => {
                let stream = connector.connect(name.clone(), stream).await?;
                handshake(TokioIo::new(stream)).await
            }
        }
    }

    /// The connection that was used last, if the service is likely to have kept it.
    fn take_idle(&self) -> Option<SendRequest<Full<Bytes>>> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|one| one.since.elapsed() < IDLE_MAX && !one.sender.is_closed());
        idle.pop().map(|one| one.sender)
    }

    fn put_idle(&self, sender: SendRequest<Full<Bytes>>) {
        if sender.is_closed() {
            return;
        }
        let since = Instant::now();
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.push(Idle { sender, since });
    }
}

async fn handshake<I>(io: I) -> io::Result<SendRequest<Full<Bytes>>>
where
    I: hyper::rt::Read + hyper::rt::Write + Send + Unpin + 'static,
{
    let mut builder = http1::Builder::new();
    builder.max_headers(ANSWER_HEADERS_MAX);
    let (sender, connection) = builder.handshake(io).await.map_err(io::Error::other)?;
    // Ends with its sender.
    drop(tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "connection to a service ended");
        }
    }));
    Ok(sender)
}

fn connector(ca_path: Option<&Path>) -> anyhow::Result<TlsConnector> {
    use anyhow::Context as _;

    let mut known = SYSTEM_ROOTS.iter().map(Path::new);
    let path = ca_path
        .or_else(|| known.find(|path| path.exists()))
        .context(
            "this system's certificate authorities were not found: name a file of them as ca_path",
        )?;
    let bad = || format!("read certificate authorities from {}", path.display());
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(path).with_context(bad)? {
        // Old authorities that rustls does not understand are of no use, but no fault either.
        let (_, _) = roots.add_parsable_certificates([certificate.with_context(bad)?]);
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

/// Longest answer of a service; a longer one is a failure.
const ANSWER_BYTES_MAX: usize = 1 << 20;
const ANSWER_HEADERS_MAX: usize = 64;
/// Services close idle connections after some time; a connection that was idle for longer is not used again.
const IDLE_MAX: Duration = Duration::from_secs(10);
/// Where Debian, Fedora, Alpine and macOS keep the authorities they trust.
const SYSTEM_ROOTS: [&str; 3] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/cert.pem",
];
