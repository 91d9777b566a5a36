//! Whose word about a client's address is believed.

use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use thiserror::Error;

/// A range of addresses, written `10.0.0.0/8`, `fd00::/8` or as a single address.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct IpNet {
    address: IpAddr,
    prefix_bits: u8,
}

/// Why a text is no [`IpNet`].
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum IpNetError {
    /// The part before the slash is no address.
    #[error("`{0}` is not an address range like 10.0.0.0/8 or 127.0.0.1")]
    Address(String),
    /// The part after the slash is no number of bits that the address has.
    #[error("`{0}` has a prefix length that its address cannot have")]
    Prefix(String),
    /// The address has bits set outside of its prefix, so that one of the two is mistyped.
    #[error("`{0}` has address bits set beyond its prefix length")]
    HostBits(String),
}

impl IpNet {
    /// Whether `ip` lies in the range; IPv4 written as IPv6 counts as IPv4.
    #[must_use]
    pub fn contains(&self, ip: IpAddr) -> bool {
        match (self.address, ip.to_canonical()) {
            (IpAddr::V4(net), IpAddr::V4(ip)) => {
                let shift = 32 - u32::from(self.prefix_bits);
                (net.to_bits() ^ ip.to_bits())
                    .checked_shr(shift)
                    .unwrap_or(0)
                    == 0
            }
            (IpAddr::V6(net), IpAddr::V6(ip)) => {
                let shift = 128 - u32::from(self.prefix_bits);
                (net.to_bits() ^ ip.to_bits())
                    .checked_shr(shift)
                    .unwrap_or(0)
                    == 0
            }
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
        }
    }

    fn has_host_bits(&self) -> bool {
        let prefix_bits = u32::from(self.prefix_bits);
        match self.address {
            IpAddr::V4(ip) => ip.to_bits().checked_shl(prefix_bits).unwrap_or(0) != 0,
            IpAddr::V6(ip) => ip.to_bits().checked_shl(prefix_bits).unwrap_or(0) != 0,
        }
    }
}

impl FromStr for IpNet {
    type Err = IpNetError;

    fn from_str(text: &str) -> Result<Self, IpNetError> {
        let text = text.trim();
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address =
            IpAddr::from_str(address).map_err(|_| IpNetError::Address(text.to_owned()))?;
        let bits_max = if address.is_ipv4() { 32 } else { 128 };
        let prefix_bits = match prefix {
            None => bits_max,
            Some(prefix) => u8::from_str(prefix)
                .ok()
                .filter(|bits| *bits <= bits_max)
                .ok_or_else(|| IpNetError::Prefix(text.to_owned()))?,
        };
        let net = Self {
            address,
            prefix_bits,
        };
        if net.has_host_bits() {
            return Err(IpNetError::HostBits(text.to_owned()));
        }
        Ok(net)
    }
}

/// Those whose word about a client's address is believed (`trusted_proxies`); by default nobody.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct TrustedProxies {
    nets: Vec<IpNet>,
}

impl TrustedProxies {
    /// Reads the list of the configuration.
    ///
    /// # Errors
    /// The first text that is no [`IpNet`].
    pub fn parse<T: AsRef<str>>(texts: &[T]) -> Result<Self, IpNetError> {
        let nets = texts
            .iter()
            .map(|text| text.as_ref().parse())
            .collect::<Result<_, _>>()?;
        Ok(Self { nets })
    }

    /// The ranges as texts that [`Self::parse`] reads.
    pub fn texts(&self) -> impl Iterator<Item = String> + '_ {
        self.nets
            .iter()
            .map(|net| format!("{}/{}", net.address, net.prefix_bits))
    }

    /// Whether `ip` is one of them.
    #[must_use]
    pub fn contains(&self, ip: IpAddr) -> bool {
        self.nets.iter().any(|net| net.contains(ip))
    }

    /// The address of the client behind `peer`, given the `X-Forwarded-For` header (several lines joined by commas).
    ///
    /// Walks the header from the right, where the proxy next to us wrote, for as long as the writer is trusted: what a
    /// stranger wrote is never believed. An entry that is no address ends the walk at its writer, and so do more than
    /// 32 entries.
    #[must_use]
    pub fn client_address(&self, peer: IpAddr, forwarded_for: Option<&str>) -> IpAddr {
        let mut client = peer.to_canonical();
        for entry in forwarded_for
            .unwrap_or_default()
            .rsplit(',')
            .take(FORWARDED_HOPS_MAX)
        {
            if !self.contains(client) {
                break;
            }
            let Some(ip) = parse_forwarded(entry.trim()) else {
                break;
            };
            client = ip.to_canonical();
        }
        client
    }
}

