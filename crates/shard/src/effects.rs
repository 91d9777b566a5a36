//! Running rooms that are due, and doing what their games want done.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tagus_base::RoomId;
use tagus_room::{Effect, LeaveReason, Person};

use crate::cell::{Cell, GameData, Rules};
use crate::room_table::{Outgoing, RoomTable};
use crate::upstream::Call;

impl RoomTable {
    /// Runs every room that is due.
    pub(crate) fn run_due(&mut self, now: Duration, out: &mut Outgoing) {
        self.now = now;
        while let Some((at, id)) = self.due.first().copied() {
            if at > now {
                return;
            }
            let started = Instant::now();
            let before = self.tick_number(id);
            let beat = self.rooms.get(&id).and_then(Cell::next_beat);
            self.with_host(id, out, |host, effects| host.tick(now, effects));
            let ticks = self.tick_number(id).saturating_sub(before);
            if let Ok(ticks @ 1..) = u32::try_from(ticks) {
                self.metrics.ticks.inc_by(ticks.into());
                let late = now.saturating_sub(beat.unwrap_or(now));
                self.metrics.tick_late_seconds.observe(late.as_secs_f64());
                self.begin_views(id, ticks, started.elapsed());
            }
            // A room that is due at the same instant again waits for the next turn.
            if self.due.first().is_some_and(|first| *first == (at, id)) {
                return;
            }
        }
    }

    /// Number of the room's last tick; 0 when it is gone.
    fn tick_number(&self, id: RoomId) -> u64 {
        let cell = self.rooms.get(&id);
        cell.and_then(Cell::tick_number).unwrap_or_default()
    }

    /// Counts a tick that took too long, and says so once in a while.
    pub(crate) fn watch_overrun(&mut self, id: RoomId, took: Duration) {
        let Some(cell) = self.rooms.get_mut(&id) else {
            return;
        };
        let Rules::Hosted(host) = &cell.rules else {
            return;
        };
        let period = Duration::from_secs(1) / u32::from(host.settings().tick_rate_hz);
        let most = self.limits.tick_max.unwrap_or(period);
        if took <= most {
            return;
        }
        self.metrics.tick_overruns.inc();
        let recent = |told: Duration| self.now.saturating_sub(told) < OVERRUN_TOLD_EVERY;
        if cell.overrun_told.is_some_and(recent) {
            return;
        }
        cell.overrun_told = Some(self.now);
        tracing::warn!(
            room = %id,
            game = %cell.game,
            tick_ms = took.as_secs_f64() * 1e3,
            tick_ms_max = most.as_secs_f64() * 1e3,
            "a tick took too long"
        );
    }

    pub(crate) fn apply_effects(&mut self, id: RoomId, out: &mut Outgoing) {
        let mut effects = std::mem::take(&mut self.effects);
        for effect in effects.drain(..) {
            let Some(cell) = self.rooms.get_mut(&id) else {
                break;
            };
            match effect {
                Effect::Send {
                    to,
                    class,
                    op,
                    sender,
                    data: bytes,
                } => {
                    let data = GameData {
                        op,
                        class,
                        sender,
                        bytes,
                    };
                    cell.send(&to, data, out);
                }
                Effect::Freed {
                    seat,
                    person,
                    reason,
                    ..
                } => {
                    if let Some(member) = cell.take_member(seat) {
                        if let Some(conn) = member.conn
                            && reason != LeaveReason::Left
                        {
                            cell.tell_gone(conn, &member, reason, out);
                        }
                        cell.announce_gone(&member, out);
                    }
                    self.upstream.seat_freed(id, &person);
                    self.upstream.room_changed(cell.summary());
                }
                Effect::Label(label) => {
                    cell.label = Some(Arc::from(label));
                    self.upstream.room_changed(cell.summary());
                }
                Effect::Compute { token, job } => self.upstream.compute(id, token, job),
                Effect::Store { token, op } => self.upstream.store(id, &cell.name, token, op),
                Effect::Call { token, name, data } => {
                    let call = Call {
                        room_name: cell.name.clone(),
                        game: cell.game.clone(),
                        token,
                        function: name,
                        data,
                    };
                    self.upstream.call(id, call);
                }
                Effect::Reserved(_) => self.upstream.room_changed(cell.summary()),
                Effect::Seek(seek) => {
                    cell.seeks = seek.is_some();
                    let members = cell.members.iter().flatten();
                    let present: Vec<Person> = members.map(|one| one.person.clone()).collect();
                    self.upstream.seek(id, seek, &present);
                }
                Effect::Closed => self.close(id, out),
            }
        }
        self.effects = effects;
    }
}

