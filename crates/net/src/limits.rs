//! The limits of the network edge, with their defaults.

use std::io;

use thiserror::Error;

/// Everything a client may cost at the network edge. Each default suits one server on the open internet.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Limits {
    /// Longest message from a client on WebSocket and TCP, in bytes (1..=16,777,216), default 4,096.
    /// A longer one closes its connection before any of it is stored; WebSocket says 1009.
    pub message_bytes_max: u32,
    /// Longest body of an HTTP request, in bytes (1..=16,777,216), default 262,144. A longer one is refused.
    pub request_body_bytes_max: u32,
    /// Bytes that may wait for one slow reader beyond what its socket took (1,024..=67,108,864), default 262,144:
    /// ten seconds of a busy room at 25 KB/s, while ten thousand stalled readers still fit into 2.5 GiB.
    /// Beyond it the connection is told and closed.
    pub queue_bytes_max: u32,
    /// Bytes that the operating system may hold for one WebSocket or TCP connection without having sent them
    /// (0..=67,108,864), default 16,384; Linux only. What follows waits in the server, where views are left out and the
    /// rest counts towards `queue_bytes_max`. Less than a tick's data makes two writes of one; more lets a slow reader
    /// get views that are older. 0: as many as the operating system likes, which is megabytes.
    pub unsent_bytes_max: u32,
    /// Connections open at once, on all doors (1..), default 100,000. One more is closed at accept.
    pub connections_max: u32,
    /// Connections open at once from one IPv4 address or one IPv6 /64 (1..), default 1,024: mobile carriers and schools
    /// put hundreds of players behind one address. One more is closed at accept.
    pub connections_per_address_max: u32,
    /// Time for TLS and the hello on a TCP connection, in milliseconds, default 5,000. Then it is closed.
    pub hello_timeout_ms: u32,
    /// Time for the whole head of an HTTP request, TLS included, in milliseconds, default 5,000. Then it is closed.
    pub http_header_timeout_ms: u32,
    /// Longest head of an HTTP request, in bytes (8,192..=1,048,576), default 16,384. A longer one is refused.
    pub http_headers_bytes_max: u32,
    /// Time an HTTP connection may stay open without a request, in milliseconds, default 60,000. Then it is closed.
    pub idle_http_ms: u32,
    /// Time between pings to a connection, in milliseconds, default 15,000.
    pub ping_interval_ms: u32,
    /// Time without any sign of life after which a connection counts as lost, in milliseconds, default 25,000; more than
    /// `ping_interval_ms`.
    pub pong_wait_ms: u32,
    /// Time a closing connection gets to take its last bytes and answer, in milliseconds, default 2,000. Then it is
    /// closed all the same.
    pub close_linger_ms: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            message_bytes_max: 4_096,
            request_body_bytes_max: 262_144,
            queue_bytes_max: 262_144,
            unsent_bytes_max: 16_384,
            connections_max: 100_000,
            connections_per_address_max: 1_024,
            hello_timeout_ms: 5_000,
            http_header_timeout_ms: 5_000,
            http_headers_bytes_max: 16_384,
            idle_http_ms: 60_000,
            ping_interval_ms: 15_000,
            pong_wait_ms: 25_000,
            close_linger_ms: 2_000,
        }
    }
}

/// Why limits cannot be used.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum LimitsError {
    /// A value is outside of its range.
    #[error("{name} is {value} and must be from {min} to {max}")]
    Range {
        /// The field.
        name: &'static str,
        /// Its value.
        value: u32,
        /// Smallest value allowed.
        min: u32,
        /// Greatest value allowed.
        max: u32,
    },
    /// Connections would count as lost before their answer to a ping can be there.
    #[error("pong_wait_ms must be more than ping_interval_ms")]
    PongWait,
}

impl Limits {
    /// Checks every range.
    ///
    /// # Errors
    /// The first field that is wrong.
    pub fn check(&self) -> Result<(), LimitsError> {
        for (name, value) in self.values() {
            let Some((min, max)) = Self::range(name) else {
                continue;
            };
            if !(min..=max).contains(&value) {
                return Err(LimitsError::Range {
                    name,
                    value,
                    min,
                    max,
                });
            }
        }
        if self.pong_wait_ms <= self.ping_interval_ms {
            return Err(LimitsError::PongWait);
        }
        Ok(())
    }

