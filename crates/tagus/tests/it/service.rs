//! A studio's own service, as the server asks it.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use ring::hmac;
use serde_json::Value;
use tokio_rustls::TlsAcceptor;

pub(crate) const SECRET: &str = "a secret of the tests";

/// What the service does with a question.
pub(crate) enum Reaction {
    /// This status and body.
    Answer(u16, String),
    /// Nothing, for ever.
    Hang,
    /// The connection breaks after the question was read.
    Break,
}

/// Runs on a thread of this process until it ends.
pub(crate) struct Service {
    pub(crate) url: String,
    /// All questions with a good signature.
    asked: Arc<Mutex<Vec<Value>>>,
    connections: Arc<AtomicUsize>,
}

type React = Arc<dyn Fn(&Value) -> Reaction + Send + Sync>;

impl Service {
    pub(crate) fn start(react: impl Fn(&Value) -> Reaction + Send + Sync + 'static) -> Self {
        Self::start_on(None, react)
    }

    /// With a certificate for `localhost` that is its own authority, written to the file.
    pub(crate) fn start_tls(
        authority: &Path,
        react: impl Fn(&Value) -> Reaction + Send + Sync + 'static,
    ) -> Self {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        std::fs::write(authority, made.cert.pem()).unwrap();
        let key = rustls::pki_types::PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider);
        let config = config.with_safe_default_protocol_versions().unwrap();
        let config = config.with_no_client_auth();
        let config = config.with_single_cert(vec![made.cert.into()], key.into());
        Self::start_on(Some(Arc::new(config.unwrap()).into()), react)
    }

    fn start_on(
        tls: Option<TlsAcceptor>,
        react: impl Fn(&Value) -> Reaction + Send + Sync + 'static,
    ) -> Self {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        listener.set_nonblocking(true).unwrap();
        let address: SocketAddr = listener.local_addr().unwrap();
        let service = Self {
            url: match tls {
                None => format!("http://{address}/hooks?of=tagus"),
                Some(_) => format!("https://localhost:{}/hooks?of=tagus", address.port()),
            },
            asked: Arc::default(),
            connections: Arc::default(),
        };
        let (asked, connections) = (service.asked.clone(), service.connections.clone());
        let react: React = Arc::new(react);
        std::thread::spawn(move || {
            let mut runtime = tokio::runtime::Builder::new_current_thread();
            let serve = async move {
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                loop {
                    let (stream, _) = listener.accept().await.unwrap();
                    connections.fetch_add(1, Ordering::Relaxed);
                    let (asked, react) = (asked.clone(), react.clone());
                    let answer =
                        service_fn(move |request| answer(request, asked.clone(), react.clone()));
                    let tls = tls.clone();
                    drop(tokio::spawn(async move {
                        let http = http1::Builder::new();
                        match tls {
                            None => http.serve_connection(TokioIo::new(stream), answer).await,
                            Some(tls) => {
                                let Ok(stream) = tls.accept(stream).await else {
                                    return Ok(());
                                };
                                http.serve_connection(TokioIo::new(stream), answer).await
                            }
                        }
                    }));
                }
            };
            runtime.enable_all().build().unwrap().block_on(serve);
        });
        service
    }

    pub(crate) fn asked(&self) -> Vec<Value> {
        self.asked.lock().unwrap().clone()
    }

    /// Connections that were ever made.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }
}

async fn answer(
    request: Request<Incoming>,
    asked: Arc<Mutex<Vec<Value>>>,
    react: React,
) -> Result<Response<Full<Bytes>>, std::io::Error> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(std::io::Error::other)?;
    let body = body.to_bytes();
    let header = |name: &str| head.headers[name].to_str().unwrap().to_owned();
    let reply = |status: u16, body: String| {
        let answer = Response::builder().status(status);
        Ok(answer.body(Full::from(body)).unwrap())
    };
    let is_right = head.method == "POST"
        && head.uri == "/hooks?of=tagus"
        && header("content-type") == "application/json"
        && is_signed(
            &header("x-tagus-timestamp"),
            &header("x-tagus-signature"),
            &body,
        );
    if !is_right {
        return reply(401, "{}".to_owned());
    }
    let question: Value = serde_json::from_slice(&body).unwrap();
    asked.lock().unwrap().push(question.clone());
    match react(&question) {
        Reaction::Answer(status, body) => reply(status, body),
        Reaction::Hang => std::future::pending().await,
        Reaction::Break => Err(std::io::Error::other("broken by the test")),
    }
}

/// As a service checks it: the time is near, and the signature is that of time and body.
fn is_signed(timestamp: &str, signature: &str, body: &[u8]) -> bool {
    let now = std::time::SystemTime::now();
    let now = now.duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let Some(signature) = signature.strip_prefix("v1=") else {
        return false;
    };
    let digits = (0..signature.len()).step_by(2);
    let bytes = digits.map(|at| u8::from_str_radix(&signature[at..at + 2], 16).unwrap());
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
    let signed = [timestamp.as_bytes(), b".", body].concat();
    now.abs_diff(timestamp.parse().unwrap()) <= 300
        && hmac::verify(&key, &signed, &bytes.collect::<Vec<u8>>()).is_ok()
}
