//! What clients say: bytes to frames, frames to envelopes, envelopes to rooms or to the house above.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use prost::Message as _;
use tagus_base::{RoomId, SeatIndex, SessionId, Uuid};
use tagus_net::{WsEvent, WsEventRef, WsOpcode, ws_frame};
use tagus_room::{Class, Person};
use tagus_wire::ext::{Hello, Limits, Refuse, Welcome};
use tagus_wire::realtime::envelope::Message;
use tagus_wire::realtime::error::Code;
use tagus_wire::realtime::{Envelope, MatchJoin, Pong, UserPresence, match_join};
use tagus_wire::{DecodeError, Format, MessageKind, decode_envelope, from_json, tcp};

use crate::cell::error_envelope;
use crate::connection::{CloseCode, Open, REQUESTS_MAX, Seated, Stage};
use crate::encode::{Lane, Shared, class_of, tcp_frame};
use crate::inbox::{ConnRef, JoinRequest, RoomCommand, RoomMessage};
use crate::input::{Input, MatchInput, RoomInput};
use crate::metrics::DropReason;
use crate::shard::Shard;
use crate::upstream::{Identity, NoRoom, Requester};

impl Shard {
    /// Takes complete frames from the front of `input`; answers how many bytes they were.
    pub(crate) fn decode(&mut self, index: u32, input: &mut [u8]) -> usize {
        let mut used = 0;
        loop {
            if self.must_wait(index) {
                self.postpone(index);
                return used;
            }
            let message_bytes_max = self.config.message_bytes_max;
            let Some((conn, connection)) = self.connection_at(index) else {
                return input.len();
            };
            if matches!(connection.stage, Stage::Closing { .. }) {
                return input.len();
            }
            let rest = &mut input[used..];
            if let Lane::Tcp { .. } = connection.lane {
                match tcp::split_frame(rest, message_bytes_max) {
                    Ok(Some((header, payload))) => {
                        used += header + payload;
                        self.handle_tcp(conn, &rest[header..header + payload]);
                    }
                    Ok(None) => return used,
                    Err(error) => {
                        self.malformed(conn, &error.to_string(), CloseCode(1009));
                        return input.len();
                    }
                }
            } else {
                match connection.decoder.next(rest, message_bytes_max) {
                    Ok(Some((count, event))) => {
                        used += count;
                        self.handle_ws(conn, event);
                    }
                    Ok(None) => return used,
                    Err(error) => {
                        self.malformed(conn, &error.to_string(), CloseCode(error.close_code()));
                        return input.len();
                    }
                }
            }
        }
    }

    /// Is the connection's list of unanswered requests full?
    pub(crate) fn must_wait(&mut self, index: u32) -> bool {
        let Some((_, connection)) = self.connection_at(index) else {
            return false;
        };
        connection
            .open()
            .is_some_and(|open| open.waiting.len() >= REQUESTS_MAX)
    }

    fn handle_ws(&mut self, conn: ConnRef, event: WsEventRef<'_>) {
        let Some(connection) = self.connection_mut(conn) else {
            return;
        };
        let format = connection.lane.format();
        match (event, format) {
            (WsEvent::Text(bytes), Format::Json) | (WsEvent::Binary(bytes), Format::Protobuf) => {
                self.handle_bytes(conn, format, &bytes);
            }
            (WsEvent::Text(_), Format::Protobuf) => {
                self.malformed(conn, "text frame on a protobuf socket", CloseCode::NORMAL);
            }
            (WsEvent::Binary(_), Format::Json) => {
                self.malformed(conn, "binary frame on a JSON socket", CloseCode::NORMAL);
            }
            (WsEvent::Ping(bytes), _) => self.queue(conn, ws_frame(WsOpcode::Pong, &bytes)),
            (WsEvent::Pong | WsEvent::Continued, _) => {}
            (WsEvent::Close { code, .. }, _) => {
                self.close(conn, CloseCode(code.unwrap_or(1000)), "")
            }
        }
    }

