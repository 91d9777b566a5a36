//! A small game that uses everything a room offers, in orders that hurt.

use std::collections::BTreeMap;

use bytes::Bytes;
use tagus_base::{Rng, SeatIndex};
use tagus_room::{
    Class, Game, InitError, Input, LeaveReason, Metadata, Person, Refusal, RestoreError, Room,
    Seek, Settings, Setup, StoreOp, To,
};

/// Each seat has a purse; the inputs move coins about, and everything depends on the order.
#[derive(Default)]
pub(crate) struct Nasty {
    purses: BTreeMap<u16, u64>,
    pot: u64,
    next_token: u64,
}

impl Game for Nasty {
    const SNAPSHOT_VERSION: u32 = 4;

    fn init(setup: Setup<'_>) -> Result<(Self, Settings), InitError> {
        let rng = setup.rng;
        let settings = Settings {
            tick_rate_hz: [1, 7, 20, 60][rng.below(4) as usize],
            ahead_ticks: u8::try_from(rng.below(3)).unwrap(),
            seats_max: u16::try_from(1 + rng.below(6)).unwrap(),
            seat_hold_ms: [0, 300, 2_000][rng.below(3) as usize],
            empty_ms: [0, 700][rng.below(2) as usize],
            recording_bytes_max: [100_000, 1 << 20][rng.below(2) as usize],
            gather_ms: 0,
            presences: true,
            label: String::from_utf8_lossy(setup.params).into_owned(),
        };
        Ok((
            Self {
                pot: rng.next_u64() >> 32,
                ..Self::default()
            },
            settings,
        ))
    }

