//! A login.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use tagus_wire::api;

use crate::error::ClientError;

/// A login: its token pair, and what the session token says of the account.
#[derive(Clone, Debug)]
pub struct Session {
    pub(crate) authority: Arc<str>,
    /// Whether this login created the account.
    pub created: bool,
    /// The session token, which every call and the socket show.
    pub token: String,
    /// The refresh token, good for a new pair. Empty when the server gave none.
    pub refresh_token: String,
    /// The account's id.
    pub user_id: String,
    /// The account's user name when the token was made.
    pub username: String,
    /// When the session token ends, in seconds since 1970.
    pub expires_unix_secs: u64,
}

impl Session {
    pub(crate) fn new(authority: Arc<str>, pair: api::Session) -> Result<Self, ClientError> {
        let claims = claims(&pair.token).ok_or(ClientError::Claims)?;
        let text = |name: &str| claims.get(name)?.as_str().map(str::to_owned);
        Ok(Self {
            authority,
            created: pair.created,
            user_id: text("uid").ok_or(ClientError::Claims)?,
            username: text("usn").ok_or(ClientError::Claims)?,
            expires_unix_secs: claims
                .get("exp")
                .and_then(serde_json::Value::as_u64)
                .ok_or(ClientError::Claims)?,
            token: pair.token,
            refresh_token: pair.refresh_token,
        })
    }
}

/// The middle part of a JSON web token. Not verified: the key is the server's.
fn claims(token: &str) -> Option<serde_json::Value> {
    let mut parts = token.split('.');
    let (_, payload, _, None) = (parts.next()?, parts.next()?, parts.next()?, parts.next()) else {
        return None;
    };
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(payload: &str) -> Result<Session, ClientError> {
        let token = format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(payload));
        let pair = api::Session {
            token,
            ..Default::default()
        };
        Session::new("localhost:1".into(), pair)
    }

    #[test]
    fn the_token_says_who_it_is() {
        let session = session(r#"{"uid":"u1","usn":"ana","exp":12,"more":[]}"#).unwrap();
        assert_eq!((&*session.user_id, &*session.username), ("u1", "ana"));
        assert_eq!(session.expires_unix_secs, 12);
    }

    #[test]
    fn a_token_without_claims_is_refused() {
        for payload in ["", "[]", r#"{"uid":"u"}"#, r#"{"uid":1,"usn":"a","exp":1}"#] {
            assert!(
                matches!(session(payload), Err(ClientError::Claims)),
                "{payload}"
            );
        }
        assert!(claims("a.b").is_none() && claims("a.e30.c.d").is_none());
        assert!(claims("a.e30.c").is_some());
    }
}
