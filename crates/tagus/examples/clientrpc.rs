//! Server code by example: RPC functions that make rooms and boards, notify, use streams, echo, and answer a server-to-server call.
//! Takes the flags of `tagus serve`.

use std::sync::atomic::{AtomicU64, Ordering};

use tagus::base::{RoomId, SeatIndex, Uuid};
use tagus::leaderboards::{Leaderboard, Operator, TournamentRules};
use tagus::room::{Game, InitError, Input, LeaveReason, RestoreError, Room, Settings, Setup, To};
use tagus::{
    ApiError, Appearance, Matched, NewNotification, RpcCall, Server, StreamId, StreamMode, Tagus,
};

fn main() -> anyhow::Result<()> {
    let config = tagus::cli::serve_config()?;
    Server::new(config)
        .game::<Echo>("echo")
        .rpc("clientrpc.rpc", async |call: RpcCall| Ok(call.payload))
        .rpc("clientrpc.rpc_get", async |_: RpcCall| {
            Ok(r#"{"message":"PONG"}"#.to_owned())
        })
        .rpc("clientrpc.create_authoritative_match", create_match)
        .rpc("clientrpc.send_notification", send_notification)
        .rpc("clientrpc.send_stream_data", send_stream_data)
        .rpc("clientrpc.create_leaderboard", create_leaderboard)
        .rpc("clientrpc.create_tournament", create_tournament)
        .matchmaker_matched(matched)
        .run()
}

async fn create_match(call: RpcCall) -> Result<String, ApiError> {
    let id = call.tagus.room_create("echo", call.payload).await?;
    Ok(format!(r#"{{"match_id":"{id}"}}"#))
}

/// Players who all ask for the mode `authoritative` get an authoritative match, the others a relayed one.
async fn matched(tagus: Tagus, matched: Matched) -> Result<Option<RoomId>, ApiError> {
    let mut modes = matched
        .users
        .iter()
        .map(|user| user.string_properties.get("mode"));
    if !modes.all(|mode| mode.is_some_and(|mode| mode == "authoritative")) {
        return Ok(None);
    }
    Ok(Some(tagus.room_create("echo", "").await?))
}

/// A notification that is kept: `{"user_id":"…","subject":"…","content":{…}}`.
async fn send_notification(call: RpcCall) -> Result<String, ApiError> {
    let payload = payload(&call)?;
    let user_id = payload["user_id"].as_str().unwrap_or_default();
    let user_id = user_id.parse();
    let content = match payload["content"].as_str() {
        Some(text) => text.to_owned(),
        None => payload["content"].to_string(),
    };
    let notification = NewNotification {
        user_id: user_id.map_err(|_| ApiError::invalid("user_id is no user's id"))?,
        subject: payload["subject"].as_str().unwrap_or_default().to_owned(),
        content,
        code: 1,
        sender_id: call.caller.user_id,
        persistent: true,
    };
    call.tagus.notifications_send(vec![notification]).await?;
    Ok(String::new())
}

/// Makes the caller's connection a member of a stream, and sends the payload to all members.
async fn send_stream_data(call: RpcCall) -> Result<String, ApiError> {
    let Some(session_id) = call.caller.session_id else {
        return Err(ApiError::invalid(
            "call it over the socket: a stream needs a connection",
        ));
    };
    let stream = StreamId {
        mode: StreamMode(20),
        subject: Uuid::NIL,
        subcontext: Uuid::NIL,
        label: "clientrpc".to_owned(),
    };
    let joined = call
        .tagus
        .stream_join(&stream, session_id, Appearance::default());
    joined.map_err(|error| ApiError::invalid(error.to_string()))?;
    call.tagus.stream_send(&stream, &[], call.payload);
    Ok(String::new())
}

/// A leaderboard whose writes do what the payload says, greatest scores first: `{"operator":"best"}`, or `set`,
/// `increment`, `decrement`.
async fn create_leaderboard(call: RpcCall) -> Result<String, ApiError> {
    let payload = payload(&call)?;
    let operator = match payload["operator"].as_str() {
        None | Some("best") => Operator::Best,
        Some("set") => Operator::Set,
        Some("increment" | "incr") => Operator::Increment,
        Some("decrement" | "decr") => Operator::Decrement,
        Some(_) => return Err(ApiError::invalid("no such operator")),
    };
    let board = Leaderboard {
        operator,
        ..Leaderboard::new(new_name(&call))
    };
    let board = call.tagus.leaderboard_create(board).await?;
    Ok(serde_json::json!({ "leaderboard_id": board.id }).to_string())
}

/// A tournament that is on for an hour: `{"join_required":true,"max_size":2,"max_num_score":3}`, all of it optional.
async fn create_tournament(call: RpcCall) -> Result<String, ApiError> {
    let payload = payload(&call)?;
    let number = |name: &str| {
        payload[name]
            .as_u64()
            .and_then(|value| value.try_into().ok())
    };
    let rules = TournamentRules {
        title: "A cup".to_owned(),
        duration_secs: 3_600,
        join_required: payload["join_required"].as_bool().unwrap_or_default(),
        size_max: number("max_size").unwrap_or_default(),
        attempts_max: number("max_num_score").unwrap_or_default(),
        ..TournamentRules::default()
    };
    let board = Leaderboard {
        tournament: Some(rules),
        ..Leaderboard::new(new_name(&call))
    };
    let board = call.tagus.tournament_create(board).await?;
    Ok(serde_json::json!({ "tournament_id": board.id }).to_string())
}

fn payload(call: &RpcCall) -> Result<serde_json::Value, ApiError> {
    if call.payload.is_empty() {
        return Ok(serde_json::Value::Null);
    }
    serde_json::from_str(&call.payload).map_err(|error| ApiError::invalid(error.to_string()))
}

/// A name that no board has.
fn new_name(call: &RpcCall) -> String {
    static MADE: AtomicU64 = AtomicU64::new(0);
    let number = MADE.fetch_add(1, Ordering::Relaxed);
    format!("board-{}-{number}", call.tagus.now().0)
}

/// Sends every message back to everybody, under the op code it came with.
struct Echo {
    messages: u64,
}

impl Game for Echo {
    fn init(setup: Setup<'_>) -> Result<(Self, Settings), InitError> {
        let mut settings = Settings {
            tick_rate_hz: 10,
            ..Settings::default()
        };
        if !setup.params.is_empty() {
            let params: serde_json::Value = serde_json::from_slice(setup.params)
                .map_err(|error| InitError::new(format!("the payload is not JSON: {error}")))?;
            settings.label = params["label"].as_str().unwrap_or_default().to_owned();
        }
        Ok((Self { messages: 0 }, settings))
    }

    fn join(&mut self, _: &mut Room<'_>, _: SeatIndex) {}

    fn leave(&mut self, _: &mut Room<'_>, _: SeatIndex, _: LeaveReason) {}

    fn tick(&mut self, room: &mut Room<'_>, inputs: &[Input]) {
        for input in inputs {
            if let Input::Message(message) = input {
                self.messages += 1;
                room.send_as(message.seat, To::All, message.op, message.data.clone());
            }
        }
    }

    fn snapshot(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.messages.to_le_bytes());
    }

    fn restore(_: u32, bytes: &[u8]) -> Result<Self, RestoreError> {
        let bytes = bytes
            .try_into()
            .map_err(|_| RestoreError::new("not eight bytes"))?;
        Ok(Self {
            messages: u64::from_le_bytes(bytes),
        })
    }
}
