//! Codecs, sockets and doors: bytes to frames.
//! Owns: the WebSocket and PROXY codecs (sans I/O), the non-blocking socket with and without TLS,
//! who may connect how often, and the limits of the network edge with their defaults.
//! Must not know: players, rooms, tokens, what a message means, or who drives the sockets.

mod addresses;
mod doors;
mod limits;
mod proxy;
mod socket;
mod tls;
mod trusted_proxies;
mod ws;
mod ws_upgrade;

pub use addresses::{Addresses, Permit, Refused};
pub use doors::{TcpDoor, TcpDoorHandle};
pub use limits::{Limits, LimitsError, raise_open_files};
pub use proxy::{PROXY_HEADER_BYTES_MAX, ProxyError, ProxyHeader, ProxyReader, proxy_parse};
pub use socket::{Socket, TlsSocket};
pub use tls::{TlsError, tls_load};
pub use trusted_proxies::{IpNet, IpNetError, TrustedProxies};
pub use ws::{
    WS_HEADER_BYTES_MAX, WsDecoder, WsError, WsEvent, WsEventRef, WsOpcode, ws_close, ws_frame,
    ws_frame_into,
};
pub use ws_upgrade::{WsUpgradeError, ws_accept_key, ws_check_upgrade};
