//! The PROXY protocol, versions 1 and 2, without I/O: how a proxy in front says who the client is.
//!
//! Whether a peer may speak it is the caller's decision ([`crate::TrustedProxies`]).
//! Source: "The PROXY protocol, versions 1 & 2" by HAProxy Technologies.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use thiserror::Error;

/// Longest header that is taken, in bytes: version 2's fixed part with 1,024 bytes of addresses and extras behind it.
///
/// The protocol would allow 64 KiB of extras; the proxies in use send below 300 bytes.
pub const PROXY_HEADER_BYTES_MAX: usize = V2_FIXED_BYTES + 1_024;

/// What a proxy said about the connection it forwards.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ProxyHeader {
    /// The client; `None` when the connection is the proxy's own (a health check) or of a kind without addresses.
    pub source: Option<SocketAddr>,
}

/// Why bytes are not a PROXY header; the connection must be closed.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum ProxyError {
    /// The bytes begin like neither version.
    #[error("no proxy protocol header")]
    Missing,
    /// The header is longer than [`PROXY_HEADER_BYTES_MAX`], or version 1's line longer than 107 bytes.
    #[error("proxy protocol header too long")]
    TooLong,
    /// The header breaks its own rules in the way named.
    #[error("proxy protocol: {0}")]
    Malformed(&'static str),
}

/// Takes the header from the front of `input`: answers its length and meaning, or `None` when more bytes are needed.
///
/// Never asks for more than [`PROXY_HEADER_BYTES_MAX`] bytes, and refuses other traffic at its first wrong byte.
///
/// # Errors
/// See [`ProxyError`].
pub fn proxy_parse(input: &[u8]) -> Result<Option<(usize, ProxyHeader)>, ProxyError> {
    if begins_like(input, V2_SIGNATURE) {
        return parse_v2(input);
    }
    if begins_like(input, V1_PREFIX) {
        return parse_v1(input);
    }
    Err(ProxyError::Missing)
}

/// Takes a header off a stream that goes on with something else, and not a byte of that.
///
/// Driving order: peek at what has arrived, call [`ProxyReader::handle_peeked`], read exactly as many bytes as it says,
/// and begin again until it answers a header.
#[derive(Debug, Default)]
pub struct ProxyReader {
    taken: Vec<u8>,
}

impl ProxyReader {
    /// Answers how many of the bytes that were peeked at are to be read, and the header once they complete it.
    ///
    /// # Errors
    /// See [`ProxyError`]; the connection must be closed.
    pub fn handle_peeked(
        &mut self,
        peeked: &[u8],
    ) -> Result<(usize, Option<ProxyHeader>), ProxyError> {
        let before = self.taken.len();
        self.taken.extend_from_slice(peeked);
        match proxy_parse(&self.taken)? {
            // It was not complete before, so that its end lies in what is new.
            Some((header_bytes, header)) => Ok((header_bytes - before, Some(header))),
            // Everything so far belongs to it, and that is less than `PROXY_HEADER_BYTES_MAX`.
            None => Ok((peeked.len(), None)),
        }
    }
}

/// Whether `input` agrees with `signature` as far as both go.
fn begins_like(input: &[u8], signature: &[u8]) -> bool {
    input
        .iter()
        .zip(signature)
        .all(|(got, expected)| got == expected)
}

fn parse_v1(input: &[u8]) -> Result<Option<(usize, ProxyHeader)>, ProxyError> {
    let window = &input[..input.len().min(V1_LINE_BYTES_MAX)];
    let Some(end) = window.windows(2).position(|pair| pair == b"\r\n") else {
        if window.len() == V1_LINE_BYTES_MAX {
            return Err(ProxyError::TooLong);
        }
        return Ok(None);
    };
    let line = std::str::from_utf8(&window[..end])
        .map_err(|_| ProxyError::Malformed("line is not text"))?;
    let mut words = line.split(' ').skip(1);
    let source = match words.next() {
        Some("TCP4") => Some(parse_v1_source(words, |text| {
            text.parse().map(IpAddr::V4).ok()
        })?),
        Some("TCP6") => Some(parse_v1_source(words, |text| {
            text.parse().map(IpAddr::V6).ok()
        })?),
        Some("UNKNOWN") => None,
        Some(_) | None => return Err(ProxyError::Malformed("unknown family")),
    };
    Ok(Some((end + 2, ProxyHeader { source })))
}

