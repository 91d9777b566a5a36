//! Server code by example: RPC functions that make a room, echo, and answer a server-to-server call.
//! Takes the flags of `tagus serve`.

use tagus::base::SeatIndex;
use tagus::room::{Game, InitError, Input, LeaveReason, RestoreError, Room, Settings, Setup, To};
use tagus::{ApiError, RpcCall, Server};

fn main() -> anyhow::Result<()> {
    let config = tagus::cli::serve_config()?;
    Server::new(config)
        .game::<Echo>("echo")
        .rpc("clientrpc.rpc", async |call: RpcCall| Ok(call.payload))
        .rpc("clientrpc.rpc_get", async |_: RpcCall| {
            Ok(r#"{"message":"PONG"}"#.to_owned())
        })
        .rpc("clientrpc.create_authoritative_match", create_match)
        .run()
}

async fn create_match(call: RpcCall) -> Result<String, ApiError> {
    let id = call.tagus.room_create("echo", call.payload).await?;
    Ok(format!(r#"{{"match_id":"{id}"}}"#))
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
