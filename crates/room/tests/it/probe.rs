//! A game that tells everybody what happens to it, and does what its players' messages say.

use std::time::Duration;

use bytes::Bytes;
use tagus_base::{SeatIndex, SessionId, UserId, Uuid};
use tagus_room::{
    Effect, Factory, Game, Host, InitError, Input, Joined, LeaveReason, Metadata, Opening, Person,
    Refusal, ReserveError, RestoreError, Room, Seek, Settings, Setup, StoreOp, To,
};

pub(crate) const SAY: i64 = 1;
pub(crate) const KICK: i64 = 2;
pub(crate) const CLOSE: i64 = 3;
pub(crate) const COMPUTE: i64 = 4;
pub(crate) const PANIC: i64 = 5;
pub(crate) const LABEL: i64 = 6;
pub(crate) const DEFER: i64 = 7;
pub(crate) const KICK_ALL_ON_LEAVE: i64 = 8;
pub(crate) const STORE: i64 = 9;
pub(crate) const SEEK: i64 = 10;
pub(crate) const SEEK_END: i64 = 11;
pub(crate) const CALL: i64 = 12;

/// State that every input changes.
#[derive(Default)]
pub(crate) struct Probe {
    sum: u64,
    ballast: usize,
    kick_all_on_leave: bool,
}

impl Game for Probe {
    fn init(setup: Setup<'_>) -> Result<(Self, Settings), InitError> {
        let mut settings = Settings::default();
        let mut game = Self {
            sum: setup.rng.next_u64(),
            ..Self::default()
        };
        for word in str::from_utf8(setup.params).unwrap().split_whitespace() {
            let (key, value) = word
                .split_once('=')
                .ok_or_else(|| InitError::new("no = in a parameter"))?;
            match key {
                "ahead" => settings.ahead_ticks = value.parse().unwrap(),
                "rate" => settings.tick_rate_hz = value.parse().unwrap(),
                "seats" => settings.seats_max = value.parse().unwrap(),
                "hold" => settings.seat_hold_ms = value.parse().unwrap(),
                "empty" => settings.empty_ms = value.parse().unwrap(),
                "record" => settings.recording_bytes_max = value.parse().unwrap(),
                "label" => settings.label = "x".repeat(value.parse().unwrap()),
                "ballast" => game.ballast = value.parse().unwrap(),
                _ => return Err(InitError::new("unknown parameter")),
            }
        }
        Ok((game, settings))
    }

    fn join_attempt(
        &mut self,
        _: &mut Room<'_>,
        person: &Person,
        _: &Metadata,
    ) -> Result<(), Refusal> {
        if &*person.username == "p13" {
            Err(Refusal::new("unlucky"))
        } else {
            Ok(())
        }
    }

    fn join(&mut self, room: &mut Room<'_>, seat: SeatIndex) {
        room.send(To::All, 0, format!("join {}", seat.0));
    }

    fn leave(&mut self, room: &mut Room<'_>, seat: SeatIndex, reason: LeaveReason) {
        assert!(room.seat(seat).is_some(), "known during the call");
        room.send(To::AllBut(seat), 0, format!("leave {} {reason:?}", seat.0));
        if self.kick_all_on_leave {
            let all: Vec<SeatIndex> = room.seats().map(|(seat, _)| seat).collect();
            all.into_iter()
                .for_each(|seat| room.kick(seat, "all must go"));
        }
    }

    fn connection_lost(&mut self, room: &mut Room<'_>, seat: SeatIndex) {
        room.send(To::All, 0, format!("lost {}", seat.0));
    }

    fn connection_back(&mut self, room: &mut Room<'_>, seat: SeatIndex) {
        room.send(To::All, 0, format!("back {}", seat.0));
    }

