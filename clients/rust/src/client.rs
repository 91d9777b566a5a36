//! The API over HTTP.

use std::collections::BTreeMap;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tagus_wire::{Json, api, from_json, to_json};

use crate::error::ClientError;
use crate::http::{Request, exchange, percent_encode};
use crate::session::Session;

/// One game's door to one server. Cheap to clone; keeps no connection.
#[derive(Clone, Debug)]
pub struct Client {
    authority: Arc<str>,
    basic: Arc<str>,
}

impl Client {
    /// A client of the server at `base_url`, `http://HOST:PORT`, for the game that has this server key.
    ///
    /// # Errors
    /// [`ClientError::Address`] when the address is of another form.
    pub fn new(base_url: &str, server_key: &str) -> Result<Self, ClientError> {
        let authority = base_url
            .strip_prefix("http://")
            .map(|rest| rest.strip_suffix('/').unwrap_or(rest))
            .filter(|rest| is_authority(rest))
            .ok_or_else(|| ClientError::Address {
                url: base_url.to_owned(),
            })?;
        let basic = format!("Basic {}", STANDARD.encode(format!("{server_key}:")));
        Ok(Self {
            authority: authority.into(),
            basic: basic.into(),
        })
    }

    /// Logs in by a device's id, 10 to 128 bytes. With `create` an unknown one becomes a new account,
    /// named `username` or, without it, at random.
    ///
    /// # Errors
    /// [`ClientError::Refused`] with the server's reason; see [`ClientError`] for the rest.
    pub async fn authenticate_device(
        &self,
        id: &str,
        create: bool,
        username: Option<&str>,
    ) -> Result<Session, ClientError> {
        let account = api::AccountDevice {
            id: id.to_owned(),
            vars: BTreeMap::new(),
        };
        self.authenticate("device", &account, create, username)
            .await
    }

    /// Logs in by an id that another system gave, 6 to 128 bytes; otherwise as [`Self::authenticate_device`].
    ///
    /// # Errors
    /// As [`Self::authenticate_device`].
    pub async fn authenticate_custom(
        &self,
        id: &str,
        create: bool,
        username: Option<&str>,
    ) -> Result<Session, ClientError> {
        let account = api::AccountCustom {
            id: id.to_owned(),
            vars: BTreeMap::new(),
        };
        self.authenticate("custom", &account, create, username)
            .await
    }

    /// Logs in by address and password; otherwise as [`Self::authenticate_device`].
    ///
    /// # Errors
    /// As [`Self::authenticate_device`].
    pub async fn authenticate_email(
        &self,
        email: &str,
        password: &str,
        create: bool,
        username: Option<&str>,
    ) -> Result<Session, ClientError> {
        let account = api::AccountEmail {
            email: email.to_owned(),
            password: password.to_owned(),
            vars: BTreeMap::new(),
        };
        self.authenticate("email", &account, create, username).await
    }

    /// A session from a token pair that was kept.
    ///
    /// # Errors
    /// [`ClientError::Claims`] when the session token is none.
    pub fn restore(&self, token: &str, refresh_token: &str) -> Result<Session, ClientError> {
        let pair = api::Session {
            created: false,
            token: token.to_owned(),
            refresh_token: refresh_token.to_owned(),
        };
        Session::new(self.authority.clone(), pair)
    }

    /// A new token pair for the account of `session`.
    ///
    /// # Errors
    /// [`ClientError::Refused`] when the refresh token has ended or was logged out; see [`ClientError`] for the rest.
    pub async fn refresh(&self, session: &Session) -> Result<Session, ClientError> {
        let request = api::SessionRefreshRequest {
            token: session.refresh_token.clone(),
            vars: BTreeMap::new(),
        };
        let target = "/v2/account/session/refresh";
        let pair = self
            .call("POST", target, &self.basic, &to_json(&request))
            .await?;
        Session::new(self.authority.clone(), pair)
    }

    /// Ends a session: its tokens are good for nothing any more, and its sockets close.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn logout(&self, session: &Session) -> Result<(), ClientError> {
        let request = api::SessionLogoutRequest {
            token: session.token.clone(),
            refresh_token: session.refresh_token.clone(),
        };
        let bearer = bearer(session)?;
        self.call("POST", "/v2/session/logout", &bearer, &to_json(&request))
            .await
    }

    /// The account of a session.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn account(&self, session: &Session) -> Result<api::Account, ClientError> {
        self.call("GET", "/v2/account", &bearer(session)?, b"")
            .await
    }

    /// Runs a function of the server's and returns what it answers, empty for nothing.
    ///
    /// # Errors
    /// [`ClientError::Refused`] with the function's error; see [`ClientError`] for the rest.
    pub async fn rpc(
        &self,
        session: &Session,
        id: &str,
        payload: &str,
    ) -> Result<String, ClientError> {
        let target = format!("/v2/rpc/{}", percent_encode(id));
        let body = serde_json::Value::from(payload).to_string();
        let answer: api::Rpc = self
            .call("POST", &target, &bearer(session)?, body.as_bytes())
            .await?;
        Ok(answer.payload)
    }

    async fn authenticate(
        &self,
        kind: &str,
        account: &impl Json,
        create: bool,
        username: Option<&str>,
    ) -> Result<Session, ClientError> {
        let mut target = format!("/v2/account/authenticate/{kind}?create={create}");
        if let Some(username) = username {
            target.push_str("&username=");
            target.push_str(&percent_encode(username));
        }
        let pair = self
            .call("POST", &target, &self.basic, &to_json(account))
            .await?;
        Session::new(self.authority.clone(), pair)
    }

    async fn call<M: Json>(
        &self,
        verb: &'static str,
        target: &str,
        authorization: &str,
        body: &[u8],
    ) -> Result<M, ClientError> {
        let request = Request {
            verb,
            target,
            authorization,
            body,
        };
        let answer = exchange(&self.authority, request).await?;
        if answer.status == 200 {
            return Ok(from_json(&answer.body)?);
        }
        let error: serde_json::Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        let code = error.get("code").and_then(serde_json::Value::as_i64);
        let message = error.get("message").and_then(serde_json::Value::as_str);
        Err(ClientError::Refused {
            status: answer.status,
            code: code.and_then(|code| code.try_into().ok()).unwrap_or(0),
            message: message.unwrap_or("no reason given").to_owned(),
        })
    }
}

fn is_authority(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-:[]_".contains(&byte);
    let port = text.rsplit_once(':').map(|(_, port)| port.parse::<u16>());
    matches!(port, Some(Ok(_))) && text.bytes().all(plain)
}

fn bearer(session: &Session) -> Result<String, ClientError> {
    if !session.token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(ClientError::Token);
    }
    Ok(format!("Bearer {}", session.token))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_plain_http_with_a_port() {
        for good in [
            "http://127.0.0.1:7350",
            "http://[::1]:7350/",
            "http://a-b.example:80",
        ] {
            assert!(Client::new(good, "k").is_ok(), "{good}");
        }
        for bad in [
            "",
            "127.0.0.1:7350",
            "https://a:1",
            "http://a",
            "http://a:b",
            "http://a:1/x",
            "http://a:1\r\n:2",
            "http://a:65536",
        ] {
            assert!(
                matches!(Client::new(bad, "k"), Err(ClientError::Address { .. })),
                "{bad}"
            );
        }
    }
}
