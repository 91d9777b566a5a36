//! The open world as a game of a room: seats are people, messages say where they walk.

use tagus_base::SeatIndex;
use tagus_replication::Schema;
use tagus_room::{
    Encoder, Game, InitError, Input, LeaveReason, RestoreError, Room, Settings, Setup, To,
};

use crate::config::Config;
use crate::sight::{Sight, schema};
use crate::world::World;

/// Op codes, as in `games/open-world/PROTOCOL.md`.
pub mod op {
    /// From the client: two signed bytes, the direction to walk.
    pub const WALK: i64 = 1;
    /// To the client, at its join: what the world is like.
    pub const WORLD: i64 = 16;
    /// To the client, after each tick: what it sees.
    pub const SNAPSHOT: i64 = 17;
}

/// The game. Its parameters are a [`Config`] as JSON.
#[derive(Debug)]
pub struct OpenWorld {
    config: Config,
    schema: Schema,
    world: World,
}

impl OpenWorld {
    /// The world, to look at.
    #[must_use]
    pub const fn world(&self) -> &World {
        &self.world
    }

    fn greet(&self, room: &mut Room<'_>, seat: SeatIndex) {
        let mut bytes = Vec::new();
        bytes.extend_from_slice(&self.world.size().to_le_bytes());
        bytes.extend_from_slice(&(self.config.view as f32).to_le_bytes());
        bytes.push(room.tick_rate_hz());
        bytes.extend_from_slice(&seat.0.to_le_bytes());
        room.send(To::One(seat), op::WORLD, bytes);
    }
}

impl Game for OpenWorld {
    fn init(setup: Setup<'_>) -> Result<(Self, Settings), InitError> {
        let config =
            Config::parse(setup.params).map_err(|error| InitError::new(error.to_string()))?;
        let settings = Settings {
            tick_rate_hz: config.tick_rate_hz as u8,
            ahead_ticks: 0,
            seats_max: config.seats_max as u16,
            seat_hold_ms: 0,
            empty_ms: 0,
            recording_bytes_max: 0,
            presences: false,
            gather_ms: 0,
            label: serde_json::json!({ "game": "open-world" }).to_string(),
        };
        let game = Self {
            schema: schema(&config).map_err(|error| InitError::new(error.to_string()))?,
            world: World::new(config.size, config.tick_rate_hz),
            config,
        };
        Ok((game, settings))
    }

    fn join(&mut self, room: &mut Room<'_>, seat: SeatIndex) {
        self.world.enter(seat, room.rng());
        self.greet(room, seat);
    }

    fn leave(&mut self, _room: &mut Room<'_>, seat: SeatIndex, _reason: LeaveReason) {
        self.world.leave(seat);
    }

    fn tick(&mut self, _room: &mut Room<'_>, inputs: &[Input]) {
        for input in inputs {
            if let Input::Message(message) = input
                && message.op == op::WALK
                && let [x, y] = *message.data
            {
                self.world.head(message.seat, x as i8, y as i8);
            }
        }
        self.world.step();
    }

    fn encoder(&self) -> Box<dyn Encoder<Self>> {
        Box::new(Sight::new(self.schema.clone(), &self.config))
    }

    fn snapshot(&self, out: &mut Vec<u8>) {
        let config = serde_json::to_vec(&self.config).unwrap_or_default();
        out.extend_from_slice(&(config.len() as u32).to_le_bytes());
        out.extend_from_slice(&config);
        self.world.write(out);
    }

    fn restore(version: u32, bytes: &[u8]) -> Result<Self, RestoreError> {
        let impossible = || RestoreError::new("the snapshot is of another version or damaged");
        if version != Self::SNAPSHOT_VERSION {
            return Err(impossible());
        }
        let (length, rest) = bytes.split_first_chunk().ok_or_else(impossible)?;
        let length = u32::from_le_bytes(*length) as usize;
        let (config, world) = rest.split_at_checked(length).ok_or_else(impossible)?;
        let config = Config::parse(config).map_err(|error| RestoreError::new(error.to_string()))?;
        Ok(Self {
            schema: schema(&config).map_err(|error| RestoreError::new(error.to_string()))?,
            config,
            world: World::read(world).ok_or_else(impossible)?,
        })
    }
}