    /// Smallest and greatest value that the field `name` may have; none: there is no such field.
    #[must_use]
    pub fn range(name: &str) -> Option<(u32, u32)> {
        let range = match name {
            "message_bytes_max" | "request_body_bytes_max" => (1, 16 << 20),
            "queue_bytes_max" => (1_024, 64 << 20),
            "unsent_bytes_max" => (0, 64 << 20),
            "http_headers_bytes_max" => (8_192, 1 << 20),
            "close_linger_ms" => (0, u32::MAX),
            "connections_max"
            | "connections_per_address_max"
            | "hello_timeout_ms"
            | "http_header_timeout_ms"
            | "idle_http_ms"
            | "ping_interval_ms"
            | "pong_wait_ms" => (1, u32::MAX),
            _ => return None,
        };
        Some(range)
    }

    fn values(&self) -> [(&'static str, u32); 13] {
        [
            ("message_bytes_max", self.message_bytes_max),
            ("request_body_bytes_max", self.request_body_bytes_max),
            ("queue_bytes_max", self.queue_bytes_max),
            ("unsent_bytes_max", self.unsent_bytes_max),
            ("connections_max", self.connections_max),
            (
                "connections_per_address_max",
                self.connections_per_address_max,
            ),
            ("hello_timeout_ms", self.hello_timeout_ms),
            ("http_header_timeout_ms", self.http_header_timeout_ms),
            ("http_headers_bytes_max", self.http_headers_bytes_max),
            ("idle_http_ms", self.idle_http_ms),
            ("ping_interval_ms", self.ping_interval_ms),
            ("pong_wait_ms", self.pong_wait_ms),
            ("close_linger_ms", self.close_linger_ms),
        ]
    }
}

/// Raises this process's soft limit of open files to its hard limit; answers both, `u64::MAX` for no limit.
///
/// Where there is no such limit nothing is done and both are `u64::MAX`.
///
/// # Errors
/// What the operating system says; the limit is then as before.
pub fn raise_open_files() -> io::Result<(u64, u64)> {
    raise()
}

#[cfg(unix)]
fn raise() -> io::Result<(u64, u64)> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    let before = getrlimit(Resource::Nofile);
    let hard = before.maximum.unwrap_or(u64::MAX);
    // macOS refuses more than OPEN_MAX whatever its hard limit says.
    let wanted = if cfg!(target_vendor = "apple") {
        hard.min(10_240)
    } else {
        hard
    };
    if before.current.unwrap_or(u64::MAX) >= wanted {
        return Ok((before.current.unwrap_or(u64::MAX), hard));
    }
    setrlimit(
        Resource::Nofile,
        Rlimit {
            current: (wanted != u64::MAX).then_some(wanted),
            maximum: before.maximum,
        },
    )?;
    Ok((wanted, hard))
}

#[cfg(not(unix))]
fn raise() -> io::Result<(u64, u64)> {
    Ok((u64::MAX, u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_within_their_ranges() {
        assert_eq!(Limits::default().check(), Ok(()));
        for (name, _) in Limits::default().values() {
            assert!(Limits::range(name).is_some(), "{name}");
        }
    }

    #[test]
    fn a_field_out_of_range_is_named() {
        let limits = Limits {
            queue_bytes_max: 1_023,
            ..Limits::default()
        };
        let text = limits.check().unwrap_err().to_string();
        assert_eq!(
            text,
            "queue_bytes_max is 1023 and must be from 1024 to 67108864"
        );
        let limits = Limits {
            pong_wait_ms: 15_000,
            ..Limits::default()
        };
        assert_eq!(limits.check(), Err(LimitsError::PongWait));
    }

    #[cfg(unix)]
    #[test]
    fn open_files_are_raised_to_the_hard_limit_once() {
        let (soft, hard) = raise_open_files().unwrap();
        assert!(soft <= hard);
        assert!(soft == hard || cfg!(target_vendor = "apple"));
        assert_eq!(raise_open_files().unwrap(), (soft, hard));
    }
}
