//! A game for matches, and a handle on the server that plays it.

use std::path::Path;
use std::sync::mpsc;

use tagus::base::{RoomId, SeatIndex, SessionId};
use tagus::room::{Game, InitError, Input, LeaveReason, RestoreError, Room, Seek, Settings, Setup};
use tagus::wire::realtime::envelope::Message;
use tagus::wire::realtime::matchmaker_matched::Id;
use tagus::wire::realtime::{MatchmakerAdd, MatchmakerMatched};
use tagus::{Config, Mode, Tagus};

use super::{Player, of, strings};
use crate::server::{PATIENCE, Server};

/// A table with as many seats as its parameters say. With `+` and a number behind it looks for so many once somebody is
/// there.
pub(super) struct Table {
    wanted: u16,
}

impl Game for Table {
    fn init(setup: Setup<'_>) -> Result<(Self, Settings), InitError> {
        let text = std::str::from_utf8(setup.params).unwrap_or_default();
        let (seats, wanted) = text.split_once('+').unwrap_or((text, "0"));
        let number = |text: &str| text.parse().map_err(|_| InitError::new("no number"));
        let settings = Settings {
            seats_max: number(seats)?,
            empty_ms: 0,
            ..Settings::default()
        };
        let wanted = number(wanted)?;
        Ok((Self { wanted }, settings))
    }

    fn join(&mut self, room: &mut Room<'_>, _: SeatIndex) {
        let players = std::mem::take(&mut self.wanted);
        if players > 0 {
            let seek = Seek {
                players,
                query: "+properties.mode:seat".to_owned(),
                string_properties: strings(&[("kind", "table")]),
                numeric_properties: Default::default(),
                hold_ms: 10_000,
            };
            room.seek(seek).unwrap();
        }
    }

    fn leave(&mut self, room: &mut Room<'_>, _: SeatIndex, _: LeaveReason) {
        // Who gets up ends the game.
        room.close();
    }

    fn tick(&mut self, _: &mut Room<'_>, _: &[Input]) {}

    fn snapshot(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.wanted.to_le_bytes());
    }

    fn restore(_: u32, bytes: &[u8]) -> Result<Self, RestoreError> {
        let bytes = bytes.try_into();
        let bytes = bytes.map_err(|_| RestoreError::new("not two bytes"))?;
        let wanted = u16::from_le_bytes(bytes);
        Ok(Self { wanted })
    }
}

/// A server with the game `table`, and what its code can do.
pub(super) struct House {
    pub(super) server: Server,
    pub(super) tagus: Tagus,
    runtime: tokio::runtime::Runtime,
}

impl House {
    pub(super) fn open(
        data: &Path,
        configure: impl FnOnce(&mut Config),
        build: impl FnOnce(tagus::Server) -> tagus::Server,
    ) -> Self {
        let (sender, handle) = mpsc::channel();
        let settings = |config: &mut Config| {
            config.matchmaker.gather_ms = 60_000;
            configure(config);
        };
        let server = Server::own_with(data, settings, |server| {
            build(server)
                .game::<Table>("table")
                .on_start(move |tagus: Tagus| {
                    let sender = sender.clone();
                    async move {
                        sender.send(tagus).unwrap();
                        Ok(())
                    }
                })
        });
        Self {
            server,
            tagus: handle.recv_timeout(PATIENCE).unwrap(),
            runtime: tokio::runtime::Builder::new_current_thread()
                .build()
                .unwrap(),
        }
    }

    pub(super) fn wait<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    /// Opens a room of the game.
    pub(super) fn room(&self, params: &str) -> RoomId {
        let params = params.to_owned();
        self.wait(self.tagus.room_create("table", params)).unwrap()
    }

    /// Waits until the metrics have this line.
    pub(super) fn measures(&self, line: &str) {
        let has = || {
            let metrics = self.server.admin("/metrics");
            metrics.body.lines().any(|found| found == line)
        };
        while !has() {
            std::thread::yield_now();
        }
    }

    /// Waits until so many tickets wait.
    pub(super) fn waits(&self, tickets: usize) {
        while self.tagus.matchmaker_tickets().len() != tickets {
            std::thread::yield_now();
        }
    }

    /// A player's connection, which has no ticket.
    pub(super) fn session(&self, player: &mut Player) -> SessionId {
        let add = MatchmakerAdd {
            query: "+properties.nobody:T".to_owned(),
            ..of(2, 2)
        };
        let id = player.add(add).unwrap();
        let tickets = self.tagus.matchmaker_tickets();
        let own = tickets.iter().find(|ticket| ticket.id.to_string() == id);
        let session_id = own.unwrap().users[0].session_id;
        player.remove(&id).unwrap();
        session_id
    }
}

/// A mode in which a table is opened for each match.
pub(super) fn table(name: &str, params: &str) -> Mode {
    Mode {
        name: name.to_owned(),
        game: "table".to_owned(),
        params: params.to_owned(),
        ..Mode::default()
    }
}

/// A ticket for whoever plays this mode.
pub(super) fn in_mode(mode: &str, min_count: i32, max_count: i32) -> MatchmakerAdd {
    MatchmakerAdd {
        query: format!("+properties.mode:{mode}"),
        string_properties: strings(&[("mode", mode)]),
        ..of(min_count, max_count)
    }
}

/// The room that a match is in.
pub(super) fn room_of(matched: &MatchmakerMatched) -> String {
    match &matched.id {
        Some(Id::MatchId(id)) => id.clone(),
        other => panic!("{other:?}"),
    }
}

impl Player {
    /// Joins a room by its id; what is wrong if it does not work.
    pub(super) fn sits_down(&mut self, room: &str) -> Result<i32, String> {
        self.client.join(room);
        self.client.until(|message| match message {
            Message::Match(joined) => Some(Ok(joined.size)),
            Message::Error(error) => Some(Err(error.message)),
            _ => None,
        })
    }
}
