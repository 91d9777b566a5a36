//! The doors of players, HTTP and TCP: who gets in, whose connection it is, and what is counted of the others.

use std::future::Future;
use std::io;
use std::net::{IpAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use tagus_net::{
    Addresses, PROXY_HEADER_BYTES_MAX, Permit, ProxyHeader, ProxyReader, Refused, Socket, TcpDoor,
    TcpDoorHandle, TrustedProxies,
};
use tagus_shard::{Arrival, ArrivalKind, Shards};
use tagus_telemetry::metrics::{Counter, Family, Registry};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, timeout_at};

use crate::api::{HttpDoor, HttpMetrics};
use crate::gateway::Gateway;

/// Both doors, open.
pub(crate) struct Doors {
    pub(crate) handles: Vec<TcpDoorHandle>,
    /// Ends with the last HTTP connection after the server began to drain.
    pub(crate) serving: JoinHandle<()>,
}

impl Doors {
    /// Opens HTTP and TCP on these listeners.
    pub(crate) fn open(
        (http, tcp): (TcpListener, TcpListener),
        gateway: &Arc<Gateway>,
        tls: Option<Arc<rustls::ServerConfig>>,
        registry: &mut Registry,
        draining: &watch::Receiver<bool>,
    ) -> io::Result<Self> {
        let config = &gateway.config;
        let addresses = Addresses::new(&config.limits);
        let trusted = Arc::new(config.trusted.clone());
        let metrics = DoorMetrics::register(registry);
        let admission = |refusals: Refusals| Admission {
            trusted: trusted.clone(),
            proxy_protocol: config.proxy_protocol,
            refusals,
        };
        let door = |name, listener| TcpDoor {
            name,
            listener,
            addresses: addresses.clone(),
            trusted_proxies: trusted.clone(),
        };

        let http_door = Arc::new(HttpDoor {
            gateway: gateway.clone(),
            tls: tls.clone().map(tokio_rustls::TlsAcceptor::from),
            draining: draining.clone(),
            admission: admission(metrics.http),
            metrics: HttpMetrics::register(registry),
        });
        let (arrivals, http_arrived) = mpsc::channel(ARRIVALS_MAX);
        let api = http_door.clone();
        let http_handle = door("door-http", http).start(move |stream, peer, permit| {
            if let Some(newcomer) = api.admission.admit(stream, peer.ip(), permit) {
                api.admission.pass_on(&arrivals, newcomer);
            }
        })?;

        let entrance = Arc::new(TcpEntrance {
            shards: gateway.shards.clone(),
            tls,
            header_timeout: Duration::from_millis(config.limits.hello_timeout_ms.into()),
            admission: admission(metrics.tcp),
            draining: draining.clone(),
            turn: AtomicUsize::new(0),
        });
        let (arrivals, tcp_arrived) = mpsc::channel(ARRIVALS_MAX);
        let direct = entrance.clone();
        let tcp_handle = door("door-tcp", tcp).start(move |stream, peer, permit| {
            let admission = &direct.admission;
            match admission.admit(stream, peer.ip(), permit) {
                Some(newcomer) if admission.expects_header(newcomer.address) => {
                    admission.pass_on(&arrivals, newcomer);
                }
                Some(newcomer) => direct.hand_over(newcomer),
                None => {}
            }
        })?;

        let draining = draining.clone();
        let serving = tokio::spawn(async move {
            let http = serve(http_arrived, draining.clone(), |newcomer| {
                http_door.clone().serve(newcomer)
            });
            let tcp = serve(tcp_arrived, draining.clone(), |newcomer| {
                entrance.clone().serve(newcomer)
            });
            tokio::join!(http, tcp);
        });
        Ok(Self {
            handles: vec![http_handle, tcp_handle],
            serving,
        })
    }
}

/// A connection that has its permit and has said nothing yet.
pub(crate) struct Newcomer {
    pub(crate) stream: std::net::TcpStream,
    /// Of the peer: a client or a proxy.
    pub(crate) address: IpAddr,
    pub(crate) permit: Permit,
}

/// The rules of one door, and its counters.
pub(crate) struct Admission {
    trusted: Arc<TrustedProxies>,
    proxy_protocol: bool,
    refusals: Refusals,
}

