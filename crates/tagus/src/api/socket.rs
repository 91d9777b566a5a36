//! The upgrade: an HTTP request becomes a WebSocket and goes to its shard.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use hyper::upgrade::Upgraded;
use hyper::{Request, header};
use hyper_util::rt::TokioIo;
use tagus_net::{Permit, Socket, ws_check_upgrade};
use tagus_shard::{Arrival, ArrivalKind};
use tagus_wire::Format;
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

use crate::api::http::version_header;
use crate::api::{ApiError, HttpDoor};
use crate::doors::Reason;
use crate::gateway::{Gateway, identity, version_of};

/// What the client asked for in the URL.
pub(crate) struct SocketRequest {
    kind: ArrivalKind,
    /// The value of `Sec-WebSocket-Accept`.
    pub(crate) accept: String,
}

/// Why the upgrade is refused.
pub(crate) enum SocketRefusal {
    /// An HTTP status and a plain text.
    Text(u16, &'static str),
    /// The client is too old, or nobody is let in.
    NotLetIn(ApiError),
}

/// Checks token, format and upgrade headers, in the old protocol's order.
pub(crate) fn check<B>(
    gateway: &Gateway,
    request: &Request<B>,
    query: &[(String, String)],
    bearer: Option<&str>,
) -> Result<SocketRequest, SocketRefusal> {
    let value = |name: &str| {
        query
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    };
    let format = match value("format") {
        None | Some("" | "json") => Format::Json,
        Some("protobuf") => Format::Protobuf,
        Some(_) => {
            return Err(SocketRefusal::Text(400, "Invalid format parameter"));
        }
    };
    let token = bearer.or(value("token")).unwrap_or_default();
    let Ok(login) = gateway.verify(token) else {
        return Err(SocketRefusal::Text(401, "Missing or invalid token"));
    };
    let header = version_header(request.headers());
    let version = version_of(&login).or(header.as_deref());
    let checked = gateway.entry.check(version);
    checked.map_err(SocketRefusal::NotLetIn)?;
    let find = |name: &str| {
        request
            .headers()
            .get(name)
            .and_then(|value| value.to_str().ok())
    };
    let accept = ws_check_upgrade(find)
        .map_err(|error| SocketRefusal::Text(error.status(), "Not a WebSocket upgrade"))?;
    let ext = value("ext") == Some("1");
    let lang = value("lang").unwrap_or_default().chars();
    let mut identity = identity(
        login,
        value("status").is_some_and(is_true),
        lang.take(LANG_CHARS_MAX).collect(),
    );
    // The client may be told that it is connected before its shard has the socket.
    identity.arrival = gateway.live.expect(identity.user_id);
    Ok(SocketRequest {
        kind: ArrivalKind::WebSocket {
            identity,
            format,
            ext,
        },
        accept,
    })
}

/// The truth values that the old protocol takes in a URL.
fn is_true(text: &str) -> bool {
    matches!(text, "1" | "t" | "T" | "true" | "TRUE" | "True")
}

/// Waits for the upgrade and hands the socket over.
pub(crate) async fn hand_over(
    door: Arc<HttpDoor>,
    upgrade: hyper::upgrade::OnUpgrade,
    request: SocketRequest,
    address: IpAddr,
    permit: Permit,
) {
    let arrival = match upgrade.await {
        Ok(upgraded) => take_socket(upgraded),
        Err(error) => return tracing::debug!(%error, "upgrade failed"),
    };
    match arrival {
        Ok((socket, leftover)) => {
            let turn = NEXT.fetch_add(1, Ordering::Relaxed);
            let arrival = Arrival {
                socket,
                address,
                leftover,
                kind: request.kind,
                permit,
            };
            if !door.gateway.shards.adopt(turn, arrival) {
                tracing::warn!("socket dropped: its shard is overloaded");
                door.admission.refuse(Reason::Overload);
            }
        }
        Err(error) => tracing::debug!(%error, "take over a socket"),
    }
}

fn take_socket(upgraded: Upgraded) -> io::Result<(Socket, Bytes)> {
    match upgraded.downcast::<TokioIo<TcpStream>>() {
        Ok(parts) => Ok((
            Socket::plain(parts.io.into_inner().into_std()?)?,
            parts.read_buf,
        )),
        Err(upgraded) => {
            let parts = upgraded
                .downcast::<TokioIo<TlsStream<TcpStream>>>()
                .map_err(|_| io::Error::other("the upgraded connection is of an unknown kind"))?;
            let (stream, tls) = parts.io.into_inner().into_inner();
            Ok((Socket::tls(stream.into_std()?, tls)?, parts.read_buf))
        }
    }
}

/// Headers of the answer that switches protocols.
pub(crate) fn switching(accept: &str) -> hyper::http::response::Builder {
    hyper::Response::builder()
        .status(101)
        .header(header::CONNECTION, "Upgrade")
        .header(header::UPGRADE, "websocket")
        .header(header::SEC_WEBSOCKET_ACCEPT, accept)
}

/// Characters of the language tag in the URL; the rest is cut off.
const LANG_CHARS_MAX: usize = 18;
/// Sockets go to the shards in turn.
static NEXT: AtomicUsize = AtomicUsize::new(0);
