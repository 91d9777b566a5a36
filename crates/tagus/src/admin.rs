//! Port 7351: metrics, health, readiness, and the operator's calls.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::admin_api;
use crate::tagus::Tagus;
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
    pub(crate) readiness: Arc<Readiness>,
    pub(crate) tagus: Tagus,
}

/// Why the server should not be sent anybody yet, or any more.
#[derive(Default)]
pub(crate) struct Readiness {
    reasons: Mutex<BTreeSet<&'static str>>,
}

impl Readiness {
    /// From here on the server is not ready, for this reason.
    pub(crate) fn wait_for(&self, reason: &'static str) {
        self.reasons().insert(reason);
    }

    /// The reason is gone.
    pub(crate) fn done(&self, reason: &'static str) {
        self.reasons().remove(reason);
    }

    fn answer(&self) -> Response<Full<Bytes>> {
        match self.waiting_for() {
            None => response(200, PLAIN, "ready\n"),
            Some(reasons) => response(503, PLAIN, format!("not ready: {reasons}\n")),
        }
    }

    fn waiting_for(&self) -> Option<String> {
        let reasons: Vec<&str> = self.reasons().iter().copied().collect();
        (!reasons.is_empty()).then(|| reasons.join(", "))
    }

    fn reasons(&self) -> MutexGuard<'_, BTreeSet<&'static str>> {
        self.reasons.lock().unwrap_or_else(PoisonError::into_inner)
    }
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
        async move {
            Ok::<_, Infallible>(match request.uri().path() {
                path if path.starts_with(admin_api::PREFIX) => {
                    admin_api::answer(&door.tagus, request).await
                }
                path => answer(&door, path).await,
            })
        }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .serve_connection(TokioIo::new(stream), service);
    if let Err(error) = served.await {
        tracing::debug!(%error, "admin connection ended");
    }
}

async fn answer(door: &AdminDoor, path: &str) -> Response<Full<Bytes>> {
    if let Some(room) = path
        .strip_prefix("/rooms/")
        .and_then(|rest| rest.strip_suffix("/recording"))
    {
        let recording = match door.tagus.room_id(room) {
            Some(id) => door.tagus.room_recording(id).await,
            None => None,
        };
        return match recording {
            Some(bytes) => response(200, "application/octet-stream", bytes),
            None => response(404, PLAIN, "no such room, or it is not recorded\n"),
        };
    }
    match path {
        "/metrics" => response(200, CONTENT_TYPE, encode(&door.registry)),
        "/healthz" => response(200, PLAIN, "ok\n"),
        "/readyz" => door.readiness.answer(),
        _ => response(
            404,
            PLAIN,
            "there are /metrics, /healthz, /readyz, /rooms/ID/recording and /v2/admin/\n",
        ),
    }
}

fn response(status: u16, kind: &'static str, body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = hyper::StatusCode::from_u16(status).unwrap_or_default();
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

const PLAIN: &str = "text/plain; charset=utf-8";
/// Connections of the admin port at once; further ones wait in the listener's backlog.
const CONNECTIONS_MAX: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readiness_names_what_it_waits_for() {
        let readiness = Readiness::default();
        assert_eq!(readiness.answer().status(), 200);
        readiness.wait_for("stopping");
        readiness.wait_for("loading");
        assert_eq!(readiness.answer().status(), 503);
        assert_eq!(readiness.waiting_for().unwrap(), "loading, stopping");
        readiness.done("loading");
        readiness.done("stopping");
        assert_eq!(readiness.waiting_for(), None);
    }
}
