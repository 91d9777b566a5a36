//! A whole authoritative game of its own, with a page: everybody clicks, the server counts.
//! `cargo run --example hello_room`, then open two tabs of the address that is printed.

use std::collections::BTreeMap;

use tagus::base::SeatIndex;
use tagus::room::{Game, InitError, Input, LeaveReason, RestoreError, Room, Settings, Setup, To};

fn main() -> anyhow::Result<()> {
    tagus::Server::new(tagus::cli::serve_config()?)
        .game::<Clicks>("clicks")
        .room("hello", "clicks")
        .page(
            "/",
            "text/html; charset=utf-8",
            include_bytes!("hello_room.html"),
        )
        .page(
            "/hello_room.js",
            "text/javascript",
            include_bytes!("hello_room.js"),
        )
        .run()
}

/// Clicks by seat.
#[derive(Default)]
struct Clicks {
    counts: BTreeMap<u16, u32>,
}

impl Game for Clicks {
    fn init(_: Setup<'_>) -> Result<(Self, Settings), InitError> {
        let settings = Settings {
            tick_rate_hz: 20,
            empty_ms: 0,
            ..Settings::default()
        };
        Ok((Self::default(), settings))
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
        for (seat, count) in &self.counts {
            out.extend_from_slice(&seat.to_le_bytes());
            out.extend_from_slice(&count.to_le_bytes());
        }
    }

    fn restore(_: u32, bytes: &[u8]) -> Result<Self, RestoreError> {
        let rows = bytes.chunks_exact(6).map(|row| {
            let count = u32::from_le_bytes([row[2], row[3], row[4], row[5]]);
            (u16::from_le_bytes([row[0], row[1]]), count)
        });
        Ok(Self {
            counts: rows.collect(),
        })
    }
}

impl Clicks {
    fn show(&self, room: &mut Room<'_>) {
        let rows: Vec<String> = self
            .counts
            .iter()
            .map(|(seat, n)| format!("\"{seat}\":{n}"))
            .collect();
        room.send(To::All, 1, format!("{{{}}}", rows.join(",")));
    }
}