    fn join_attempt(
        &mut self,
        room: &mut Room<'_>,
        person: &Person,
        metadata: &Metadata,
    ) -> Result<(), Refusal> {
        self.pot += metadata.len() as u64 + person.username.len() as u64;
        match room.rng().below(8) {
            0 => Err(Refusal::new("not today")),
            1 => {
                let poorest = self
                    .purses
                    .iter()
                    .min_by_key(|(_, coins)| **coins)
                    .map(|(seat, _)| SeatIndex(*seat));
                if let Some(seat) = poorest {
                    room.kick(seat, "room for the rich");
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn join(&mut self, room: &mut Room<'_>, seat: SeatIndex) {
        let gift = u64::from(room.rng().below(10));
        self.purses.insert(seat.0, gift);
        room.send(To::One(seat), 1, gift.to_le_bytes().to_vec());
        room.send_deferred(To::AllBut(seat), 2, vec![1]);
        if gift == 9 {
            room.kick(seat, "too lucky");
        }
    }

    fn leave(&mut self, room: &mut Room<'_>, seat: SeatIndex, reason: LeaveReason) {
        let left = self.purses.remove(&seat.0).expect("every seat has a purse");
        self.pot += left;
        room.send_deferred(To::All, 3, format!("{reason:?}"));
        if left % 7 == 6 && reason != LeaveReason::Closed {
            let first = room
                .seats()
                .map(|(seat, _)| seat)
                .find(|other| *other != seat);
            first
                .into_iter()
                .for_each(|seat| room.kick(seat, "went along"));
        }
    }

    fn connection_lost(&mut self, room: &mut Room<'_>, seat: SeatIndex) {
        room.send_as(seat, To::AllBut(seat), 4, Vec::new());
        self.pot += room.rng().next_u64() & 3;
    }

    fn connection_back(&mut self, room: &mut Room<'_>, seat: SeatIndex) {
        let purse = self.purses[&seat.0];
        room.send(
            To::Seats(vec![seat, SeatIndex(999)]),
            5,
            purse.to_le_bytes().to_vec(),
        );
    }

    fn tick(&mut self, room: &mut Room<'_>, inputs: &[Input]) {
        let drip = u64::from(room.rng().below(5)) + room.elapsed_ms() % 3;
        self.pot = self.pot.wrapping_add(drip);
        for input in inputs {
            match input {
                Input::Message(message) => self.play(room, message.seat, message.op, &message.data),
                Input::Computed { token, data } => {
                    self.pot ^= token.wrapping_add(data.len() as u64)
                }
                Input::Stored { token, result } => {
                    let seen = match result {
                        Ok(values) => values.values().map(|value| value.len() as u64 + 1).sum(),
                        Err(_) => 1_000,
                    };
                    self.pot = self.pot % 1_000_003 * 31 + (token ^ seen);
                }
                Input::Called { token, result } => {
                    let seen = result.as_ref().map_or(1_000, |data| data.len() as u64);
                    self.pot = self.pot % 1_000_003 * 37 + (token ^ seen);
                }
            }
        }
        room.send_class(
            To::All,
            Class::Sequenced,
            6,
            self.pot.to_le_bytes().to_vec(),
        );
    }

    fn view(&self, viewer: SeatIndex, out: &mut Vec<u8>) -> Option<i64> {
        out.extend_from_slice(&self.purses.get(&viewer.0)?.to_le_bytes());
        Some(7)
    }

    fn signal(&mut self, room: &mut Room<'_>, data: &[u8]) -> Vec<u8> {
        if data.len() == 3 {
            self.compute(room);
        }
        self.pot.to_le_bytes()[..data.len()].to_vec()
    }

    fn terminate(&mut self, room: &mut Room<'_>, _: u32) {
        room.close();
    }

    fn snapshot(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.pot.to_le_bytes());
        out.extend_from_slice(&self.next_token.to_le_bytes());
        for (seat, coins) in &self.purses {
            out.extend_from_slice(&u64::from(*seat).to_le_bytes());
            out.extend_from_slice(&coins.to_le_bytes());
        }
    }

    fn restore(version: u32, bytes: &[u8]) -> Result<Self, RestoreError> {
        let mut words = bytes
            .as_chunks::<8>()
            .0
            .iter()
            .map(|word| u64::from_le_bytes(*word));
        let (Some(pot), Some(next_token), Self::SNAPSHOT_VERSION) =
            (words.next(), words.next(), version)
        else {
            return Err(RestoreError::new("cut short"));
        };
        let mut purses = BTreeMap::new();
        while let (Some(seat), Some(coins)) = (words.next(), words.next()) {
            purses.insert(
                u16::try_from(seat).map_err(|_| RestoreError::new("seat"))?,
                coins,
            );
        }
        Ok(Self {
            purses,
            pot,
            next_token,
        })
    }
}

impl Nasty {
    fn play(&mut self, room: &mut Room<'_>, seat: SeatIndex, op: i64, data: &[u8]) {
        let Some(purse) = self.purses.get_mut(&seat.0) else {
            return;
        };
        match op {
            0 => *purse = purse.wrapping_mul(3) + data.len() as u64,
            1 => self.pot -= std::mem::take(purse).min(self.pot),
            2 => room.kick(
                SeatIndex(data.first().map_or(0, |byte| u16::from(byte % 8))),
                "named",
            ),
            3 => drop(room.set_label(format!("pot {}", self.pot))),
            4 => self.compute(room),
            5 if data.first() == Some(&0) => room.close(),
            6 => self.store(room, data),
            7 => self.seek(room, data),
            8 => self.call(room, data),
            _ => room.send_as(seat, To::All, op, Bytes::copy_from_slice(data)),
        }
    }

    fn store(&mut self, room: &mut Room<'_>, data: &[u8]) {
        let key = |byte: u8| (byte % 4).to_string();
        let op = match *data {
            [kind, byte, ..] if kind % 3 == 0 => StoreOp::Get { key: key(byte) },
            [kind, byte, ..] if kind % 3 == 1 => StoreOp::Delete { key: key(byte) },
            [_, byte, ..] => {
                let value =
                    Bytes::copy_from_slice(&self.pot.to_le_bytes()[..usize::from(byte % 9)]);
                StoreOp::Put {
                    key: key(byte / 9),
                    value,
                }
            }
            _ => StoreOp::List,
        };
        let token = self.next_token;
        self.next_token += 1;
        if room.store(token, op).is_err() {
            self.pot += 1;
        }
    }

    fn call(&mut self, room: &mut Room<'_>, data: &[u8]) {
        let token = self.next_token;
        self.next_token += 1;
        let name = &"name"[..data.len() % 5];
        if room
            .call(token, name, Bytes::copy_from_slice(data))
            .is_err()
        {
            self.pot += 1;
        }
    }

    fn seek(&mut self, room: &mut Room<'_>, data: &[u8]) {
        let Some(first) = data.first() else {
            return room.seek_end();
        };
        let seek = Seek {
            players: u16::from(first % 8),
            query: String::new(),
            string_properties: BTreeMap::new(),
            numeric_properties: [("pot".to_owned(), self.pot as f64)].into(),
            hold_ms: 1 + u32::from(room.reserved()),
        };
        if room.seek(seek).is_err() {
            self.pot += 1;
        }
    }

    fn compute(&mut self, room: &mut Room<'_>) {
        let (token, pot) = (self.next_token, self.pot);
        self.next_token += 1;
        if room
            .compute(token, move || {
                pot.to_le_bytes()[..(pot % 8) as usize].to_vec()
            })
            .is_err()
        {
            self.pot += 1;
        }
    }
}

/// A random message for it.
pub(crate) fn script(rng: &mut Rng) -> (i64, Bytes) {
    let op = i64::from(rng.below(10)) - 1;
    let length = rng.below(12) as usize;
    (
        op,
        Bytes::from(
            (0..length)
                .map(|_| rng.next_u64().to_le_bytes()[0])
                .collect::<Vec<u8>>(),
        ),
    )
}