    fn tick(&mut self, room: &mut Room<'_>, inputs: &[Input]) {
        self.sum = self
            .sum
            .wrapping_mul(31)
            .wrapping_add(room.rng().next_u64() ^ room.elapsed_ms());
        for input in inputs {
            match input {
                Input::Message(message) => {
                    let text = String::from_utf8_lossy(&message.data).into_owned();
                    self.sum = self
                        .sum
                        .wrapping_mul(31)
                        .wrapping_add(u64::from(message.seat.0) + text.len() as u64);
                    self.obey(room, message.seat, message.op, text);
                }
                Input::Computed { token, data } => {
                    self.sum ^= token + data.len() as u64;
                    room.send(To::All, 0, format!("computed {token} {data:?}"));
                }
                Input::Stored { token, result } => {
                    let text = format!("stored {token} {result:?}");
                    self.sum ^= token + text.len() as u64;
                    room.send(To::All, 0, text);
                }
                Input::Called { token, result } => {
                    let text = format!("called {token} {result:?}");
                    self.sum ^= token + text.len() as u64;
                    room.send(To::All, 0, text);
                }
            }
        }
    }

    fn view(&self, viewer: SeatIndex, out: &mut Vec<u8>) -> Option<i64> {
        out.push(u8::try_from(viewer.0).unwrap());
        Some(99)
    }

    fn signal(&mut self, room: &mut Room<'_>, data: &[u8]) -> Vec<u8> {
        self.sum ^= data.len() as u64;
        if data == b"compute" {
            room.compute(7, || vec![7]).unwrap();
        }
        [b"you said ", data].concat()
    }

    fn terminate(&mut self, room: &mut Room<'_>, grace_ms: u32) {
        room.send(To::All, 0, format!("ends in {grace_ms}"));
    }

    fn snapshot(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.sum.to_le_bytes());
        out.push(u8::from(self.kick_all_on_leave));
        out.resize(out.len() + self.ballast, 0);
    }

    fn restore(version: u32, bytes: &[u8]) -> Result<Self, RestoreError> {
        let (Some((sum, rest)), 1) = (bytes.split_at_checked(8), version) else {
            return Err(RestoreError::new("cut short"));
        };
        let (kick, ballast) = rest
            .split_first()
            .ok_or_else(|| RestoreError::new("cut short"))?;
        Ok(Self {
            sum: u64::from_le_bytes(sum.try_into().unwrap()),
            ballast: ballast.len(),
            kick_all_on_leave: *kick != 0,
        })
    }
}

impl Probe {
    fn obey(&mut self, room: &mut Room<'_>, seat: SeatIndex, op: i64, text: String) {
        match op {
            SAY => room.send_as(seat, To::All, SAY, format!("t{} {text}", room.tick().0)),
            KICK => room.kick(SeatIndex(text.parse().unwrap()), "go away"),
            CLOSE => room.close(),
            COMPUTE => {
                for token in 0..text.parse().unwrap() {
                    if room.compute(token, move || vec![1]).is_err() {
                        room.send(To::One(seat), 0, "too many jobs");
                    }
                }
            }
            STORE => {
                for token in 0..text.parse().unwrap() {
                    if let Err(refused) = room.store(token, StoreOp::List) {
                        room.send(To::One(seat), 0, refused.to_string());
                    }
                }
            }
            CALL => {
                for token in 0..text.parse().unwrap() {
                    if let Err(refused) = room.call(token, "code", "asked") {
                        room.send(To::One(seat), 0, refused.to_string());
                    }
                }
            }
            PANIC => panic!("the test wants it"),
            SEEK => {
                if let Err(refused) = room.seek(seek(text.parse().unwrap())) {
                    room.send(To::One(seat), 0, refused.to_string());
                }
            }
            LABEL if room.set_label(text).is_err() => room.send(To::One(seat), 0, "label too long"),
            DEFER => {
                room.send_deferred(To::All, 0, "last");
                room.kick(SeatIndex(1), "between");
                room.send(To::All, 0, "first");
            }
            SEEK_END => room.seek_end(),
            KICK_ALL_ON_LEAVE => self.kick_all_on_leave = true,
            _ => {}
        }
    }
}

/// A host of a probe, with what it did as lines.
pub(crate) struct Stage {
    pub(crate) host: Host,
    pub(crate) now: Duration,
    pub(crate) effects: Vec<Effect>,
}

impl Stage {
    pub(crate) fn open(params: &str) -> Self {
        let params = Bytes::copy_from_slice(params.as_bytes());
        let opening = Opening {
            seed: 5,
            params,
            now: Duration::from_secs(10),
        };
        let host = Host::open(&factory(), opening).unwrap();
        Self {
            host,
            now: Duration::from_secs(10),
            effects: Vec::new(),
        }
    }

