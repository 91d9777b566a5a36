//! The HTTP side of opening a WebSocket: which requests may be upgraded, and the proof that goes back.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ring::digest;
use thiserror::Error;

/// Why a request cannot become a WebSocket.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum WsUpgradeError {
    /// `Connection` lacks the token `upgrade`, or `Upgrade` the token `websocket`.
    #[error("not a websocket upgrade")]
    NotUpgrade,
    /// `Sec-WebSocket-Version` is not 13; the answer must carry `Sec-WebSocket-Version: 13`.
    #[error("websocket version is not 13")]
    Version,
    /// `Sec-WebSocket-Key` is missing or not 16 bytes of base64.
    #[error("websocket key is not 16 bytes of base64")]
    Key,
}

impl WsUpgradeError {
    /// The HTTP status of the refusal.
    #[must_use]
    pub const fn status(&self) -> u16 {
        match self {
            Self::NotUpgrade | Self::Key => 400,
            Self::Version => 426,
        }
    }
}

/// Checks the headers of a `GET` request that wants to become a WebSocket.
///
/// `header` finds a header by its lower-case name; values repeated over several lines are joined by commas.
/// Answers the value of `Sec-WebSocket-Accept`.
/// Source: RFC 6455 section 4.2.1.
///
/// # Errors
/// The first rule broken, in the order of the variants of [`WsUpgradeError`].
pub fn ws_check_upgrade<'a>(
    header: impl Fn(&str) -> Option<&'a str>,
) -> Result<String, WsUpgradeError> {
    if !has_token(header("connection"), "upgrade") || !has_token(header("upgrade"), "websocket") {
        return Err(WsUpgradeError::NotUpgrade);
    }
    if header("sec-websocket-version").map(str::trim) != Some("13") {
        return Err(WsUpgradeError::Version);
    }
    let key = header("sec-websocket-key")
        .ok_or(WsUpgradeError::Key)?
        .trim();
    // The output buffer is the check: what decodes to anything but 16 bytes is refused.
    let mut nonce = [0; 18];
    match STANDARD.decode_slice(key, &mut nonce) {
        Ok(16) => Ok(ws_accept_key(key)),
        Ok(_) | Err(_) => Err(WsUpgradeError::Key),
    }
}

/// The value of `Sec-WebSocket-Accept` for a client's `Sec-WebSocket-Key`.
///
/// Source: RFC 6455 section 4.2.2, item 5.4.
#[must_use]
pub fn ws_accept_key(key: &str) -> String {
    let mut hash = digest::Context::new(&digest::SHA1_FOR_LEGACY_USE_ONLY);
    hash.update(key.as_bytes());
    hash.update(ACCEPT_GUID);
    STANDARD.encode(hash.finish())
}

fn has_token(value: Option<&str>, token: &str) -> bool {
    value.is_some_and(|list| {
        list.split(',')
            .any(|item| item.trim().eq_ignore_ascii_case(token))
    })
}

const ACCEPT_GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: [(&str, &str); 4] = [
        ("connection", "keep-alive, Upgrade"),
        ("upgrade", "WebSocket"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ];

    /// Checks the good request with `name` replaced by `value`, or left out.
    fn check(name: &str, value: Option<&'static str>) -> Result<String, WsUpgradeError> {
        ws_check_upgrade(|asked| {
            if asked == name {
                return value;
            }
            GOOD.iter()
                .find(|(good, _)| *good == asked)
                .map(|(_, value)| *value)
        })
    }

    #[test]
    fn the_rfcs_own_example_is_accepted() {
        let expected = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
        assert_eq!(check("", None), Ok(expected.to_owned()));
        assert_eq!(
            check("upgrade", Some("h2c, websocket")),
            Ok(expected.to_owned())
        );
    }

    #[test]
    fn each_broken_rule_has_its_error() {
        use WsUpgradeError::{Key, NotUpgrade, Version};
        let table = [
            ("connection", None, NotUpgrade),
            ("connection", Some("close"), NotUpgrade),
            ("connection", Some("upgraded"), NotUpgrade),
            ("upgrade", None, NotUpgrade),
            ("upgrade", Some("websockets"), NotUpgrade),
            ("sec-websocket-version", None, Version),
            ("sec-websocket-version", Some("8"), Version),
            ("sec-websocket-version", Some("13, 8"), Version),
            ("sec-websocket-key", None, Key),
            ("sec-websocket-key", Some(""), Key),
            ("sec-websocket-key", Some("dGhlIHNhbXBsZSBub25jZQ"), Key),
            ("sec-websocket-key", Some("dGhlIHNhbXBsZSBub25j"), Key),
            ("sec-websocket-key", Some("dGhlIHNhbXBsZSBub25jZWUh"), Key),
            (
                "sec-websocket-key",
                Some("dGhlIHNhbXBsZSBub25jZQ==dGhlIHNhbXBsZSBub25jZQ=="),
                Key,
            ),
            ("sec-websocket-key", Some("dGhlIHNhbXBsZSBub25jZ*=="), Key),
        ];
        for (name, value, expected) in table {
            assert_eq!(check(name, value), Err(expected), "{name}: {value:?}");
        }
    }
}