    fn handle_tcp(&mut self, conn: ConnRef, bytes: &[u8]) {
        let Some(connection) = self.connection_mut(conn) else {
            return;
        };
        if !matches!(connection.stage, Stage::Hello { .. }) {
            return self.handle_bytes(conn, Format::Protobuf, bytes);
        }
        let address = connection.address;
        let hello = match Hello::decode(bytes) {
            Ok(hello) if hello.version == PROTOCOL_VERSION => hello,
            Ok(hello) => {
                let reason = format!(
                    "protocol version {} is not {PROTOCOL_VERSION}",
                    hello.version
                );
                return self.refuse_hello(
                    conn,
                    Refuse {
                        code: 3,
                        reason,
                        retry_ms: 0,
                    },
                );
            }
            Err(_) => {
                let reason = "the first frame is no hello".to_owned();
                return self.refuse_hello(
                    conn,
                    Refuse {
                        code: 3,
                        reason,
                        retry_ms: 0,
                    },
                );
            }
        };
        match self.upstream.admit(&hello, address) {
            Ok(identity) => {
                connection_lane(self, conn, Lane::Tcp { ext: hello.ext });
                let session_id = self.admit(conn, identity);
                let welcome = Welcome {
                    session_id: session_id.to_string(),
                    server_unix_ms: unix_ms(),
                    limits: Some(Limits {
                        message_bytes_max: u32::try_from(self.config.message_bytes_max)
                            .unwrap_or(u32::MAX),
                        queue_bytes_max: u32::try_from(self.config.queue_bytes_max)
                            .unwrap_or(u32::MAX),
                    }),
                };
                self.queue(conn, tcp_frame(&welcome.encode_to_vec()));
            }
            Err(refused) => {
                let refuse = Refuse {
                    code: refused.code,
                    reason: refused.reason,
                    retry_ms: refused.retry_ms,
                };
                self.refuse_hello(conn, refuse);
            }
        }
    }

    fn refuse_hello(&mut self, conn: ConnRef, refuse: Refuse) {
        self.queue(conn, tcp_frame(&refuse.encode_to_vec()));
        self.close(conn, CloseCode::NORMAL, "");
    }

    /// The connection belongs to `identity` from here on.
    pub(crate) fn admit(&mut self, conn: ConnRef, identity: Identity) -> SessionId {
        let session_id = SessionId(Uuid::from_random(self.upstream.random()));
        let identity = Arc::new(identity);
        let Some(connection) = self.connection_mut(conn) else {
            return session_id;
        };
        let address = connection.address;
        connection.stage = Stage::Open(Open {
            session_id,
            identity: identity.clone(),
            asking: false,
            waiting: VecDeque::new(),
            seats: Vec::new(),
        });
        self.upstream.connected(&Requester {
            conn,
            session_id,
            identity,
            address,
        });
        session_id
    }

    fn handle_bytes(&mut self, conn: ConnRef, format: Format, bytes: &[u8]) {
        self.received += 1;
        let mut text_reader = std::mem::take(&mut self.text_reader);
        let input = match format {
            Format::Json => text_reader.read(bytes),
            Format::Protobuf => Input::of_envelope(bytes),
        };
        let input = input.filter(|input| !self.upstream.intercepts(input.kind()));
        match input {
            Some(Input::Room(input)) => self.room_data(conn, String::new(), input),
            Some(Input::Match(input)) => self.match_data(conn, String::new(), input, &[]),
            None => self.handle_any(conn, format, bytes),
        }
        self.text_reader = text_reader;
    }

    fn handle_any(&mut self, conn: ConnRef, format: Format, bytes: &[u8]) {
        let decoded = match format {
            Format::Json => from_json(bytes).map_err(DecodeError::from),
            Format::Protobuf => decode_envelope(format, &Bytes::copy_from_slice(bytes)),
        };
        match decoded {
            Ok(envelope) => self.handle_envelope(conn, envelope),
            Err(error) => {
                tracing::debug!(%error, "malformed envelope");
                self.malformed(conn, "received malformed payload", CloseCode::NORMAL);
            }
        }
    }

    fn handle_envelope(&mut self, conn: ConnRef, envelope: Envelope) {
        let Some(message) = &envelope.message else {
            self.refuse_message(conn, envelope.cid, Code::MissingPayload, "Missing message.");
            return;
        };
        let kind = MessageKind::of(message);
        if !kind.from_client() {
            self.refuse_message(
                conn,
                envelope.cid,
                Code::UnrecognizedPayload,
                "Unrecognized message.",
            );
            return;
        }
        if self.upstream.intercepts(kind) || !is_local(message) {
            return self.ask(conn, envelope);
        }
        self.route(conn, envelope);
    }

