//! The arena as a game of a room: seats are players, messages are commands.

use tagus_base::{Rng, SeatIndex};
use tagus_replication::Schema;
use tagus_room::{
    Encoder, Game, InitError, Input, LeaveReason, Message, RestoreError, Room, Settings, Setup, To,
};

use crate::command::Command;
use crate::config::Config;
use crate::messages::{
    op, point_of, put_board, put_died, put_minimap, put_players_change, put_players_whole,
    put_world,
};
use crate::players::{Player, PlayerKey, PlayerName};
use crate::rules::TICK_RATE_HZ;
use crate::sight::{Sight, schema};
use crate::world::World;

/// The Agar-class game. Its parameters are a [`Config`] as JSON; its messages are in `games/arena/PROTOCOL.md`.
///
/// A signal, whatever its bytes, is answered with a JSON object of counts:
/// `people`, `bots`, `alive`, `cells` and `messages_ignored`.
#[derive(Debug)]
pub struct Arena {
    world: World,
    schema: Schema,
    /// Whose name, colour or presence changed and was not told yet.
    looks: Vec<PlayerKey>,
    /// Messages that were no command.
    ignored_count: u64,
}

impl Arena {
    /// The world, to look at.
    #[must_use]
    pub const fn world(&self) -> &World {
        &self.world
    }

    fn handle_message(&mut self, room: &Room<'_>, message: &Message) {
        let key = key_of(message.seat);
        match Command::decode(message.op, &message.data) {
            Ok(Command::Steer { x, y }) => self.world.steer(key, point_of(x, y, self.world.size)),
            Ok(Command::Split) => self.world.split(key),
            Ok(Command::Eject) => self.world.eject(key),
            Ok(Command::Spawn { hue, name }) => {
                let name = PlayerName::parse(name).unwrap_or_else(|| name_on(room, message.seat));
                let looks = |player: &Player| (player.hue, player.name.clone());
                let before = self.world.player(key).map(looks);
                self.world.spawn(key, hue, name);
                if self.world.player(key).map(looks) != before {
                    self.note_looks(key);
                }
            }
            Ok(Command::Spectate) => self.world.spectate(key),
            Err(_) => self.ignored_count += 1,
        }
    }

    /// What somebody needs who knows nothing.
    fn greet(&self, room: &mut Room<'_>, seat: SeatIndex) {
        let mut world = Vec::new();
        put_world(&mut world, &self.world, &self.schema, key_of(seat));
        room.send(To::One(seat), op::WORLD, world);
        let mut players = Vec::new();
        put_players_whole(&mut players, &self.world);
        room.send(To::One(seat), op::PLAYERS, players);
    }

    fn note_looks(&mut self, key: PlayerKey) {
        if !self.looks.contains(&key) {
            self.looks.push(key);
        }
    }

    /// Tells everybody whose looks changed: a few times a second, in one message for all.
    fn tell_players(&mut self, room: &mut Room<'_>) {
        for index in 0..self.world.came().len() {
            self.note_looks(self.world.came()[index]);
        }
        for index in 0..self.world.gone().len() {
            self.note_looks(self.world.gone()[index]);
        }
        let is_due = self.world.tick().is_multiple_of(PLAYERS_EVERY_TICKS);
        if !is_due || self.looks.is_empty() {
            return;
        }
        let mut players = Vec::new();
        put_players_change(&mut players, &self.world, &self.looks);
        self.looks.clear();
        room.send(To::All, op::PLAYERS, players);
    }

    fn tell_deaths(&self, room: &mut Room<'_>) {
        for death in self.world.deaths() {
            if u32::from(death.key.0) < self.world.config.player_limit {
                let mut died = Vec::new();
                put_died(&mut died, death);
                room.send(To::One(SeatIndex(death.key.0)), op::DIED, died);
            }
        }
    }

    fn tell_boards(&self, room: &mut Room<'_>) {
        let mut board = Vec::new();
        put_board(&mut board, &self.world);
        room.send(To::All, op::BOARD, board);
        let mut minimap = Vec::new();
        put_minimap(&mut minimap, &self.world);
        room.send(To::All, op::MINIMAP, minimap);
    }
}

impl Game for Arena {
    const SNAPSHOT_VERSION: u32 = 2;