impl Admission {
    fn admit(
        &self,
        stream: std::net::TcpStream,
        address: IpAddr,
        permit: Result<Permit, Refused>,
    ) -> Option<Newcomer> {
        match permit {
            Ok(permit) => Some(Newcomer {
                stream,
                address,
                permit,
            }),
            Err(refused) => {
                self.refuse(refused.into());
                None
            }
        }
    }

    /// Gives a newcomer to the API's threads. Those that do not keep up let the connection be closed.
    fn pass_on(&self, arrivals: &mpsc::Sender<Newcomer>, newcomer: Newcomer) {
        // A closed channel is a server that stops.
        if let Err(mpsc::error::TrySendError::Full(_)) = arrivals.try_send(newcomer) {
            self.refuse(Reason::Overload);
        }
    }

    fn expects_header(&self, peer: IpAddr) -> bool {
        self.proxy_protocol && self.trusted.contains(peer)
    }

    /// The address of the client behind `peer`, after the PROXY header where one must be, and the permit counted for
    /// it. A proxy that speaks for itself keeps its own address. None: the connection must be closed; that is counted.
    pub(crate) async fn identify(
        &self,
        stream: &mut TcpStream,
        peer: IpAddr,
        permit: &mut Permit,
        deadline: Instant,
    ) -> Option<IpAddr> {
        if !self.expects_header(peer) {
            return Some(peer);
        }
        let header = match timeout_at(deadline, read_header(stream)).await {
            Ok(Ok(header)) => header,
            Ok(Err(error)) => {
                tracing::debug!(%error, "PROXY header");
                // Anything else is a peer that left, as health checks do.
                if error.kind() == io::ErrorKind::InvalidData {
                    self.refuse(Reason::ProxyHeader);
                }
                return None;
            }
            Err(_) => {
                tracing::debug!("PROXY header timed out");
                self.refuse(Reason::HandshakeTimeout);
                return None;
            }
        };
        let Some(source) = header.source else {
            return Some(peer);
        };
        let client = source.ip().to_canonical();
        self.name(permit, client).ok().map(|()| client)
    }

    /// Counts the connection for its client, unless that is a proxy too: it speaks for many.
    pub(crate) fn name(&self, permit: &mut Permit, client: IpAddr) -> Result<(), Refused> {
        if self.trusted.contains(client) {
            return Ok(());
        }
        permit
            .name(client)
            .inspect_err(|refused| self.refuse((*refused).into()))
    }

    /// Counts a connection, or an upgrade, that is not let in.
    pub(crate) fn refuse(&self, reason: Reason) {
        self.refusals.0[reason as usize].inc();
    }
}

/// Takes the header off the stream and leaves what follows.
async fn read_header(stream: &mut TcpStream) -> io::Result<ProxyHeader> {
    let mut reader = ProxyReader::default();
    let mut bytes = vec![0; PROXY_HEADER_BYTES_MAX];
    loop {
        let count = stream.peek(&mut bytes).await?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let (take, header) = reader
            .handle_peeked(&bytes[..count])
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        stream.read_exact(&mut bytes[..take]).await?;
        if let Some(header) = header {
            return Ok(header);
        }
    }
}

/// From the TCP door to the shards.
struct TcpEntrance {
    shards: Shards,
    tls: Option<Arc<rustls::ServerConfig>>,
    header_timeout: Duration,
    admission: Admission,
    draining: watch::Receiver<bool>,
    /// Connections go to the shards in turn.
    turn: AtomicUsize,
}

impl TcpEntrance {
    /// Hands a proxy's connection over once its header is there.
    async fn serve(self: Arc<Self>, newcomer: Newcomer) {
        let mut draining = self.draining.clone();
        tokio::select! {
            _ = draining.changed() => {}
            identified = self.identify(newcomer) => match identified {
                Ok(Some(newcomer)) => self.hand_over(newcomer),
                Ok(None) => {}
                Err(error) => tracing::debug!(%error, "take over a TCP connection"),
            }
        }
    }

