//! Rooms that ask for players.

use std::collections::BTreeMap;
use std::time::Duration;

use tagus_base::{Millis, RoomId};
use tagus_players::Presence;
use tagus_players::matchmaker::{Entry, NewBackfill};
use tagus_room::Person;

use super::state::refused;
use super::{LiveMatchmaker, MatchmakerWish};
use crate::api::ApiError;
use crate::config::MatchmakerSettings;
use crate::gateway::unix_now;
use crate::seeks::Sought;

impl LiveMatchmaker {
    /// Looks for players for a room, in place of what was looked for before.
    pub(crate) fn backfill(
        &self,
        settings: &MatchmakerSettings,
        room: RoomId,
        (wanted, asked): (u32, MatchmakerWish),
        present: Vec<Entry>,
        hold: Millis,
    ) -> Result<(), ApiError> {
        // Who looks for a room finds it by its properties, not by what is known of its players.
        let (wish, _) = asked.read(settings)?;
        let new = NewBackfill {
            room,
            present,
            wanted,
            wish,
        };
        let mut state = self.state();
        let taken = state.matchmaker.handle_backfill(unix_now(), new);
        taken.map_err(refused)?;
        state.holds.insert(room, hold);
        drop(state);
        self.wake();
        Ok(())
    }

    /// Looks for nobody any more. Whether it did.
    pub(crate) fn end_backfill(&self, room: &RoomId) -> bool {
        let mut state = self.state();
        state.holds.remove(room);
        state.matchmaker.remove_backfill(room)
    }

    /// Takes in what rooms ask for.
    pub(super) fn seek(&self, settings: &MatchmakerSettings, sought: BTreeMap<RoomId, Sought>) {
        for (room, Sought { seek, present }) in sought {
            let Some(seek) = seek else {
                self.end_backfill(&room);
                continue;
            };
            let wanted = u32::from(seek.players);
            let asked = MatchmakerWish {
                min_count: 1,
                max_count: wanted,
                count_multiple: None,
                query: seek.query,
                string_properties: seek.string_properties,
                numeric_properties: seek.numeric_properties,
            };
            let present = present.iter().map(entry_of_person).collect();
            let hold = Millis(seek.hold_ms);
            if let Err(error) = self.backfill(settings, room, (wanted, asked), present, hold) {
                self.end_backfill(&room);
                tracing::warn!(%error, %room, "a room looks for players in vain");
            }
        }
    }

    /// How long seats of a room are kept for those who are found; none: it looks for nobody any more.
    pub(super) fn hold_of(&self, room: &RoomId) -> Option<Duration> {
        let hold = self.state().holds.get(room).copied();
        hold.map(|hold| Duration::from_millis(hold.0.into()))
    }
}

fn entry_of_person(person: &Person) -> Entry {
    Entry {
        session_id: person.session_id,
        user_id: person.user_id,
        username: (&*person.username).into(),
    }
}

pub(crate) fn entry_of_presence(presence: &Presence) -> Entry {
    Entry {
        session_id: presence.session_id,
        user_id: presence.user_id,
        username: (&*presence.username).into(),
    }
}