    /// The account `user` by its connection `session`.
    pub(crate) fn join(&mut self, user: u8, session: u8) -> Result<Joined, Refusal> {
        self.host.join(
            self.now,
            person(user, session),
            Metadata::new(),
            &mut self.effects,
        )
    }

    pub(crate) fn lose(&mut self, seat: u16) {
        self.host
            .connection_lost(self.now, SeatIndex(seat), &mut self.effects);
    }

    pub(crate) fn leave(&mut self, seat: u16) {
        self.host.leave(
            self.now,
            SeatIndex(seat),
            LeaveReason::Left,
            &mut self.effects,
        );
    }

    pub(crate) fn reserve(&mut self, users: &[u8], hold_ms: u64) -> Result<(), ReserveError> {
        let users: Vec<UserId> = users.iter().copied().map(user).collect();
        let hold = Duration::from_millis(hold_ms);
        self.host.reserve(self.now, &users, hold, &mut self.effects)
    }

    pub(crate) fn unreserve(&mut self, users: &[u8]) {
        let users: Vec<UserId> = users.iter().copied().map(user).collect();
        self.host.unreserve(self.now, &users, &mut self.effects);
    }

    pub(crate) fn say(&mut self, seat: u16, op: i64, text: &str) -> bool {
        self.host
            .message(SeatIndex(seat), op, Bytes::copy_from_slice(text.as_bytes()))
            .is_ok()
    }

    /// Lets time pass and asks for what is due at its end.
    pub(crate) fn pass_ms(&mut self, span_ms: u64) {
        self.now += Duration::from_millis(span_ms);
        self.host.tick(self.now, &mut self.effects);
    }

    /// Lets time pass, ticking whenever the host asks for it.
    pub(crate) fn live_ms(&mut self, span_ms: u64) {
        let end = self.now + Duration::from_millis(span_ms);
        while let Some(due) = self.host.next_due().filter(|due| *due <= end) {
            self.now = self.now.max(due);
            self.host.tick(self.now, &mut self.effects);
        }
        self.now = end;
    }

    /// What was done since the last call.
    pub(crate) fn lines(&mut self) -> Vec<String> {
        self.effects.drain(..).map(|effect| line(&effect)).collect()
    }

    pub(crate) fn ticks(&self) -> u64 {
        self.host.tick_number().0
    }
}

pub(crate) fn factory() -> Factory {
    Factory::of::<Probe>()
}

pub(crate) fn user(number: u8) -> UserId {
    UserId(Uuid([number; 16]))
}

pub(crate) fn seek(players: u16) -> Seek {
    Seek {
        players,
        query: "+mode:duel".to_owned(),
        string_properties: [("mode".to_owned(), "duel".to_owned())].into(),
        numeric_properties: [("rank".to_owned(), -0.5)].into(),
        hold_ms: 10_000,
    }
}

pub(crate) fn person(user: u8, session: u8) -> Person {
    Person {
        user_id: self::user(user),
        session_id: SessionId(Uuid([session; 16])),
        username: format!("p{user}").into(),
    }
}

fn line(effect: &Effect) -> String {
    match effect {
        Effect::Send { to, data, .. } => {
            let to = match to {
                To::All => "all".to_owned(),
                To::AllBut(seat) => format!("but{}", seat.0),
                To::One(seat) => format!("one{}", seat.0),
                To::Seats(seats) => format!("{seats:?}"),
            };
            format!("{to}: {}", String::from_utf8_lossy(data))
        }
        Effect::Freed {
            seat, reason, told, ..
        } => format!("freed {} {reason:?} {told}", seat.0)
            .trim_end()
            .to_owned(),
        Effect::Label(label) => format!("label of {}", label.len()),
        Effect::Compute { token, .. } => format!("compute {token}"),
        Effect::Store { token, op } => format!("store {token} {op:?}"),
        Effect::Call { token, name, data } => format!("call {token} {name} {data:?}"),
        Effect::Reserved(count) => format!("reserved {count}"),
        Effect::Seek(seek) => format!("seek {:?}", seek.as_ref().map(|seek| seek.players)),
        Effect::Closed => "closed".to_owned(),
    }
}
