//! Port 7351: metrics, health and readiness.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{self, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use tagus_telemetry::metrics::{CONTENT_TYPE, Registry, encode};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

pub(crate) struct AdminDoor {
    pub(crate) registry: Registry,
    pub(crate) ready: AtomicBool,
}

/// Serves until the server drains.
pub(crate) async fn serve(
    door: Arc<AdminDoor>,
    listener: TcpListener,
    mut draining: watch::Receiver<bool>,
) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            _ = draining.changed() => return,
            accepted = listener.accept(), if connections.len() < CONNECTIONS_MAX => match accepted {
                Ok((stream, _)) => { connections.spawn(serve_one(door.clone(), stream)); }
                Err(error) => tracing::warn!(%error, "accept on the admin port"),
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn serve_one(door: Arc<AdminDoor>, stream: TcpStream) {
    let service = service_fn(move |request: Request<Incoming>| {
        let door = door.clone();
        async move { Ok::<_, Infallible>(answer(&door, request.uri().path())) }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .serve_connection(TokioIo::new(stream), service);
    if let Err(error) = served.await {
        tracing::debug!(%error, "admin connection ended");
    }
}

fn answer(door: &AdminDoor, path: &str) -> Response<Full<Bytes>> {
    let (status, kind, body) = match path {
        "/metrics" => (200, CONTENT_TYPE, encode(&door.registry)),
        "/healthz" => (200, PLAIN, "ok\n".to_owned()),
        "/readyz" if door.ready.load(Ordering::Acquire) => (200, PLAIN, "ready\n".to_owned()),
        "/readyz" => (503, PLAIN, "not ready\n".to_owned()),
        _ => (
            404,
            PLAIN,
            "metrics are at /metrics, health at /healthz and /readyz\n".to_owned(),
        ),
    };
    let mut response = Response::new(Full::from(body));
    *response.status_mut() = hyper::StatusCode::from_u16(status).unwrap_or_default();
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

const PLAIN: &str = "text/plain; charset=utf-8";
/// Connections of the admin port at once; further ones wait in the listener's backlog.
const CONNECTIONS_MAX: usize = 64;