/// How often the log says that one room's ticks take too long.
const OVERRUN_TOLD_EVERY: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use tagus_base::SeatIndex;
    use tagus_room::{Game, InitError, Input, RestoreError, Room, Seek, Settings, Setup};

    use super::*;
    use crate::inbox::{NotReserved, RoomCommand};
    use crate::room_table::RoomLimits;
    use crate::testing::{ROOM, Rooms, user};

    /// Looks for two people with whoever comes; a signal says how it goes on.
    struct Seeking;

    impl Game for Seeking {
        fn init(_: Setup<'_>) -> Result<(Self, Settings), InitError> {
            let settings = Settings {
                seats_max: 4,
                ..Settings::default()
            };
            Ok((Self, settings))
        }
        fn join(&mut self, room: &mut Room<'_>, _: SeatIndex) {
            let seek = Seek {
                players: 2,
                query: String::new(),
                string_properties: [].into(),
                numeric_properties: [].into(),
                hold_ms: 1,
            };
            room.seek(seek).unwrap();
        }
        fn leave(&mut self, _: &mut Room<'_>, _: SeatIndex, _: LeaveReason) {}
        fn tick(&mut self, _: &mut Room<'_>, _: &[Input]) {}
        fn signal(&mut self, room: &mut Room<'_>, data: &[u8]) -> Vec<u8> {
            match data {
                b"end" => room.seek_end(),
                b"close" => room.close(),
                _ => panic!("the test wants it"),
            }
            Vec::new()
        }
        fn snapshot(&self, _: &mut Vec<u8>) {}
        fn restore(_: u32, _: &[u8]) -> Result<Self, RestoreError> {
            Ok(Self)
        }
    }

    /// Has one tick a second, and two in advance.
    struct Hasty;

    impl Game for Hasty {
        fn init(_: Setup<'_>) -> Result<(Self, Settings), InitError> {
            let settings = Settings {
                tick_rate_hz: 1,
                ahead_ticks: 2,
                ..Settings::default()
            };
            Ok((Self, settings))
        }
        fn join(&mut self, _: &mut Room<'_>, _: SeatIndex) {}
        fn leave(&mut self, _: &mut Room<'_>, _: SeatIndex, _: LeaveReason) {}
        fn tick(&mut self, _: &mut Room<'_>, _: &[Input]) {}
        fn snapshot(&self, _: &mut Vec<u8>) {}
        fn restore(_: u32, _: &[u8]) -> Result<Self, RestoreError> {
            Ok(Self)
        }
    }

    #[test]
    fn a_room_that_acts_ahead_runs_in_the_turn_of_its_input() {
        let mut rooms = Rooms::open::<Hasty>(RoomLimits::default());
        rooms.join(0);
        let second = Duration::from_secs(1);
        assert_eq!(rooms.table.next_due(), Some(second));
        for ticks in 1..=2 {
            rooms.say(0, 0);
            rooms.say(0, 0);
            assert_eq!(rooms.table.next_due(), Some(Duration::ZERO));
            rooms.table.run_due(Duration::ZERO, &mut rooms.out);
            assert_eq!(rooms.table.tick_number(ROOM), ticks);
        }
        // It may be no further ahead: the third one has to wait until the first was due.
        rooms.say(0, 0);
        assert_eq!(rooms.table.next_due(), Some(second));
        rooms.table.run_due(second / 2, &mut rooms.out);
        assert_eq!(rooms.table.tick_number(ROOM), 2);
        rooms.table.run_due(second, &mut rooms.out);
        assert_eq!(rooms.table.tick_number(ROOM), 3);
        assert_eq!(rooms.table.next_due(), Some(second * 4));
    }

    #[test]
    fn listings_count_what_is_reserved() {
        let mut rooms = Rooms::open::<Seeking>(RoomLimits::default());
        assert_eq!(rooms.reserve(&[1, 2, 3]), Ok(()));
        assert_eq!(rooms.reserve(&[4, 5]), Err(NotReserved::Full));
        rooms.join(1);
        let users = vec![user(2)];
        rooms.command(RoomCommand::Unreserve { users });
        rooms.table.run_due(Duration::from_secs(1), &mut rooms.out);
        let mut notes = rooms.notes();
        notes.retain(|note| !note.starts_with("seeks"));
        notes.dedup();
        assert_eq!(
            notes,
            [
                "0 taken, 0 reserved",
                "0 taken, 3 reserved",
                "1 taken, 2 reserved",
                "1 taken, 1 reserved",
                "1 taken, 0 reserved"
            ]
        );
        rooms.signal(b"close");
        assert_eq!(rooms.reserve(&[1]), Err(NotReserved::NotFound));
    }

    #[test]
    fn a_seek_ends_when_its_game_says_so_or_with_its_room() {
        let seeks = |notes: Vec<String>| -> Vec<String> {
            let seeks = notes.into_iter();
            seeks
                .filter(|note| note.starts_with("seek") || note == "closed")
                .collect()
        };
        for how in ["close", "panic"] {
            let mut rooms = Rooms::open::<Seeking>(RoomLimits::default());
            rooms.join(1);
            rooms.join(2);
            let begun = ["seeks Some(2) beside 1", "seeks Some(2) beside 2"];
            assert_eq!(seeks(rooms.notes()), begun);
            rooms.signal(how.as_bytes());
            assert_eq!(seeks(rooms.notes()), ["seeks None beside 0", "closed"]);
        }
        let mut rooms = Rooms::open::<Seeking>(RoomLimits::default());
        rooms.join(1);
        rooms.notes();
        rooms.signal(b"end");
        assert_eq!(seeks(rooms.notes()), ["seeks None beside 1"]);
        rooms.signal(b"close");
        assert_eq!(seeks(rooms.notes()), ["closed"]);
    }
}