/// Source and destination address, source and destination port; all four must be right.
fn parse_v1_source<'a>(
    mut words: impl Iterator<Item = &'a str>,
    parse_ip: impl Fn(&str) -> Option<IpAddr>,
) -> Result<SocketAddr, ProxyError> {
    let mut next = || words.next().ok_or(ProxyError::Malformed("line cut short"));
    let mut next_ip = || parse_ip(next()?).ok_or(ProxyError::Malformed("bad address"));
    let source = next_ip()?;
    next_ip()?;
    let mut next_port = || parse_port(next()?).ok_or(ProxyError::Malformed("bad port"));
    let port = next_port()?;
    next_port()?;
    if words.next().is_some() {
        return Err(ProxyError::Malformed("words after the ports"));
    }
    Ok(SocketAddr::new(source, port))
}

fn parse_port(text: &str) -> Option<u16> {
    let plain =
        text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    text.parse().ok().filter(|_| plain)
}

fn parse_v2(input: &[u8]) -> Result<Option<(usize, ProxyHeader)>, ProxyError> {
    let Some((fixed, rest)) = input.split_first_chunk::<V2_FIXED_BYTES>() else {
        return Ok(None);
    };
    let [.., version_command, family, length_high, length_low] = *fixed;
    if version_command >> 4 != 2 {
        return Err(ProxyError::Malformed("version is not 2"));
    }
    let length = usize::from(u16::from_be_bytes([length_high, length_low]));
    if V2_FIXED_BYTES + length > PROXY_HEADER_BYTES_MAX {
        return Err(ProxyError::TooLong);
    }
    let Some(body) = rest.get(..length) else {
        return Ok(None);
    };
    let source = match (version_command & 0x0f, family) {
        (V2_LOCAL, _) => None,
        (V2_PROXY, V2_TCP4) => Some(parse_v2_tcp4(body)?),
        (V2_PROXY, V2_TCP6) => Some(parse_v2_tcp6(body)?),
        // Local sockets, datagrams and what is yet to be invented: no address that counts here.
        (V2_PROXY, _) => None,
        _ => return Err(ProxyError::Malformed("unknown command")),
    };
    Ok(Some((V2_FIXED_BYTES + length, ProxyHeader { source })))
}

fn parse_v2_tcp4(body: &[u8]) -> Result<SocketAddr, ProxyError> {
    let Some(&[a, b, c, d, _, _, _, _, port_high, port_low, _, _]) = body.first_chunk::<12>()
    else {
        return Err(ProxyError::Malformed("addresses cut short"));
    };
    let port = u16::from_be_bytes([port_high, port_low]);
    Ok(SocketAddr::new(Ipv4Addr::new(a, b, c, d).into(), port))
}

fn parse_v2_tcp6(body: &[u8]) -> Result<SocketAddr, ProxyError> {
    let cut_short = ProxyError::Malformed("addresses cut short");
    let (source, rest) = body.split_first_chunk::<16>().ok_or(cut_short)?;
    let (_destination, rest) = rest.split_first_chunk::<16>().ok_or(cut_short)?;
    let ports = rest.first_chunk::<4>().ok_or(cut_short)?;
    let port = u16::from_be_bytes([ports[0], ports[1]]);
    Ok(SocketAddr::new(Ipv6Addr::from(*source).into(), port))
}

const V1_PREFIX: &[u8] = b"PROXY ";
/// With its line end.
const V1_LINE_BYTES_MAX: usize = 107;
const V2_SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";
/// Signature, version and command, family, length.
const V2_FIXED_BYTES: usize = 16;
const V2_LOCAL: u8 = 0;
const V2_PROXY: u8 = 1;
const V2_TCP4: u8 = 0x11;
const V2_TCP6: u8 = 0x21;