    /// Hands a request up, or lets it wait for the answer to an earlier one.
    fn ask(&mut self, conn: ConnRef, envelope: Envelope) {
        let Some(open) = self
            .connection_mut(conn)
            .and_then(|connection| connection.open_mut())
        else {
            return;
        };
        if open.asking {
            open.waiting.push_back(envelope);
            return;
        }
        open.asking = true;
        if let Some(requester) = self.requester(conn) {
            self.upstream.request(requester, envelope);
        }
    }

    /// Whose the open connection is.
    pub(crate) fn requester(&self, conn: ConnRef) -> Option<Requester> {
        let connection = self.connection(conn)?;
        let open = connection.open()?;
        Some(Requester {
            conn,
            session_id: open.session_id,
            identity: open.identity.clone(),
            address: connection.address,
        })
    }

    /// The request that was handed up is answered: the next one may go.
    pub(crate) fn asked(&mut self, conn: ConnRef) {
        let Some(connection) = self.connection_mut(conn) else {
            return;
        };
        let was_unread = connection.unread;
        let Some(open) = connection.open_mut() else {
            return;
        };
        open.asking = false;
        let next = open.waiting.pop_front();
        if was_unread {
            connection.unread = false;
            self.postpone(conn.index.0);
        }
        if let Some(envelope) = next {
            self.ask(conn, envelope);
        }
    }

    /// A message that the shard answers itself.
    pub(crate) fn route(&mut self, conn: ConnRef, envelope: Envelope) {
        let cid = envelope.cid;
        match envelope.message {
            Some(Message::Ping(_)) => {
                let pong = Envelope {
                    cid,
                    message: Some(Message::Pong(Pong {})),
                };
                self.queue_envelope(conn, &pong);
            }
            Some(Message::MatchDataSend(send)) => {
                let input = MatchInput {
                    match_id: &send.match_id,
                    op: send.op_code,
                    data: &send.data,
                    reliable: send.reliable,
                };
                self.match_data(conn, cid, input, &send.presences);
            }
            Some(Message::RoomData(data)) => {
                let input = RoomInput {
                    room: data.room,
                    op: data.op_code,
                    data: &data.data,
                    class: data.class,
                    applied_tick: data.applied_tick,
                };
                self.room_data(conn, cid, input);
            }
            Some(Message::MatchCreate(create)) => {
                let uuid = if create.name.is_empty() {
                    Uuid::from_random(self.upstream.random())
                } else {
                    self.upstream.room_uuid(&create.name)
                };
                self.join(
                    conn,
                    cid,
                    RoomId { uuid, home: None },
                    MatchJoin::default(),
                    true,
                );
            }
            Some(Message::MatchJoin(join)) => self.match_join(conn, cid, join),
            Some(Message::MatchLeave(leave)) => self.match_leave(conn, cid, &leave.match_id),
            Some(_) | None => {}
        }
    }

    /// Data for a room by its id; for these members, or for all others when there are none.
    fn match_data(
        &mut self,
        conn: ConnRef,
        cid: String,
        input: MatchInput<'_>,
        presences: &[UserPresence],
    ) {
        let Some(room) = self.room_id(input.match_id) else {
            return self.fail(conn, cid, Code::BadInput, "Invalid match ID");
        };
        let mut to = Vec::with_capacity(presences.len());
        for presence in presences {
            match presence.session_id.parse() {
                Ok(session_id) => to.push(session_id),
                Err(_) => {
                    return self.fail(conn, cid, Code::BadInput, "Invalid presence session ID");
                }
            }
        }
        let Some(seat) = self.seat_in(conn, room) else {
            return self.fail(
                conn,
                cid,
                Code::MatchNotFound,
                "Match not found: join it before sending to it",
            );
        };
        let message = RoomMessage {
            from: conn,
            seat,
            op: input.op,
            data: self.input_memory.keep(input.data),
            reliable: input.reliable,
            to,
            applied_tick: 0,
        };
        self.send_room(room, RoomCommand::Data(message));
    }