    fn init(setup: Setup<'_>) -> Result<(Self, Settings), InitError> {
        let config = Config::parse(setup.params).map_err(|err| InitError::new(err.to_string()))?;
        let settings = Settings {
            tick_rate_hz: TICK_RATE_HZ,
            ahead_ticks: 0,
            seats_max: config.player_limit as u16,
            seat_hold_ms: config.seat_hold_ms,
            empty_ms: config.empty_ms,
            recording_bytes_max: config.recording_bytes_max,
            presences: config.player_limit <= PRESENCES_MAX,
            gather_ms: 0,
            label: config.label(),
        };
        let schema = schema(&config).map_err(|err| InitError::new(err.to_string()))?;
        let world = World::new(config, Rng::new(setup.rng.next_u64()));
        Ok((
            Self {
                world,
                schema,
                looks: Vec::new(),
                ignored_count: 0,
            },
            settings,
        ))
    }

    fn join(&mut self, room: &mut Room<'_>, seat: SeatIndex) {
        let is_new = self.world.join(key_of(seat), name_on(room, seat));
        debug_assert!(
            is_new,
            "the host gives free seats below the limit of the settings"
        );
        self.greet(room, seat);
        self.note_looks(key_of(seat));
    }

    fn leave(&mut self, _room: &mut Room<'_>, seat: SeatIndex, _reason: LeaveReason) {
        self.world.leave(key_of(seat));
        self.note_looks(key_of(seat));
    }

    // A lost connection changes nothing: the cells head for where they were sent, and can be eaten.

    fn connection_back(&mut self, room: &mut Room<'_>, seat: SeatIndex) {
        self.greet(room, seat);
    }

    fn tick(&mut self, room: &mut Room<'_>, inputs: &[Input]) {
        for input in inputs {
            match input {
                Input::Message(message) => self.handle_message(room, message),
                // The arena computes nothing elsewhere, keeps nothing and asks nobody.
                Input::Computed { .. } | Input::Stored { .. } | Input::Called { .. } => {}
            }
        }
        self.world.step();
        self.tell_players(room);
        self.tell_deaths(room);
        if self.world.is_board_due() {
            self.tell_boards(room);
        }
    }

    fn encoder(&self) -> Box<dyn Encoder<Self>> {
        Box::new(Sight::new(self.schema.clone()))
    }

    fn signal(&mut self, _room: &mut Room<'_>, _data: &[u8]) -> Vec<u8> {
        let count = |is_counted: fn(&Player) -> bool| {
            self.world
                .players()
                .filter(|(_, player)| is_counted(player))
                .count()
        };
        let counts = serde_json::json!({
            "people": count(|player| !player.is_bot()),
            "bots": count(Player::is_bot),
            "alive": count(Player::is_alive),
            "cells": self.world.cells().len(),
            "messages_ignored": self.ignored_count,
        });
        counts.to_string().into_bytes()
    }

    fn snapshot(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.ignored_count.to_le_bytes());
        out.extend_from_slice(&(self.looks.len() as u32).to_le_bytes());
        for key in &self.looks {
            out.extend_from_slice(&key.0.to_le_bytes());
        }
        self.world.snapshot(out);
    }

    fn restore(version: u32, bytes: &[u8]) -> Result<Self, RestoreError> {
        if version != Self::SNAPSHOT_VERSION {
            return Err(RestoreError::new(format!(
                "version {version} is not {}",
                Self::SNAPSHOT_VERSION
            )));
        }
        let cut = || RestoreError::new("cut short");
        let (ignored_count, rest) = bytes.split_first_chunk().ok_or_else(cut)?;
        let (looks_count, rest) = rest.split_first_chunk().ok_or_else(cut)?;
        let looks_bytes = (u32::from_le_bytes(*looks_count) as usize).saturating_mul(2);
        let (looks, world) = rest.split_at_checked(looks_bytes).ok_or_else(cut)?;
        let (looks, _) = looks.as_chunks();
        let world = World::restore(world)?;
        Ok(Self {
            schema: schema(world.config()).map_err(|err| RestoreError::new(err.to_string()))?,
            looks: looks
                .iter()
                .map(|key| PlayerKey(u16::from_le_bytes(*key)))
                .collect(),
            world,
            ignored_count: u64::from_le_bytes(*ignored_count),
        })
    }
}

/// The user name of the person on this seat, as a name in the game.
fn name_on(room: &Room<'_>, seat: SeatIndex) -> PlayerName {
    room.seat(seat)
        .and_then(|seat| PlayerName::parse(&seat.person.username))
        .unwrap_or_else(PlayerName::nameless)
}

const fn key_of(seat: SeatIndex) -> PlayerKey {
    PlayerKey(seat.0)
}

/// Ticks between two messages about whose looks changed.
const PLAYERS_EVERY_TICKS: u64 = 5;
/// In a larger room members are not told of each other but by the game.
const PRESENCES_MAX: u32 = 256;