    async fn identify(&self, newcomer: Newcomer) -> io::Result<Option<Newcomer>> {
        let mut permit = newcomer.permit;
        let mut stream = TcpStream::from_std(newcomer.stream)?;
        let deadline = Instant::now() + self.header_timeout;
        let identified =
            self.admission
                .identify(&mut stream, newcomer.address, &mut permit, deadline);
        let Some(address) = identified.await else {
            return Ok(None);
        };
        let stream = stream.into_std()?;
        Ok(Some(Newcomer {
            stream,
            address,
            permit,
        }))
    }

    fn hand_over(&self, newcomer: Newcomer) {
        let Newcomer {
            stream,
            address,
            permit,
        } = newcomer;
        let socket = match &self.tls {
            None => Socket::plain(stream),
            Some(tls) => rustls::ServerConnection::new(tls.clone())
                .map_err(io::Error::other)
                .and_then(|connection| Socket::tls(stream, connection)),
        };
        let socket = match socket {
            Ok(socket) => socket,
            Err(error) => return tracing::debug!(%error, "take over a TCP connection"),
        };
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let arrival = Arrival {
            socket,
            address,
            leftover: Bytes::new(),
            kind: ArrivalKind::Tcp,
            permit,
        };
        if !self.shards.adopt(turn, arrival) {
            self.admission.refuse(Reason::Overload);
        }
    }
}

/// Serves everybody who arrives until the server drains, then waits for those who are here.
async fn serve<Served: Future<Output = ()> + Send + 'static>(
    mut arrived: mpsc::Receiver<Newcomer>,
    mut draining: watch::Receiver<bool>,
    serve_one: impl Fn(Newcomer) -> Served,
) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            _ = draining.changed() => break,
            Some(newcomer) = arrived.recv() => {
                connections.spawn(serve_one(newcomer));
            }
            Some(_) = connections.join_next() => {}
        }
    }
    while connections.join_next().await.is_some() {}
}

/// Why a connection is not let in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Reason {
    /// The server has as many connections as it may have.
    Full,
    /// The client's address has as many as it may have.
    Address,
    /// The API's threads or the shard do not keep up.
    Overload,
    /// A trusted proxy's connection does not begin with a PROXY header.
    ProxyHeader,
    /// The TLS handshake failed.
    Tls,
    /// PROXY header and TLS handshake took too long.
    HandshakeTimeout,
}

impl Reason {
    /// All of them, in order.
    const ALL: [Self; 6] = [
        Self::Full,
        Self::Address,
        Self::Overload,
        Self::ProxyHeader,
        Self::Tls,
        Self::HandshakeTimeout,
    ];

    /// The label's value.
    const fn name(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Address => "address",
            Self::Overload => "overload",
            Self::ProxyHeader => "proxy_header",
            Self::Tls => "tls",
            Self::HandshakeTimeout => "handshake_timeout",
        }
    }
}

impl From<Refused> for Reason {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Full => Self::Full,
            Refused::Address => Self::Address,
        }
    }
}

/// What is counted at the doors.
struct DoorMetrics {
    http: Refusals,
    tcp: Refusals,
}

impl DoorMetrics {
    /// Registers `tagus_connections_refused_total`: who is turned away, and are they players? Alert on `full` and
    /// `overload` above 0; `address` means that a limit is too low for a carrier or a school, or that somebody floods.
    fn register(registry: &mut Registry) -> Self {
        let refused = Family::<[(&'static str, &'static str); 2], Counter>::default();
        let of_door = |door| {
            Refusals(Reason::ALL.map(|reason| {
                refused
                    .get_or_create(&[("door", door), ("reason", reason.name())])
                    .clone()
            }))
        };
        let metrics = Self {
            http: of_door("http"),
            tcp: of_door("tcp"),
        };
        registry.sub_registry_with_prefix("tagus").register(
            "connections_refused",
            "Connections not let in, by door and reason",
            refused,
        );
        metrics
    }
}

/// One counter for each [`Reason`].
struct Refusals([Counter; Reason::ALL.len()]);

/// Accepted connections that wait for the API's threads, for each door; beyond it a new one is closed.
const ARRIVALS_MAX: usize = 1_024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_stand_at_their_own_counters() {
        for (index, reason) in Reason::ALL.into_iter().enumerate() {
            assert_eq!(reason as usize, index);
        }
    }
}