    /// The short form of data, for connections that asked for extensions.
    fn room_data(&mut self, conn: ConnRef, cid: String, input: RoomInput<'_>) {
        let Some(connection) = self.connection_mut(conn) else {
            return;
        };
        if !connection.lane.ext() {
            let text = "room_data needs the extensions: connect with ext=1";
            return self.fail(conn, cid, Code::BadInput, text);
        }
        let Some(class) = class_of(input.class) else {
            let text = format!("Unknown delivery class {}", input.class);
            return self.fail(conn, cid, Code::BadInput, &text);
        };
        let found = connection.open().and_then(|open| {
            let mut seats = open.seats.iter();
            seats.find(|seated| seated.number == input.room)
        });
        let Some(&Seated { room, seat, .. }) = found else {
            return self.fail(conn, cid, Code::MatchNotFound, "Match not found");
        };
        let message = RoomMessage {
            from: conn,
            seat,
            op: input.op,
            data: self.input_memory.keep(input.data),
            reliable: matches!(class, Class::ReliableOrdered | Class::ReliableUnordered),
            to: Vec::new(),
            applied_tick: input.applied_tick,
        };
        self.send_room(room, RoomCommand::Data(message));
    }

    fn match_join(&mut self, conn: ConnRef, cid: String, join: MatchJoin) {
        match &join.id {
            Some(match_join::Id::MatchId(text)) => {
                let named = self.room_id(text).map(Ok);
                match named.unwrap_or_else(|| self.room_of_code(conn, text)) {
                    Ok(room) => self.join(conn, cid, room, join, false),
                    Err((code, reason)) => self.fail(conn, cid, code, reason),
                }
            }
            Some(match_join::Id::Token(token)) => match self.upstream.match_token(token) {
                Some(room) => self.join(conn, cid, room, join, true),
                None => self.fail(conn, cid, Code::BadInput, "Match token invalid or expired"),
            },
            None => self.fail(conn, cid, Code::BadInput, "Match ID or token required"),
        }
    }

    fn join(&mut self, conn: ConnRef, cid: String, room: RoomId, join: MatchJoin, create: bool) {
        if join.metadata.len() > tagus_room::METADATA_ENTRIES_MAX {
            return self.fail(conn, cid, Code::BadInput, "Too much join metadata");
        }
        let Some(connection) = self.connection_mut(conn) else {
            return;
        };
        let (lane, gate) = (connection.lane, connection.gate.clone());
        let Some(open) = connection.open() else {
            return;
        };
        if open.seats.len() >= SEATS_PER_CONNECTION_MAX {
            return self.fail(
                conn,
                cid,
                Code::MatchJoinRejected,
                "Too many matches joined",
            );
        }
        let person = Person {
            user_id: open.identity.user_id,
            session_id: open.session_id,
            username: open.identity.username.clone(),
        };
        let metadata = join.metadata;
        let request = JoinRequest {
            from: conn,
            lane,
            gate,
            person,
            cid,
            metadata,
            create,
        };
        self.send_room(room, RoomCommand::Join(Box::new(request)));
    }

    fn match_leave(&mut self, conn: ConnRef, cid: String, match_id: &str) {
        let Some(room) = self.room_id(match_id) else {
            return self.fail(conn, cid, Code::BadInput, "Invalid match ID");
        };
        if let Some(seat) = self.seat_in(conn, room) {
            if let Some(open) = self
                .connection_mut(conn)
                .and_then(|connection| connection.open_mut())
            {
                open.seats.retain(|seated| seated.room != room);
            }
            self.send_room(room, RoomCommand::Leave { from: conn, seat });
        }
        self.queue_envelope(conn, &Envelope { cid, message: None });
    }

    /// Notes a seat. False when the connection is gone or closing, so that the seat must be freed again.
    pub(crate) fn entered(
        &mut self,
        conn: ConnRef,
        room: RoomId,
        number: u32,
        seat: SeatIndex,
    ) -> bool {
        let is_single = self.config.single_match;
        let Some(open) = self
            .connection_mut(conn)
            .and_then(|connection| connection.open_mut())
        else {
            return false;
        };
        open.seats.retain(|seated| seated.room != room);
        let earlier = if is_single {
            std::mem::take(&mut open.seats)
        } else {
            Vec::new()
        };
        open.seats.push(Seated { room, number, seat });
        for Seated { room, seat, .. } in earlier {
            self.send_room(room, RoomCommand::Leave { from: conn, seat });
        }
        true
    }