/// Some proxies write a port behind the address, or brackets around IPv6.
fn parse_forwarded(entry: &str) -> Option<IpAddr> {
    let bare = entry
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .unwrap_or(entry);
    if let Ok(ip) = bare.parse() {
        return Some(ip);
    }
    entry.parse().ok().map(|address: SocketAddr| address.ip())
}

/// Entries of `X-Forwarded-For` that are looked at.
const FORWARDED_HOPS_MAX: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn ranges_parse_and_contain() {
        let table = [
            ("10.0.0.0/8", "10.255.0.1", true),
            ("10.0.0.0/8", "::ffff:10.1.1.1", true),
            ("10.0.0.0/8", "11.0.0.1", false),
            ("10.0.0.0/8", "::1", false),
            ("127.0.0.1", "127.0.0.1", true),
            (" 127.0.0.1/32 ", "127.0.0.2", false),
            ("0.0.0.0/0", "203.0.113.5", true),
            ("::/0", "2001:db8::1", true),
            ("::/0", "203.0.113.5", false),
            ("fd00::/8", "fdff::1", true),
            ("fd00::/8", "fe00::1", false),
            ("::1", "::1", true),
        ];
        for (net, address, expected) in table {
            let net: IpNet = net.parse().unwrap();
            assert_eq!(net.contains(ip(address)), expected, "{net:?} {address}");
        }
        let check = |text: &str| text.parse::<IpNet>().unwrap_err();
        for text in ["", "localhost", "10.0.0/8", "/8", "10.0.0.0.0"] {
            assert_eq!(check(text), IpNetError::Address(text.to_owned()));
        }
        for text in [
            "10.0.0.0/33",
            "10.0.0.0/",
            "10.0.0.0/-1",
            "::/129",
            "10.0.0.0/8/8",
        ] {
            assert_eq!(check(text), IpNetError::Prefix(text.to_owned()));
        }
        for text in ["10.0.0.1/8", "fd00::1/64", "1.0.0.0/0"] {
            assert_eq!(check(text), IpNetError::HostBits(text.to_owned()));
        }
    }

    #[test]
    fn forwarded_addresses_are_believed_only_from_trusted_writers() {
        let trusted = TrustedProxies::parse(&["10.0.0.0/8", "127.0.0.1", "fd00::/8"]).unwrap();
        let table = [
            ("203.0.113.1", Some("198.51.100.1"), "203.0.113.1"),
            ("10.0.0.1", None, "10.0.0.1"),
            ("10.0.0.1", Some(""), "10.0.0.1"),
            ("10.0.0.1", Some("198.51.100.1"), "198.51.100.1"),
            ("::ffff:10.0.0.1", Some("198.51.100.1"), "198.51.100.1"),
            ("10.0.0.1", Some("1.1.1.1, 198.51.100.1"), "198.51.100.1"),
            (
                "10.0.0.1",
                Some("1.1.1.1,198.51.100.1 , 10.9.9.9"),
                "198.51.100.1",
            ),
            ("10.0.0.1", Some("10.0.0.3, 10.0.0.2"), "10.0.0.3"),
            ("10.0.0.1", Some("198.51.100.1:4711"), "198.51.100.1"),
            ("fd00::1", Some("2001:db8::5"), "2001:db8::5"),
            ("fd00::1", Some("[2001:db8::5]"), "2001:db8::5"),
            ("fd00::1", Some("[2001:db8::5]:443"), "2001:db8::5"),
            ("10.0.0.1", Some("198.51.100.1, unknown"), "10.0.0.1"),
            ("10.0.0.1", Some("198.51.100.1,"), "10.0.0.1"),
        ];
        for (peer, header, expected) in table {
            assert_eq!(
                trusted.client_address(ip(peer), header),
                ip(expected),
                "{peer} {header:?}"
            );
        }
        let nobody = TrustedProxies::default();
        assert_eq!(
            nobody.client_address(ip("127.0.0.1"), Some("1.1.1.1")),
            ip("127.0.0.1")
        );
    }

    #[test]
    fn the_walk_ends_after_its_maximum_of_hops() {
        let trusted = TrustedProxies::parse(&["10.0.0.0/8"]).unwrap();
        let header = |hops: usize| format!("1.1.1.1{}", ", 10.0.0.2".repeat(hops - 1));
        assert_eq!(
            trusted.client_address(ip("10.0.0.1"), Some(&header(32))),
            ip("1.1.1.1")
        );
        assert_eq!(
            trusted.client_address(ip("10.0.0.1"), Some(&header(33))),
            ip("10.0.0.2")
        );
    }
}
