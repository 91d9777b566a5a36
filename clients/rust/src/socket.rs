//! The socket.

use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _};
use tagus_wire::realtime::envelope::Message;
use tagus_wire::realtime::{Envelope, Match, MatchCreate, MatchDataSend, MatchJoin, match_join};
use tagus_wire::{Format, decode_envelope, encode_envelope};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{WebSocketStream, client_async_with_config, tungstenite};

use crate::error::ClientError;
use crate::http::percent_encode;
use crate::session::Session;

/// Messages that may wait in a [`Socket`] while it waits for an answer; one more fails the request.
pub const PENDING_MAX: usize = 4_096;

/// One connection to the server's socket.
///
/// It reads only inside [`Self::next`] and [`Self::request`]: call one of them often enough that the server's pings are
/// answered. [`Self::next`] may be dropped half-way, for example by `tokio::select!`, and loses nothing.
pub struct Socket {
    stream: WebSocketStream<TcpStream>,
    format: Format,
    timeout: Duration,
    last_cid: u64,
    pending: VecDeque<Envelope>,
}

impl fmt::Debug for Socket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Socket")
            .field("format", &self.format)
            .field("pending", &self.pending.len())
            .finish_non_exhaustive()
    }
}

impl Socket {
    /// Connects as the account of `session`. With `ext` the server may send the extensions of the Envelope,
    /// which are room numbers and data that names its room by them.
    ///
    /// # Errors
    /// [`ClientError::Socket`] when the server refuses, [`ClientError::TimedOut`] after ten seconds.
    pub async fn connect(
        session: &Session,
        format: Format,
        ext: bool,
    ) -> Result<Self, ClientError> {
        let what = "the connection";
        tokio::time::timeout(TIMEOUT, Self::open(session, format, ext))
            .await
            .map_err(|_| ClientError::TimedOut { what })?
    }

    async fn open(session: &Session, format: Format, ext: bool) -> Result<Self, ClientError> {
        let io = |what| move |err| ClientError::Io { what, err };
        let stream = TcpStream::connect(&*session.authority)
            .await
            .map_err(io("connect to the server"))?;
        stream
            .set_nodelay(true)
            .map_err(io("set up the connection"))?;
        let config = WebSocketConfig::default().read_buffer_size(READ_BUFFER_BYTES);
        let url = url(session, format, ext);
        let (stream, _) = client_async_with_config(url, stream, Some(config)).await?;
        Ok(Self {
            stream,
            format,
            timeout: TIMEOUT,
            last_cid: 0,
            pending: VecDeque::new(),
        })
    }

    /// Sets how long [`Self::request`] waits for an answer; ten seconds at first.
    pub fn set_timeout(&mut self, timeout: Duration) {
        self.timeout = timeout;
    }

    /// Sends a message that has no answer.
    ///
    /// # Errors
    /// [`ClientError::Socket`] when the connection is gone.
    pub async fn send(&mut self, message: Message) -> Result<(), ClientError> {
        self.send_envelope(String::new(), message).await
    }

    /// Sends a message and waits for its answer. Whatever else arrives before it waits for [`Self::next`].
    ///
    /// # Errors
    /// [`ClientError::Server`] when the answer is an error, [`ClientError::TimedOut`] when none comes,
    /// [`ClientError::Behind`] when [`PENDING_MAX`] other messages came first.
    pub async fn request(&mut self, message: Message) -> Result<Envelope, ClientError> {
        let deadline = tokio::time::Instant::now() + self.timeout;
        let answered = tokio::time::timeout_at(deadline, self.request_unbounded(message));
        let what = "a request on the socket";
        answered.await.map_err(|_| ClientError::TimedOut { what })?
    }

    async fn request_unbounded(&mut self, message: Message) -> Result<Envelope, ClientError> {
        self.last_cid += 1;
        let cid = self.last_cid.to_string();
        self.send_envelope(cid.clone(), message).await?;
        loop {
            let envelope = self.read().await?;
            if envelope.cid != cid {
                if self.pending.len() == PENDING_MAX {
                    return Err(ClientError::Behind);
                }
                self.pending.push_back(envelope);
                continue;
            }
            return match envelope.message {
                Some(Message::Error(error)) => Err(ClientError::Server {
                    code: error.code,
                    message: error.message,
                }),
                _ => Ok(envelope),
            };
        }
    }

