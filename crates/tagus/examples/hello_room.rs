//! A whole authoritative game of its own, with a page: everybody clicks, the server counts.
//! `cargo run --example hello_room`, then open two tabs of the address that is printed.

use std::collections::BTreeMap;

use tagus::base::SeatIndex;
use tagus::room::{Game, InitError, Input, LeaveReason, RestoreError, Room, Settings, Setup, To};

fn main() -> anyhow::Result<()> {
    tagus::Server::new(tagus::cli::serve_config()?)
        .game::<Clicks>("clicks")
        .room("hello", "clicks")
        .page("/", include_bytes!("hello_room.html"))
        .page("/hello_room.js", include_bytes!("hello_room.js"))
        .run()
}

/// Clicks by seat.
#[derive(Default)]
struct Clicks {
    counts: BTreeMap<u16, u32>,
}

impl Game for Clicks {
    fn init(_: Setup<'_>) -> Result<(Self, Settings), InitError> {
        Ok((
            Self::default(),
            Settings {
                empty_ms: 0,
                ..Settings::default()
            },
        ))
    }

    fn join(&mut self, room: &mut Room<'_>, seat: SeatIndex) {
        self.counts.insert(seat.0, 0);
        self.show(room);
    }

    fn leave(&mut self, room: &mut Room<'_>, seat: SeatIndex, _: LeaveReason) {
        self.counts.remove(&seat.0);
        self.show(room);
    }

    fn tick(&mut self, room: &mut Room<'_>, inputs: &[Input]) {
        let mut clicked = false;
        for input in inputs {
            if let Input::Message(message) = input {
                *self.counts.entry(message.seat.0).or_default() += 1;
                clicked = true;
            }
        }
        if clicked {
            self.show(room);
        }
    }

    fn snapshot(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.text().as_bytes());
    }

    fn restore(_: u32, bytes: &[u8]) -> Result<Self, RestoreError> {
        let counts = serde_json::from_slice(bytes);
        let counts = counts.map_err(|error| RestoreError::new(error.to_string()))?;
        Ok(Self { counts })
    }
}

impl Clicks {
    fn text(&self) -> String {
        serde_json::json!(self.counts).to_string()
    }

    fn show(&self, room: &mut Room<'_>) {
        room.send(To::All, 1, self.text());
    }
}