    /// One message for many connections.
    /// Extensions reach only connections that asked for them.
    pub(crate) fn push(&mut self, to: &[ConnRef], envelope: Envelope) {
        let is_extension = matches!(envelope.message, Some(Message::MatchQuality(_)));
        let mut shared = Shared::new(envelope);
        for conn in to {
            let Some(lane) = self.connection_mut(*conn).map(|connection| connection.lane) else {
                continue;
            };
            if is_extension && !lane.ext() {
                continue;
            }
            let frame = shared.frame(lane, &mut self.out.frames);
            self.queue(*conn, frame);
        }
    }

    pub(crate) fn queue_envelope(&mut self, conn: ConnRef, envelope: &Envelope) {
        let Some(lane) = self.connection(conn).map(|connection| connection.lane) else {
            return;
        };
        let frame = self.out.frames.frame(lane, envelope);
        self.queue(conn, frame);
    }

    /// The id of a room: as the wire has it, or the stable name of a default room.
    fn room_id(&self, text: &str) -> Option<RoomId> {
        text.parse()
            .ok()
            .or_else(|| self.config.named_rooms.get(text).copied())
    }

    /// The room of a join code, or what its sender is told.
    fn room_of_code(&self, conn: ConnRef, text: &str) -> Result<RoomId, (Code, &'static str)> {
        let requester = self.requester(conn);
        let requester = requester.ok_or((Code::BadInput, "Invalid match ID"))?;
        let room = self.upstream.room_of_code(&requester, text);
        room.map_err(|no_room| match no_room {
            NoRoom::NoCode => (Code::BadInput, "Invalid match ID"),
            NoRoom::NotFound => (Code::MatchNotFound, "Match not found"),
            NoRoom::TooManyWrong => (
                Code::BadInput,
                "Too many wrong join codes, try again later.",
            ),
        })
    }

    fn seat_in(&mut self, conn: ConnRef, room: RoomId) -> Option<SeatIndex> {
        let open = self.connection_mut(conn)?.open()?;
        open.seats
            .iter()
            .find(|seated| seated.room == room)
            .map(|seated| seated.seat)
    }

    fn fail(&mut self, conn: ConnRef, cid: String, code: Code, message: &str) {
        self.queue_envelope(conn, &error_envelope(cid, code, message));
    }

    /// An envelope that means nothing: its sender gets the error, then the close that the protocol prescribes.
    fn refuse_message(&mut self, conn: ConnRef, cid: String, code: Code, message: &str) {
        self.metrics.drops.inc(DropReason::Malformed);
        self.fail(conn, cid, code, message);
        self.close(conn, CloseCode::NORMAL, "error processing message");
    }

    fn malformed(&mut self, conn: ConnRef, reason: &str, code: CloseCode) {
        self.metrics.drops.inc(DropReason::Malformed);
        let in_hello = self
            .connection_mut(conn)
            .is_some_and(|connection| matches!(connection.stage, Stage::Hello { .. }));
        if in_hello {
            let reason = reason.to_owned();
            return self.refuse_hello(
                conn,
                Refuse {
                    code: 3,
                    reason,
                    retry_ms: 0,
                },
            );
        }
        self.fail(conn, String::new(), Code::BadInput, reason);
        self.close(conn, code, reason);
    }
}

fn connection_lane(shard: &mut Shard, conn: ConnRef, lane: Lane) {
    if let Some(connection) = shard.connection_mut(conn) {
        connection.lane = lane;
    }
}

/// Does the shard answer this itself?
const fn is_local(message: &Message) -> bool {
    matches!(
        message,
        Message::Ping(_)
            | Message::Pong(_)
            | Message::MatchCreate(_)
            | Message::MatchJoin(_)
            | Message::MatchLeave(_)
            | Message::MatchDataSend(_)
            | Message::RoomData(_)
    )
}

fn unix_ms() -> i64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// The version of the TCP hello.
const PROTOCOL_VERSION: u32 = 1;
/// Rooms that one connection may sit in at once; a further join is rejected.
const SEATS_PER_CONNECTION_MAX: usize = 16;