    /// The next message: the oldest that waits, or the next that arrives. An error without a `cid` is a message like any.
    ///
    /// # Errors
    /// [`ClientError::Closed`] at the end, [`ClientError::Envelope`] when a message is none, after which the next can
    /// still be read.
    pub async fn next(&mut self) -> Result<Envelope, ClientError> {
        match self.pending.pop_front() {
            Some(envelope) => Ok(envelope),
            None => self.read().await,
        }
    }

    /// Creates a relayed match and joins it.
    ///
    /// # Errors
    /// As [`Self::request`].
    pub async fn create_match(&mut self) -> Result<Match, ClientError> {
        let answer = self
            .request(Message::MatchCreate(MatchCreate::default()))
            .await?;
        joined(answer)
    }

    /// Joins a match by its id, or by the stable name of a default room.
    ///
    /// # Errors
    /// As [`Self::request`].
    pub async fn join_match(&mut self, match_id: &str) -> Result<Match, ClientError> {
        let join = MatchJoin {
            id: Some(match_join::Id::MatchId(match_id.to_owned())),
            ..Default::default()
        };
        joined(self.request(Message::MatchJoin(join)).await?)
    }

    /// Sends data to a match: to everybody else in a relayed one, to the game in an authoritative one.
    ///
    /// # Errors
    /// As [`Self::send`].
    pub async fn send_match_data(
        &mut self,
        match_id: &str,
        op_code: i64,
        data: Bytes,
    ) -> Result<(), ClientError> {
        let message = MatchDataSend {
            match_id: match_id.to_owned(),
            op_code,
            data,
            reliable: true,
            ..Default::default()
        };
        self.send(Message::MatchDataSend(message)).await
    }

    /// Closes the connection.
    ///
    /// # Errors
    /// [`ClientError::Socket`] when it was lost before.
    pub async fn close(mut self) -> Result<(), ClientError> {
        Ok(self.stream.close(None).await?)
    }

    async fn send_envelope(&mut self, cid: String, message: Message) -> Result<(), ClientError> {
        let envelope = Envelope {
            cid,
            message: Some(message),
        };
        let mut bytes = Vec::new();
        encode_envelope(self.format, &envelope, &mut bytes);
        let frame = match self.format {
            // JSON that this crate wrote is UTF-8; the check is the type's.
            Format::Json => tungstenite::Message::Text(
                Bytes::from(bytes)
                    .try_into()
                    .map_err(tungstenite::Error::from)?,
            ),
            Format::Protobuf => tungstenite::Message::Binary(bytes.into()),
        };
        Ok(self.stream.send(frame).await?)
    }

    async fn read(&mut self) -> Result<Envelope, ClientError> {
        loop {
            let frame = match self.stream.next().await {
                Some(frame) => frame?,
                None => return Err(ClientError::Closed { reason: None }),
            };
            match frame {
                tungstenite::Message::Text(_) | tungstenite::Message::Binary(_) => {
                    return Ok(decode_envelope(self.format, &frame.into_data())?);
                }
                tungstenite::Message::Close(close) => {
                    let reason = close.map(|close| close.reason.to_string());
                    return Err(ClientError::Closed { reason });
                }
                tungstenite::Message::Ping(_)
                | tungstenite::Message::Pong(_)
                | tungstenite::Message::Frame(_) => {}
            }
        }
    }
}

fn url(session: &Session, format: Format, ext: bool) -> String {
    let Session {
        authority, token, ..
    } = session;
    let format = match format {
        Format::Json => "json",
        Format::Protobuf => "protobuf",
    };
    let ext = if ext { "&ext=1" } else { "" };
    let token = percent_encode(token);
    format!("ws://{authority}/ws?lang=en&status=true&format={format}{ext}&token={token}")
}

fn joined(answer: Envelope) -> Result<Match, ClientError> {
    match answer.message {
        Some(Message::Match(joined)) => Ok(joined),
        _ => Err(ClientError::Unexpected),
    }
}

/// Time for connecting, and for an answer unless another is set.
const TIMEOUT: Duration = Duration::from_secs(10);
/// A socket of a bot costs memory by this; larger messages are read in pieces.
const READ_BUFFER_BYTES: usize = 4_096;
